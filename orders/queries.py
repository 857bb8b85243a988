"""Reads of orders: actor first, narrowed querysets out. What a role may see of an order is decided here, once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from rest_framework import serializers

from custody import queries as custody
from ledger import directory
from ledger.context import Actor
from ledger.models import Party
from ledger.prepared import Prepared
from ledger.refusals import InvalidInput, MissingFact, NotFound
from ledger.states import Role
from ledger.walls import on_stream, sees_stream, visible
from orders import (
    bookings,
    carrying,
    certificates,
    dossier_parts,
    evidence,
    evidence_sections,
    flow_files,
    overdue,
    packing_lists,
    planning,
    plant_work,
    release_queue,
    rescheduling,
    transit,
    turns,
)
from orders import label_texts as label_texts
from orders import owners as named_owners
from orders.bookings import Wishes
from orders.boxes import of_order as box_of_order  # noqa: F401 - for the page of a box
from orders.carrying import Stop
from orders.enrolment_inputs import EnrolmentInputs
from orders.epcis import documents as epcis_documents  # noqa: F401 - for REST
from orders.epcis import filters as epcis_filters  # noqa: F401 - for REST
from orders.epcis import jobs as epcis_jobs  # noqa: F401 - for REST
from orders.epcis import pages as epcis_pages  # noqa: F401 - for REST
from orders.epcis import resources as epcis_resources  # noqa: F401 - for REST
from orders.equity import SMALLEST as SMALLEST_GROUP  # noqa: F401 - for the page
from orders.equity import Cell, report
from orders.inputs import inputs_class
from orders.line_board import week as line_board  # noqa: F401 - for the page
from orders.models import Flow, FlowStep, Order, OrderStep, StepDue
from orders.open_cases import open_cases  # noqa: F401 - for the desks
from orders.places import fill_steps, name_custodians, name_way, placed
from orders.policies import LOGISTIC_KINDS, may_perform, may_see
from orders.policies import may_see_therapy as may_see_therapy
from orders.quarantine import held, quarantined  # noqa: F401 - for the list
from orders.requested_dates import days_for_plants as days_for_plants
from orders.requested_dates import wished_dates as wished_dates
from orders.rescheduling import lines_of as lines_of
from orders.rescheduling import usual_washout as usual_washout
from orders.states import OrderState, StepState
from orders.step_kinds import kind_of
from orders.store_map import lying, racks, taken  # noqa: F401 - for the storage map
from orders.under_query import IdentityQuery, identity_queries, orders_under_query, standing  # noqa: F401 - pages
from personas.queries import Organization
from quality import queries as quality
from scheduling import wishes as kept_wishes
from scheduling.slot_chains import SearchResult

ACTIVATION = "activate_identity"
WAITING_FOR_TRANSPORT = ("collection", "inbound")


def orders(actor: Actor) -> QuerySet[Order]:
    """Return the orders that the actor's organization is a party of, newest first, with their places."""
    return placed(visible(Order, actor).order_by("-opened_at", "-pk"))


def open_orders(actor: Actor) -> QuerySet[Order]:
    """Return the open orders with ``due_at`` of their next step, late ones first: one row per order (CO8)."""
    return turns.by_urgency(orders(actor))


def open_orders_of(actor: Actor, patient_ids: Iterable[UUID]) -> dict[UUID, list[Order]]:
    """Return the own center's open orders by patient, newest first; a patient without one is left out."""
    found: dict[UUID, list[Order]] = {}
    wanted = [*patient_ids]
    if wanted:
        own = orders(actor).filter(center_id=actor.organization_id, state=OrderState.OPEN)
        for order in own.filter(patient_id__in=wanted):
            found.setdefault(order.patient_id, []).append(order)
    return found


def waiting_for(actor: Actor, found: QuerySet[Order], turn: str) -> QuerySet[Order]:
    """Return the orders on which it is the turn of ``me`` (the acting persona), or of an actor of the toolkit."""
    return turns.whose(found, actor, turn)


def owners(actor: Actor, steps: Iterable[OrderStep]) -> dict[UUID, str]:
    """Return by step who of the reader's own organization took it over, in words (CO8)."""
    return named_owners.of_steps(actor, steps)


def ready_steps(found: Iterable[Order]) -> dict[UUID, list[OrderStep]]:
    """Return the ready steps of a page's orders by order, most urgent first."""
    return turns.ready_steps(order.pk for order in found)


def may_act(actor: Actor, order: Order, step: OrderStep) -> bool:
    """Whether a ready step is the actor's to do now: who enrolled a patient never activates the identity."""
    own_enrolment = step.flow_step.kind == ACTIVATION and actor.person_id == order.enrolled_by_id
    return may_perform(actor, step) and not order.on_hold and not own_enrolment


def orders_at_work(actor: Actor, phase: str) -> QuerySet[Order]:
    """Return the open orders that are in the hands of the actor's organization in a phase, by their next due time."""
    return turns.at_work(open_orders(actor), actor, phase)


def steps_in_phase(actor: Actor, found: Iterable[Order], phase: str) -> dict[UUID, list[OrderStep]]:
    """Return the own organization's steps of a phase of a page's orders, by order."""
    ids = [order.pk for order in found]
    return turns.steps_in(ids, flow_step__phase=phase, responsible_id=actor.organization_id)


def evidence_of(steps: Iterable[OrderStep]) -> dict[UUID, list[OrderStep]]:
    """Return the done steps that each of these steps rests on, by its id."""
    return turns.evidence(steps)


def prescribed_by(actor: Actor) -> QuerySet[Order]:
    """Return the open orders that the acting person prescribed or enrolled, late ones first: my patients."""
    prescribed = Exists(
        OrderStep.unwalled.filter(
            order=OuterRef("pk"), flow_step__kind="prescribe", state=StepState.DONE, done_by_id=actor.person_id
        )
    )
    return open_orders(actor).filter(Q(prescribed) | Q(enrolled_by_id=actor.person_id))


def expected_deliveries(actor: Actor, until: dt.datetime) -> QuerySet[OrderStep]:
    """Return what is on its way, or planned, to the actor's organization until a time, by planned arrival."""
    steps = OrderStep.unwalled.filter(
        responsible_id=actor.organization_id,
        state=StepState.WAITING,
        flow_step__kind="hand_over",
        planned_at__lt=until,
        order__state=OrderState.OPEN,
    )
    if actor.site_id is not None:
        steps = steps.filter(Q(site_id=actor.site_id) | Q(site__isnull=True))
    related = ("order__therapy", "order__center_site", "order__manufacturer", "site")
    return steps.select_related("order", "flow_step").prefetch_related(*related).order_by("planned_at", "pk")


def orders_by_stream(actor: Actor, stream_ids: Iterable[UUID]) -> dict[UUID, Order]:
    """Return the orders of several streams that the actor may see."""
    return {order.stream_id: order for order in orders(actor).filter(stream_id__in=list(stream_ids))}


def steps_of(actor: Actor, order: Order) -> QuerySet[OrderStep]:
    """Return every attempt of the order's steps in the flow's order (the timeline); a courier sees its own part."""
    steps: QuerySet[OrderStep] = placed(
        on_stream(OrderStep, actor, order.stream_id).filter(order=order).order_by("position", "attempt")
    )
    if actor.organization_role == Role.COURIER:
        steps = steps.filter(Q(responsible_id=actor.organization_id) | Q(flow_step__kind__in=LOGISTIC_KINDS))
    return steps


@Prepared
def _steps(order_id: UUID) -> QuerySet[OrderStep]:
    return OrderStep.unwalled.filter(order_id=order_id).order_by("position", "attempt")


def timeline(actor: Actor, order: Order) -> list[OrderStep]:
    """Return the rows of ``steps_of``, for the pages that show an order whole."""
    if not sees_stream(actor, order.stream_id):
        return []
    return [step for step in fill_steps(_steps(order_id=order.pk)) if may_see(actor, step)]


def sees_step(actor: Actor, step: OrderStep) -> bool:
    """Whether a step of a visible order is the actor's to see: a courier sees its own part."""
    return may_see(actor, step)


def worklist(actor: Actor) -> QuerySet[OrderStep]:
    """Return the steps that wait for the acting persona, over all manufacturers, by due time (CO8)."""
    steps = OrderStep.unwalled.filter(
        responsible_id=actor.organization_id,
        state=StepState.READY,
        capability__in=actor.capabilities if actor.scopes is None else actor.capabilities & actor.scopes,
        order__state=OrderState.OPEN,
    )
    if actor.site_id is not None:
        steps = steps.filter(Q(site_id=actor.site_id) | Q(site__isnull=True))
    return placed(steps.select_related("order").order_by(F("due_at").asc(nulls_last=True), "pk"))


def result_of(actor: Actor, order: Order, result_id: UUID) -> Any:
    """Return a QC result of this very order; NotFound for any other."""
    found = quality.result(actor, result_id)
    if found.stream_id != order.stream_id:
        raise NotFound()
    return found


def due_steps(now: dt.datetime, limit: int = 500) -> list[StepDue]:
    """Return the due rows that somebody has to look at, the oldest first. Ids and times only: see ``StepDue``."""
    return list(StepDue.unwalled.filter(due_at__lte=now).order_by("due_at", "pk")[:limit])


def worklist_size(actor: Actor) -> int:
    """Return how many steps wait for the acting persona, at most 100 counted."""
    return len(worklist(actor).select_related(None).order_by().values_list("pk", flat=True)[:100])


@Prepared
def _parties(stream_id: UUID) -> QuerySet[Party]:
    return Party.unwalled.filter(stream_id=stream_id).order_by("since", "pk")


def parties_of(actor: Actor, order: Order) -> list[tuple[Party, Organization | None]]:
    """Return the order's parties with their organizations, in the order in which they joined."""
    parties = _parties(stream_id=order.stream_id) if sees_stream(actor, order.stream_id) else []
    found = directory.rows(Organization, [party.organization_id for party in parties])
    return [(party, found.get(party.organization_id)) for party in parties]


def bags_of(actor: Actor, order: Order) -> list[Any]:
    """Return the order's containers with who holds them, by kind and position."""
    return name_custodians(custody.containers_of(actor, order.stream_id).select_related(None))


def boxes_of(actor: Actor, order: Order) -> list[Any]:
    """Return the order's shipments with courier and way, without what is in them."""
    return name_way(custody.shipments_of(actor, order.stream_id).select_related(None).prefetch_related(None))


def packing_list(actor: Actor, order: Order, box: str, *, outer: bool = False) -> packing_lists.PackingList:
    """Return what is in a packed box as the reader may know it; ``outer``: for its outside."""
    return packing_lists.of_box(actor, order, box, outer=outer)


def flows(actor: Actor) -> QuerySet[Flow]:
    return visible(Flow, actor).select_related("therapy", "manufacturer").order_by("therapy__name", "-version")


def may_see_identity(actor: Actor, order: Order) -> bool:
    """Only the patient's own center reads the identity, and only in a persona that may (T39, T40)."""
    return order.center_id == actor.organization_id and actor.can("read_identity")


def patient_ids(found: Iterable[Order]) -> list[UUID]:
    return [order.patient_id for order in found]


def step_of(actor: Actor, order: Order, key: str) -> OrderStep:
    """Return the newest attempt of a step that the actor may see; NotFound for any other."""
    step = steps_of(actor, order).filter(key=key).last()
    if step is None:
        raise NotFound()
    return step


def inputs_of(step: OrderStep) -> type[serializers.Serializer[Any]]:
    """Return the one declaration of a step's inputs: its kind's, plus the signatures that its flow asks for."""
    return inputs_class(kind_of(step.flow_step.kind), step.signatures)


def enrolment_inputs() -> serializers.Serializer[Any]:
    """Return the one declaration of what opens an order."""
    return EnrolmentInputs()


def search_slots(
    actor: Actor,
    order: Order,
    step: OrderStep,
    earliest: dt.date,
    wishes: Wishes | None = None,
    days: int | None = None,
    start: tuple[UUID, dt.date] | None = None,
) -> SearchResult:
    """Return feasible slot chains for an order from a day on, and why other days have none (CO1).

    ``days``: how far to look ahead, instead of the flow's horizon. ``start``: a line, and the day on which manufacture
    is to start there; the day says where the search begins and ends.
    """
    if start is not None:
        return bookings.search_for(actor, order, rescheduling.request_for_start(actor, order, *start, wishes), wishes)
    parameters = dict(step.flow_step.parameters)
    if days is not None:
        parameters["horizon_days"] = days
    return bookings.search(actor, order, parameters, earliest, wishes)


def wishes_of(actor: Actor, order: Order) -> Wishes:
    """Return what is wished of an order's dates, to who may see its therapy."""
    return kept_wishes.of_order(order.stream_id) if may_see_therapy(actor) else kept_wishes.NOTHING


def flow(actor: Actor, flow_id: UUID) -> Flow:
    """Return one flow version; NotFound for one the actor may not see."""
    found = flows(actor).filter(pk=flow_id).first()
    if found is None:
        raise NotFound()
    return found


def usual_delay_hours() -> float:
    """Return after how many hours an overdue step escalates where its flow step does not say."""
    return overdue.ESCALATE_AFTER.total_seconds() / 3600


def flow_steps(found: Flow) -> QuerySet[FlowStep]:
    """Return the steps of a flow version in their order."""
    return FlowStep.unwalled.filter(flow=found).order_by("position")


def flow_definition(found: Flow) -> dict[str, Any]:
    """Return a flow version as the definition it can be exported as (PC6)."""
    return flow_files.write(found)


def flow_differences(old: Flow, new: Flow) -> list[str]:
    """Return in words what changed from one version to another (PC3)."""
    return flow_files.differences(flow_files.write(old), flow_files.write(new))


def flow_from_text(text: str) -> dict[str, Any]:
    """Return the definition in an uploaded flow file; InvalidInput when it is not one."""
    return flow_files.read(text)


def stops(actor: Actor, before: dt.datetime | None = None) -> list[Stop]:
    """Return the courier's open pickups and deliveries by cut-off; ``before``: only those due until then, or late."""
    return carrying.stops(actor, before)


def stops_of(actor: Actor, order: Order) -> list[Stop]:
    """Return the stops of one order that the actor's organization carries."""
    return carrying.stops(actor, order=order) if actor.organization_role == Role.COURIER else []


def hand_overs(actor: Actor) -> QuerySet[OrderStep]:
    """Return the open hand-overs of the orders that the courier carries, those without a plan last."""
    return carrying.hand_overs(actor)


def transit_margin(actor: Actor, order: Order) -> transit.Margin | None:
    """Return how long the starting material can still wait, to those who may know what is in the box."""
    waiting = order.state == OrderState.OPEN and order.phase in WAITING_FOR_TRANSPORT
    return transit.margin(order) if waiting and may_see_therapy(actor) else None


def delays(actor: Actor, order: Order) -> list[dict[str, Any]]:
    """Return the steps that a reported delay moves, with planned and expected time, as far as the actor sees them."""
    reported = order.state == OrderState.OPEN and any(name.startswith(transit.EXPECTED) for name in order.plan)
    return transit.moved(order, list(steps_of(actor, order))) if reported else []


def running_orders(actor: Actor) -> dict[tuple[UUID, UUID], int]:
    """Return how many orders run, by therapy and treatment site (SN5: what a suspension touches)."""
    running = visible(Order, actor).filter(state=OrderState.OPEN).order_by()
    counted = running.values_list("therapy_id", "center_site_id").annotate(number=Count("pk"))
    return {(therapy_id, site_id): number for therapy_id, site_id, number in counted}


def find_order(actor: Actor, text: str) -> Order | None:
    """Return the order that a code names: order, chain of identity, bag, label, donation, box or batch; else None.

    Scanned or typed. Couriers find none: what they carry is named by boxes on their own desk.
    """
    wanted = text.strip().replace("\x00", "")[:200]
    if not wanted or not may_see_therapy(actor):
        return None
    found = orders(actor).filter(code=wanted.upper()).first()
    if found is None:
        stream_id = _stream_named(actor, wanted)
        found = orders(actor).filter(stream_id=stream_id).first() if stream_id else None
    return found


def _stream_named(actor: Actor, wanted: str) -> UUID | None:
    batch = quality.batch_numbered(actor, wanted)
    if batch is not None:
        return batch.stream_id
    try:
        found = custody.lookup(actor, wanted)
    except InvalidInput:  # no code of this product
        return None
    return found.stream_id if found else None


def parts_of_record(actor: Actor, order: Order) -> dict[str, list[dict[str, Any]]]:
    """Return the parts of an order's record beside its events, as plain rows: what a dossier of it would hold."""
    return dossier_parts.parts_of(actor, order, steps_of(actor, order), parties_of(actor, order))


def certificate_of(actor: Actor, order: Order) -> tuple[str, bytes] | None:
    """Return the certificate of the order's newest release as (file name, PDF); None when nothing was released."""
    return certificates.printed(actor, order)


def codes_of(actor: Actor, stream_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the codes of the actor's orders by stream; one query."""
    return dict(visible(Order, actor).filter(stream_id__in=set(stream_ids)).values_list("stream_id", "code"))


def codes_by_patient(actor: Actor, ids: Iterable[UUID]) -> dict[UUID, list[str]]:
    """Return the codes of the own center's orders by patient, newest first; one query."""
    own = visible(Order, actor).filter(center_id=actor.organization_id, patient_id__in=set(ids))
    found: dict[UUID, list[str]] = {}
    for patient, code in own.order_by("-opened_at", "-pk").values_list("patient_id", "code"):
        found.setdefault(patient, []).append(code)
    return found


# ---- what the desks of a plant show ---------------------------------------------------------------------------------


def slot_requests(actor: Actor) -> QuerySet[OrderStep]:
    """Return the requests for slots that wait for an answer on the actor's orders, answer due first (MP2)."""
    return planning.asked(actor)


def requests_of(actor: Actor, steps: Sequence[OrderStep]) -> list[planning.Request]:
    """Return one page of such steps with their chains and the load of their lines."""
    return planning.requests(actor, steps, partial(may_perform, actor))


def next_date(actor: Actor, order: Order) -> planning.NextDate:
    """Return the next slot chain after the requested one that would fit, or why there is none."""
    return planning.next_date(actor, order)


def running_batches(actor: Actor) -> list[planning.Running]:
    """Return what is in manufacture, planned against actual."""
    return planning.running(actor)


def late_at_plants(actor: Actor) -> list[OrderStep]:
    """Return what is overdue at the plants of the actor's orders."""
    return planning.late(actor)


def plant_tasks(actor: Actor) -> list[plant_work.Task]:
    """Return the work of the actor's plant from arrival to shipping, by time (MO1)."""
    return plant_work.tasks(actor, partial(may_perform, actor))


def in_quality_control(actor: Actor) -> list[release_queue.Pending]:
    """Return the batches of the actor's plant that wait for results (QC2)."""
    return release_queue.in_quality_control(actor, partial(may_perform, actor))


def undecided(actor: Actor, kinds: Sequence[str], states: Sequence[str]) -> list[release_queue.Pending]:
    """Return batches that are not decided, with everything open of each, first to ship first (QA8)."""
    return release_queue.to_decide(actor, kinds, states, partial(may_perform, actor))


def reserves_asked(actor: Actor) -> list[release_queue.ReserveAsked]:
    """Return the reserves whose use waits for quality's signature, due first (MO7)."""
    return release_queue.reserves(actor, partial(may_perform, actor))


def released_lately(actor: Actor) -> list[release_queue.Decided]:
    """Return the releases of the last month with what became of the product."""
    return release_queue.released_lately(actor)


def batch_evidence(actor: Actor, order: Order) -> list[evidence_sections.Section]:
    """Return the evidence of the order's newest batch: what its page shows and its signatures are bound to (QA1)."""
    return evidence_sections.sections(actor, order)


def evidence_shown(found: Iterable[evidence_sections.Section]) -> list[tuple[str, str]]:
    """Return sections as the list that is signed."""
    return evidence_sections.as_shown(found)


def release_missing(actor: Actor, order: Order) -> list[MissingFact]:
    """Return everything that stands against the release of the order's batch."""
    return evidence.release_missing(actor, order)


def with_anchors(facts: Iterable[MissingFact]) -> list[release_queue.OpenItem]:
    """Return open items each with the place of its evidence on the evidence page."""
    return release_queue.with_anchors(facts)


def equity_report(actor: Actor, since: dt.date | None = None) -> list[Cell]:
    """Return time-to-slot by group, none of them small (see ``orders.equity``)."""
    return report(actor, since)
