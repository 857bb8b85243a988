"""What stands against the material of orders, for many orders at once: a query, a quarantine, a label, a gap.

One query per table, whatever the number of orders: a release queue and the release itself ask the same code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from custody import custody_periods, identity, material
from custody.models import ChainOfIdentity, Container, CustodyPeriod, Label
from custody.states import OPEN_IDENTITY_STATES, ContainerKind, LabelState
from ledger.refusals import MissingFact

Findings = dict[UUID, list[MissingFact]]


def of_lot(bags: Iterable[Container], lot: str) -> list[Container]:
    """Return the containers less the product of another lot: what became of that says nothing about this one."""
    return [bag for bag in bags if bag.kind != ContainerKind.DRUG_PRODUCT or bag.lot in ("", lot)]


def against(lots: Mapping[UUID, str], *, awaiting: str) -> Findings:
    """Return what stands against identity, material, labels and custody of a lot; ``lots``: each stream's current one.

    Every stream has its list. Product of another lot does not count, nor does a quarantine whose reason begins with
    ``awaiting``: it ends with the decision that is asked for.
    """
    stream_ids = list(lots)
    found: Findings = {stream_id: [] for stream_id in stream_ids}
    for coi in ChainOfIdentity.unwalled.filter(stream_id__in=stream_ids, state__in=OPEN_IDENTITY_STATES):
        found[coi.stream_id] += identity.query_facts_of(coi)
    rows = Container.unwalled.filter(stream_id__in=stream_ids).order_by("stream_id", "kind", "position")
    containers = [bag for bag in rows if of_lot([bag], lots[bag.stream_id])]
    for container in containers:
        if not container.quarantine_reason.startswith(awaiting):
            found[container.stream_id] += material.quarantine_facts([container])
    for label in Label.unwalled.filter(stream_id__in=stream_ids, state=LabelState.PRINTED).order_by("printed_at", "pk"):
        found[label.stream_id].append(open_label(label))
    periods: dict[UUID, list[CustodyPeriod]] = defaultdict(list)
    for period in CustodyPeriod.unwalled.filter(stream_id__in=stream_ids).order_by("since", "id"):
        periods[period.container_id].append(period)
    for container in containers:
        found[container.stream_id] += [
            custody_gap(container, gap) for gap in custody_periods.gaps(container, periods[container.pk])
        ]
    return found


def open_label(label: Label) -> MissingFact:
    """Return the fact that a label's end is not known."""
    return MissingFact(
        "label_open", f"Label {label.serial} is not accounted for.", "Record it as applied, returned or destroyed."
    )


def custody_gap(container: Container, gap: custody_periods.Gap) -> MissingFact:
    """Return the fact that nobody is known to have had a container for a while."""
    return MissingFact(
        "custody_gap",
        f"{container.code}: {gap.words}.",
        "Find out who had it; record that as a deviation of the kind “custody gap” and close it when it is explained.",
    )
