"""Acting: one transaction, one event, nested calls join, refusals are kept after rollback, a key answers once."""

from __future__ import annotations

import datetime as dt
import threading
import time
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from ledger.context import Actor, current, reading
from ledger.events import EventKind, register, registered
from ledger.models import Event, Replay
from ledger.recording import REFUSALS_PER_MINUTE, Once, Replayed, acting, open_event
from ledger.refusals import Conflict, InvalidInput, NotAllowed, NotFound
from personas.models import Organization, Site
from tests.factories import make_actor, make_organization, operator, unique

if "tests.done" not in registered():
    register(EventKind("tests.done", "Done", "{what} was done.", payload={"what": "anything"}))


@pytest.fixture
def organization(db: None) -> Organization:
    return make_organization()


def events(organization: Organization, kind: str = "tests.done") -> list[Event]:
    with reading(operator(organization)):
        return list(Event.unwalled.filter(stream_id=organization.pk, kind=kind).order_by("seq"))


def add_site(organization: Organization) -> Site:
    """One tracked row, written inside the open event."""
    return Site.objects.create(
        organization_id=organization.pk, code=unique("s"), name="Fictional", country="DE", zone="Europe/Berlin"
    )


def test_an_event_continues_its_chain(organization: Organization) -> None:
    actor = operator(organization)
    for what in ("first", "second"):
        with acting(actor, "tests.done") as event:
            event.note(what=what)
    first, second = events(organization)
    assert second.seq == first.seq + 1
    assert second.previous_hash == first.hash
    assert len(second.hash) == 64


def test_a_nested_act_joins_the_outer_event(organization: Organization) -> None:
    actor = operator(organization)
    with acting(actor, "tests.done") as outer:
        outer.note(what="outer")
        with acting(actor, "personas.site_added") as inner:
            assert inner is outer
            add_site(organization)
        assert open_event() is outer
    (event,) = events(organization)
    assert event.rows_digest
    assert events(organization, "personas.site_added") == []
    with reading(actor):
        assert Site.history.filter(event_id=event.pk).count() == 1


def test_concept_modules_run_only_inside_an_action() -> None:
    with pytest.raises(RuntimeError, match="no open event"):
        open_event()


def test_what_fails_leaves_nothing(organization: Organization) -> None:
    with pytest.raises(ZeroDivisionError), acting(operator(organization), "tests.done"):
        add_site(organization)
        _ = 1 / 0
    assert events(organization) == []
    with reading(operator(organization)):
        assert not Site.unwalled.filter(organization_id=organization.pk).exists()
    assert current() is None


def test_unregistered_kinds_and_payload_keys_are_refused(organization: Organization) -> None:
    with pytest.raises(LookupError, match="not registered"), acting(operator(organization), "tests.unknown"):
        pass
    with pytest.raises(LookupError, match="secret"), acting(operator(organization), "tests.done") as event:
        event.note(secret="x")
    assert events(organization) == []


def test_the_future_is_refused_and_the_past_is_kept_with_both_times(organization: Organization) -> None:
    actor = operator(organization)
    with (
        pytest.raises(InvalidInput),
        acting(actor, "tests.done", occurred_at=timezone.now() + dt.timedelta(minutes=2)),
    ):
        pass
    earlier = timezone.now() - dt.timedelta(hours=3)
    with acting(actor, "tests.done", occurred_at=earlier, zone="Asia/Tokyo"):
        pass
    (event,) = events(organization)
    assert event.occurred_at == earlier
    assert event.recorded_at > earlier
    assert event.zone == "Asia/Tokyo"


def test_another_organizations_stream_does_not_exist(organization: Organization) -> None:
    other = make_organization()
    with pytest.raises(NotFound), acting(operator(organization), "tests.done", stream_id=other.pk):
        pass
    assert events(other) == []


def test_a_refused_act_is_recorded_after_the_rollback(organization: Organization) -> None:
    actor = make_actor(organization, "coordinator")
    with pytest.raises(NotAllowed), acting(actor, "tests.done", subject=("order", "T-1")):
        add_site(organization)
        raise NotAllowed()
    (event,) = events(organization, "ledger.refused")
    assert event.payload == {"code": "not_allowed", "attempted": "tests.done", "subject": "T-1", "facts": []}
    assert event.person_id == actor.person_id
    assert events(organization) == []


def test_a_flood_of_refusals_does_not_flood_the_record(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = time.time()
    monkeypatch.setattr("ledger.rates.time", lambda: began)
    actor, colleague = make_actor(organization, "coordinator"), make_actor(organization, "coordinator")
    for _ in range(REFUSALS_PER_MINUTE + 5):
        with pytest.raises(NotAllowed), acting(actor, "tests.done"):
            raise NotAllowed()
    assert len(events(organization, "ledger.refused")) == REFUSALS_PER_MINUTE
    with pytest.raises(NotAllowed), acting(colleague, "tests.done"):
        raise NotAllowed()
    assert len(events(organization, "ledger.refused")) == REFUSALS_PER_MINUTE + 1
    monkeypatch.setattr("ledger.rates.time", lambda: began + 60)
    with pytest.raises(NotAllowed), acting(actor, "tests.done"):
        raise NotAllowed()
    assert len(events(organization, "ledger.refused")) == REFUSALS_PER_MINUTE + 2, "the next minute counts anew"


def test_ordinary_refusals_are_not_recorded(organization: Organization) -> None:
    with pytest.raises(InvalidInput), acting(operator(organization), "tests.done"):
        raise InvalidInput()
    assert events(organization, "ledger.refused") == []


def test_the_same_request_twice_happens_once(organization: Organization) -> None:
    actor, once = operator(organization), Once("key-1", "fingerprint")
    with acting(actor, "tests.done", once=once) as event:
        event.result = {"code": "T-1", "at": None}
    with pytest.raises(Replayed) as replayed, acting(actor, "tests.done", once=once):
        pytest.fail("it ran again")
    assert replayed.value.result == {"code": "T-1", "at": None}
    assert len(events(organization)) == 1


def test_a_key_belongs_to_one_request_and_one_organization(organization: Organization) -> None:
    with acting(operator(organization), "tests.done", once=Once("key-1", "one request")):
        pass
    with (
        pytest.raises(Conflict) as conflict,
        acting(operator(organization), "tests.done", once=Once("key-1", "another request")),
    ):
        pass
    assert conflict.value.code == "idempotency_key_reused"
    other = make_organization()
    with acting(operator(other), "tests.done", once=Once("key-1", "another request")):
        pass
    assert len(events(other)) == 1


def test_a_refused_request_may_be_sent_again_with_its_key(organization: Organization) -> None:
    actor, once = operator(organization), Once("key-1", "fingerprint")
    with pytest.raises(InvalidInput), acting(actor, "tests.done", once=once):
        raise InvalidInput()
    with acting(actor, "tests.done", once=once):
        pass
    assert len(events(organization)) == 1


def run_together(work: Any, count: int) -> list[Any]:
    """Run ``work`` on threads that start together; return what each gave or raised."""
    start, results = threading.Barrier(count), []

    def one() -> None:
        start.wait()
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


@pytest.mark.race
def test_the_same_request_at_the_same_time_happens_once(committed_db: None) -> None:
    organization = make_organization()
    actor, once = operator(organization), Once("key-1", "fingerprint")

    def work() -> str:
        with acting(actor, "tests.done", once=once) as event:
            event.result = "answer"
        return "answer"

    results = run_together(work, 6)
    assert results.count("answer") == 1
    others = [result for result in results if result != "answer"]
    assert all(isinstance(result, Replayed) and result.result == "answer" for result in others), others
    assert len(events(organization)) == 1
    with reading(actor):
        assert Replay.unwalled.filter(organization_id=organization.pk).count() == 1


@pytest.mark.race
def test_writers_at_the_same_time_make_one_unbroken_chain(committed_db: None) -> None:
    organization = make_organization()
    actor: Actor = operator(organization)

    def work() -> None:
        for _ in range(5):
            with acting(actor, "tests.done"):
                add_site(organization)

    assert run_together(work, 4) == [None] * 4
    with reading(actor):
        chain = list(Event.unwalled.filter(stream_id=organization.pk).order_by("seq"))
    assert [event.seq for event in chain] == list(range(1, 22))
    assert all(after.previous_hash == before.hash for before, after in zip(chain, chain[1:], strict=False))
