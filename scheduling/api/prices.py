"""The price list of changed dates over REST."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from ledger.context import Actor, reading
from network.queries import therapies
from personas.asking import ActorView, PageQuery, answers_once, input_of, page_of, reads
from personas.envelopes import Shape, page
from personas.headers import ONCE
from scheduling import queries
from scheduling.actions.prices import CHARGED, PriceInput, set_price
from scheduling.states import PriceKind

PAYERS = [(role.value, role.label) for role in CHARGED]


class ChangePriceInput(Shape):
    """What one thing about a change of dates costs from a day on; 0: nothing any more."""

    therapy = s.CharField(max_length=64, help_text="code of an own therapy")
    kind = s.ChoiceField(choices=PriceKind.choices)
    days_before = s.IntegerField(
        required=False,
        allow_null=True,
        help_text="what is given up begins less than so many days ahead; null: whenever",
    )
    charged_to = s.ChoiceField(choices=PAYERS)
    amount = s.DecimalField(max_digits=10, decimal_places=2)
    currency = s.CharField(max_length=3, help_text="ISO 4217, such as EUR")
    starts_on = s.DateField()


class ChangePriceRow(ChangePriceInput):
    """A price; the latest of a thing that has begun counts."""

    id = s.UUIDField()
    days_before = s.IntegerField(allow_null=True)


class PricesView(ActorView):
    """The price list."""

    @extend_schema(
        operation_id="list_change_prices",
        tags=["rescheduling"],
        summary="List the prices of changed dates: the manufacturer's own; of a center, what is charged to it",
        parameters=[PageQuery],
        responses=page(ChangePriceRow, "ChangePricePage"),
    )
    @reads
    def get(self, request: Request) -> Response:
        return page_of(
            self, queries.change_prices(self.actor), ("-starts_on", "pk"), lambda rows: _rows(self.actor, rows)
        )

    @extend_schema(
        operation_id="set_change_price",
        tags=["rescheduling"],
        summary="Set what something about a change of dates costs from a day on",
        parameters=[ONCE],
        request=ChangePriceInput,
        responses={201: ChangePriceRow},
    )
    @answers_once
    def post(self, request: Request) -> Response:
        row = set_price(self.actor, PriceInput(**input_of(request, ChangePriceInput)))
        with reading(self.actor):
            return Response(_rows(self.actor, [row])[0], status=201)


def _rows(actor: Actor, rows: list[Any]) -> list[dict[str, Any]]:
    codes = dict(therapies(actor, active=False).values_list("pk", "code"))
    names = ("kind", "days_before", "charged_to", "currency", "starts_on")
    return [
        {
            "id": row.pk,
            "therapy": codes.get(row.therapy_id, ""),
            "amount": f"{row.amount:.2f}",
            **{name: getattr(row, name) for name in names},
        }
        for row in rows
    ]
