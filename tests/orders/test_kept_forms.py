"""A session ends while somebody types: what was typed is held for that person for minutes, and recorded by nobody."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.cache import cache
from django.test import Client

from cgt.kept_forms import COOKIE, SECONDS, SECRET
from ledger.context import reading
from orders.inputs import inputs_class
from orders.queries import orders
from orders.step_kinds import StepKind, all_kinds
from personas.models import Membership, User
from tests.factories import PASSWORD, make_member
from tests.house.test_step_kinds import fields
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
SITE = "http://testserver"
NEW = "/orders/new/"
BACKEND = "cgt.backends.Accounts"
ENDED = "typed when you were not signed in any more"


def lose(client: Client, form: str, typed: dict[str, str], page: str = "") -> Any:
    """Send a form after the session has ended; return the answer."""
    client.logout()
    return client.post(form, typed, headers={"Referer": f"{SITE}{page or form}"})


def back(client: Client, membership: Membership) -> None:
    client.force_login(User.objects.get(pk=membership.user_id), BACKEND)


def typed_enrolment(world: World, person: dict[str, str]) -> dict[str, str]:
    member = world.member("center", "coordinator")
    return {
        "acting": str(member.pk),
        "once": "0001",
        "therapy": world.therapy.code,
        "site": world.clinic.code,
        **{f"identity.{name}": value for name, value in person.items()},
        "identity.birth_date": "1961-04-05",
    }


def order_count(world: World) -> int:
    actor = world.actor("center", "coordinator")
    with reading(actor):
        return int(orders(actor).count())


def test_the_same_person_finds_what_was_typed_once_and_nothing_is_recorded(world: World, browse: Browse) -> None:
    person, before = patient(), order_count(world)
    client = browse("center", "coordinator")
    answer = lose(client, NEW, typed_enrolment(world, person))
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={NEW}")
    assert "the page opens again with what you had typed" in text_of(client.get(answer["Location"]))
    back(client, world.member("center", "coordinator"))
    page = client.get(NEW)
    assert ENDED in text_of(page) and page["Cache-Control"] == "no-store"
    assert f'value="{person["family_name"]}"' in text_of(page) and 'value="1961-04-05"' in text_of(page)
    assert f'<option value="{world.therapy.code}" selected>' in text_of(page)
    assert 'value="0001"' not in text_of(page), "a new form: sent, it is a new act"
    assert order_count(world) == before
    assert person["family_name"] not in text_of(client.get(NEW))


def test_nobody_else_is_shown_it_and_a_second_persona_neither(world: World, browse: Browse) -> None:
    person, member = patient(), world.member("center", "coordinator")
    second = make_member(world.center, "treating_physician", username=world.username("center", "coordinator"))
    client = browse("center", "coordinator")
    lose(client, NEW, typed_enrolment(world, person))
    back(client, world.member("center", "coordinator", 2))
    assert person["family_name"] not in text_of(client.get(NEW))
    back(client, member)
    for act_as, shown in ((second, False), (member, True)):
        client.post("/personas/switch/", {"membership": str(act_as.pk)})
        assert (person["family_name"] in text_of(client.get(NEW))) is shown
    stranger = signed_in(member)  # the same person at another browser
    assert person["family_name"] not in text_of(stranger.get(NEW))


def test_whoever_signs_in_again_acts_as_the_persona_that_had_opened_the_form(world: World, browse: Browse) -> None:
    first = make_member(world.center, "apheresis_nurse")
    second = make_member(world.center, "coordinator", username=User.objects.get(pk=first.user_id).username)
    person, client = patient(), signed_in(first)
    lose(client, NEW, typed_enrolment(world, person) | {"acting": str(second.pk)})
    back(client, first)
    assert client.get("/orders/")["Content-Type"].startswith("text/html"), "another page: nothing is taken up"
    assert client.session.get("membership") is None
    page = client.get(NEW, follow=True)
    assert page.redirect_chain == [(NEW, 302)] and person["family_name"] in text_of(page)
    assert client.session["membership"] == str(second.pk)
    client.session.flush()
    lose(client, NEW, typed_enrolment(world, patient()) | {"acting": str(second.pk)})
    back(client, world.member("center", "apheresis_nurse", 2))
    assert client.get(NEW).status_code == 403, "never as somebody else"


def test_nothing_of_it_can_be_read_where_it_is_held(world: World, browse: Browse) -> None:
    person = patient()
    client = browse("center", "coordinator")
    answer = lose(client, NEW, typed_enrolment(world, person))
    cookie = answer.cookies[COOKIE]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["max-age"] == SECONDS
    store = cache._cache.get_client()  # type: ignore[attr-defined]
    keys = [key for key in store.keys("*kept-form*")]
    assert keys and all(0 < store.ttl(key) <= SECONDS for key in keys)
    for key in keys:
        for word in (person["family_name"], person["mrn"], cookie.value):
            assert word.encode() not in key + store.get(key)
    assert person["family_name"] not in unquote(answer["Location"] + str(client.cookies))


def test_passwords_scans_and_what_a_second_person_entered_are_not_held(world: World, browse: Browse, code: str) -> None:
    there, member = f"/orders/{code}/steps/activate_coi/", world.member("center", "coordinator", 2)
    client = browse("center", "coordinator", 2)
    sent = {"scan": "CODE-1", "birth_date": "1961-04-05", "mrn": "MRN-KEPT", "signature.password": PASSWORD}
    verifier = {"verifiers[0]username": "somebody", "verifiers[0]password": PASSWORD, "verifiers[0]scan": "CODE-2"}
    lose(client, there, {"acting": str(member.pk), **sent, **verifier})
    back(client, member)
    page = text_of(client.get(there))
    assert 'value="MRN-KEPT"' in page
    assert [word for word in ("CODE-1", "CODE-2", PASSWORD, "somebody") if word in page] == []


@pytest.mark.parametrize("kind", list(all_kinds().values()), ids=lambda kind: kind.key)
def test_no_scan_and_no_secret_of_any_step_is_held(kind: StepKind) -> None:
    declared = inputs_class(kind, max(kind.signatures, 2))()
    styles = {path: field.style.get("input_type") for path, field in fields(declared)}
    assert "password" in styles.values()
    assert [path for path, style in styles.items() if style in ("scan", "password") and not SECRET.search(path)] == []


def test_a_form_that_does_not_say_who_opened_it_is_not_held(world: World, browse: Browse) -> None:
    client, sent = browse("center", "coordinator"), typed_enrolment(world, patient())
    for acting in ("", "nobody", "0190d6f1-7cb0-7000-8000-000000000000"):
        answer = lose(client, NEW, sent | {"acting": acting})
        assert COOKIE not in answer.cookies
        assert "has to be entered once more" in text_of(client.get(answer["Location"]))


# ---- two tabs of one browser, with the tokens of forms checked as a browser's are -----------------------------------


def strict(world: World) -> tuple[Client, Membership, Membership]:
    """A browser of somebody with two personas, the coordinator acting."""
    first = make_member(world.center, "coordinator")
    second = make_member(world.center, "treating_physician", username=User.objects.get(pk=first.user_id).username)
    client = Client(enforce_csrf_checks=True)
    back(client, first)
    return client, first, second


def token(client: Client, address: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text_of(client.get(address)))
    assert found
    return found[1]


def switch(client: Client, membership: Membership) -> None:
    sent = {"membership": str(membership.pk), "csrfmiddlewaretoken": token(client, "/orders/")}
    assert client.post("/personas/switch/", sent).status_code == 302


def test_after_a_switch_no_form_of_another_tab_is_taken_whatever_it_carries(world: World) -> None:
    client, first, second = strict(world)
    old = token(client, "/inbox/preferences/")
    sent, headers = {"csrfmiddlewaretoken": old}, {"Origin": SITE, "Referer": f"{SITE}/inbox/preferences/"}
    assert client.post("/inbox/preferences/back/", sent, headers=headers).status_code != 403
    switch(client, second)
    refused = client.post("/inbox/preferences/back/", sent, headers=headers)
    assert refused.status_code == 403
    assert "older than your sign-in" in text_of(refused) and "Nothing was recorded" in text_of(refused)
    assert 'href="/inbox/preferences/"' in text_of(refused), "one click opens the page again"
    assert client.post("/personas/switch/", sent | {"membership": str(first.pk)}, headers=headers).status_code == 403


def test_what_was_typed_in_the_other_tab_waits_for_the_persona_it_was_typed_as(world: World) -> None:
    client, first, second = strict(world)
    person = patient()
    sent = typed_enrolment(world, person) | {"acting": str(first.pk), "csrfmiddlewaretoken": token(client, NEW)}
    switch(client, second)
    refused = client.post(NEW, sent, headers={"Origin": SITE, "Referer": f"{SITE}{NEW}"})
    assert refused.status_code == 409
    assert "opened as somebody else" in text_of(refused) and "what you typed is there" in text_of(refused)
    assert person["family_name"] not in text_of(client.get(NEW))
    switch(client, first)
    assert person["family_name"] in text_of(client.get(NEW))


def test_a_form_from_elsewhere_is_refused_and_leaves_nothing(world: World) -> None:
    client, first, _ = strict(world)
    sent = typed_enrolment(world, patient()) | {"acting": str(first.pk)}
    for headers in ({}, {"Origin": "https://elsewhere.example"}, {"Origin": "null"}):
        refused = client.post(NEW, sent, headers=headers)
        assert refused.status_code == 403 and COOKIE not in refused.cookies
        assert "came from elsewhere" in text_of(refused)
