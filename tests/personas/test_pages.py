"""Acting in the browser: switching, the register of people and keys, demonstration sign-in, refusals in words."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger.context import reading
from ledger.models import Event
from personas.models import ApiKey, Membership, User
from personas.queries import actor_of_membership
from tests.factories import make_member, make_organization, make_site, operator
from tests.personas.conftest import SignIn, signed_in

pytestmark = pytest.mark.django_db
PEOPLE = "/personas/people/"


def test_a_stranger_is_sent_to_sign_in(client: Client) -> None:
    answer = client.get(PEOPLE)
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={PEOPLE}")


def test_a_form_sent_after_the_session_ended_says_that_nothing_was_recorded(client: Client) -> None:
    form = "/orders/CT-NONE-AAAA/"
    sent = {"headers": {"Referer": f"http://testserver{form}?tab=1"}}
    answer = client.post(f"{form}hold/", {"reason": "Fever."}, **sent)
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={form}%3Ftab%3D1"), (
        "a page, no act"
    )
    assert "nothing was recorded" in client.get(answer["Location"]).content.decode()
    assert "nothing was recorded" not in client.get("/accounts/login/").content.decode()

    elsewhere = client.post(f"{form}hold/", headers={"Referer": "https://elsewhere.example/orders/"})
    assert elsewhere["Location"] == "/accounts/login/?next=/"
    moving = client.post(f"{form}hold/", headers={"HX-Request": "true"})
    assert (moving.status_code, moving["HX-Redirect"]) == (204, "/accounts/login/?next=/")


def test_every_answer_names_its_request(client: Client) -> None:
    first, second = client.get("/accounts/login/"), client.get("/accounts/login/")
    assert len(first["X-Request-ID"]) == 36
    assert first["X-Request-ID"] != second["X-Request-ID"]


def test_without_the_capability_the_page_says_no_and_what_to_do(sign_in: SignIn) -> None:
    client, _ = sign_in("treating_physician")
    answer = client.get(PEOPLE)
    assert answer.status_code == 403
    assert "may not: manage people" in answer.content.decode()
    assert "switch persona" in answer.content.decode()


def test_htmx_gets_the_panel_only(sign_in: SignIn) -> None:
    client, _ = sign_in("treating_physician")
    answer = client.get(PEOPLE, headers={"HX-Request": "true"})
    assert answer.status_code == 403
    assert "data-refusal" in answer.content.decode()
    assert "<html" not in answer.content.decode()


@pytest.mark.story("TA1")
def test_the_register_shows_own_people_only(sign_in: SignIn) -> None:
    client, own = sign_in()
    other = make_member(make_organization(), "administrator")
    page = client.get(PEOPLE).content.decode()
    assert User.objects.get(pk=own.user_id).username in page
    assert User.objects.get(pk=other.user_id).username not in page


def test_a_long_register_stays_light_and_leads_to_everybody(sign_in: SignIn) -> None:
    organization = make_organization()
    client, _ = sign_in("administrator", organization)
    people = [make_member(organization, "coordinator", name=f"Person {number:02d}") for number in range(25)]
    first, second = (client.get(f"{PEOPLE}?page={number}") for number in (1, 2))
    assert max(len(first.content), len(second.content)) < 60_000
    shown = [row.pk for page in (first, second) for row in page.context["members"]]
    assert {member.pk for member in people} <= set(shown) and len(shown) == len(set(shown))
    assert "?page=2" in first.content.decode()
    assert client.get(f"{PEOPLE}?page=nonsense").status_code == 200


def test_the_register_costs_the_same_for_one_and_for_three_people(sign_in: SignIn) -> None:
    organization = make_organization()
    client, _ = sign_in("administrator", organization)
    with CaptureQueriesContext(connection) as one:
        client.get(PEOPLE)
    make_member(organization, "treating_physician")
    make_member(organization, "treating_physician")
    with CaptureQueriesContext(connection) as three:
        client.get(PEOPLE)
    assert len(one) == len(three)


@pytest.mark.story("TA3")
def test_a_key_is_issued_shown_once_and_revoked(sign_in: SignIn) -> None:
    client, membership = sign_in()
    given = {"name": "Hospital system", "persona": "treating_physician", "scopes": ["view_orders"]}
    page = client.post(f"{PEOPLE}keys/", given)
    key = ApiKey.unwalled.get(organization_id=membership.organization_id)
    text = page.content.decode()
    assert f"cgt_{key.prefix}_" in text
    assert page["Cache-Control"] == "no-store"
    assert f"cgt_{key.prefix}_" not in client.get(PEOPLE).content.decode()
    assert client.post(f"{PEOPLE}keys/{key.prefix}/revoke/").status_code == 302
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_what_is_wrong_with_a_key_is_said_beside_the_field(sign_in: SignIn) -> None:
    client, membership = sign_in()
    page = client.post(f"{PEOPLE}keys/", {"name": "Hospital system", "persona": "nobody", "scopes": ["view_orders"]})
    assert page.status_code == 400
    assert 'value="Hospital system"' in page.content.decode()
    assert 'id="id_persona-error"' in page.content.decode()
    assert not ApiKey.unwalled.filter(organization_id=membership.organization_id).exists()


def test_another_organizations_key_does_not_exist(sign_in: SignIn) -> None:
    client, _ = sign_in()
    other, foreign = sign_in()
    other.post(f"{PEOPLE}keys/", {"name": "X", "persona": "treating_physician", "scopes": ["view_orders"]})
    key = ApiKey.unwalled.get(organization_id=foreign.organization_id)
    theirs = client.post(f"{PEOPLE}keys/{key.prefix}/revoke/")
    nobodys = client.post(f"{PEOPLE}keys/aaaaaaaaaa/revoke/")
    assert theirs.status_code == nobodys.status_code == 404
    body = [re.sub(r'content="\w{64}"|value="\w{64}"', "", answer.content.decode()) for answer in (theirs, nobodys)]
    assert "Not found" in body[0]
    assert body[0].replace(key.prefix, "") == body[1].replace("aaaaaaaaaa", "")


@pytest.mark.story("TA1", "SQ4")
def test_an_ended_membership_works_no_longer(sign_in: SignIn) -> None:
    client, membership = sign_in()
    leaver = make_member(make_organization_of(membership), "treating_physician")
    theirs = signed_in(leaver)
    assert theirs.get(PEOPLE).status_code == 403
    assert client.post(f"{PEOPLE}{leaver.pk}/end/").status_code == 302
    answer = theirs.get(PEOPLE)
    assert answer.status_code == 403
    assert "acts nowhere" in answer.content.decode()


def test_nobody_ends_the_membership_they_act_in(sign_in: SignIn) -> None:
    client, membership = sign_in()
    assert client.post(f"{PEOPLE}{membership.pk}/end/").status_code == 400
    assert Membership.unwalled.get(pk=membership.pk).until is None


def test_switching_changes_who_acts(sign_in: SignIn) -> None:
    client, first = sign_in("treating_physician")
    user = User.objects.get(pk=first.user_id)
    second = make_member(make_organization(), "administrator", username=user.username)
    assert client.get(PEOPLE).status_code == 403
    answer = client.post("/personas/switch/", {"membership": str(second.pk), "next": PEOPLE})
    assert (answer.status_code, answer["Location"]) == (302, PEOPLE)
    page = client.get(PEOPLE)
    assert page.status_code == 200
    assert 'aria-current="true"' in page.content.decode()


def test_nobody_switches_into_somebody_elses_membership(sign_in: SignIn) -> None:
    client, _ = sign_in("treating_physician")
    _, foreign = sign_in("administrator")
    assert client.post("/personas/switch/", {"membership": str(foreign.pk)}).status_code == 404
    assert client.post("/personas/switch/", {"membership": "\x00"}).status_code == 404
    assert client.get(PEOPLE).status_code == 403


def test_switching_never_leads_outside(sign_in: SignIn) -> None:
    client, membership = sign_in()
    answer = client.post("/personas/switch/", {"membership": str(membership.pk), "next": "https://evil.example/"})
    assert answer["Location"] == "/"


def test_posts_need_the_csrf_token(sign_in: SignIn) -> None:
    _, membership = sign_in()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(pk=membership.user_id), "cgt.backends.Accounts")
    assert strict.post("/personas/switch/", {"membership": str(membership.pk)}).status_code == 403


def test_a_member_with_a_site_carries_its_zone() -> None:
    organization = make_organization()
    site = make_site(organization, zone="America/New_York")
    actor = actor_of_membership(make_member(organization, "treating_physician", site=site), "browser")  # type: ignore[arg-type]
    assert actor.zone == "America/New_York"


def test_issuing_a_key_is_on_the_record(sign_in: SignIn) -> None:
    client, membership = sign_in()
    client.post(f"{PEOPLE}keys/", {"name": "Recorded", "persona": "treating_physician", "scopes": ["view_orders"]})
    organization = make_organization_of(membership)
    with reading(operator(organization)):
        event = Event.unwalled.filter(stream_id=organization.pk, kind="personas.key_issued").get()
    assert event.payload["name"] == "Recorded"
    assert event.person_id == User.objects.get(pk=membership.user_id).person_id


def make_organization_of(membership: Membership):  # type: ignore[no-untyped-def]
    """The organization of a membership, read inside its wall."""
    from personas.models import Organization
    from personas.queries import system_actor

    with reading(system_actor(membership.organization_id, "test")):
        return Organization.unwalled.get(pk=membership.organization_id)
