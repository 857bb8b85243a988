"""Containers: planned, filled, moved from state to state, made into one another (DOMAIN 3.0; I3, I4)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from custody import genealogy
from custody.codes import container_code
from custody.keys import Keyed, key_of
from custody.models import ChainOfIdentity, Container, StockUnit
from custody.states import (
    LYING,
    MOVES,
    TERMINAL_STATES,
    ContainerKind,
    ContainerState,
    ConversionKind,
    StockState,
    Vessel,
)
from ledger.prepared import Prepared, PreparedValues
from ledger.recording import open_event
from ledger.refusals import Conflict, FactsMissing, InvalidInput, MissingFact, WrongState

EXCURSION = "Temperature excursion"  # how the reason of a quarantine begins that readings caused
MOST_CONTAINERS = 99  # two digits in the code
OUT_OF_QUARANTINE: dict[str, Any] = {
    "quarantine_reason": "",
    "state_before_quarantine": "",
    "quarantined_at": None,
    "matched_at": None,  # what was put aside has left the patient's side: it is matched again
}


def of_stream(stream_id: UUID, kind: ContainerKind | str | None = None) -> list[Container]:
    """Return the order's containers by kind and position."""
    return [row for row in _containers(stream_id=stream_id) if kind is None or row.kind == kind]


def of_streams(stream_ids: Iterable[UUID], kind: ContainerKind | str) -> dict[UUID, list[Container]]:
    """Return the containers of a kind of many orders, by stream: one query."""
    found: dict[UUID, list[Container]] = defaultdict(list)
    for row in Container.unwalled.filter(stream_id__in=set(stream_ids), kind=kind).order_by("position"):
        found[row.stream_id].append(row)
    return found


@Prepared
def _containers(stream_id: UUID) -> QuerySet[Container]:
    return Container.unwalled.filter(stream_id=stream_id).order_by("kind", "position")


def plan(
    stream: Keyed, coi: ChainOfIdentity, kind: ContainerKind | str, count: int, vessel: str = ""
) -> list[Container]:
    """Plan ``count`` more containers of a kind, numbered from 1; those of an earlier attempt keep their positions."""
    facts = {"state": ContainerState.PLANNED, "vessel": vessel}
    return make(key_of(stream), coi, ContainerKind(kind), count, facts)


def fill(
    container: Container,
    volume_ml: Decimal | None,
    started_at: dt.datetime,
    ended_at: dt.datetime,
    *,
    donation_number: str = "",
    expires_at: dt.datetime | None = None,
) -> Container:
    """Record that a container was collected or filled; ``ended_at`` starts its age clock.

    Raises InvalidInput for a volume of zero or an end before the start, WrongState unless planned or labeled.
    """
    if ended_at < started_at:
        raise InvalidInput(fields={"ended_at": ["The end must not come before the start."]})
    changes: dict[str, Any] = {"collected_at": started_at, "ended_at": ended_at}
    if volume_ml is not None:
        changes["volume_ml"] = _volume(volume_ml)
    if donation_number:
        changes["donation_number"] = donation_number
    if expires_at is not None:
        changes["expires_at"] = expires_at
    return move(container, ContainerState.COLLECTED, **changes)


def move(container: Container, state: ContainerState | str, **fields: Any) -> Container:
    """Bring a container into a state, with what else changes at that moment; WrongState for an illegal move.

    A move decided on a stale copy is refused too: the row is written only as it was known, else locked and read again.
    Material in quarantine does not move on: see ``release_from_quarantine``, and ``observe`` for what happens to it
    meanwhile.
    """
    wanted = ContainerState(state)
    if _moved_as_known(container, wanted, fields):
        return container
    return _move(container, _locked_state(container), wanted, fields)


def _moved_as_known(container: Container, wanted: ContainerState, fields: dict[str, Any]) -> bool:
    """Write a move that is legal from the state in which the container was last seen, if it still is in that."""
    was = ContainerState(container.state)
    if was == ContainerState.QUARANTINED or wanted not in MOVES[was]:
        return False
    return container.change_if({"state": was}, **_with_place(container, {"state": wanted, **fields}))


def _move(container: Container, was: ContainerState, wanted: ContainerState, fields: dict[str, Any]) -> Container:
    if wanted not in MOVES[was]:
        raise _illegal(container, was, wanted)
    if was == ContainerState.QUARANTINED:
        fields = {**OUT_OF_QUARANTINE, **fields}
    return _set(container, state=wanted, **fields)


def observe(container: Container, state: ContainerState | str, **fields: Any) -> Container:
    """Record a move that really happened. Material in quarantine stays so, and goes on from ``state`` if released."""
    wanted = ContainerState(state)
    if _moved_as_known(container, wanted, fields):
        return container
    was = _locked_state(container)
    if was != ContainerState.QUARANTINED:
        return _move(container, was, wanted, fields)
    container.refresh_from_db(fields=["state_before_quarantine"])
    before = ContainerState(container.state_before_quarantine)
    if wanted != before and wanted not in MOVES[before]:
        raise _illegal(container, before, wanted)
    return _set(container, state=was, state_before_quarantine=str(wanted), **fields)


def happened(container: Container, state: ContainerState | str, **fields: Any) -> Container:
    """Record a move that is a fact, whatever should have come before it; WrongState from a final state alone.

    Material in quarantine stays so and goes on from ``state`` if released, unless it ends there.
    """
    wanted, was = ContainerState(state), _locked_state(container)
    if was in TERMINAL_STATES:
        raise _illegal(container, was, wanted)
    if was == ContainerState.QUARANTINED and wanted not in TERMINAL_STATES:
        return _set(container, state=was, state_before_quarantine=str(wanted), **fields)
    if was in (ContainerState.QUARANTINED, ContainerState.LOST):
        fields = {**OUT_OF_QUARANTINE, **fields}
    return _set(container, state=wanted, **fields)


def quarantine(container: Container, reason: str) -> Container:
    """Put a container aside, from any state but a final one. Again on a quarantined one: the first reason stays."""
    if not reason.strip():
        raise InvalidInput(fields={"reason": ["Say why the material goes into quarantine."]})
    was = _locked_state(container)
    if was == ContainerState.QUARANTINED:
        container.refresh_from_db(fields=["state", "quarantine_reason", "state_before_quarantine"])
        return container
    facts = {"quarantine_reason": reason.strip(), "quarantined_at": open_event().occurred_at}
    return move(container, ContainerState.QUARANTINED, state_before_quarantine=str(was), **facts)


def quarantine_all(containers: Iterable[Container], reason: str) -> list[Container]:
    """Put many containers aside in a few statements; return those that were not yet, and are not final.

    Like ``quarantine`` for each: the rows are locked and read again, the first reason stays.
    """
    ids = [container.pk for container in containers]
    locked = Container.unwalled.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
    moved = [row for row in locked if can_be_quarantined(row)]
    Container.unwalled.filter(pk__in=[row.pk for row in moved]).update(
        state_before_quarantine=F("state"),
        state=ContainerState.QUARANTINED,
        quarantine_reason=reason.strip(),
        quarantined_at=open_event().occurred_at,
    )
    return moved


def let_go_all(stream_ids: Iterable[UUID], reason: str) -> list[Container]:
    """Let the containers of these orders go on from where they are whose quarantine's reason begins so."""
    found = Container.unwalled.select_for_update(of=("self",)).filter(
        stream_id__in=set(stream_ids), state=ContainerState.QUARANTINED, quarantine_reason__startswith=reason
    )
    held = list(found.order_by("pk"))
    return [release_from_quarantine(container) for container in held]


def lose(container: Container) -> Container:
    """Record that nobody finds a container; it leaves its place in the store, its custodian answers for it."""
    stood_at = container.state_before_quarantine or container.state
    return move(container, ContainerState.LOST, state_before_quarantine=str(stood_at))


def find(container: Container, reason: str) -> Container:
    """Put a lost container that was found into quarantine; if released, it goes on from where it was lost."""
    if _locked_state(container) != ContainerState.LOST:
        raise WrongState(f"{container.code} is not lost.", code="not_lost", remedy="Reload the order.")
    facts = {"quarantine_reason": reason, "quarantined_at": open_event().occurred_at}
    return _set(container, state=ContainerState.QUARANTINED, **facts)


def can_be_quarantined(container: Container) -> bool:
    return ContainerState.QUARANTINED in MOVES[ContainerState(container.state)]


def release_from_quarantine(container: Container) -> Container:
    """Let a container go on from where it is."""
    if _locked_state(container) != ContainerState.QUARANTINED:
        raise WrongState(f"{container.code} is not in quarantine.", code="not_quarantined")
    container.refresh_from_db(fields=["state_before_quarantine"])
    return _set(
        container,
        state=ContainerState(container.state_before_quarantine),
        **OUT_OF_QUARANTINE,
    )


def match(container: Container) -> Container:
    """Note that two people matched a container to the patient at the bedside."""
    return _set(container, matched_at=open_event().occurred_at)


def take_back(container: Container, reason: str, place: str) -> Container:
    """Take an issued container back into the store; it waits there until quality says what becomes of it."""
    facts = {"quarantine_reason": reason.strip(), "quarantined_at": open_event().occurred_at}
    return move(container, ContainerState.RETURNED, storage_location=place, **facts)


def use_again(container: Container) -> Container:
    """Let a container that came back be issued once more."""
    if _locked_state(container) != ContainerState.RETURNED:
        raise WrongState(f"{container.code} was not returned.", code="not_returned", remedy="Reload the order.")
    return move(container, ContainerState.STORED, **OUT_OF_QUARANTINE)


def quarantine_facts(containers: Sequence[Container]) -> list[MissingFact]:
    """Return one blocking fact per container in quarantine."""
    return [
        MissingFact(
            "material_quarantined",
            f"{container.code} is in quarantine: {container.quarantine_reason}",
            "Quality assurance decides about it first.",
        )
        for container in containers
        if container.is_quarantined
    ]


def transform(
    parents: Sequence[Container],
    kind: ContainerKind | str,
    count: int,
    volumes: Sequence[Decimal | None] = (),
    *,
    happened_at: dt.datetime | None = None,
    expires_at: dt.datetime | None = None,
    lot: str = "",
    vessel: str = "",
    late: bool = False,
) -> list[Container]:
    """Consume the parents and make ``count`` containers of them, stored where they were made; record who came of whom.

    Containers of the kind that were planned beforehand are filled first. Raises InvalidInput for a wrong number of
    volumes, WrongState unless every parent is in process (or it is recorded ``late``: see ``happened``).
    """
    if not parents:
        raise FactsMissing(
            "There is no material to work on.",
            facts=[MissingFact("no_material", "No container is in process.", "Start with received material.")],
        )
    if volumes and len(volumes) != count:
        raise InvalidInput(fields={"volumes": [f"Give {count} volumes, one per container."]})
    first = parents[0]
    if first.coi is None or len({parent.coi_id for parent in parents}) != 1:
        raise InvalidInput("Material of different identities is never combined.", code="mixed_identities")
    for parent in parents:
        (happened if late else move)(parent, ContainerState.CONSUMED)
    facts = {"state": ContainerState.STORED, "expires_at": expires_at, "lot": lot, "vessel": vessel}
    made = _take_planned(first.stream_id, ContainerKind(kind), count, facts)
    made += make(first.stream_id, first.coi, ContainerKind(kind), count - len(made), facts)
    _number(made)
    for child, volume in zip(made, volumes, strict=False):
        if volume is not None:
            _set(child, volume_ml=_volume(volume))
    genealogy.record(
        ConversionKind.TRANSFORMED,
        parents,
        made,
        at=happened_at or timezone.now(),
        volume_in=genealogy.total(parent.volume_ml for parent in parents),
    )
    return made


def allocate(unit: StockUnit) -> StockUnit:
    """Take a unit out of the available stock: one conditional UPDATE, so it is never taken twice."""
    free = StockUnit.unwalled.filter(pk=unit.pk, state=StockState.AVAILABLE, expires_at__gt=timezone.now())
    if not free.update(state=StockState.ALLOCATED):
        raise Conflict(
            "This unit is no longer available.", code="unit_taken", remedy="Choose another unit from the stock."
        )
    unit.state = StockState.ALLOCATED
    return unit


def bind_stock(unit: StockUnit, stream: Keyed, coi: ChainOfIdentity) -> Container:
    """Bind a unit of the manufacturer's stock to an order: the chain of identity of such a therapy begins here.

    Raises Conflict ``unit_taken`` when somebody was faster.
    """
    allocate(unit)
    facts = {
        "state": ContainerState.STORED,
        "lot": unit.lot,
        "serial": unit.serial,
        "expires_at": unit.expires_at,
        "stock_unit": unit,
        "vessel": Vessel.VECTOR_VIAL,
        "storage_location": unit.storage_location,
    }
    return make(key_of(stream), coi, ContainerKind.VECTOR_KIT, 1, facts)[0]


def _locked_state(container: Container) -> ContainerState:
    ((found,),) = _locked(container_id=container.pk)
    return ContainerState(found)


@PreparedValues
def _locked(container_id: UUID) -> QuerySet[Any, Any]:
    return Container.unwalled.select_for_update(of=("self",)).filter(pk=container_id).values_list("state")


def _illegal(container: Container, was: ContainerState, wanted: ContainerState) -> WrongState:
    return WrongState(
        f"{container.code} is {was.label.lower()} and cannot become {wanted.label.lower()}.",
        code="illegal_move",
        remedy="Reload the order to see the state of its material.",
    )


def make(
    stream_id: UUID, coi: ChainOfIdentity, kind: ContainerKind, count: int, facts: Mapping[str, Any]
) -> list[Container]:
    """Give ``count`` further containers of a kind their codes, with ``facts``; InvalidInput beyond what codes hold."""
    if count == 0:
        return []
    taken = Container.unwalled.filter(coi=coi, kind=kind).count()
    if count < 0 or taken + count > MOST_CONTAINERS:
        raise InvalidInput(fields={"count": [f"At most {MOST_CONTAINERS} containers of a kind per order."]})
    positions = range(taken + 1, taken + count + 1)
    return [
        Container.objects.create(
            stream_id=stream_id,
            coi=coi,
            code=container_code(coi.code, kind, position),
            kind=kind,
            position=position,
            count=taken + count,
            number=number,
            total=count,
            **facts,
        )
        for number, position in enumerate(positions, 1)
    ]


def _number(made: Sequence[Container]) -> None:
    """Count a batch's containers from one, those that were planned beforehand and those that came on top alike."""
    for number, container in enumerate(made, 1):
        if (container.number, container.total) != (number, len(made)):
            _set(container, number=number, total=len(made))


def _take_planned(stream_id: UUID, kind: ContainerKind, count: int, facts: dict[str, Any]) -> list[Container]:
    states = [ContainerState.PLANNED, ContainerState.LABELLED]
    planned = Container.unwalled.filter(stream_id=stream_id, kind=kind, state__in=states).order_by("position")[:count]
    stored = {name: value for name, value in facts.items() if name != "state"}
    return [move(move(container, ContainerState.COLLECTED, **stored), facts["state"]) for container in planned]


def _volume(volume_ml: Decimal) -> Decimal:
    if volume_ml <= 0 or volume_ml >= Decimal(1_000_000):
        raise InvalidInput(fields={"volume_ml": ["The volume is a positive number of milliliters."]})
    return volume_ml


# Issued, it is fetched from where it lies; lost, it is looked for where it was.
NAMES_ITS_PLACE = (*LYING, ContainerState.ISSUED, ContainerState.LOST)


def _set(container: Container, **changes: Any) -> Container:
    changes = _with_place(container, changes)
    for name, value in changes.items():
        setattr(container, name, value)
    container.save(update_fields=list(changes))
    return container


def _with_place(container: Container, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the changes with what becomes of the container's place in the store."""
    stands_at = changes.get("state_before_quarantine") or changes.get("state")
    if container.store_unit_id is not None and stands_at and stands_at not in LYING:
        changes = {**changes, "store_unit": None, "rack": None, "place": None}  # what leaves frees its place
    if container.storage_location and stands_at and stands_at not in NAMES_ITS_PLACE:
        changes = {"storage_location": "", **changes}
    return changes
