"""Keys of partner systems: issuing on the command line, authenticating, being refused in problem documents."""

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger.refusals import FactsMissing, MissingFact
from personas.actions.people import issue_api_key, revoke_api_key
from personas.models import Membership, Organization, User
from personas.queries import actor_of_user
from tests.factories import make_member, make_organization, operator
from tests.personas.conftest import signed_in

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class Failing(APIView):
    """Fails in the way that the test asks for."""

    def post(self, request: Request) -> Response:
        how = request.data["how"]
        if how == "refusal":
            raise FactsMissing(facts=[MissingFact("consent", "Consent is missing.", "Record it.")])
        raise {"missing": Http404(), "nul": DataError("bad"), "bug": RuntimeError("a bug")}[how]


def plain(request: HttpRequest) -> HttpResponse:
    """A view outside DRF below /api/."""
    raise FactsMissing("Not yet.")


urlpatterns = [
    path("api/v1/", include("personas.api.urls")),
    path("api/v1/fail", Failing.as_view()),
    path("api/v1/plain", plain),
    path("", include("cgt.urls")),
]


class Key:
    """A key of a new treatment center, and requests with it."""

    def __init__(self, scopes: list[str], **options: Any) -> None:
        self.organization: Organization = make_organization()
        self.responsible: Membership = make_member(self.organization, "coordinator")
        self.row, self.token = issue_api_key(
            operator(self.organization),
            name="Hospital system",
            persona_key="coordinator",
            scopes=scopes,
            responsible=User.objects.get(pk=self.responsible.user_id),
            **options,
        )

    def get(self, address: str = "/api/v1/me", **headers: str) -> Any:
        return Client().get(address, headers={"Authorization": f"Bearer {self.token}", **headers})

    def post(self, body: Any, content_type: str = "application/json", **headers: str) -> Any:
        client = Client(raise_request_exception=False)
        authorized = {"Authorization": f"Bearer {self.token}", **headers}
        return client.post("/api/v1/fail", body, content_type=content_type, headers=authorized)


def assert_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    document = answer.json()
    assert (document["status"], document["code"]) == (status, code)
    assert document["type"] == f"urn:cgt:problem:{code}"
    assert document["remedy"]
    return document


@pytest.mark.story("AP1")
def test_a_key_acts_in_its_persona_narrowed_to_its_scopes() -> None:
    key = Key(["view_orders"])
    answer = key.get()
    assert answer.status_code == 200
    assert answer.json()["capabilities"] == ["view_orders"]
    assert answer.json()["name"] == "Hospital system"
    assert answer.json()["organization_id"] == str(key.organization.pk)


@pytest.mark.story("AP1")
def test_scopes_never_add_to_the_persona() -> None:
    assert Key(["view_orders", "release_batch"]).get().json()["capabilities"] == ["view_orders"]


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Bearer cgt_aaaaaaaaaa_b", "Basic abc", "Bearer cgt_ä_b", "cgt_a_b"]
)
def test_without_a_valid_key_401_with_a_challenge(header: str) -> None:
    answer = Client().get("/api/v1/me", headers={"Authorization": header} if header else {})
    assert_problem(answer, 401, "unauthenticated")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_the_right_prefix_with_a_wrong_secret_is_refused() -> None:
    key = Key(["view_orders"])
    key.token = key.token[:-3] + ("aaa" if key.token[-3:] != "aaa" else "bbb")
    assert_problem(key.get(), 401, "unauthenticated")


@pytest.mark.story("TA3")
def test_a_revoked_key_stops_with_the_next_request() -> None:
    key = Key(["view_orders"])
    assert key.get().status_code == 200
    revoke_api_key(operator(key.organization), key.row.prefix)
    assert_problem(key.get(), 401, "unauthenticated")


@pytest.mark.story("TA3")
def test_an_expired_key_is_refused() -> None:
    assert_problem(Key(["view_orders"], expires_at=timezone.now() - timedelta(seconds=1)).get(), 401, "unauthenticated")


def test_a_session_serves_too_with_csrf_enforced() -> None:
    member = make_member(make_organization(), "coordinator")
    client = signed_in(member)
    assert client.get("/api/v1/me").json()["persona"] == "coordinator"
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    answer = strict.post("/api/v1/fail", {"how": "refusal"}, content_type="application/json")
    assert_problem(answer, 403, "csrf_failed")


def test_refusals_are_problems_inside_and_outside_drf() -> None:
    key = Key(["view_orders"])
    document = assert_problem(key.post({"how": "refusal"}), 422, "facts_missing")
    assert document["facts"] == [{"code": "consent", "text": "Consent is missing.", "remedy": "Record it."}]
    assert_problem(Client().get("/api/v1/plain"), 422, "facts_missing")


def test_what_is_not_there_reads_the_same_everywhere() -> None:
    key = Key(["view_orders"])
    document = assert_problem(key.post({"how": "missing"}), 404, "not_found")
    assert assert_problem(key.get("/api/v1/no-such-place"), 404, "not_found") == document


def test_unreadable_requests_are_refused_by_name() -> None:
    key = Key(["view_orders"])
    assert_problem(key.post("{", "application/json"), 400, "not_readable")
    assert_problem(key.post(b'{"how": "\xff"}', "application/json"), 400, "not_readable")
    assert_problem(key.post({"how": "nul"}), 400, "not_readable")
    assert_problem(key.post("<a/>", "application/xml"), 415, "unsupported_media_type")
    assert_problem(key.get("/api/v1/fail"), 405, "method_not_allowed")
    assert_problem(key.get(Accept="text/html"), 406, "not_acceptable")


def test_too_much_is_refused(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert_problem(Key(["view_orders"]).post({"how": "refusal"}), 413, "too_large")


def test_a_bug_stays_500_and_says_nothing_about_itself() -> None:
    answer = Key(["view_orders"]).post({"how": "bug"})
    assert_problem(answer, 500, "server_error")
    assert "a bug" not in answer.content.decode()


@pytest.fixture
def two_a_minute(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from cgt.authentication import ActorThrottle

    monkeypatch.setattr(ActorThrottle, "rate", "2/h", raising=False)
    yield


def test_a_key_that_asks_too_often_waits_and_others_do_not(two_a_minute: None) -> None:
    key, other = Key(["view_orders"]), Key(["view_orders"])
    assert [key.get().status_code for _ in range(3)] == [200, 200, 429]
    answer = key.get()
    assert_problem(answer, 429, "too_many_requests")
    assert 0 < int(answer["Retry-After"]) <= 3600
    assert other.get().status_code == 200


def test_the_command_prints_the_token_once() -> None:
    organization = make_organization()
    responsible = User.objects.get(pk=make_member(organization, "coordinator").user_id)
    out = io.StringIO()
    call_command(
        "issue_api_key",
        organization=organization.code,
        persona="coordinator",
        name="Ordering system",
        scopes="view_orders,book_slots",
        responsible=responsible.username,
        stdout=out,
    )
    token = out.getvalue().strip()
    answer = Client().get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.json()["capabilities"] == ["book_slots", "view_orders"]


def test_the_command_refuses_strangers_and_unknown_scopes() -> None:
    organization = make_organization()
    responsible = User.objects.get(pk=make_member(organization, "coordinator").user_id)
    given = {"persona": "coordinator", "name": "X", "responsible": responsible.username}
    with pytest.raises(CommandError, match="no membership"):
        call_command("issue_api_key", organization="elsewhere", scopes="view_orders", **given)
    with pytest.raises(CommandError, match="Unknown capability"):
        call_command("issue_api_key", organization=organization.code, scopes="everything", **given)


def test_actor_of_an_account_without_memberships_is_nobody() -> None:
    user = User.objects.create(username="nowhere@example.org")
    assert actor_of_user(user, None, "browser") is None  # type: ignore[arg-type]
