"""A container is put into a place of the store, or moved to another one (CL3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework import serializers

from custody import store
from custody.queries import containers_of, store_unit
from ledger.context import Actor, reading
from ledger.recording import Once, acting
from ledger.refusals import InvalidInput, NotAllowed, NotFound
from orders.flow import order_named
from orders.inputs import read
from orders.policies import may_see_therapy
from personas.policies import require
from personas.states import Capability


class PlaceInputs(serializers.Serializer[Any]):
    """Where a container is put."""

    unit = serializers.UUIDField(label="Unit")
    rack = serializers.IntegerField(min_value=1, max_value=60, label="Rack")
    place = serializers.IntegerField(min_value=1, max_value=100, label="Place")


def move_container(actor: Actor, code: str, container: str, raw: Mapping[str, Any], *, once: Once | None = None) -> str:
    """Put a container that the acting organization holds into a place of its site's store; return the place.

    Raises InvalidInput beside the fields, Conflict ``place_taken`` when something lies there.
    """
    with reading(actor):
        order = order_named(actor, code)
        if not may_see_therapy(actor):
            raise NotFound()
    with acting(
        actor,
        "orders.material_moved",
        stream_id=order.stream_id,
        subject=("container", container[:64]),
        capability=Capability.KEEP_STORE,
        once=once,
    ) as event:
        bag = containers_of(actor, order.stream_id).filter(code=container.strip().upper()).first()
        if bag is None:
            raise NotFound("This order has no such container.")
        given = read(PlaceInputs, raw)
        require(actor, Capability.KEEP_STORE)
        if bag.custodian_id != actor.organization_id:
            remedy = "Whoever has the material in hand moves it."
            raise NotAllowed("Your organization does not have this material.", code="not_custodian", remedy=remedy)
        before = bag.storage_location
        place = _put(actor, bag, given["unit"], given["rack"], given["place"])
        event.note(order=order.code, container=bag.code, before=before, after=place)
        event.result = {"place": place}
    return place


def _put(actor: Actor, bag: Any, unit_id: UUID, rack: int, place: int) -> str:
    unit = store_unit(actor, unit_id)
    if unit is None or unit.site_id != bag.custodian_site_id:
        raise InvalidInput(fields={"unit": ["Choose a unit of the site where the material is."]})
    return str(store.put(bag, unit, rack, place).storage_location)
