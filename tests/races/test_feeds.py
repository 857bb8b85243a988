"""One calendar feed asked for twice in the same instant is one feed: real threads, real commits (ADR 16)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from ledger.context import Actor, reading
from scheduling.actions.feeds import make_feed
from scheduling.models import CalendarFeed
from tests.factories import make_actor, make_member, make_organization
from tests.personas.conftest import signed_in
from tests.races.test_slots import together

pytestmark = pytest.mark.race


def making(actor: Actor, name: str) -> Callable[[], str]:
    return lambda: str(make_feed(actor, name=name).name)


def count(actor: Actor, name: str) -> int:
    with reading(actor):
        return CalendarFeed.unwalled.filter(organization_id=actor.organization_id, name=name).count()


def test_one_feed_asked_for_by_many_threads_is_one_and_the_others_are_told(committed_db: None) -> None:
    center = make_organization("treatment_center")
    actor, other = make_actor(center, "apheresis_scheduler"), make_actor(center, "apheresis_scheduler")
    for turn in range(5):
        name = f"Chairs {turn}"
        answers = together([*[making(actor, name)] * 6, making(other, name)])
        assert sorted(answers) == sorted([name, name, *["invalid_input"] * 5]), "each person's feed is one"
        assert count(actor, name) == 2


def test_a_form_sent_twice_in_the_same_instant_makes_one_feed(committed_db: None) -> None:
    member = make_member(make_organization("treatment_center"), "apheresis_scheduler")
    browsers = [signed_in(member) for _ in range(4)]

    def sending(browser: Client) -> Callable[[], int]:
        return lambda: browser.post(reverse("scheduling:feeds"), {"name": "Mine", "resource": ""}).status_code

    assert sorted(together([sending(browser) for browser in browsers])) == [303, 400, 400, 400]
    page = browsers[0].get(reverse("scheduling:feeds"))
    assert len(page.context["feeds"]) == 1
