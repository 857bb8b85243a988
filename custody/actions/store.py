"""The register of a site's store: units added and retired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers

from custody.models import Container, StoreUnit
from custody.policies import require
from custody.states import StoreKind
from ledger.context import Actor
from ledger.recording import Once, acting
from ledger.refusals import InvalidInput, NotFound, WrongState
from ledger.walls import visible
from personas.queries import own_site
from personas.states import Capability


class UnitInputs(serializers.Serializer[Any]):
    """A tank, freezer or refrigerator of one of your sites."""

    site = serializers.CharField(max_length=40, label="Site")
    name = serializers.RegexField(r"^[^/]+$", max_length=40, label="Name", help_text="As it stands on it. No slash.")
    kind = serializers.ChoiceField(choices=StoreKind.choices, label="Kind")
    racks = serializers.IntegerField(min_value=1, max_value=60, label="Racks")
    places = serializers.IntegerField(min_value=1, max_value=100, label="Places in each rack")


def add_unit(actor: Actor, raw: Mapping[str, Any], *, once: Once | None = None) -> UUID:
    """Add a unit to the store of an own site; return its id. InvalidInput beside the fields, also for a name in use."""
    with acting(actor, "custody.store_unit_added", subject=("store_unit", ""), once=once) as event:
        given = UnitInputs(data=raw)
        if not given.is_valid():
            raise InvalidInput(fields=dict(given.errors))
        facts = dict(given.validated_data)
        require(actor, Capability.KEEP_STORE)
        site = own_site(actor, facts.pop("site"))
        if site is None:
            raise InvalidInput(fields={"site": ["Choose one of your sites."]})
        named = StoreUnit.unwalled.filter(site=site, name__iexact=facts["name"], retired_at__isnull=True)
        if named.exists():
            raise InvalidInput(fields={"name": ["This site has a unit of that name."]})
        unit: StoreUnit = StoreUnit.objects.create(organization_id=actor.organization_id, site=site, **facts)
        event.note(unit=unit.name, site=site.code, size=unit.size)
        event.result = {"unit": str(unit.pk)}
    return unit.pk


def retire_unit(actor: Actor, unit: UUID, *, once: Once | None = None) -> None:
    """Take an empty unit out of use; WrongState while something lies in it."""
    with acting(actor, "custody.store_unit_retired", subject=("store_unit", str(unit)), once=once) as event:
        row = visible(StoreUnit, actor).filter(pk=unit, retired_at__isnull=True).first()
        if row is None:
            raise NotFound()
        require(actor, Capability.KEEP_STORE)
        inside = Container.unwalled.filter(store_unit=row).count()
        if inside:
            remedy = "Move what lies in it to another unit first."
            raise WrongState(f"{inside} containers lie in {row.name}.", code="unit_not_empty", remedy=remedy)
        row.retired_at = timezone.now()
        row.save(update_fields=["retired_at"])
        event.note(unit=row.name, site=row.site.code)
