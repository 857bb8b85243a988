"""Every unit by lot, donor, shipper, site or time, over REST (QA4)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from custody import units as custody
from custody.states import ContainerKind, ContainerState
from ledger.refusals import InvalidInput
from orders.actions import unit_searches as units
from orders.actions.unit_searches import CRITERIA, UnitSearch, sought_of
from orders.api import answers, shapes
from personas.asking import ActorView, PageQuery, page_of, query_of, reads
from personas.envelopes import Shape, page
from personas.states import Capability


class FoundStay(Shape):
    """The stay in somebody's hands by which a unit was found."""

    organization = serializers.CharField()
    place = serializers.CharField()
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)


class FoundUnit(Shape):
    """A unit, where it is now, and for whom it is: by chain of identity, never by name."""

    container = serializers.CharField()
    kind = serializers.ChoiceField(choices=ContainerKind.choices)
    state = serializers.ChoiceField(choices=ContainerState.choices)
    order = serializers.CharField()
    chain_of_identity = serializers.CharField()
    treatment_center = answers.SiteRef(allow_null=True)
    given = serializers.BooleanField(help_text="the patient has it")
    custodian = serializers.CharField(allow_null=True, help_text="code of the organization that has it now")
    site = answers.SiteRef(allow_null=True)
    storage_location = serializers.CharField(allow_blank=True)
    made_of = serializers.CharField(
        allow_blank=True, help_text="the found unit that it was made of, if not found itself"
    )
    lots = serializers.ListField(child=serializers.CharField(), help_text="material and lot used with it")
    donation_number = serializers.CharField(allow_blank=True)
    stay = FoundStay(allow_null=True)


class UnitQuery(UnitSearch, PageQuery):
    """What the units have in common, and which page."""


class UnitsView(ActorView):
    """Every unit that a lot, a donor, a shipper, a site or a time leads to."""

    scope = Capability.FIND_UNITS

    @extend_schema(
        operation_id="find_units",
        tags=["material"],
        summary="Find every unit by lot, donor, shipper, site and time, latest stay first",
        description="All that is given has to be true; at least one has to be given. A unit is followed by what was"
        " made of it, so a page may hold more rows than its limit.",
        parameters=[UnitQuery],
        responses=page(FoundUnit, "FoundUnitPage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        units.require_finder(self.actor)
        query_of(request, PageQuery)
        unknown = sorted(set(request.query_params) - {*CRITERIA, *PageQuery().fields})
        if unknown:
            raise InvalidInput(fields={name: ["This parameter is not known."] for name in unknown})
        search = custody.Search(self.actor, sought_of(self.actor, request.query_params.dict()))

        def shaped(stays: list[Any]) -> list[dict[str, Any]]:
            return [_row(row) for row in units.rows_of(self.actor, search, stays)]

        return page_of(self, search.stays(), ("-since", "-pk"), shaped)


def _row(row: units.Unit) -> dict[str, Any]:
    bag = row.bag
    return {
        "container": bag.code,
        "kind": bag.kind,
        "state": bag.state,
        "order": row.order.code,
        "chain_of_identity": row.order.identity_code,
        "treatment_center": shapes.place(row.order.center_site),
        "given": row.given,
        "custodian": bag.custodian.code if row.is_held else None,
        "site": shapes.place(bag.custodian_site) if row.is_held else None,
        "storage_location": bag.storage_location,
        "made_of": row.made_of,
        "lots": list(row.lots),
        "donation_number": bag.donation_number,
        "stay": _stay(row.stay) if row.stay else None,
    }


def _stay(stay: Any) -> dict[str, Any]:
    return {"organization": stay.holder, "place": stay.place, "since": stay.since, "until": stay.until}
