"""What is measured: the fictional network with orders in one center, and the request handlers of both sides."""

from __future__ import annotations

import json
import random
from typing import Any

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone

from benchmarks import baseline
from cgt.demo import network
from cgt.demo.journey import Journey
from ledger.context import reading
from ledger.refusals import Conflict
from orders import bookings, flow
from orders.queries import OrderStep
from personas.actions.people import issue_api_key
from personas.queries import User
from personas.states import Capability

PASSWORD = "bench-bench-1"
WAITING = 55  # orders that only wait: a full page of a list and of a desk
CONFIRMED = 12  # requests of slot chains that are confirmed, each of them measured
HANDED_OVER = 12  # boxes that a driver takes over, each of them measured
KEYS = {
    "coordinator": ("linden", "coordinator", "coordinator.1"),
    "treating_physician": ("linden", "treating_physician", "coordinator.1"),
    "planner": ("aurora", "planner", "planner"),
    "courier_driver": ("swift", "courier_driver", "courier.driver.1"),
}
DESKS = {
    "coordinator": "coordinator.1@linden.example",
    "planner": "planner@aurora.example",
    "qa": "qa.reviewer@aurora.example",
    "driver": "courier.driver.1@swift.example",
}


class Stage:
    """``plain`` and ``product`` answer requests; the other methods make them. Round numbers start at 0."""

    def __init__(self, made: network.DemoNetwork, writes: int) -> None:
        self.network = made
        self.random = random.Random(1)
        self.travelled = self._order("receipt")
        for _ in range(WAITING):
            self._order("activate_coi")
        self.codes = [self._order("prescribe") for _ in range(writes + 1)]
        self.requested = [self._order("confirm") for _ in range(CONFIRMED + 1)]
        self.packed = [self._journey("pickup") for _ in range(HANDED_OVER + 1)]
        self.full = self._fill_a_slot()
        self.tokens = {name: self._key(*who) for name, who in KEYS.items()}
        self.sessions = {desk: self._sign_in(username) for desk, username in DESKS.items()}
        self.product = self._handler(settings.MIDDLEWARE, settings.ROOT_URLCONF)
        self.plain = self._handler(baseline.MIDDLEWARE, "benchmarks.baseline")

    def _handler(self, middleware: list[str], urls: str) -> Any:
        handler = BaseHandler()
        with override_settings(MIDDLEWARE=middleware):
            handler.load_middleware()

        def send(request: Any) -> Any:
            request.urlconf = urls
            return handler.get_response(request)

        return send

    def _order(self, before: str) -> str:
        """Open an order and let it go on until the step ``before`` is next."""
        return self._journey(before).code

    def _journey(self, before: str) -> Journey:
        center = self.network.organizations["linden"]
        journey = Journey(self.network.cast, self.random)
        player = self.network.cast.of(center.pk, Capability.BOOK_SLOTS)[0]
        number = self.random.randrange(10**8)
        identity = {"family_name": f"Bench{number}", "given_name": "B", "birth_date": "1970-01-01", "mrn": f"B{number}"}
        journey.enrol(player, "auralcel", "linden-main", identity | {"sex": "female", "phone": ""})
        journey.run(before=before)
        return journey

    def _fill_a_slot(self) -> tuple[str, str]:
        """Take places of the first offer until an order is refused it; return that order, and the offer."""
        code = self._order("book")
        offer = self._offer(code)
        while True:
            try:
                flow.perform(self._actor(), code, "book", {"offer": offer})
            except Conflict:
                return code, offer
            code = self._order("book")

    def _actor(self) -> Any:
        return self.network.cast.of(self.network.organizations["linden"].pk, Capability.BOOK_SLOTS)[0].actor

    def _offer(self, code: str) -> str:
        actor = self._actor()
        with reading(actor):
            order = flow.order_named(actor, code)
            parameters = dict(flow.current_step(order, "book").flow_step.parameters)
            return bookings.search(actor, order, parameters, timezone.now().date()).offers[0].token

    def _key(self, organization: str, persona: str, person: str) -> str:
        _, token = issue_api_key(
            self.network.operator(organization),
            name="bench",
            persona_key=persona,
            scopes=Capability.values,
            responsible=User.objects.get(username=f"{person}@{organization}.example"),
        )
        return token

    def _sign_in(self, username: str) -> str:
        browser = Client()
        browser.post("/accounts/login/", {"login": username, "password": PASSWORD})
        return browser.cookies[settings.SESSION_COOKIE_NAME].value

    def api(self, path: str, persona: str = "coordinator", body: Any = None) -> Any:
        """Return a REST request with a key of a persona, or with the baseline's token."""
        headers = {"Authorization": f"Bearer {self.tokens.get(persona)}"}
        if persona == "baseline":
            headers = {"X-Token": "bench"}
        factory = RequestFactory(headers=headers)
        if body is None:
            return factory.get(path)
        return factory.post(path, json.dumps(body), content_type="application/json")

    def page(self, path: str, desk: str = "coordinator") -> Any:
        factory = RequestFactory()
        factory.cookies[settings.SESSION_COOKIE_NAME] = self.sessions[desk]
        return factory.get(path)

    def book(self, number: int) -> Any:
        return self.api(f"/book/{number + 1}", "baseline", {"code": "B-42"})

    def prescribe(self, number: int) -> Any:
        own = {"username": "treating.physician@linden.example", "password": PASSWORD}
        path = f"/api/v1/orders/{self.codes[number]}/steps/prescribe"
        return self.api(path, "treating_physician", {"indication": "Relapsed B-cell lymphoma", "signature": own})

    def hold(self, number: int) -> Any:
        code = self.codes[number]
        return self.api(f"/api/v1/orders/{code}/steps/book", body={"offer": self._offer(code)})

    def confirm(self, number: int) -> Any:
        path = f"/api/v1/orders/{self.requested[number]}/steps/confirm"
        return self.api(path, "planner", {"decision": "confirm"})

    def hand_over(self, number: int) -> Any:
        """Both ends sign for a box: the driver who takes it, and the center's person who gives it."""
        journey = self.packed[number]
        _, _, inputs = journey.prepared("pickup")
        return self.api(f"/api/v1/orders/{journey.code}/steps/pickup", "courier_driver", inputs)

    def hold_full(self, number: int) -> Any:
        code, offer = self.full
        return self.api(f"/api/v1/orders/{code}/steps/book", body={"offer": offer})

    def compare(self, answered: int) -> None:
        """Stop unless the database holds exactly what the answers said."""
        with reading(self._actor()):
            mine = OrderStep.unwalled.filter(order__code__in=self.codes, state="done", key__in=["prescribe", "book"])
            done = mine.count()
            taken = OrderStep.unwalled.filter(
                order__code__in=[one.code for one in self.packed], state="done", key="pickup"
            ).count()
        booked = baseline.Booking.objects.using(baseline.PLAIN).count()
        if taken != min(answered, len(self.packed)):
            raise SystemExit(f"{min(answered, len(self.packed))} boxes were handed over, the tables say {taken}")
        if (done, booked) != (2 * answered, answered):
            raise SystemExit(f"answers say {2 * answered} steps and {answered} bookings, tables {done} and {booked}")
