"""What a run says: printed for people, returned for ``results.json``."""

from __future__ import annotations

from typing import Any

from benchmarks.measuring import Case


def costs(rows: list[Case]) -> list[dict[str, Any]]:
    """Print the table of requests with their ratio to the baseline."""
    cost = {row.name: row.cpu for row in rows}
    found = []
    heads = ("request", "CPU ms", "app", "db", "p50 ms", "p99 ms", "queries", "bytes", "ratio", "limit")
    print("{:26} {:>8} {:>7} {:>6} {:>8} {:>8} {:>8} {:>7} {:>7} {:>6}".format(*heads))
    for row in rows:
        ratio = row.cpu / cost[row.against] if row.against else None
        app = sum(row.app) / len(row.app)
        said = f"{ratio:7.2f} {row.limit:6.1f}  {row.against}{' over' if ratio > row.limit else ''}" if ratio else ""
        print(
            f"{row.name:26} {row.cpu:8.2f} {app:7.2f} {row.cpu - app:6.2f} {row.quantile(0.5):8.1f}"
            f" {row.quantile(0.99):8.1f} {row.statements:8} {row.size:7} {said}".rstrip()
        )
        found.append(
            {
                "request": row.name,
                "cpu_ms": round(row.cpu, 3),
                "app_ms": round(app, 3),
                "database_ms": round(row.cpu - app, 3),
                "p50_ms": round(row.quantile(0.5), 2),
                "p99_ms": round(row.quantile(0.99), 2),
                "statements": row.statements,
                "bytes": row.size,
                "against": row.against,
                "ratio": ratio and round(ratio, 3),
                "limit": row.limit or None,
            }
        )
    return found


def growth(before: list[Case], after: list[Case], orders: int) -> dict[str, Any]:
    """Print what each read costs with many orders against what it cost with few, both as a multiple of the baseline."""
    early = {row.name: row for row in before}
    late = {row.name: row for row in after}
    found = {}
    print(f"the same with {orders} orders more (limit 1.2)")
    for row in after:
        if row.against:
            few = early[row.name].cpu / early[row.against].cpu
            many = row.cpu / late[row.against].cpu
            found[row.name] = round(many / few, 3)
            print(f"{row.name:26} {many / few:8.2f}{' over' if many / few > 1.2 else ''}")
    return {"orders": orders, "limit": 1.2, "growth": found}


def hot(rates: dict[str, float]) -> dict[str, float]:
    """Print how many attempts per second one slot takes from all clients, against many slots."""
    ratio = rates["one_slot"] / rates["many_slots"]
    print(
        f"{rates['clients']:.0f} clients: one slot {rates['one_slot']:.1f}/s, many slots {rates['many_slots']:.1f}/s,"
    )
    print(f"  ratio {ratio:.2f} (limit 0.8), {rates['taken']:.0f} places of {rates['capacity']:.0f}, never oversold")
    return {**rates, "ratio": round(ratio, 3), "limit": 0.8}


def memory(megabytes: float) -> dict[str, float]:
    print(f"a web worker holds {megabytes:.0f} MB after its first requests (limit 180)")
    return {"megabytes": round(megabytes, 1), "limit": 180}
