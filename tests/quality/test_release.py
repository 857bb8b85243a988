from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from ledger.context import reading
from ledger.models import Event
from ledger.refusals import FactsMissing, InvalidInput, MissingFact, NotAllowed, NotFound, WrongState
from quality import queries
from quality.actions.deviations import close_deviation, open_deviation
from quality.actions.releases import revoke_release
from quality.batches import add_performers
from quality.models import Batch, Release
from quality.release import blockers, live_decision
from quality.states import BatchState
from tests.factories import make_actor, make_organization
from tests.quality.factories import GOOD, World, changed


@pytest.mark.story("QA2")
def test_reviewed_and_released(world: World) -> None:
    batch = world.make_batch()
    world.record(batch, GOOD)
    world.review(batch)
    release = world.decide(batch)
    assert batch.state == BatchState.RELEASED
    assert release.certificate_number == f"C{batch.number[1:]}-1"
    assert (batch.reviewed_by_id, release.decided_by_id) == (world.reviewer.person_id, world.releaser.person_id)
    with reading(world.releaser):
        assert queries.release_of(world.releaser, world.stream.pk) == release


def test_review_needs_every_required_test(world: World) -> None:
    batch = world.make_batch()
    world.record(batch, [GOOD[0], {"test": "dose", "invalid": True, "text": "control failed"}])
    with pytest.raises(FactsMissing) as caught:
        world.review(batch)
    codes = [fact.code for fact in caught.value.facts]
    assert codes == ["result_invalid", "result_missing", "result_missing"]
    assert all(fact.remedy for fact in caught.value.facts)


@pytest.mark.story("QA1")
def test_release_is_impossible_with_an_open_major_deviation(world: World) -> None:
    batch = world.make_batch(BatchState.UNDER_REVIEW)
    open_deviation(world.reviewer, world.stream.pk, kind="x", severity="minor", text="x")
    deviation = open_deviation(world.reviewer, world.stream.pk, kind="x", severity="major", text="x")
    with pytest.raises(FactsMissing) as caught:
        world.decide(batch)
    assert [fact.code for fact in caught.value.facts] == ["deviation_open"]
    close_deviation(world.releaser, deviation.pk, conclusion="No effect on the product")
    assert world.decide(batch).decision == "release"


def test_release_is_impossible_with_a_fact_of_the_caller(world: World) -> None:
    batch = world.make_batch(BatchState.UNDER_REVIEW)
    quarantined = MissingFact("container_quarantined", "Bag 1 is in quarantine.", "Resolve it.")
    with pytest.raises(FactsMissing) as caught:
        world.decide(batch, extra=[quarantined])
    assert caught.value.facts == [quarantined]
    assert world.decide(batch).decision == "release"


def test_a_failed_batch_is_never_released_but_rejected(world: World) -> None:
    """T22."""
    batch = world.make_batch()
    world.record(batch, changed("viability", value="69.9"))
    world.review(batch)
    with pytest.raises(FactsMissing) as caught:
        world.decide(batch)
    (fact,) = caught.value.facts
    assert fact.code == "result_failed"
    assert fact.text == "Viability: 69.9 % is outside ≥ 70 %."
    rejection = world.decide(batch, "reject")
    assert (batch.state, rejection.certificate_number) == (BatchState.REJECTED, None)
    with pytest.raises(WrongState):
        world.decide(batch)


def test_only_a_reviewed_batch_is_released(world: World) -> None:
    batch = world.make_batch()
    world.record(batch, GOOD)
    with pytest.raises(WrongState) as caught:
        world.decide(batch)
    assert caught.value.code == "batch_state"


def test_a_batch_may_be_rejected_before_its_tests_are_complete(world: World) -> None:
    batch = world.make_batch()
    world.decide(batch, "reject", reason="Donor withdrew consent")
    assert batch.state == BatchState.REJECTED
    world.make_batch()  # the way is free for a remanufacture


@pytest.mark.story("QA2")
@pytest.mark.parametrize("who", ["operator", "co_signer", "analyst"])
def test_who_made_or_tested_a_batch_neither_reviews_nor_decides(world: World, who: str) -> None:
    """T15: by the person, not the account or the persona. The right alone does not help."""
    batch = world.make_batch()
    world.record(batch, GOOD[:3])
    two_hats = world.operator if who == "operator" else make_actor(world.manufacturer, "qualified_person")
    world.record(batch, GOOD[3:], actor=two_hats if who == "analyst" else world.analyst)
    if who == "co_signer":
        with world.step(world.operator):
            add_performers(batch, [two_hats.person_id])
    with pytest.raises(NotAllowed) as caught:
        world.review(batch, two_hats)
    assert caught.value.code == "performer_cannot_review"
    world.review(batch)
    for decision in ("release", "reject"):
        with pytest.raises(NotAllowed) as caught:
            world.decide(batch, decision, two_hats)
        assert caught.value.code == "performer_cannot_release"
    assert world.decide(batch).decision == "release"


def test_an_analyst_whose_result_was_superseded_stays_an_analyst(world: World) -> None:
    batch = world.make_batch()
    world.record(batch, [{"test": "dose", "invalid": True, "text": "control failed"}], actor=world.reviewer)
    world.record(batch, GOOD)
    with pytest.raises(NotAllowed):
        world.review(batch, world.reviewer)


@pytest.mark.parametrize(
    ("decision", "reason", "field"),
    [
        ("reject", " ", "reason"),
        ("revoke", "x", "decision"),
        ("approve", "", "decision"),
        (None, "", "decision"),
        ("release", "x" * 2001, "reason"),
        ("release", None, "reason"),
    ],
)
def test_a_bad_decision_names_its_field(world: World, decision: Any, reason: Any, field: str) -> None:
    batch = world.make_batch(BatchState.UNDER_REVIEW)
    with pytest.raises(InvalidInput) as caught:
        world.decide(batch, decision, reason=reason)
    assert list(caught.value.fields) == [field]
    with reading(world.releaser):
        assert Batch.unwalled.get(pk=batch.pk).state == BatchState.UNDER_REVIEW


def test_a_batch_is_decided_once_even_with_a_stale_object(world: World) -> None:
    batch = world.make_batch(BatchState.UNDER_REVIEW)
    with reading(world.releaser):
        stale = Batch.unwalled.get(pk=batch.pk)
    world.decide(batch)
    with pytest.raises(WrongState):
        world.decide(stale)
    with pytest.raises(WrongState):
        world.decide(stale, "reject")
    with reading(world.releaser):
        assert Release.unwalled.filter(batch=batch).count() == 1


def test_the_database_keeps_one_live_decision(world: World) -> None:
    batch = world.make_batch(BatchState.RELEASED)
    with (
        pytest.raises(IntegrityError, match="quality_release_one_live"),
        world.step(world.releaser),
        transaction.atomic(),
    ):
        Release.objects.create(
            stream=world.stream,
            batch=batch,
            decision="reject",
            decided_by_id=world.releaser.person_id,
            decided_at=timezone.now(),
        )


@pytest.mark.story("QA9")
def test_a_release_is_revoked_and_the_batch_decided_again(world: World) -> None:
    batch = world.make_batch(BatchState.RELEASED)
    revocation = revoke_release(world.releaser, batch.pk, reason="Late sterility result")
    with reading(world.releaser):
        assert Batch.unwalled.get(pk=batch.pk).state == BatchState.REVOKED
        assert queries.release_of(world.releaser, world.stream.pk) is None
        assert live_decision(batch) is None
        first = Release.unwalled.get(batch=batch, decision="release")
        event = Event.unwalled.get(stream=world.stream, kind="quality.release_revoked")
    assert first.revoked_at == revocation.decided_at
    assert event.payload == {"batch": batch.number, "certificate": first.certificate_number}
    assert "sterility" not in event.canonical
    with pytest.raises(WrongState):
        revoke_release(world.releaser, batch.pk, reason="Twice")
    world.review(batch)
    assert world.decide(batch).certificate_number == f"C{batch.number[1:]}-2"


def test_revoking_takes_the_capability_a_reason_and_the_right_organization(world: World) -> None:
    batch = world.make_batch(BatchState.RELEASED)
    with pytest.raises(NotAllowed):
        revoke_release(world.reviewer, batch.pk, reason="Not mine to decide")
    with pytest.raises(InvalidInput):
        revoke_release(world.releaser, batch.pk, reason="")
    stranger = make_actor(make_organization("manufacturer"), "qualified_person")
    with pytest.raises(NotFound):
        revoke_release(stranger, batch.pk, reason="Not ours")
    with reading(world.releaser):
        assert live_decision(batch) is not None


@pytest.mark.story("QA1")
def test_blockers_name_everything_at_once(world: World) -> None:
    batch = world.make_batch()
    world.record(batch, [{"test": "dose", "value": 1}])
    open_deviation(world.reviewer, world.stream.pk, kind="x", severity="critical", text="x")
    with reading(world.reviewer):
        codes = [fact.code for fact in blockers(batch, [MissingFact("identity_query", "Identity under query.")])]
    assert codes == ["result_missing"] * 3 + ["result_failed", "deviation_open", "identity_query"]
