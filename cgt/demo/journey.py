"""Drives an order through its flow with the real actions: who performs, who verifies, what they scan and enter.

Used to fill the demo and by the journey tests; everything it does, people could do in the browser.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.utils import timezone

from cgt.demo import chores
from custody import equipment_register, return_register, stock
from custody import queries as custody
from custody.schemes import printed
from custody.states import ContainerKind, ContainerState
from ledger.context import Actor, reading
from ledger.refusals import FactsMissing
from ledger.states import Role
from ledger.walls import visible
from network.specifications import rules_of
from orders import bookings, flow, parties
from orders.actions.enrolment import enrol
from orders.flow import StepResult
from orders.queries import Order, OrderStep
from orders.states import OrderState, StepState

USUALLY = {"prescribe": "treating_physician", "identify_patient": "apheresis_nurse"}
# What the second person scans too, every bag of it.
SCANS_EVERY_BAG = ("apply_labels", "label_product", "receive_material", "receive_product", "check_bedside")
TRIES, TAKEN = 5, "_in_another_box"
PRODUCT = (ContainerKind.DRUG_PRODUCT, ContainerKind.VECTOR_KIT)


@dataclass(frozen=True)
class Player:
    """A person with a persona: who they are when they act, and what they type when they sign."""

    actor: Actor
    username: str
    password: str


@dataclass
class Cast:
    """Everybody who may act, by organization."""

    players: list[Player] = field(default_factory=list)

    def of(
        self,
        organization_id: UUID,
        capability: str,
        *,
        site_id: UUID | None = None,
        without: frozenset[UUID | None] = frozenset(),
    ) -> list[Player]:
        """Return the players of an organization who have a capability (at the site), less the persons ``without``."""
        return [
            player
            for player in self.players
            if player.actor.organization_id == organization_id
            and capability in player.actor.capabilities
            and player.actor.person_id not in without
            and (site_id is None or player.actor.site_id in (None, site_id))
        ]


class CannotGoOn(RuntimeError):
    """The cast or the network lacks what the next step needs."""


@dataclass
class Journey:
    """One order's way. ``identity`` is what the patient's document says; ``random`` makes it repeatable."""

    cast: Cast
    random: random.Random
    code: str = ""
    identity: Mapping[str, Any] = field(default_factory=dict)
    enrolled_by: UUID | None = None
    made_by: set[UUID | None] = field(default_factory=set)
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)
    collect_on: dt.datetime | None = None  # booked as near to this as offers allow
    keeps: int = 0  # bags that stay behind as reserve when manufacture starts
    shipper: str = ""  # that the next box is packed into
    logger: str = ""
    vector_lot: str = ""  # of the vector that manufacture uses

    def enrol(self, player: Player, therapy: str, site: str, identity: Mapping[str, Any]) -> str:
        """Open the order; return its code."""
        self.identity = identity
        self.enrolled_by = player.actor.person_id
        self.code = enrol(player.actor, {"therapy": therapy, "site": site, "identity": dict(identity)})
        return self.code

    def run(self, until: str = "", *, before: str = "", on_step: Callable[[StepResult], None] | None = None) -> str:
        """Perform ready steps in the flow's order until the step ``until`` is done, or ``before`` is ready; or the end.

        Returns the key of the step that is ready next ("" when the order is closed).
        """
        while (step := self.next_step()) is not None:
            if before and step.key == before:
                return step.key
            result = self.perform(step.key)
            if on_step:
                on_step(result)
            if until and step.key == until and result.state == StepState.DONE:
                upcoming = self.next_step()
                return upcoming.key if upcoming else ""
        return ""

    def next_step(self) -> OrderStep | None:
        """Return the first ready step, as its center sees it."""
        actor = self._center_player().actor
        with reading(actor):
            ready = visible(OrderStep, actor).filter(
                order__code=self.code, order__state=OrderState.OPEN, state=StepState.READY
            )
            return ready.order_by("position").first()

    def _center_player(self) -> Player:
        for player in self.cast.players:
            if player.actor.person_id == self.enrolled_by and player.actor.organization_role == "treatment_center":
                return player
        raise CannotGoOn("nobody of the center plays")

    def perform(self, key: str, changes: Mapping[str, Any] | None = None, player: Player | None = None) -> StepResult:
        """Perform one step with plausible inputs (``changes`` replace some).

        Where another order took the shipper or logger in this very moment, another one is fetched.
        """
        for left in reversed(range(TRIES)):
            actor, kind, inputs = self.prepared(key, changes, player)
            try:
                result = flow.perform(actor.actor, self.code, key, inputs)
            except FactsMissing as refusal:
                taken = any(fact.code.endswith(TAKEN) for fact in refusal.facts)
                if not taken or not left or "shipper_code" in (changes or {}):
                    raise
            else:
                break
        if kind in ("start_manufacture", "finish_manufacture", "label_product", "record_qc"):
            self.made_by.add(actor.actor.person_id)
        return result

    def prepared(
        self, key: str, changes: Mapping[str, Any] | None = None, player: Player | None = None
    ) -> tuple[Player, str, dict[str, Any]]:
        """Return who performs a step, its kind, and plausible inputs with all signatures, without performing it."""
        viewer = self._center_player().actor
        with reading(viewer):
            rows = visible(OrderStep, viewer).filter(order__code=self.code, key=key).select_related("flow_step")
            step = rows.latest("attempt")
            capability, signatures = step.capability, step.signatures
            kind, parameters = step.flow_step.kind, step.flow_step.parameters
        if step.responsible_id is None:
            raise CannotGoOn(f"nobody is responsible for {key}")
        if kind == "pack" and "shipper_code" not in (changes or {}):
            self._make_ready(viewer)
        player = player or self._performer(step.responsible_id, capability, step.site_id, kind)
        with reading(player.actor):
            order = flow.order_named(player.actor, self.code)
            inputs = self._inputs(kind, order, step, player, parameters)
        inputs |= self.overrides.get(key, {})
        if signatures >= 1:
            inputs["signature"] = {"username": player.username, "password": player.password}
        if signatures >= 2:
            inputs["verifiers"] = self._verifiers(kind, order, step, player, signatures - 1, inputs)
        return player, kind, inputs | dict(changes or {})

    def _performer(self, organization_id: UUID, capability: str, site_id: UUID | None, kind: str) -> Player:
        without: set[UUID | None] = set()
        if kind == "activate_identity":
            without = {self.enrolled_by}
        if kind in ("review_batch", "release_batch"):
            without = self.made_by
        found = self.cast.of(organization_id, capability, site_id=site_id, without=frozenset(without))
        found = _usual(kind, found)
        if not found:
            raise CannotGoOn(f"nobody in the cast may {capability}")
        return self.random.choice(found)

    def _verifiers(
        self, kind: str, order: Order, step: OrderStep, player: Player, number: int, inputs: Mapping[str, Any]
    ) -> list[dict[str, str]]:
        organization_id, capability, site_id = player.actor.organization_id, step.capability, step.site_id
        scan = inputs["bags"][0]["scan"] if inputs.get("bags") else inputs.get("wristband", "")
        if kind in SCANS_EVERY_BAG:
            scan = ", ".join(bag["scan"] for bag in inputs["bags"])
        if kind == "check_bedside":
            scan = f"{inputs['wristband']}, {scan}"
        if kind == "hand_over":
            organization_id, site_id = self._giver(order, step.flow_step.parameters)
            capability, scan = "give_custody", inputs["outer_code"]
        found = self.cast.of(organization_id, capability, site_id=site_id, without=frozenset({player.actor.person_id}))
        usual = _usual(kind, found)
        found = usual if len({p.actor.person_id for p in usual}) >= number else found
        if len({p.actor.person_id for p in found}) < number:
            raise CannotGoOn(f"too few second persons who may {capability}")
        return [
            {"username": other.username, "password": other.password, "scan": scan}
            for other in self.random.sample(found, number)
        ]

    def _giver(self, order: Order, parameters: Mapping[str, Any]) -> tuple[UUID, UUID | None]:
        if parameters["moment"] == "delivery":
            return self._courier_id(order), None
        if parameters["direction"] == "inbound":
            return order.center_id, order.center_site_id
        if order.plant_site is None:
            raise CannotGoOn("no plant is known yet")
        return order.plant_site.organization_id, order.plant_site_id

    def _courier_id(self, order: Order) -> UUID:
        viewer = self._center_player().actor
        with reading(viewer):
            return _newest_shipment(viewer, order).courier_id

    def _inputs(
        self, kind: str, order: Order, step: OrderStep, player: Player, parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        builder = getattr(self, f"_for_{kind}")
        return dict(builder(order, player, parameters))

    def example(self, kind: str, order: Order, step: OrderStep, player: Player) -> dict[str, Any]:
        """Return plausible inputs of a ready step, as the player would enter them. Call inside their reading."""
        return self._inputs(kind, order, step, player, step.flow_step.parameters)

    def _bags(self, order: Order, player: Player, state: str, kinds: tuple[str, ...]) -> list[Any]:
        rows = custody.containers_of(player.actor, order.stream_id)
        return [row for row in rows if row.state == state and row.kind in kinds]

    def _for_activate_identity(self, order: Order, *_: Any) -> dict[str, Any]:
        return {
            "scan": printed(order.identity_code),
            "birth_date": str(self.identity["birth_date"]),
            "mrn": self.identity["mrn"],
        }

    def _for_record_consent(self, *_: Any) -> dict[str, Any]:
        today = timezone.now().date()
        return {
            "therapy": True,
            "data_sharing": self.random.random() < 0.7,
            "registry": True,
            "signed_on": str(today),
            "form_reference": f"CF-{self.random.randrange(10000, 99999)}",
        }

    def _for_record_eligibility(self, order: Order, player: Player, parameters: Mapping[str, Any]) -> dict[str, Any]:
        low = float(parameters.get("minimum_weight_kg", 50))
        high = min(float(parameters.get("maximum_weight_kg", 95)), 110)
        weight = round(self.random.uniform(max(low, high * 0.5), high * 0.9), 1)
        return {
            "eligible": "yes",
            "weight_kg": str(weight),
            "infectious_tests": "negative",
            "assessed_at": now_text(),
            "note": "See chart",
        }

    def _for_prescribe(self, *_: Any) -> dict[str, Any]:
        return {"indication": self.random.choice(["Relapsed B-cell lymphoma", "Multiple myeloma", "B-cell leukemia"])}

    def _for_hold_slot_chain(self, order: Order, player: Player, parameters: Mapping[str, Any]) -> dict[str, Any]:
        result = bookings.search(player.actor, order, dict(parameters), timezone.now().date())
        if not result.offers:
            raise CannotGoOn(f"no feasible chain: {result.refused[:3]}")
        wanted = self.collect_on
        nearest = min(result.offers, key=lambda o: abs(o.collection_start - wanted)) if wanted else result.offers[0]
        return {"offer": nearest.token}

    def _for_request_slots(self, *_: Any) -> dict[str, Any]:
        return {"remark": ""}

    def _for_confirm_slots(self, *_: Any) -> dict[str, Any]:
        return {"decision": "confirm"}

    def _for_check_kit(self, *_: Any) -> dict[str, Any]:
        return {"kit_code": f"KIT-{self.random.randrange(1000, 9999)}", "complete": "yes", "condition": "good"}

    def _for_print_labels(self, *_: Any) -> dict[str, Any]:
        return {}

    def _for_accept_job(self, *_: Any) -> dict[str, Any]:
        return {"decision": "accept"}

    def _for_identify_patient(self, order: Order, *_: Any) -> dict[str, Any]:
        return {"wristband": printed(order.identity_code), "patient_said": "matches"}

    def _for_apply_labels(self, order: Order, player: Player, *_: Any) -> dict[str, Any]:
        bags = self._bags(order, player, ContainerState.LABELLED, (ContainerKind.STARTING_MATERIAL,))
        return {"wristband": printed(order.identity_code), "bags": [{"scan": bag.code} for bag in bags]}

    def _for_label_product(self, order: Order, player: Player, *_: Any) -> dict[str, Any]:
        bags = self._bags(order, player, ContainerState.STORED, (ContainerKind.DRUG_PRODUCT,))
        return {"bags": [{"scan": bag.code} for bag in bags]}

    def _for_start_collection(self, order: Order, *_: Any) -> dict[str, Any]:
        begun = timezone.now() - dt.timedelta(minutes=2)  # a form tells minutes, and the end must be a later one
        return {"wristband": printed(order.identity_code), "started_at": begun.isoformat()}

    def _for_collect(self, order: Order, player: Player, parameters: Mapping[str, Any]) -> dict[str, Any]:
        bags = self._bags(order, player, ContainerState.LABELLED, (ContainerKind.STARTING_MATERIAL,))
        return {
            "bags": [{"scan": bag.code, "volume_ml": str(self.random.randrange(180, 260))} for bag in bags],
            "ended_at": now_text(),
            **chores.record_of(self.code, parameters.get("records", [])),
        }

    def _make_ready(self, viewer: Actor) -> None:
        """Let the courier fetch, clean and charge one of its registered shippers, and bring a free logger."""
        with reading(viewer):
            order = flow.order_named(viewer, self.code)
            self._choose_box(viewer, order)
            courier = parties.with_role(order, Role.COURIER)
        shipper, logger = chores.bring_pieces(courier.organization_id, self.random) if courier else ("", "")
        self.shipper, self.logger = shipper or self.shipper, logger or self.logger

    def _choose_box(self, viewer: Actor, order: Order) -> None:
        """Choose a shipper and a logger of the courier's, charged ones first, none on its way back or in another box.

        Numbers are made up where it keeps no register.
        """
        number = self.random.randrange(1000, 9999)
        self.shipper, self.logger = f"SH-{number}", f"LOG-{number}"
        courier = parties.with_role(order, Role.COURIER)
        kept = chores.not_in_a_box(equipment_register.kept_by(viewer, courier.organization_id)) if courier else []
        loggers = [piece.serial for piece in kept if not piece.is_shipper]
        out = set(return_register.returns(viewer).values_list("shipper_id", flat=True)) if kept else set()
        shippers = [piece for piece in kept if piece.is_shipper and piece.pk not in out]
        charged = [piece for piece in shippers if chores.is_ready(piece)]
        self.logger = self.random.choice(loggers) if loggers else self.logger
        self.shipper = self.random.choice(charged or shippers).serial if shippers else self.shipper

    def _for_pack(self, order: Order, player: Player, parameters: Mapping[str, Any]) -> dict[str, Any]:
        inbound = parameters["direction"] == "inbound"
        state = ContainerState.COLLECTED if inbound else ContainerState.STORED
        kinds = (ContainerKind.STARTING_MATERIAL,) if inbound else PRODUCT
        if not self.shipper:
            self._choose_box(player.actor, order)
        number = self.random.randrange(1000, 9999)
        return {
            "bags": [{"scan": bag.code} for bag in self._bags(order, player, state, kinds)],
            "shipper_code": self.shipper,
            "seal_code": f"SEAL-{number}",
            "logger_code": self.logger,
            "logger_running": "yes",
            "checklist": [{"item": row["item"], "done": True} for row in parameters.get("checklist", [])],
            "packed_at": now_text(),
        }

    def _for_hand_over(self, order: Order, player: Player, *_: Any) -> dict[str, Any]:
        shipment = _newest_shipment(player.actor, order)
        return {
            "outer_code": shipment.code,
            "seal_seen": shipment.seal_code,
            "condition": "good",
            "handed_over_at": now_text(),
        }

    def _for_receive_material(self, order: Order, player: Player, *_: Any) -> dict[str, Any]:
        travels = (ContainerKind.STARTING_MATERIAL, ContainerKind.INTERMEDIATE, ContainerKind.SAMPLE)
        bags = self._bags(order, player, ContainerState.IN_TRANSIT, travels)
        return {
            "bags": [{"scan": bag.code, "condition": "good"} for bag in bags],
            "temperature_c": "5.0",
            "received_at": now_text(),
        }

    def _for_confirm_reserve(self, *_: Any) -> dict[str, Any]:
        return {"decision": "confirm"}

    def _for_release_reserve(self, *_: Any) -> dict[str, Any]:
        return {"decision": "release"}

    def _for_start_manufacture(self, order: Order, player: Player, *_: Any) -> dict[str, Any]:
        bags = self._bags(order, player, ContainerState.ACCEPTED, (ContainerKind.STARTING_MATERIAL,))
        bags = bags[: len(bags) - self.keeps]
        return {
            "record_reference": f"BR-{self.random.randrange(10000, 99999)}",
            "materials": [{"name": "Viral vector", "lot": self.vector_lot}] if self.vector_lot else [],
            "bags": [{"scan": bag.code} for bag in bags],
            "started_at": now_text(),
        }

    def _for_finish_manufacture(self, order: Order, *_: Any) -> dict[str, Any]:
        count = int(order.specification.limits.get("bags", 1))
        return {"result": "finished", "bags": [{"volume_ml": "68"} for _ in range(count)], "finished_at": now_text()}

    def _for_record_qc(self, order: Order, *_: Any) -> dict[str, Any]:
        return {
            "results": [
                {"test": rule.key, "value": self._passing(rule)} for rule in rules_of(order.specification).values()
            ]
        }

    def _passing(self, rule: Any) -> str:
        if rule.is_coded:
            return str(rule.expected[0])
        if rule.minimum is not None and rule.maximum is not None:
            return f"{(rule.minimum + rule.maximum) / 2:f}"
        if rule.minimum is not None:
            return f"{self._within(rule.minimum, 108):f}"
        return f"{self._within(rule.maximum, 40):f}" if rule.maximum is not None else "1"

    def _within(self, limit: Decimal, percent: int) -> Decimal:
        """Return a value well on the good side of a limit, as finely given as the limit is."""
        return (limit * percent / 100).quantize(limit)

    def _for_review_batch(self, *_: Any) -> dict[str, Any]:
        return {"audit_trail_reviewed": "yes"}

    def _for_release_batch(self, *_: Any) -> dict[str, Any]:
        return {"decision": "release"}

    def _for_receive_product(self, order: Order, player: Player, *_: Any) -> dict[str, Any]:
        bags = self._bags(order, player, ContainerState.IN_TRANSIT, PRODUCT)
        coldest = float(order.specification.limits["storage_max_c"])
        return {
            "bags": [{"scan": bag.code, "decision": "accept"} for bag in bags],
            "temperature_c": str(coldest - 10),
            "received_at": now_text(),
        }

    def _for_store_product(self, order: Order, player: Player, *_: Any) -> dict[str, Any]:
        bags = self._bags(order, player, ContainerState.ACCEPTED, PRODUCT)
        free = chores.free_places(player.actor, order.center_site_id)
        places = self.random.sample(free, len(bags)) if free else [self._typed_place() for _ in bags]
        stored = [{"scan": bag.code, "location": place} for bag, place in zip(bags, places, strict=True)]
        return {"bags": stored, "stored_at": now_text()}

    def _typed_place(self) -> str:
        rack = f"{self.random.choice('ABCD')}{self.random.randrange(1, 9)}"
        return f"Tank {self.random.randrange(1, 5)}, rack {rack}"

    def _for_decide_readiness(self, *_: Any) -> dict[str, Any]:
        return {"decision": "go"}

    def _for_issue_product(self, order: Order, player: Player, *_: Any) -> dict[str, Any]:
        bags = self._bags(order, player, ContainerState.STORED, PRODUCT)
        scanned = [{"scan": bag.code} for bag in bags]
        return {"patient_ready": "yes", "wristband": printed(order.identity_code), "bags": scanned}

    def _for_prepare_product(self, order: Order, player: Player, *_: Any) -> dict[str, Any]:
        bags = self._bags(order, player, ContainerState.ISSUED, PRODUCT)
        return {"bags": [{"scan": bag.code} for bag in bags], "started_at": now_text()}

    def _for_check_bedside(self, order: Order, player: Player, *_: Any) -> dict[str, Any]:
        bags = self._bags(order, player, ContainerState.THAWED, PRODUCT)
        scanned = [{"scan": bag.code} for bag in bags]
        return {"wristband": printed(order.identity_code), "bags": scanned, "patient_said": "matches"}

    def _for_infuse(self, order: Order, player: Player, *_: Any) -> dict[str, Any]:
        thawed = self._bags(order, player, ContainerState.THAWED, PRODUCT)
        if not thawed:
            raise CannotGoOn("nothing is thawed")
        bag = next((bag for bag in thawed if bag.matched_at), thawed[0])
        return {
            "scan": bag.code,
            "result": "infused",
            "volume_ml": f"{bag.volume_ml or 60:.1f}",
            "started_at": now_text(),
            "ended_at": now_text(),
        }

    def _for_allocate_stock(self, order: Order, *_: Any) -> dict[str, Any]:
        units = stock.available(order.therapy_id)
        if not units:
            raise CannotGoOn("nothing in stock")
        unit = self.random.choice(units)  # two journeys side by side rarely want the same one
        return {"serial": f"{unit.lot}/{unit.serial}"}

    def _for_close_order(self, *_: Any) -> dict[str, Any]:
        return {}


def _usual(kind: str, players: list[Player]) -> list[Player]:
    """Return those who usually do it, where somebody of that persona plays."""
    return [player for player in players if player.actor.persona == USUALLY.get(kind)] or players


def _newest_shipment(viewer: Actor, order: Order) -> Any:
    shipment = custody.shipments_of(viewer, order.stream_id).last()
    if shipment is None:
        raise CannotGoOn("nothing is packed yet")
    return shipment


def now_text() -> str:
    return timezone.now().isoformat()
