"""Whose desk stands at ``/``: the persona's row names it, a name without a view shows the worklist."""

from __future__ import annotations

import pytest
from django.http import HttpRequest
from django.template.response import TemplateResponse

from ledger.context import Actor, reading
from orders.views import desks
from personas.models import Persona
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry with one desk only, which says whose it is."""

    def show(request: HttpRequest, actor: Actor) -> TemplateResponse:
        return TemplateResponse(request, "orders/worklist.html", {"strip": [], "desk": actor.desk})

    monkeypatch.setattr(desks, "_desks", {})
    desks.desk_named("site_quality_desk", "qa")(show)


def test_the_desk_is_the_one_that_the_personas_row_names(world: World, browse: Browse, elsewhere: None) -> None:
    assert browse("maker", "qa_reviewer").get("/").context["desk"] == "qa"
    with reading(world.actor("maker", "qa_reviewer")):
        assert Persona.unwalled.get(organization=world.maker, key="qa_reviewer").desk == "qa"


def test_a_name_without_a_view_shows_the_worklist_and_offers_it_once(
    world: World, browse: Browse, elsewhere: None
) -> None:
    code = world.enrol(**patient())
    page = browse("center", "coordinator", 2).get("/")
    assert code in text_of(page)
    assert "/worklist/" not in [entry["url"] for entry in page.context["navigation"]]
    assert next(entry["count"] for entry in page.context["navigation"] if entry["url"] == "/") >= 1


def test_the_worklist_stays_reachable_beside_a_desk(browse: Browse, elsewhere: None) -> None:
    client = browse("maker", "qa_reviewer")
    assert "/worklist/" in [entry["url"] for entry in client.get("/").context["navigation"]]
    assert client.get("/worklist/").status_code == 200


def test_two_views_for_one_desk_are_a_mistake(elsewhere: None) -> None:
    with pytest.raises(ValueError, match="already"):
        desks.desk_named("qa")(lambda request, actor: TemplateResponse(request, "orders/worklist.html", {}))


def test_the_summary_counts_what_is_late_today_and_soon(world: World, browse: Browse) -> None:
    world.enrol(**patient())
    page = browse("center", "coordinator", 2).get("/worklist/")
    counts = {span["key"]: span["count"] for span in page.context["strip"]}
    assert counts["late"] == 0
    assert 1 <= counts["week"] == counts["all"]
    assert counts["today"] <= counts["week"]
    soon = browse("center", "coordinator", 2).get("/worklist/", {"due": "week"})
    assert len(soon.context["rows"]) == counts["week"]
    assert [span["key"] for span in soon.context["strip"] if span["current"]] == ["week"]
