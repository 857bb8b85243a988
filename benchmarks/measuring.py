"""Cases, and their cost: CPU of this process and of its PostgreSQL backends, time, statements, bytes, in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connections

WARM = 2  # rounds that nobody counts: a connection prepares what it meets a second time, and reads who takes part once
MOST_WRITES = 30  # as many chains as the fictional center's chairs can take within the search's horizon


@dataclass
class Case:
    """A row: ``prepare`` makes the request of a round (not measured), ``send`` answers it (measured)."""

    name: str
    against: str
    limit: float
    send: Callable[[Any], Any]
    prepare: Callable[[int], Any]
    writes: bool = False
    most: int = MOST_WRITES + 1  # so many requests can be made, the one that warms up included
    status: int = 200
    app: list[float] = field(default_factory=list)  # CPU ms of each round
    database: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    statements: int = 0
    size: int = 0

    @property
    def cpu(self) -> float:
        """CPU milliseconds of a request: the mean, as what every request costs together is what a machine must have."""
        return statistics.fmean(self.app) + statistics.fmean(self.database)

    def quantile(self, part: float) -> float:
        ordered = sorted(self.wall)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]

    def emptied(self) -> Case:
        """The same case without its measurements."""
        return Case(self.name, self.against, self.limit, self.send, self.prepare, self.writes, self.most, self.status)


def measure(rows: list[Case], rounds: int) -> None:
    """Fill in the rows, measured in turn, so that whatever else the machine does falls on all of them alike."""
    from django.test.utils import CaptureQueriesContext

    for row in rows:  # round 0 warms up and counts; its CPU time is nobody's
        if not row.writes:
            answer(row, row.prepare(0))
        request = row.prepare(0)
        with CaptureQueriesContext(connections["default"]) as one, CaptureQueriesContext(connections["plain"]) as two:
            answer(row, request)
        row.statements = len(one) + len(two)
    for number in range(1, rounds + 1):
        for row in rows:
            if row.writes and number >= row.most:
                continue
            request = row.prepare(number)
            if number <= WARM:
                answer(row, request)
                continue
            before, began, app = _backends(), time.perf_counter(), time.process_time()
            row.size = answer(row, request)
            row.app.append((time.process_time() - app) * 1000)
            row.wall.append((time.perf_counter() - began) * 1000)
            row.database.append(sum(cpu - before.get(pid, 0.0) for pid, cpu in _backends().items()) * 1000)


def answer(row: Case, request: Any) -> int:
    """Send a request; return the size of what came. Stops the run when it is not the answer that was meant."""
    response = row.send(request)
    if response.status_code != row.status:
        raise SystemExit(f"{row.name}: {request.path} answered {response.status_code}, {response.content[:600]!r}")
    response.close()
    return len(response.content)


def _backends() -> dict[int, float]:
    """Seconds of CPU of each open connection's backend, by its process; one on another machine counts nothing."""
    open_now = (connections[alias].connection for alias in ("default", "plain"))
    pids = [connection.info.backend_pid for connection in open_now if connection is not None]
    run = {pid: Path(f"/proc/{pid}/schedstat") for pid in pids}
    return {pid: int(file.read_text().split()[0]) / 1e9 for pid, file in run.items() if file.exists()}
