"""Quality decides on evidence: who made or tested it does not, and nothing open is waved through."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from cgt.demo.journey import Journey, Player
from custody import material
from custody.states import ContainerState
from ledger.context import reading
from ledger.recording import acting
from ledger.refusals import FactsMissing, InvalidInput, NotAllowed, NotFound, WrongState
from orders.actions.dispositions import decide_on_quarantine
from orders.evidence import release_missing
from orders.flow import order_named
from personas.models import User
from quality import queries as quality
from quality.actions.deviations import close_deviation, open_deviation
from quality.states import BatchState
from tests.journeys.conftest import refused
from tests.journeys.watching import bags, kinds_of_events, open_deviations, order_of
from tests.journeys.world import World

PASSED = {"results": [{"test": "viability", "value": "82"}, {"test": "sterility", "value": "no growth"}]}
FAILED = {"results": [{"test": "viability", "value": "61"}, {"test": "sterility", "value": "no growth"}]}
INCOMPLETE = {"results": [{"test": "viability", "value": "82"}]}


def facts_of(refusal: Any) -> set[str]:
    return {fact.code for fact in refusal.value.facts}


def batch_state(player: Player, journey: Journey) -> str:
    with reading(player.actor):
        return str(quality.batch_of(player.actor, order_of(player, journey).stream_id).state)  # type: ignore[union-attr]


def at(world: World, key: str, results: dict[str, Any] = PASSED) -> Journey:
    journey = world.journey()
    journey.overrides["qc"] = results
    journey.run(before=key)
    return journey


@pytest.mark.story("QA1", "QA2")
@pytest.mark.parametrize("made_as", ["operator", "qc_analyst"])
def test_who_made_or_tested_a_batch_neither_reviews_nor_releases_it(world: World, made_as: str) -> None:
    maker_of_it = world.player("maker", made_as)
    journey = world.journey()
    journey.run(before="start")
    while (step := journey.next_step()) is not None and step.key in ("start", "finish", "label_product", "qc"):
        persona = "qc_analyst" if step.key == "qc" else "operator"
        journey.perform(step.key, PASSED if step.key == "qc" else None, world.player("maker", persona))
    human = User.objects.get(username=maker_of_it.username).person
    in_review = world.add("maker", "qualified_person", person=human)
    with refused(NotAllowed, "performer_cannot_review"):
        journey.perform("review", player=in_review)
    journey.perform("review", player=world.player("maker", "qa_reviewer"))
    with refused(NotAllowed, "performer_cannot_release"):
        journey.perform("release", player=in_review)
    assert batch_state(in_review, journey) == BatchState.UNDER_REVIEW
    with refused(NotAllowed):
        journey.perform("release", player=world.player("maker", "operator"))


def test_fewer_bags_than_a_dose_needs_are_told_at_once_and_stop_the_release(world: World) -> None:
    maker, reviewer = world.player("maker", "operator"), world.player("maker", "qa_reviewer")
    journey = world.journey()
    journey.run(before="finish")
    done = journey.perform("finish", {"bags": [{"volume_ml": "68"}]})
    assert "finished: 1 bag. A dose needs 2: quality is told." in done.summary
    (case,) = open_deviations(reviewer, journey)
    assert (case.text, case.severity) == ("1 bag filled; a dose needs 2.", "major")
    with reading(maker.actor):
        order = order_named(maker.actor, journey.code)
        assert any(case.number in fact.text for fact in release_missing(maker.actor, order))
    whole = at(world, "label_product")
    assert open_deviations(reviewer, whole) == []


def test_results_come_in_over_days_and_the_review_waits_for_the_last(world: World) -> None:
    journey = at(world, "qc")
    first = journey.perform("qc", INCOMPLETE)
    assert (first.state, "1 of 2" in first.summary) == ("ready", True)
    with refused(WrongState, "step_not_ready"):
        journey.perform("review")
    again = {"test": "sterility", "invalid": True, "text": "Control failed"}
    assert journey.perform("qc", {"results": [again]}).state == "ready", "an invalid test is no result"
    assert journey.perform("qc", {"results": [{"test": "sterility", "value": "no growth"}]}).state == "done"
    journey.run(before="ship")
    assert batch_state(world.player("maker", "planner"), journey) == BatchState.RELEASED


@pytest.mark.story("QA2", "QC2")
def test_a_release_is_refused_and_every_open_item_is_listed(world: World) -> None:
    journey = at(world, "release", FAILED)
    reviewer = world.player("maker", "qa_reviewer")
    order = order_of(reviewer, journey)
    open_deviation(reviewer.actor, order.stream_id, kind="process", severity="major", text="Alarm of the incubator")
    minor = open_deviation(reviewer.actor, order.stream_id, kind="process", severity="minor", text="Ink smeared")
    with refused(FactsMissing) as refusal:
        journey.perform("release")
    assert facts_of(refusal) == {"result_failed", "deviation_open"}
    assert minor.number not in " ".join(fact.text for fact in refusal.value.facts)
    assert all(fact.remedy for fact in refusal.value.facts)
    assert batch_state(reviewer, journey) == BatchState.UNDER_REVIEW
    assert ContainerState.REJECTED not in bags(reviewer, journey).values()


@pytest.mark.story("QA2")
def test_a_batch_is_rejected_with_its_reason_and_nothing_ships(world: World) -> None:
    journey, planner = at(world, "release", FAILED), world.player("maker", "planner")
    with refused(InvalidInput) as refusal:
        journey.perform("release", {"decision": "reject"})
    assert "reason" in refusal.value.fields
    rejected = journey.perform("release", {"decision": "reject", "reason": "Viability below the limit."})
    assert (rejected.state, batch_state(planner, journey)) == ("failed", BatchState.REJECTED)
    assert set(bags(planner, journey, "drug_product").values()) == {ContainerState.REJECTED}
    assert journey.next_step() is None
    with refused(WrongState, "step_not_ready"):
        journey.perform("ship", {"bags": [{"scan": next(iter(bags(planner, journey, "drug_product")))}]})
    with refused(WrongState):
        journey.perform("release")
    assert "orders.step_failed" in kinds_of_events(world.player("center", "coordinator"), journey), "the center is told"


@pytest.mark.story("MO1")
@pytest.mark.parametrize(
    ("finding", "word"),
    [
        ({"temperature_c": "14.5"}, "14.5"),
        ({"received_at": "late"}, "Over age"),
        ({"condition": "damaged"}, "Damaged"),
    ],
)
def test_material_out_of_limits_waits_for_quality(world: World, finding: dict[str, str], word: str) -> None:
    journey, reviewer = at(world, "receipt"), world.player("maker", "qa_reviewer")
    result = journey.perform("receipt", _received(world, journey, finding))
    assert result.state == "done" and "quarantined" in result.summary
    (code,) = bags(reviewer, journey)
    assert bags(reviewer, journey) == {code: ContainerState.QUARANTINED}
    (deviation,) = open_deviations(reviewer, journey)
    assert (deviation.severity, deviation.automatic) == ("critical", True) and word in deviation.text

    with refused(FactsMissing) as refusal:
        journey.perform("start", {"bags": [{"scan": code}]})
    assert facts_of(refusal) == {"material_quarantined"}
    with refused(FactsMissing) as refusal:
        decide_on_quarantine(reviewer.actor, journey.code, code, "release", "Stability data cover it.")
    assert facts_of(refusal) == {"deviation_open"} and deviation.number in refusal.value.facts[0].text

    close_deviation(reviewer.actor, deviation.pk, conclusion="Within the stability data.")
    decide_on_quarantine(reviewer.actor, journey.code, code, "release", "Stability data cover it.")
    assert bags(reviewer, journey) == {code: ContainerState.ACCEPTED}
    assert "orders.quarantine_decided" in kinds_of_events(world.player("center", "coordinator"), journey)
    journey.run(before="ship")
    assert batch_state(reviewer, journey) == BatchState.RELEASED


def _received(world: World, journey: Journey, finding: dict[str, str]) -> dict[str, Any]:
    if "condition" in finding:
        (code,) = bags(world.player("maker", "operator"), journey)
        return {"bags": [{"scan": code, **finding}]}
    if "received_at" in finding:  # collected 60 h ago, as the record of the bag says
        operator = world.player("maker", "operator").actor
        stream_id = order_of(world.player("maker", "operator"), journey).stream_id
        with acting(operator, "orders.step_done", stream_id=stream_id):
            for bag in material.of_stream(stream_id):
                bag.ended_at = timezone.now() - dt.timedelta(hours=60)
                bag.save(update_fields=["ended_at"])
        return {}
    return finding


def test_who_decides_on_a_quarantine(world: World) -> None:
    journey = at(world, "receipt")
    journey.perform("receipt", {"temperature_c": "14.5"})
    reviewer = world.player("maker", "qa_reviewer")
    (code,) = bags(reviewer, journey)

    def decide(player: Player, decision: str = "reject", reason: str = "Too warm", container: str = code) -> Any:
        return decide_on_quarantine(player.actor, journey.code, container, decision, reason)

    with refused(NotAllowed):
        decide(world.player("maker", "operator"))
    with refused(NotAllowed, "not_custodian"):
        decide(world.player("center", "site_quality"))
    with refused(NotFound):
        decide(world.player("next_maker", "qa_reviewer"))
    with refused(NotFound):
        decide(reviewer, container="NO-SUCH-BAG")
    with refused(InvalidInput):
        decide(reviewer, reason=" ")
    with refused(InvalidInput):
        decide(reviewer, decision="forget")
    assert bags(reviewer, journey) == {code: ContainerState.QUARANTINED}
    decide(reviewer)
    assert bags(reviewer, journey) == {code: ContainerState.REJECTED}
    with refused(WrongState, "not_quarantined"):
        decide(reviewer)


def test_the_release_waits_for_a_bag_in_quarantine(world: World) -> None:
    journey = at(world, "release")
    reviewer = world.player("maker", "qa_reviewer")
    stream_id = order_of(reviewer, journey).stream_id
    with acting(reviewer.actor, "orders.step_done", stream_id=stream_id):
        material.quarantine(material.of_stream(stream_id, "drug_product")[0], "Leak suspected.")
    with refused(FactsMissing) as refusal:
        journey.perform("release")
    assert facts_of(refusal) == {"material_quarantined"}
