"""An administrator sees what the organization's systems keep and are told, begins and ends it (AP3)."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from ledger.context import reading
from orders.models import EpcisFeed, EpcisSubscription
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, text_of
from tests.orders.factories import World
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.story("AP3")]
PAGE, DEST = "/epcis/queries/", "https://receiver.example.org/epcis"


@pytest.fixture
def admin() -> Any:
    """The administrator of an organization of its own, signed in."""
    return signed_in(make_member(make_organization("treatment_center"), "administrator"))


def test_a_query_is_kept_told_and_dropped(admin: Any) -> None:
    assert "No query is kept" in text_of(admin.get(PAGE))
    sent = {"name": "shipped", "query": "eventType=ObjectEvent&EQ_bizStep=shipping", "once": str(uuid4())}
    assert admin.post(f"{PAGE}keep/", sent).status_code == 303
    twice = admin.post(f"{PAGE}keep/", sent)  # a double click
    assert twice.status_code == 409 and "is kept already" in text_of(twice)
    page = text_of(admin.get(PAGE))
    assert "shipped" in page and "eventType=ObjectEvent&amp;EQ_bizStep=shipping" in page
    answer = admin.post(f"{PAGE}shipped/subscribe/", {"dest": DEST})
    assert answer.status_code == 200 and answer["Cache-Control"] == "no-store"
    assert "shown only this once" in text_of(answer) and DEST in text_of(answer)
    later = text_of(admin.get(PAGE))
    assert "shown only this once" not in later and "Running" in later
    (number,) = re.findall(r"/epcis/queries/shipped/([0-9a-f-]{36})/end/", later)
    assert "Drop shipped" not in later
    assert admin.post(f"{PAGE}shipped/drop/", {"once": str(uuid4())}).status_code == 400
    assert admin.post(f"{PAGE}shipped/{number}/end/", {"once": str(uuid4())}).status_code == 303
    assert admin.post(f"{PAGE}shipped/drop/", {"once": str(uuid4())}).status_code == 303
    assert "No query is kept" in text_of(admin.get(PAGE))


def test_how_a_subscription_fares_is_seen(admin: Any) -> None:
    admin.post(f"{PAGE}keep/", {"name": "all", "query": "", "once": str(uuid4())})
    admin.post(f"{PAGE}all/subscribe/", {"dest": DEST})
    (number,) = re.findall(r"/epcis/queries/all/([0-9a-f-]{36})/end/", text_of(admin.get(PAGE)))
    feed = EpcisFeed.unwalled.get(subscription_id=number)
    feed.attempts, feed.last_error = 3, "answered 500"
    feed.save()
    assert "Failing" in text_of(admin.get(PAGE)) and "answered 500" in text_of(admin.get(PAGE))
    feed.dead_at = timezone.now()
    feed.save()
    assert "Given up" in text_of(admin.get(PAGE))


@pytest.mark.parametrize(
    ("address", "sent", "words"),
    [
        ("keep/", {"name": "wrong", "query": "eventTyp=ObjectEvent"}, "This parameter is not known here"),
        ("keep/", {"name": "not a name", "query": ""}, "letters, digits, dots"),
        ("all/subscribe/", {"dest": "ftp://receiver.example.org"}, "https"),
    ],
)
def test_what_cannot_be_is_refused_with_what_was_typed(admin: Any, address: str, sent: Any, words: str) -> None:
    admin.post(f"{PAGE}keep/", {"name": "all", "query": "", "once": str(uuid4())})
    refused = admin.post(PAGE + address, {**sent, "once": str(uuid4())})
    assert refused.status_code == 400 and words in text_of(refused)
    typed = sent.get("dest") or sent["query"] or sent["name"]
    assert typed in text_of(refused)


def test_the_organization_next_door_and_other_personas_see_nothing(world: World, browse: Browse, admin: Any) -> None:
    admin.post(f"{PAGE}keep/", {"name": "ours", "query": "", "once": str(uuid4())})
    admin.post(f"{PAGE}ours/subscribe/", {"dest": DEST})
    (number,) = re.findall(r"/epcis/queries/ours/([0-9a-f-]{36})/end/", text_of(admin.get(PAGE)))
    stranger = signed_in(make_member(make_organization("treatment_center"), "administrator"))
    assert "ours" not in text_of(stranger.get(PAGE)).partition("<main")[2].partition("No query is kept")[0]
    for address in ("ours/subscribe/", "ours/drop/", f"ours/{number}/end/"):
        assert stranger.post(PAGE + address, {"dest": DEST, "once": str(uuid4())}).status_code == 404
    assert browse("center", "coordinator").get(PAGE).status_code == 403
    operator = world.actor("center", "coordinator")
    with reading(operator):
        assert not EpcisSubscription.unwalled.filter(pk=number).exists()
