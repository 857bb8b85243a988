"""Reads of identity, material, labels and movements: actor first, narrowed querysets out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet

from custody import aliases
from custody.decoding import Reading
from custody.lineage import Lineage
from custody.models import (
    Alias,
    ChainOfIdentity,
    Container,
    Conversion,
    CustodyPeriod,
    Donation,
    Genealogy,
    Label,
    Patient,
    Shipment,
    StockUnit,
    StoreUnit,
)
from custody.policies import aliases_for
from custody.scans import read
from custody.states import ContainerKind, ContainerState, IdentityState, LabelState, ShipmentState, StockState
from ledger.context import Actor
from ledger.prepared import Prepared
from ledger.refusals import InvalidInput
from ledger.states import Role
from ledger.walls import on_stream, visible


@dataclass(frozen=True)
class Found:
    """What a code names: the order's stream, and the one row that it leads to (with the alias that led there)."""

    stream_id: UUID
    coi: ChainOfIdentity | None = None
    container: Container | None = None
    shipment: Shipment | None = None
    alias: Alias | None = None


def containers_of(actor: Actor, stream_id: UUID) -> QuerySet[Container]:
    """Return the order's containers with their custodians, by kind and position."""
    found = on_stream(Container, actor, stream_id)
    return found.select_related("custodian", "custodian_site", "coi").order_by("kind", "position")


def lineage_of(actor: Actor, stream_id: UUID) -> Lineage:
    """Return the order's containers with what was made of what: three queries."""
    edges = on_stream(Genealogy, actor, stream_id).order_by("id").values_list("parent_id", "child_id", "conversion_id")
    return Lineage(containers_of(actor, stream_id), edges, on_stream(Conversion, actor, stream_id))


def in_hand(actor: Actor, *states: ContainerState) -> QuerySet[Container]:
    """Return the containers that the actor's organization holds in one of these states, first to expire first."""
    found = visible(Container, actor).filter(custodian_id=actor.organization_id, state__in=states)
    return found.order_by(F("expires_at").asc(nulls_last=True), "code")


def quarantined(actor: Actor) -> QuerySet[Container]:
    """Return every container that waits for quality on the actor's orders, the longest first: held or taken back."""
    found = visible(Container, actor).filter(state__in=(ContainerState.QUARANTINED, ContainerState.RETURNED))
    related = found.select_related("custodian", "custodian_site")
    return related.order_by(F("quarantined_at").asc(nulls_first=True), "pk")


def identities_under_query(actor: Actor) -> QuerySet[ChainOfIdentity]:
    """Return the chains of identity under query on the actor's orders, the oldest first."""
    return visible(ChainOfIdentity, actor).filter(state=IdentityState.UNDER_QUERY).order_by("issued_at", "pk")


def streams_under_query(actor: Actor, stream_ids: Collection[UUID]) -> set[UUID]:
    """Return those of these streams whose chain of identity is under query."""
    found = visible(ChainOfIdentity, actor).filter(stream_id__in=stream_ids, state=IdentityState.UNDER_QUERY)
    return set(found.values_list("stream_id", flat=True))


def store_units(actor: Actor) -> QuerySet[StoreUnit]:
    """Return the units of the organization's store that are in use, by site and name."""
    found = visible(StoreUnit, actor).filter(retired_at__isnull=True)
    return found.select_related("site").order_by("site__name", "name")


def store_unit(actor: Actor, unit_id: UUID) -> StoreUnit | None:
    return store_units(actor).filter(pk=unit_id).first()


def labels_of(actor: Actor, stream_id: UUID) -> QuerySet[Label]:
    return on_stream(Label, actor, stream_id).select_related("container").order_by("printed_at", "id")


def label_standing(actor: Actor, serial: str) -> tuple[Label, Label | None] | None:
    """Return a print by its serial, with the valid print that replaces it, if one does; None for no such print."""
    label = visible(Label, actor).filter(serial=serial).first()
    if label is None:
        return None
    newer = visible(Label, actor).filter(container=label.container_id, template=label.template)
    valid = newer.filter(state__in=(LabelState.PRINTED, LabelState.APPLIED)).exclude(pk=label.pk).first()
    return label, valid


def shipments_of(actor: Actor, stream_id: UUID) -> QuerySet[Shipment]:
    found = on_stream(Shipment, actor, stream_id)
    related = found.select_related("from_site", "to_site", "courier")
    return related.prefetch_related(
        "items__container", "seal_checks", "swaps__organization", "way_reports__organization"
    ).order_by("packed_at", "id")


def shipments_in(actor: Actor, stream_ids: Collection[UUID]) -> QuerySet[Shipment]:
    """Return the shipments of many orders, oldest first."""
    return visible(Shipment, actor).filter(stream_id__in=stream_ids).order_by("packed_at", "id")


def collection_ends(actor: Actor, stream_ids: Collection[UUID]) -> list[tuple[UUID, dt.datetime]]:
    """Return when the collection of each bag of starting material ended (its age clock), with its order's stream."""
    kind = ContainerKind.STARTING_MATERIAL
    rows = visible(Container, actor).filter(stream_id__in=stream_ids, kind=kind, ended_at__isnull=False)
    return [(bag.stream_id, bag.ended_at) for bag in rows if bag.ended_at is not None]


def custody_of(actor: Actor, stream_id: UUID) -> QuerySet[CustodyPeriod]:
    """Return the chain of custody of the order's containers, oldest first."""
    found = on_stream(CustodyPeriod, actor, stream_id)
    return found.select_related("container", "organization", "site").order_by("container__code", "since", "id")


def held_by(actor: Actor) -> QuerySet[CustodyPeriod]:
    """Return the open custody periods of the acting organization with their containers, longest held first."""
    found = visible(CustodyPeriod, actor).filter(organization_id=actor.organization_id, until__isnull=True)
    return found.select_related("container", "site").order_by("since", "pk")


def identity_of(actor: Actor, stream_id: UUID) -> ChainOfIdentity | None:
    return on_stream(ChainOfIdentity, actor, stream_id).order_by("-id").first()


def patient_of(actor: Actor, patient_id: UUID) -> Patient | None:
    """Return one of the actor's own patients, by opaque id; None for any other and for an erased one."""
    return visible(Patient, actor).filter(pk=patient_id, erased_at__isnull=True).first()


def patients(actor: Actor) -> QuerySet[Patient]:
    """Return the actor's own patients, newest first."""
    return visible(Patient, actor).filter(erased_at__isnull=True).select_related("site").order_by("-id")


def available_units(actor: Actor, therapy_id: UUID) -> QuerySet[StockUnit]:
    """Return the organization's own units that can still be allocated, first to expire first."""
    found = visible(StockUnit, actor).filter(therapy_id=therapy_id, state=StockState.AVAILABLE)
    return found.order_by("expires_at", "lot", "serial")


def stock_unit(actor: Actor, lot: str, serial: str) -> StockUnit | None:
    return visible(StockUnit, actor).filter(lot=lot, serial=serial).first()


def lookup(actor: Actor, scanned: str) -> Found | None:
    """Return what a scanned code, or a registered one, names among the actor's orders; None for anything else.

    Raises InvalidInput ``unreadable``, ``not_an_identity`` or ``ambiguous_code``. A few indexed statements.
    """
    try:
        reading = read(scanned, "code")
    except InvalidInput:
        found = _by_alias(actor, scanned)
        if found is None:
            raise
        return found
    found = _by_reading(actor, reading)
    return found or (_by_alias(actor, scanned) if reading.donation else None)  # our other codes are nobody's alias


def _by_alias(actor: Actor, scanned: str) -> Found | None:
    """Return what an alias leads to; InvalidInput ``ambiguous_code`` when it is registered for several things."""
    found = aliases.named(scanned, lambda value: _aliases_valued(actor=actor, value=value))
    boxes_only = actor.organization_role == Role.COURIER
    rows = [row for row in found if row.target_code and (row.shipment_id or not boxes_only)]
    if not rows:
        return None
    if len({row.target_code for row in rows}) > 1:
        text = f"This code is registered for several things: {', '.join(sorted({r.target_code for r in rows}))}."
        raise InvalidInput(text, code="ambiguous_code", fields={"code": [text]}, remedy="Scan the code of the thing.")
    row = rows[0]
    return Found(row.stream_id, row.coi, row.container, row.shipment, alias=row)


def _by_reading(actor: Actor, reading: Reading) -> Found | None:
    if reading.container:
        containers = _containers_coded(actor=actor, code=reading.container)
        return Found(containers[0].stream_id, container=containers[0]) if containers else None
    if reading.coi:
        chains = _chains_coded(actor=actor, code=reading.coi)
        return Found(chains[0].stream_id, chains[0]) if chains else None
    if reading.box:
        shipments = _shipments_coded(actor=actor, code=reading.box)
        return Found(shipments[0].stream_id, shipment=shipments[0]) if shipments else None
    return _by_donation(actor, reading.donation)


def _by_donation(actor: Actor, number: str) -> Found | None:
    """Return the one bag of a donation, or its chain of identity; two centers' equal numbers are ``ambiguous_code``."""
    bags = _containers_of_donation(actor=actor, number=number)
    given: list[Any] = _donations(actor=actor, number=number)
    streams = {bag.stream_id for bag in bags} | {one.stream_id for one in given}
    if len(streams) > 1:
        text = "Two centers have given this donation number: it names more than one order."
        raise InvalidInput(text, code="ambiguous_code", fields={"code": [text]}, remedy="Scan the code of the bag.")
    if len(bags) == 1:
        return Found(bags[0].stream_id, container=bags[0])
    return Found(given[0].stream_id, given[0].coi) if given else None


@Prepared
def _containers_coded(actor: Actor, code: str) -> QuerySet[Container]:
    return visible(Container, actor).filter(code=code)


@Prepared
def _aliases_valued(actor: Actor, value: str) -> QuerySet[Alias]:
    return visible(Alias, actor).filter(value=value, withdrawn_at__isnull=True)


@Prepared
def _chains_coded(actor: Actor, code: str) -> QuerySet[ChainOfIdentity]:
    return visible(ChainOfIdentity, actor).filter(code=code)


@Prepared
def _shipments_coded(actor: Actor, code: str) -> QuerySet[Shipment]:
    return visible(Shipment, actor).filter(code=code)


@Prepared
def _containers_of_donation(actor: Actor, number: str) -> QuerySet[Container]:
    return visible(Container, actor).filter(donation_number=number).exclude(donation_number="")


@Prepared
def _donations(actor: Actor, number: str) -> QuerySet[Donation]:
    return visible(Donation, actor).filter(number=number, withdrawal__isnull=True)


def boxes_on(actor: Actor, stream_ids: Iterable[UUID]) -> QuerySet[Shipment]:
    """Return the boxes of several orders that are packed or on the way, the newest last."""
    states = (ShipmentState.PACKED, ShipmentState.PICKED_UP, ShipmentState.IN_TRANSIT)
    found = visible(Shipment, actor).filter(stream_id__in=list(stream_ids), state__in=states)
    return found.order_by("packed_at", "id")


def container_codes(actor: Actor, stream_ids: Collection[UUID]) -> list[tuple[UUID, str]]:
    """Return the codes of the containers of several orders, with the order's stream."""
    found = visible(Container, actor).filter(stream_id__in=stream_ids).order_by("code")
    return list(found.values_list("stream_id", "code"))


def travelled(actor: Actor, stream_ids: Collection[UUID]) -> QuerySet[Shipment]:
    """Return every box of these orders with its sites, firms and contents, oldest first."""
    found = visible(Shipment, actor).filter(stream_id__in=stream_ids).prefetch_related("items__container", "swaps")
    related = found.select_related("from_site__organization", "to_site__organization", "courier")
    return related.order_by("packed_at", "id")


def lots_and_donations(actor: Actor, stream_ids: Collection[UUID]) -> QuerySet[Container, tuple[UUID, str, str, str]]:
    """Return (stream, container, lot, donation number) of the containers of these orders that have one of the two."""
    found = visible(Container, actor).filter(stream_id__in=stream_ids).exclude(lot="", donation_number="")
    return found.order_by("code").values_list("stream_id", "code", "lot", "donation_number")


def streams_of(actor: Actor, containers: Collection[str], boxes: Collection[str], units: Collection[str]) -> list[UUID]:
    """Return the orders' streams that these codes lead to. A unit is named by its lot and serial, ``LOT/SERIAL``."""
    bags = Q(code__in=containers)
    for unit in units:
        lot, _, serial = unit.partition("/")
        bags |= Q(lot=lot, serial=serial)
    found = set(visible(Container, actor).filter(bags).values_list("stream_id", flat=True))
    return sorted(found | set(visible(Shipment, actor).filter(code__in=boxes).values_list("stream_id", flat=True)))


def box_codes(actor: Actor, after: str, most: int) -> list[str]:
    """Return outer codes of the boxes that the actor sees, in their order, from the one after ``after``."""
    found = visible(Shipment, actor).filter(code__gt=after).order_by("code")
    return list(found.values_list("code", flat=True)[:most])


def bag_codes(actor: Actor, after: str, most: int) -> list[str]:
    """Return codes of the containers that the actor sees, in their order, from the one after ``after``."""
    found = visible(Container, actor).filter(code__gt=after).order_by("code")
    return list(found.values_list("code", flat=True)[:most])


def aliases_of(actor: Actor, stream_id: UUID) -> QuerySet[Alias]:
    """Return the live aliases of an order that the actor may see, in the order of their registration."""
    found = aliases_for(actor).filter(stream_id=stream_id)
    return found.select_related("issuer", "container", "shipment", "coi").order_by("registered_at", "pk")
