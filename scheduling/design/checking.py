"""Checks an answer against the raw file, knowing nothing of how it was found: every answer, before it is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any


def faults_of(content: Mapping[str, Any], answer: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with an answer to a network file; both as parsed JSON. Nothing, when all is right."""
    if answer["status"] not in ("optimal", "feasible"):
        return [] if not answer["assignments"] else [f"{answer['status']} with assignments"]
    return [
        *_faults_of_patients(content, answer),
        *_faults_of_plants(content, answer),
        *_faults_of_cost(content, answer),
    ]


def _faults_of_patients(content: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
    process, patients = content["process"], {row["id"]: row for row in content["patients"]}
    lanes = {(row["from"], row["to"], row["mode"]): row for row in content["lanes"]}
    served = Counter(row["patient"] for row in answer["assignments"])
    for name in set(patients) | set(served):
        if served[name] != 1 or name not in patients:
            yield f"{name} is served {served[name]} times"
    for row in answer["assignments"]:
        patient = patients.get(row["patient"])
        if patient is None:
            continue
        there = lanes.get((patient["collected_at"], row["plant"], row["inbound_mode"]))
        back = lanes.get((row["plant"], patient["treated_at"], row["outbound_mode"]))
        if there is None or back is None:
            yield f"{row['patient']} travels where there is no lane"
            continue
        waits = row["collect_day"] - patient["ready_day"]
        if not 0 <= waits <= content.get("waiting_allowed", 0):
            yield f"{row['patient']} waits {waits} days"
        if row["arrive_day"] != row["collect_day"] + process["collection_days"] + there["days"]:
            yield f"{row['patient']} arrives on day {row['arrive_day']}"
        ready = row["arrive_day"] + process["manufacture_days"] + process["qc_days"]
        if row["return_day"] != ready + back["days"]:
            yield f"{row['patient']} returns on day {row['return_day']}"
        if row["return_day"] > content["horizon_days"]:
            yield f"{row['patient']} returns after the horizon"
        if row["return_day"] - row["collect_day"] > content["vein_to_vein_cap_days"]:
            yield f"{row['patient']} is over the vein-to-vein cap"


def _faults_of_plants(content: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
    lines = {row["id"]: row["lines"] for row in content["plants"]}
    opened = list(answer["plants"])
    if len(set(opened)) != len(opened) or not set(opened) <= set(lines):
        yield f"opened plants are {opened}"
    most = content.get("max_plants")
    if most is not None and len(opened) > most:
        yield f"{len(opened)} plants are opened"
    busy: Counter[tuple[str, int]] = Counter()
    for row in answer["assignments"]:
        if row["plant"] not in opened:
            yield f"{row['patient']} is made at {row['plant']}, which is not opened"
        for day in range(row["arrive_day"], row["arrive_day"] + content["process"]["manufacture_days"]):
            busy[row["plant"], day] += 1
    for (plant, day), number in sorted(busy.items()):
        if number > lines.get(plant, 0):
            yield f"{number} batches on {lines.get(plant, 0)} lines of {plant} on day {day}"


def _faults_of_cost(content: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[str]:
    cost = cost_of(content, answer)
    told, bound = Decimal(str(answer["objective"])), Decimal(str(answer["bound"]))
    if abs(cost - told) > Decimal("0.00005"):
        yield f"the objective is {told}, but it costs {cost}"
    if bound > told or (answer["status"] == "optimal" and bound != told):
        yield f"{answer['status']} with the objective {told} and the bound {bound}"


def cost_of(content: Mapping[str, Any], answer: Mapping[str, Any]) -> Decimal:
    """Return opened plants × horizon × cost per day + transport + cost per therapy × patients."""
    patients = {row["id"]: row for row in content["patients"]}
    lanes = {(row["from"], row["to"], row["mode"]): Decimal(str(row["cost"])) for row in content["lanes"]}
    daily = {row["id"]: Decimal(str(row["cost_per_day"])) for row in content["plants"]}
    total = sum((daily.get(plant, Decimal(0)) for plant in answer["plants"]), Decimal(0)) * content["horizon_days"]
    for row in answer["assignments"]:
        patient = patients.get(row["patient"])
        if patient is not None:
            total += lanes.get((patient["collected_at"], row["plant"], row["inbound_mode"]), Decimal(0))
            total += lanes.get((row["plant"], patient["treated_at"], row["outbound_mode"]), Decimal(0))
    return total + Decimal(str(content["cost_per_therapy"])) * len(content["patients"])
