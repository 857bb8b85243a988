"""One act on many orders is one notice and one e-mail to each person, with the orders that the person may see."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail

from ledger.context import reading
from notifications.actions.relay import relay, send_mail
from notifications.models import Notice
from orders.one_act import named
from scheduling.actions.disruptions import close_disruption
from tests.factories import make_member, make_site
from tests.orders.conftest import confirmed, patient
from tests.orders.factories import World, make_world
from tests.orders.test_repairs import planner, proposed, signed, stopped

pytestmark = [pytest.mark.django_db, pytest.mark.story("MP6", "CO11")]


@pytest.fixture
def far(db: None) -> World:
    return make_world(days=30)


WHO = {"center": "coordinator", "courier": "courier_dispatcher", "maker": "planner"}


def told(world: World, organization: str, words: str) -> list[Any]:
    """What one person of an organization was told in these words."""
    member = world.member(organization, WHO[organization])
    with reading(world.actor(organization, WHO[organization])):
        return list(Notice.unwalled.filter(title__startswith=words, user_id=member.user_id).order_by("pk"))


def tell() -> list[Any]:
    mail.outbox.clear()
    while relay():
        pass
    send_mail()
    return list(mail.outbox)


def test_three_orders_hit_by_one_line_stop_are_told_once_when_it_opens_when_it_is_repaired_and_when_it_ends(
    far: World,
) -> None:
    people = [patient() for _ in range(3)]
    far.member("courier", "courier_dispatcher")
    codes = sorted(confirmed(far, 16, **person) for person in people)
    elsewhere = make_member(far.center, "coordinator", site=make_site(far.center))
    tell()
    disruption = stopped(far, codes[0])
    sent = tell()
    hit = f"Hit by a disruption · {', '.join(codes)}"
    (notice,) = told(far, "center", "Hit by a disruption")
    assert (notice.title, notice.path) == (hit, "/disruptions/")
    with reading(far.actor("center", "coordinator")):
        assert not Notice.unwalled.filter(user_id=elsewhere.user_id, title__startswith="Hit by").exists()
        people_told = Notice.unwalled.filter(title__startswith="Hit by").values_list("user_id", flat=True)
        assert len(people_told) == len(set(people_told)), "each person once"
        coordinators = len(people_told)
    (notice,) = told(far, "courier", "Hit by a disruption")
    assert (notice.title, notice.path) == (hit, "/")
    assert told(far, "maker", "Hit by a disruption") == []
    subjects = [message.subject for message in sent]
    assert subjects.count(f"[CGT] {hit}") == coordinators + 1, "one to each at the center, one to the courier"
    assert not any(person["family_name"] in message.body + message.subject for message in sent for person in people)
    assert tell() == [], "told again, nothing is said twice"

    moves = signed(far, proposed(far, disruption))
    sent = tell()
    assert len(moves) == 3
    (notice,) = told(far, "center", "Other dates proposed after a disruption")
    assert notice.title.endswith(", ".join(codes)) and notice.path == "/disruptions/"
    assert told(far, "courier", "Other dates proposed") == []
    assert sum("Other dates proposed" in message.subject for message in sent) == coordinators
    close_disruption(planner(far), disruption.pk)
    tell()
    (notice,) = told(far, "center", "The disruption has ended")
    assert notice.title.endswith(", ".join(codes))


def test_one_order_keeps_its_own_page(far: World) -> None:
    alone = confirmed(far, 16, **patient())
    tell()
    stopped(far, alone)
    tell()
    (notice,) = told(far, "center", "Hit by a disruption")
    assert (notice.title, notice.path) == (f"Hit by a disruption · {alone}", f"/orders/{alone}/")


def test_a_title_names_a_few_orders_and_counts_the_others() -> None:
    codes = [f"CT-7K3M-{number:04d}" for number in range(30)]
    assert named(codes[:2]) == "CT-7K3M-0000, CT-7K3M-0001"
    assert named(codes).endswith("CT-7K3M-0007 and 22 more")
    assert len(f"Other dates proposed after a disruption: accept or refuse · {named(codes)}") <= 200
