"""Containers split, pooled, sampled, replaced, repacked, processed: nothing comes of nothing, nothing vanishes (I3).

What comes out, is left and is lost adds up to what went in, within what cannot be measured (not for an intermediate:
medium is added and taken away). The oldest clock of what goes in is the clock of what comes out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from custody import custody_periods, genealogy, labels, material
from custody.label_prints import Printing
from custody.models import ChainOfIdentity, Container, Conversion
from custody.states import VESSELS, ContainerKind, ContainerState, ConversionKind
from ledger.refusals import FactsMissing, InvalidInput, WrongState

C, K = ContainerState, ConversionKind
OPEN_STATES = (C.COLLECTED, C.ACCEPTED, C.STORED)  # material that lies there, neither under way nor in a process
IN_MANUFACTURE = (ContainerKind.STARTING_MATERIAL, ContainerKind.INTERMEDIATE)
WHOLE_DOSES = (ContainerKind.DRUG_PRODUCT, ContainerKind.VECTOR_KIT)
BY_HAND = (K.SPLIT, K.POOLED, K.SAMPLED, K.REPLACED, K.REPACKED, K.PROCESSED)  # what is filled is a step of its own
EARLIEST = ("collected_at", "ended_at", "expires_at", "thawed_at")
SHARED = ("donation_number", "lot", "serial", "storage_location")


def convert(
    kind: ConversionKind,
    sources: Sequence[Container],
    volumes: Sequence[Decimal],
    *,
    at: dt.datetime,
    person_id: UUID | None,
    printing: Printing | None,
    lost: Decimal = genealogy.NOTHING,
    reason: str = "",
    vessel: str = "",
) -> tuple[Conversion, list[Container]]:
    """Make one container per volume (mL) of the sources, labeled and in the same hands; return the act and them.

    All but a sampled source are used up by it; labels are as the template for ``printing`` has them; without ``vessel``
    the new ones are as their source, or the usual ones. Raises InvalidInput beside ``bags``, ``volumes``, ``lost_ml``,
    ``at``, ``vessel`` or ``reason``, WrongState for material that is under way or final (in a process, unless it is
    made into an intermediate), FactsMissing for quarantine.
    """
    coi = _refuse_unfit(kind, sources)
    _refuse_counts(kind, len(sources), len(volumes))
    _refuse_times(sources, at)
    if not reason.strip() and (lost or kind == K.REPLACED):
        raise InvalidInput(fields={"reason": ["Say why: what is lost or replaced is explained on the record."]})
    volume_in = genealogy.total(source.volume_ml for source in sources)
    assert volume_in is not None  # noqa: S101 - _refuse_unfit asked for it
    left = _balanced(kind, volume_in, volumes, lost)
    kind_made = _kind_made(kind, sources[0])
    facts = {**_inherited(kind, sources), "vessel": _vessel(kind_made, sources[0], vessel)}
    made = material.make(sources[0].stream_id, coi, kind_made, len(volumes), facts)
    for child, volume in zip(made, volumes, strict=True):
        _set(child, volume_ml=volume, **_place_in_batch(kind, sources[0]))
    _use_up(kind, sources, left, at)
    act = genealogy.record(kind, sources, made, at=at, volume_in=volume_in, left=left, lost=lost, reason=reason.strip())
    _hand_on(sources[0], made, person_id, at, printing)
    return act, made


def _refuse_unfit(kind: ConversionKind, sources: Sequence[Container]) -> ChainOfIdentity:
    if kind not in BY_HAND:
        raise InvalidInput(fields={"kind": ["Manufacture is recorded by its own steps."]})
    if len({source.pk for source in sources}) != len(sources):
        raise InvalidInput(fields={"bags": ["Scan each bag once."]})
    coi = sources[0].coi
    if coi is None or len({source.coi_id for source in sources}) != 1:
        raise InvalidInput("Material of different identities is never combined.", code="mixed_identities")
    if len({source.kind for source in sources}) != 1:
        raise InvalidInput(fields={"bags": ["Only material of one kind is pooled."]}, code="mixed_kinds")
    if sources[0].kind in WHOLE_DOSES and kind in (K.SPLIT, K.POOLED):
        text = "Doses are filled once, in manufacture: product is neither split nor pooled afterwards."
        raise InvalidInput(text, code="whole_dose", fields={"kind": [text]})
    if kind == K.PROCESSED and sources[0].kind not in IN_MANUFACTURE:
        text = "An intermediate is made of starting material or of another intermediate."
        raise InvalidInput(fields={"kind": [text]})
    _refuse_states(kind, sources)
    unknown = ", ".join(source.code for source in sources if source.volume_ml is None)
    if unknown:
        text = f"The volume of {unknown} is not recorded, so no balance can be drawn."
        raise InvalidInput(text, code="volume_unknown", fields={"bags": [text]})
    return coi


def _refuse_states(kind: ConversionKind, sources: Sequence[Container]) -> None:
    fitting, rule = (
        ((C.IN_PROCESS,), "only material in process becomes an intermediate")
        if kind == K.PROCESSED
        else (OPEN_STATES, "only material that lies there is worked on")
    )
    held = material.quarantine_facts(sources)
    if held:
        raise FactsMissing("Material in quarantine stays as it is.", facts=held)
    for source in sources:
        if source.state not in fitting:
            text = f"{source.code} is {source.state_label.lower()}: {rule}."
            raise WrongState(text, code="illegal_move", remedy="Reload the lineage to see what can be worked on.")
    if len({(source.state, source.custodian_id, source.custodian_site_id) for source in sources}) != 1:
        raise InvalidInput(fields={"bags": ["Only material in one place and in one state is pooled."]})


def _refuse_counts(kind: ConversionKind, count_in: int, count_out: int) -> None:
    several = kind in (K.POOLED, K.PROCESSED)
    if kind == K.POOLED and count_in < 2:
        raise InvalidInput(fields={"bags": ["Pooling takes at least two bags. Scan the others too."]})
    if not several and count_in != 1:
        raise InvalidInput(fields={"bags": ["This is done with one bag at a time; only pooling takes several."]})
    if kind == K.SPLIT and count_out < 2:
        raise InvalidInput(fields={"volumes": ["A split makes at least two containers. Enter the volume of each."]})
    if kind in (K.POOLED, K.REPLACED, K.REPACKED) and count_out != 1:
        raise InvalidInput(fields={"volumes": ["One container comes out of this. Enter its volume once."]})
    if not count_out:
        raise InvalidInput(fields={"volumes": ["Enter the volume of each container that was made."]})


def _refuse_times(sources: Iterable[Container], at: dt.datetime) -> None:
    if any(source.ended_at and at < source.ended_at for source in sources):
        raise InvalidInput(fields={"at": ["That is before the collection of this material ended."]})
    taken = [period.since for source in sources if (period := custody_periods.custodian(source)) is not None]
    if any(at < since for since in taken):
        raise InvalidInput(fields={"at": ["That is before the present custodian took the material."]})


def _balanced(kind: ConversionKind, volume_in: Decimal, volumes: Sequence[Decimal], lost: Decimal) -> Decimal:
    """Return what stays in a sampled source (mL), zero for the other acts; InvalidInput for what does not add up."""
    if any(volume <= 0 for volume in volumes) or lost < 0:
        raise InvalidInput(fields={"volumes": ["Each volume is a positive number of milliliters."]})
    out = sum(volumes, genealogy.NOTHING)
    if kind == K.SAMPLED:
        left = volume_in - out - lost
        if left <= 0:
            text = f"{_ml(out + lost)} cannot be drawn from {_ml(volume_in)} so that something is left."
            raise InvalidInput(text, code="no_balance", fields={"volumes": [text]})
        return left
    off = genealogy.missing(volume_in, out + lost)
    if off and kind != K.PROCESSED:
        what = f"{_ml(off)} is missing" if off > 0 else f"{_ml(-off)} too much came out"
        text = (
            f"{_ml(volume_in)} went in, {_ml(out)} came out, {_ml(lost)} is lost: {what}."
            f" Up to {_ml(genealogy.may_miss(volume_in))} may be off."
        )
        remedy = "Measure again, or enter what was lost and why."
        raise InvalidInput(text, code="no_balance", fields={"volumes": [text]}, remedy=remedy)
    return genealogy.NOTHING


def _ml(volume: Decimal) -> str:
    return f"{volume.quantize(Decimal('0.1')):f} mL"


def _kind_made(kind: ConversionKind, source: Container) -> ContainerKind:
    made = {K.SAMPLED: ContainerKind.SAMPLE, K.PROCESSED: ContainerKind.INTERMEDIATE}
    return made.get(kind, ContainerKind(source.kind))


def _vessel(kind: ContainerKind, source: Container, wanted: str) -> str:
    """Return what the new containers physically are; InvalidInput for what does not hold their kind."""
    fitting = VESSELS[kind]
    if wanted and wanted not in fitting:
        words = ", ".join(vessel.label.lower() for vessel in fitting)
        raise InvalidInput(fields={"vessel": [f"{kind.label} is kept in: {words}. Choose one of these."]})
    if wanted or source.kind == kind:
        return wanted or str(source.vessel)
    return str(fitting[0]) if len(fitting) == 1 else ""


def _inherited(kind: ConversionKind, sources: Sequence[Container]) -> dict[str, Any]:
    """What is made keeps the oldest clocks, and the donation, lot and place that all sources share."""
    facts: dict[str, Any] = {"state": sources[0].state}
    for name in EARLIEST:
        known = [value for source in sources if (value := getattr(source, name)) is not None]
        facts[name] = min(known, default=None)
    for name in SHARED:
        values = {getattr(source, name) for source in sources}
        facts[name] = values.pop() if len(values) == 1 else ""
    if kind == K.SAMPLED:
        facts["serial"] = ""
    if any(source.store_unit_id for source in sources):
        facts["storage_location"] = ""  # a place holds one container: what is new is put into one of its own
    return facts


def _place_in_batch(kind: ConversionKind, source: Container) -> dict[str, Any]:
    """What replaces a bag is the same k of n."""
    return {"number": source.number, "total": source.total} if kind in (K.REPLACED, K.REPACKED) else {}


def _use_up(kind: ConversionKind, sources: Iterable[Container], left: Decimal, at: dt.datetime) -> None:
    for source in sources:
        if kind == K.SAMPLED:
            _set(source, volume_ml=left)
            continue
        inside = source if kind == K.PROCESSED else material.move(source, C.IN_PROCESS)
        material.move(inside, C.CONSUMED)
        custody_periods.finish(source, at)


def _hand_on(
    source: Container, made: Sequence[Container], person_id: UUID | None, at: dt.datetime, printing: Printing | None
) -> None:
    """What was made lies where its source lay; its own label is printed, to be put on it and scanned back."""
    if source.custodian_id is not None:
        for child in made:
            custody_periods.begin(child, source.custodian_id, source.custodian_site_id, person_id, at)
    labels.print_labels(source.stream, made, labels.template_of(made[0]), printing=printing)


def _set(container: Container, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(container, name, value)
    container.save(update_fields=list(changes))
