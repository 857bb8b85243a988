"""People come, move and leave: invited by their administrator, with their own password; no key without a person."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger.context import reading
from ledger.models import Event
from ledger.recording import acting
from ledger.refusals import Unauthenticated
from ledger.walls import visible
from personas.actions.people import end_membership, issue_api_key
from personas.models import ApiKey, Membership, Organization, User
from personas.queries import actor_of_key, actor_of_membership
from tests.factories import make_member, make_organization, make_site, operator, unique
from tests.personas.conftest import SignIn, signed_in

pytestmark = pytest.mark.django_db
INVITE = "/personas/people/invite/"


def invitation(**changes: str) -> dict[str, str]:
    return {"email": f"{unique('new')}@example.org", "name": "New Person", "persona": "coordinator", **changes}


@pytest.mark.story("TA1")
def test_an_invited_person_chooses_a_password_and_acts(sign_in: SignIn, mailoutbox: list[Any]) -> None:
    client, own = sign_in()
    sent = invitation(email=f"Mixed.{unique('case')}@Example.org")
    assert client.post(INVITE, sent).status_code == 302
    user = User.objects.get(username=sent["email"].lower())
    assert not user.has_usable_password()
    assert [message.to for message in mailoutbox] == [[sent["email"].lower()]]
    link = re.search(r"/accounts/password/reset/key/\S+", mailoutbox[0].body)
    assert link
    stranger = Client()
    page = stranger.get(link[0], follow=True)
    chosen = {"password1": "A-long-word-9-apples", "password2": "A-long-word-9-apples"}
    assert stranger.post(page.redirect_chain[-1][0], chosen).status_code == 302
    user.refresh_from_db()
    assert user.check_password(chosen["password1"])
    member = Membership.unwalled.get(user=user)
    assert actor_of_membership(member, "browser").persona == "coordinator"  # type: ignore[arg-type]
    assert member.organization_id == own.organization_id


def test_who_has_a_password_gets_no_mail_and_the_answer_does_not_say_so(sign_in: SignIn, mailoutbox: list[Any]) -> None:
    client, _ = sign_in()
    elsewhere = make_member(make_organization(), "coordinator")
    known = User.objects.get(pk=elsewhere.user_id).username
    said = []
    for email in (known, invitation()["email"]):
        page = client.post(INVITE, invitation(email=email), follow=True)
        said.append(re.findall(r"was invited[^<]*", page.content.decode()))
    assert said[0] == said[1] != []
    assert known not in [address for message in mailoutbox for address in message.to]


def test_a_bad_invitation_keeps_what_was_typed(sign_in: SignIn) -> None:
    client, _ = sign_in()
    for changes in ({"email": "no address"}, {"name": ""}, {"persona": "nobody"}, {"site": "elsewhere"}):
        page = client.post(INVITE, invitation(**changes))
        assert page.status_code == 400, changes
        assert 'aria-invalid="true"' in page.content.decode()
    sent = invitation()
    client.post(INVITE, sent)
    page = client.post(INVITE, sent)
    assert page.status_code == 400 and "has this persona already" in page.content.decode()
    assert sent["email"] in page.content.decode()


def test_somebody_who_left_may_come_back(sign_in: SignIn) -> None:
    organization = make_organization()
    client, _ = sign_in("administrator", organization)
    sent = invitation()
    client.post(INVITE, sent)
    member = Membership.unwalled.get(user__username=sent["email"])
    end_membership(operator(organization), member)
    assert client.post(INVITE, sent).status_code == 302
    member.refresh_from_db()
    assert member.until is None


def test_a_persona_moves_to_another_own_site_only(sign_in: SignIn) -> None:
    organization = make_organization()
    client, _ = sign_in("administrator", organization)
    site, foreign = make_site(organization), make_site(make_organization())
    member = make_member(organization, "coordinator")
    address = f"/personas/people/{member.pk}/site/"
    assert client.post(address, {"site": site.code}).status_code == 302
    member.refresh_from_db()
    assert member.site_id == site.pk
    assert client.post(address, {"site": foreign.code}).status_code == 404
    assert client.post(address, {"site": ""}).status_code == 302
    member.refresh_from_db()
    assert member.site_id is None
    other = make_member(make_organization(), "coordinator")
    assert client.post(f"/personas/people/{other.pk}/site/", {"site": site.code}).status_code == 404
    colleague = signed_in(make_member(organization, "coordinator"))
    assert colleague.post(address, {"site": site.code}).status_code == 403
    assert colleague.post(INVITE, invitation()).status_code == 403


def key_of(organization: Organization, member: Membership) -> tuple[ApiKey, str]:
    return issue_api_key(
        operator(organization),
        name="Hospital system",
        persona_key="coordinator",
        scopes=["view_orders"],
        responsible=User.objects.get(pk=member.user_id),
    )


@pytest.mark.story("SQ4")
def test_a_key_ends_with_the_last_membership_of_who_answers_for_it() -> None:
    organization = make_organization()
    first = make_member(organization, "coordinator")
    username = User.objects.get(pk=first.user_id).username
    second = make_member(organization, "site_quality", username=username)
    _, token = key_of(organization, first)
    end_membership(operator(organization), first)
    assert actor_of_key(token).organization_id == organization.pk  # still a member, in another persona
    end_membership(operator(organization), second)
    with pytest.raises(Unauthenticated):
        actor_of_key(token)
    reader = operator(organization)
    with reading(reader):
        last = visible(Event, reader).filter(kind="personas.member_ended").order_by("seq").last()
    assert last is not None and len(last.payload["keys_revoked"]) == 1


@pytest.mark.parametrize("how", ["ran_out", "inactive"])
def test_a_key_is_refused_while_nobody_answers_for_it(how: str) -> None:
    organization = make_organization()
    member = make_member(organization, "coordinator")
    key, token = key_of(organization, member)
    assert actor_of_key(token)
    if how == "inactive":
        User.objects.filter(pk=member.user_id).update(is_active=False)
    else:
        with acting(operator(organization), "personas.member_moved") as event:
            event.note(person="", persona="", site="")
            Membership.unwalled.filter(pk=member.pk).update(until=timezone.now() - dt.timedelta(minutes=1))
    with pytest.raises(Unauthenticated, match="Nobody answers"):
        actor_of_key(token)
    administrator = signed_in(make_member(organization, "administrator"))
    assert "nobody answers for it" in administrator.get("/personas/people/").content.decode()
    assert ApiKey.unwalled.get(pk=key.pk).revoked_at is None


def test_the_desk_costs_the_same_for_more_people_and_shows_what_runs_out(sign_in: SignIn) -> None:
    from network.actions.qualifications import record_training

    organization = make_organization()
    client, _ = sign_in("administrator", organization)
    client.get("/")

    def trained() -> None:
        member = make_member(organization, "coordinator")
        person = User.objects.get(pk=member.user_id).person_id
        assert person
        until = timezone.now() + dt.timedelta(days=10)
        record_training(operator(organization), person_id=person, kind="labels", until=until)

    trained()
    with CaptureQueriesContext(connection) as few:
        page = client.get("/")
    assert "Within 14 days" in page.content.decode()
    trained()
    trained()
    with CaptureQueriesContext(connection) as many:
        page = client.get("/")
    assert page.content.decode().count("Within 14 days") == 3
    assert len(many) == len(few)
    assert len(page.content) < 60_000
