"""A therapy is data: conditions, repeats, signatures and versions need no new code, and no faulty flow goes live."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from ledger.context import reading
from ledger.models import Event
from ledger.refusals import FactsMissing, InvalidInput, NotAllowed, NotFound, WrongState
from orders import flow_files, queries
from orders.actions.flows import approve_flow, propose_flow, retire_flow
from orders.actions.interruptions import repeat_step
from orders.flow_validation import faults
from orders.models import Flow
from orders.states import FlowState, StepState
from personas.models import User
from tests.factories import PASSWORD
from tests.journeys.conftest import refused
from tests.journeys.watching import bags, order_of, step_of
from tests.journeys.world import World
from tests.personas.conftest import signed_in

Definition = dict[str, Any]


@pytest.fixture
def definition() -> Definition:
    return flow_files.shipped("autologous_car_t")


def step(definition: Definition, key: str) -> dict[str, Any]:
    return next(found for found in definition["steps"] if found["key"] == key)


def insert(definition: Definition, after: str, new: dict[str, Any]) -> None:
    """Put a step behind another one; whatever came after that one waits for the new one too."""
    steps = definition["steps"]
    for later in steps:
        if after in later.get("after", []):
            later["after"] = [*later["after"], new["key"]]
    steps.insert(steps.index(step(definition, after)) + 1, {"after": [after], **new})


def live(world: World, definition: Definition) -> Flow:
    author, approver = world.player("maker", "product_owner"), world.player("maker", "flow_approver")
    return approve_flow(approver.actor, propose_flow(author.actor, world.car_t, definition).pk)


ONCE_MORE = {
    "key": "second_consent",
    "kind": "record_consent",
    "title": "Consent to the registry",
    "actor": "treatment_center",
    "phase": "enrolment",
}


def test_a_market_asks_for_more_people_than_others(world: World, definition: Definition) -> None:
    step(definition, "collect")["market_signatures"] = {"DE": 2, "US": 4}  # the center is in Germany
    step(definition, "identify")["market_signatures"] = {"US": 5}
    flow = live(world, definition)
    with reading(world.player("maker", "product_owner").actor):
        assert step(flow_files.write(flow), "collect")["market_signatures"] == {"DE": 2, "US": 4}
    journey, nurse = world.journey(), world.player("center", "apheresis_nurse")
    journey.run(before="collect")
    with reading(nurse.actor):
        found = queries.steps_of(nurse.actor, order_of(nurse, journey))
        assert [found.get(key=key).signatures for key in ("identify", "collect")] == [2, 2]
    with refused(InvalidInput) as refusal:
        journey.perform("collect", {"verifiers": []})
    assert set(refusal.value.fields) == {"verifiers"}
    page = signed_in(User.objects.get(username=nurse.username).memberships.get())
    html = page.get(f"/orders/{journey.code}/steps/collect/").content.decode()
    assert "Second person" in html
    journey.perform("collect")
    with reading(nurse.actor):
        event = Event.unwalled.filter(stream_id=order_of(nurse, journey).stream_id).latest("seq")
        assert event.signatures.count() == 2


@pytest.mark.parametrize(
    ("condition", "state"),
    [
        ([["modality", "=", "in_vivo"]], StepState.SKIPPED),
        ([["modality", "!=", "in_vivo"], ["center_country", "in", ["DE", "AT"]]], StepState.READY),
        ([["bags", ">=", 2], ["center_country", "=", "US"]], StepState.SKIPPED),
    ],
)
def test_a_step_whose_condition_does_not_hold_is_skipped(
    world: World, definition: Definition, condition: list[Any], state: str
) -> None:
    insert(definition, "activate_coi", {**ONCE_MORE, "condition": condition})
    live(world, definition)
    journey, coordinator = world.journey(), world.player("center", "coordinator")
    assert step_of(coordinator, journey, "second_consent").state == StepState.WAITING
    journey.run(until="activate_coi")
    assert step_of(coordinator, journey, "second_consent").state == state
    journey.run(before="book")
    done = step_of(coordinator, journey, "second_consent").state
    assert done == (StepState.SKIPPED if state == StepState.SKIPPED else StepState.DONE)


@pytest.mark.story("TP8")
def test_a_repeat_is_a_new_attempt_and_the_former_one_stays(world: World) -> None:
    journey, physician = world.journey(), world.player("center", "treating_physician")
    journey.run(before="prescribe")
    with refused(InvalidInput):
        repeat_step(physician.actor, journey.code, "eligibility", " ")
    with refused(NotAllowed):
        repeat_step(world.player("center", "infusion_nurse").actor, journey.code, "eligibility", "Curious")
    with refused(NotFound):
        repeat_step(world.player("next_center", "treating_physician").actor, journey.code, "eligibility", "Curious")
    with refused(NotAllowed, "step_does_not_repeat"):
        repeat_step(physician.actor, journey.code, "consent", "Again")
    with refused(WrongState, "step_not_done"):
        repeat_step(world.player("center", "apheresis_nurse").actor, journey.code, "labels", "Too early")

    fresh = repeat_step(physician.actor, journey.code, "eligibility", "New infection tests.")
    assert (fresh.attempt, fresh.state) == (2, StepState.READY)
    assert step_of(physician, journey, "prescribe").state == StepState.WAITING
    with reading(physician.actor):
        attempts = queries.steps_of(physician.actor, order_of(physician, journey)).filter(key="eligibility")
        assert [(row.attempt, row.state) for row in attempts] == [(1, StepState.DONE), (2, StepState.READY)]
    journey.run(before="book")
    with refused(WrongState, "later_step_done"):
        repeat_step(physician.actor, journey.code, "eligibility", "Too late")


def test_a_flow_may_ask_for_more_signatures_than_the_kind(world: World, definition: Definition) -> None:
    step(definition, "apply_labels")["signatures"] = 3
    live(world, definition)
    journey, first = world.journey(), world.player("center", "apheresis_nurse")
    journey.run(before="apply_labels")
    third = world.add("center", "apheresis_nurse")
    scan = next(iter(bags(first, journey)))
    verifiers = [
        {"username": player.username, "password": PASSWORD, "scan": scan}
        for player in (world.player("center", "apheresis_nurse", 2), third)
    ]
    with refused(InvalidInput) as refusal:
        journey.perform("apply_labels", {"verifiers": verifiers[:1]}, _only_two(world, journey))
    assert "verifiers" in refusal.value.fields
    with refused(FactsMissing, "second_person_needed"):
        journey.perform("apply_labels", {"verifiers": [verifiers[0], verifiers[0]]}, _only_two(world, journey))
    done = journey.perform("apply_labels", {"verifiers": verifiers}, _only_two(world, journey))
    with reading(first.actor):
        assert Event.unwalled.get(pk=done.event).signatures.count() == 3


def _only_two(world: World, journey: Any) -> Any:
    """The performer; the cast learns of the third nurse, whom the journey would otherwise miss."""
    third = world.people["center", "apheresis_nurse"][-1]
    if third not in journey.cast.players:
        journey.cast = copy.copy(journey.cast)
        journey.cast.players = [*journey.cast.players, third]
    return world.player("center", "apheresis_nurse")


def _remove(key: str, name: str) -> Callable[[Definition], Any]:
    return lambda flow: step(flow, key).pop(name)


def _set(key: str, /, **values: Any) -> Callable[[Definition], Any]:
    return lambda flow: step(flow, key).update(values)


def _without(key: str) -> Callable[[Definition], Any]:
    """Leave a step out: what came after it comes after its predecessors."""

    def change(flow: Definition) -> None:
        gone = step(flow, key)
        flow["steps"].remove(gone)
        for later in flow["steps"]:
            if key in later.get("after", []):
                later["after"] = [*(other for other in later["after"] if other != key), *gone["after"]]
            if later.get("due", {}).get("step") == key:
                later["due"] = {"step": "order", "hours": 1}

    return change


FAULTS: list[tuple[Callable[[Definition], Any], str]] = [
    (_set("consent", kind="record_horoscope"), "step 'consent': unknown kind 'record_horoscope'"),
    (_set("consent", after=["consent"]), "circle: "),
    (_set("prescribe", after=["consent", "close"]), "circle: "),
    (_set("prescribe", after=[]), "unreachable step 'prescribe'"),
    (_remove("consent", "actor"), "step 'consent': missing actor"),
    (_set("consent", actor="astrologer"), "unknown actor 'astrologer'"),
    (_set("consent", phase="afterlife"), "unknown phase 'afterlife'"),
    (_set("consent", capability="fly"), "unknown capability 'fly'"),
    (_set("consent", after=["enrol", "horoscope"]), "comes after 'horoscope', which is no step of this flow"),
    (_set("consent", after="enrol"), "“after” must be a list of step keys"),
    (_set("consent", key="enrol"), "step key 'enrol' is used twice"),
    (_set("consent", mood="good"), "unknown property 'mood'"),
    (_set("labels", parameters={"containers": "many"}), "parameter containers: "),
    (_set("labels", parameters={"containers": 13}), "parameter containers: "),
    (_set("labels", parameters={"color": "red"}), "unknown parameter 'color'"),
    (_set("pickup", parameters={"direction": "up", "moment": "pickup"}), "parameter direction: "),
    (_set("confirm", parameters={"reopens": "nowhere"}), "parameter reopens: 'nowhere' is no step of this flow"),
    (_set("eligibility", parameters={"minimum_weight_kg": float("nan")}), "must be a finite number"),
    (_set("apply_labels", signatures=1), "step 'apply_labels': signatures must be a number from 2 (the floor of its"),
    (_set("apply_labels", signatures=6), "signatures must be a number from 2"),
    (_set("identify", signatures=1), "step 'identify': signatures must be a number from 2"),
    (_set("activate_coi", signatures=0), "step 'activate_coi': signatures must be a number from 1"),
    (_set("receipt", signatures=1), "step 'receipt': signatures must be a number from 2"),
    (_set("receive_product", signatures=1), "step 'receive_product': signatures must be a number from 2"),
    (_set("bedside", signatures=1), "step 'bedside': signatures must be a number from 2"),
    (_set("collect", signatures=0), "step 'collect': signatures must be a number from 1"),
    (_set("bedside", market_signatures={"DE": 1}), "market_signatures: DE must have a number from 2"),
    (_set("bedside", market_signatures={"DE": 6}), "market_signatures: DE must have a number from 2"),
    (_set("bedside", market_signatures={"Germany": 3}), "market_signatures: 'Germany' is no two-letter country code"),
    (_set("bedside", market_signatures=[3]), "“market_signatures” must be {country code: number of signatures}"),
    (_without("apply_labels"), "step 'collect' must come after a step of kind “apply_labels”"),
    (_without("activate_coi"), "step 'collect' must come after a step of kind “activate_identity”"),
    (_without("bedside"), "step 'infuse' must come after a step of kind “check_bedside”"),
    (_set("accept_job", parameters={"reopens": "nowhere"}), "parameter reopens: 'nowhere' is no step of this flow"),
    (_set("consent", condition=[["weather", "=", "fine"]]), "unknown fact 'weather'"),
    (_set("consent", condition=[["bags", "~", 1]]), "unknown operator '~'"),
    (_set("consent", due={"step": "horoscope", "hours": 1}), "due: 'horoscope' is no step of this flow"),
    (_set("consent", due={"plan": "doomsday", "hours": 1}), "unknown plan time 'doomsday'"),
    (_set("consent", due={"step": "enrol", "hours": "soon"}), "due: hours must be a number"),
    (_set("consent", due={"step": "enrol", "escalate_hours": 0}), "due: escalate_hours must be a number above 0"),
    (_set("consent", due={"step": "enrol", "escalate_hours": True}), "escalate_hours must be a number above 0"),
    (_set("consent", due={"step": "enrol", "escalate_hours": float("nan")}), "escalate_hours must be a number above 0"),
    (_set("consent", due={"escalate_hours": 2}), "due must be {step or plan: name, hours: n, escalate_hours: n}"),
    (lambda flow: flow["steps"].reverse(), "put it below"),
    (lambda flow: flow.update(steps=[]), "“steps” must be a list of at least one step"),
    (lambda flow: flow.update(name=""), "the flow’s name"),
    (lambda flow: flow["steps"].pop(0), "exactly one step of kind “enrol”"),
]


@pytest.mark.story("PC1")
@pytest.mark.parametrize(("change", "words"), FAULTS, ids=[words[:40] for _, words in FAULTS])
def test_a_fault_of_a_flow_is_named(definition: Definition, change: Callable[[Definition], Any], words: str) -> None:
    assert faults(definition) == []
    change(definition)
    assert [fault for fault in faults(definition) if words in fault], faults(definition)


@pytest.mark.story("PC1")
def test_every_fault_is_named_at_once_and_nothing_is_stored(world: World, definition: Definition) -> None:
    step(definition, "consent").update(kind="record_horoscope", actor="astrologer")
    step(definition, "collect")["signatures"] = 0
    step(definition, "prescribe")["after"] = ["consent", "horoscope"]
    with refused(InvalidInput, "flow_faults") as refusal:
        propose_flow(world.player("maker", "product_owner").actor, world.car_t, definition)
    assert len(refusal.value.fields["steps"]) == 4
    with reading(world.player("maker", "product_owner").actor):
        assert Flow.unwalled.filter(therapy=world.car_t).count() == 1


JUNK = [None, 5, -1, True, "", "x" * 300, "a\x00b", [], {}, [[1]], [{}], {"a": 1}, {1: 2}, float("inf"), object()]


@pytest.mark.parametrize("name", [*flow_files.STEP_FIELDS, 7])
def test_whatever_a_file_says_is_a_fault_or_a_flow(world: World, definition: Definition, name: Any) -> None:
    author = world.player("maker", "product_owner").actor
    for junk in JUNK:
        changed = copy.deepcopy(definition)
        step(changed, "confirm")[name] = junk
        if faults(changed) == []:
            assert propose_flow(author, world.car_t, changed).state == FlowState.PROPOSED, junk
        else:
            with refused(InvalidInput, "flow_faults"):
                propose_flow(author, world.car_t, changed)


@pytest.mark.parametrize("junk", [{"steps": 5}, {"steps": ["x"]}, {"name": 5}, {"title": "x" * 201}, {"notes": "x"}])
def test_the_same_for_the_flow_itself(definition: Definition, junk: Definition) -> None:
    assert faults({**definition, **junk})


@pytest.mark.story("PC2")
def test_a_flow_is_approved_by_a_second_human_being(world: World, definition: Definition) -> None:
    author = world.player("maker", "product_owner")
    person = User.objects.get(username=author.username).person
    author_again = world.add("maker", "flow_approver", person=person)
    proposed = propose_flow(author.actor, world.car_t, definition)
    with refused(NotAllowed):
        approve_flow(author.actor, proposed.pk)
    with refused(FactsMissing, "second_person_needed"):
        approve_flow(author_again.actor, proposed.pk)
    with refused(NotFound):
        approve_flow(world.player("next_maker", "qa_reviewer").actor, proposed.pk)
    with reading(author.actor):
        assert Flow.unwalled.get(pk=proposed.pk).state == FlowState.PROPOSED
    approve_flow(world.player("maker", "flow_approver").actor, proposed.pk)
    with refused(WrongState):
        approve_flow(world.player("maker", "flow_approver").actor, proposed.pk)


@pytest.mark.story("PC2")
def test_running_orders_keep_their_version(world: World, definition: Definition) -> None:
    running, coordinator = world.journey(), world.player("center", "coordinator")
    running.run(until="activate_coi")
    insert(definition, "consent", ONCE_MORE)
    second = live(world, definition)
    fresh = world.journey()

    versions = [order_of(coordinator, journey).flow.version for journey in (running, fresh)]
    assert versions == [1, 2] and second.version == 2
    with refused(NotFound):
        step_of(coordinator, running, "second_consent")
    assert step_of(coordinator, fresh, "second_consent").state == StepState.WAITING
    assert running.run(before="book") == "book"
    with reading(coordinator.actor):
        stream_id = order_of(coordinator, running).stream_id
        said = {e.payload["flow_version"] for e in Event.unwalled.filter(stream_id=stream_id, kind="orders.step_done")}
    assert said == {1}
    with reading(world.player("maker", "product_owner").actor):
        states = dict(Flow.unwalled.filter(therapy=world.car_t).values_list("version", "state"))
    assert states == {1: FlowState.RETIRED, 2: FlowState.LIVE}


def test_no_order_starts_on_a_retired_flow(world: World) -> None:
    with reading(world.player("maker", "product_owner").actor):
        running = Flow.unwalled.get(therapy=world.car_t, state=FlowState.LIVE)
    retire_flow(world.player("maker", "flow_approver").actor, running.pk, "Under revision.")
    with refused(FactsMissing) as refusal:
        world.journey()
    assert [fact.code for fact in refusal.value.facts] == ["therapy_not_configured"]
