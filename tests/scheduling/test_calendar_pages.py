"""The calendar's pages: boards, days by hand, opening hours, closures, teams, heat map."""

from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger.context import reading
from scheduling.actions.calendar import add_rule, change_rule
from scheduling.actions.priorities import class_therapy
from scheduling.actions.windows import close_window
from scheduling.chain_search import search
from scheduling.models import Resource, Slot
from scheduling.rules import RuleInput
from tests.factories import make_actor, make_member, make_organization, make_site, operator
from tests.personas.conftest import signed_in
from tests.scheduling.factories import make_resource, make_world

pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")


def in_days(days: int) -> dt.date:
    return timezone.now().astimezone(BERLIN).date() + dt.timedelta(days=days)


@pytest.fixture
def chair() -> Resource:
    center = make_organization()
    return make_resource(center, "apheresis_chair", make_site(center))


@pytest.fixture
def client_(chair: Resource) -> Client:
    return signed_in(make_member(chair.organization, "apheresis_scheduler"))


def windows(chair: Resource, date: dt.date) -> list[tuple[str, int]]:
    with reading(operator(chair.organization)):
        found = [(s.starts_at.astimezone(BERLIN), s.capacity) for s in Slot.unwalled.order_by("starts_at")]
    return [(f"{start:%H:%M}", capacity) for start, capacity in found if start.date() == date]


def post(client: Client, chair: Resource, date: dt.date, act: str, **values: object) -> str:
    answer = client.post(f"/scheduling/days/{chair.code}/{date}/", {"act": act, **values})
    if answer.status_code == 303:
        return ""
    assert answer.status_code in (400, 409)
    return str(answer.content.decode())


def only(chair: Resource) -> str:
    with reading(operator(chair.organization)):
        return str(Slot.unwalled.get(capacity__gt=0).pk)


@pytest.mark.story("AU1")
def test_a_day_is_edited_by_hand_without_dragging(chair: Resource, client_: Client) -> None:
    day = in_days(5)
    assert post(client_, chair, day, "add", starts="08:00", ends="12:00", places="2") == ""
    assert windows(chair, day) == [("08:00", 2)]
    assert post(client_, chair, day, "places", window=only(chair), places="3") == ""
    assert post(client_, chair, day, "move", window=only(chair), starts_at=f"{day}T09:30") == ""
    assert windows(chair, day) == [("09:30", 3)]
    page = client_.get(f"/scheduling/days/{chair.code}/{day}/").content.decode()
    assert "09:30–13:30" in page and "By hand" in page
    assert post(client_, chair, day, "close", window=only(chair), reason="Nurse is ill") == ""
    assert windows(chair, day) == [("09:30", 0)]
    assert "Nurse is ill" in client_.get(f"/scheduling/days/{chair.code}/{day}/").content.decode()
    assert "Nurse is ill" in client_.get(f"/scheduling/?from={day}").content.decode()


@pytest.mark.parametrize(
    ("act", "values", "told"),
    [
        ("add", {"starts": "08:00", "ends": "12:00", "places": "-1"}, "whole number from 0"),
        ("add", {"starts": "08:00", "ends": "12:00", "places": "many"}, "Enter a whole number"),
        ("add", {"starts": "25:00", "ends": "12:00", "places": "1"}, "Enter a valid time"),
        ("add", {"starts": "11:00", "ends": "13:00", "places": "1"}, "Overlaps another window"),
        ("close_day", {"reason": ""}, "This field is required"),
    ],
)
def test_a_bad_entry_is_told_beside_its_field_and_kept(
    chair: Resource, client_: Client, act: str, values: dict[str, str], told: str
) -> None:
    day = in_days(5)
    assert post(client_, chair, day, "add", starts="10:00", ends="12:30", places="1") == ""
    page = post(client_, chair, day, act, **values)
    assert told in page and 'aria-invalid="true"' in page
    for value in filter(None, values.values()):
        assert f'value="{value}"' in page
    assert windows(chair, day) == [("10:00", 1)]


@pytest.mark.story("MP1")
def test_closing_a_day_with_a_taken_place_names_who_would_be_hit() -> None:
    world = make_world()
    chain = world.held()
    with reading(world.coordinator):
        chair = Resource.unwalled.get(organization=world.center, kind="apheresis_chair")
    client = signed_in(make_member(world.center, "apheresis_scheduler"))
    day = chain.collection_starts_at.astimezone(BERLIN).date()
    page = post(client, chair, day, "close_day", reason="Inspection")
    assert "capacity_in_use" in page and chair.name in page and "open a disruption" in page
    assert 'value="Inspection"' in page
    (link,) = re.findall(r'href="(/disruptions/\?[^"]*)"', page)
    form = client.get(html.unescape(link)).context
    fields = {field["name"]: field for field in form["open_fields"]}
    assert fields["resources"]["value"] == [chair.code]
    starts = chain.collection_starts_at.astimezone(ZoneInfo(form["zone"]))
    assert fields["starts_at"]["value"] == starts.strftime("%Y-%m-%dT%H:%M")
    assert fields["ends_at"]["value"] > fields["starts_at"]["value"]
    nonsense = client.get("/disruptions/?resources=other&starts_at=soon&ends_at=2026-99-99T00:00:00Z")
    assert nonsense.status_code == 200


@pytest.mark.story("AU1", "MP1")
def test_opening_hours_are_added_changed_and_ended_on_their_page(chair: Resource, client_: Client) -> None:
    rule = {
        "resource": chair.code,
        "shift": "day",
        "weekdays": ["0", "1", "2", "3", "4", "5", "6"],
        "starts": "08:00",
        "ends": "16:00",
        "places": "1",
        "first_date": str(in_days(0)),
        "on_holidays": "open",
    }
    bad = client_.post("/scheduling/hours/", {**rule, "holiday_region": "ZZ", "places": "-2"})
    assert bad.status_code == 400
    assert "Regions of DE: " in bad.content.decode() and "whole number from 0" in bad.content.decode()
    none = client_.post("/scheduling/hours/", {**rule, "weekdays": []})
    assert "Choose the days, or write a pattern." in none.content.decode()
    assert client_.post("/scheduling/hours/", rule).status_code == 303
    with reading(operator(chair.organization)):
        made = chair.rules.get()
    assert windows(chair, in_days(9)) == [("08:00", 1)]
    form = client_.get(f"/scheduling/hours/?change={made.pk}").content.decode()
    assert "Change the shift day" in form and 'value="FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU"' in form
    later = {**rule, "first_date": str(in_days(20)), "starts": "09:00"}
    assert client_.post(f"/scheduling/hours/?change={made.pk}", later).status_code == 303
    assert (windows(chair, in_days(19)), windows(chair, in_days(20))) == ([("08:00", 1)], [("08:00", 0), ("09:00", 1)])
    with reading(operator(chair.organization)):
        now = chair.rules.get(last_date=None)
    assert client_.post(f"/scheduling/hours/{now.pk}/end/", {"last_date": str(in_days(30))}).status_code == 303
    assert ("09:00", 0) in windows(chair, in_days(31))
    twice = client_.post("/scheduling/hours/", {**rule, "shift": "late"})
    assert "Overlaps the shift day" in twice.content.decode()


def test_resources_closures_teams_and_classes_have_their_pages(chair: Resource, client_: Client) -> None:
    assert chair.site is not None
    new = {"code": "chair-two", "name": "Chair two", "kind": "apheresis_chair", "site": chair.site.code}
    assert client_.post("/scheduling/resources/new/", new).status_code == 303
    assert "This code is in use" in client_.post("/scheduling/resources/new/", new).content.decode()
    closure = {"site": chair.site.code, "kind": "maintenance", "first_date": str(in_days(3)), "reason": "Power off"}
    assert client_.post("/scheduling/closures/", closure).status_code == 303
    assert client_.post("/scheduling/closures/", {**closure, "reason": ""}).status_code == 400
    page = client_.get("/scheduling/closures/").content.decode()
    assert "Power off" in page
    (found,) = [part.split("/")[0] for part in page.split('action="/scheduling/closures/')[1:]]
    assert client_.post(f"/scheduling/closures/{found}/lift/").status_code == 303
    assert "Power off" not in client_.get("/scheduling/closures/").content.decode()
    team = {"site": chair.site.code, "code": "blue", "shift": "day", "competence": "apheresis", "weekdays": ["0"]}
    team |= {"people": "2", "first_date": str(in_days(0))}
    assert client_.post("/scheduling/teams/", team).status_code == 303
    assert client_.post("/scheduling/teams/", {**team, "people": "-2", "code": "red"}).status_code == 400
    assert "blue" in client_.get("/scheduling/teams/").content.decode()
    assert client_.post("/scheduling/teams/priorities/", {"therapy": "x", "priority": "emergent"}).status_code == 400


@pytest.mark.parametrize("path", ["", "hours/", "closures/", "teams/", "load/", "lines/"])
def test_only_whoever_publishes_capacity_opens_the_calendar(chair: Resource, path: str) -> None:
    assert signed_in(make_member(chair.organization, "coordinator")).get(f"/scheduling/{path}").status_code == 403


def test_another_organizations_days_are_not_found(chair: Resource) -> None:
    stranger = signed_in(make_member(make_organization(), "apheresis_scheduler"))
    address = f"/scheduling/days/{chair.code}/{in_days(5)}/"
    add = {"act": "add", "starts": "08:00", "ends": "12:00", "places": "2"}
    assert (stranger.get(address).status_code, stranger.post(address, add).status_code) == (404, 404)
    assert stranger.get(f"/scheduling/?resource={chair.code}").status_code == 404
    for path in ("", "load/", "hours/"):
        assert chair.name not in stranger.get(f"/scheduling/{path}").content.decode()


def test_nonsense_in_the_address_shows_a_page(chair: Resource, client_: Client) -> None:
    for query in (
        "from=nonsense&page=x",
        "from=9999-12-31",
        "kind=nothing&site=nowhere",
        f"resource={chair.code}&from=0",
    ):
        assert client_.get(f"/scheduling/?{query}").status_code == 200
    assert client_.get("/scheduling/lines/?days=1000&from=x").status_code == 200
    assert client_.get(f"/scheduling/days/{chair.code}/nonsense/").status_code == 404
    assert client_.get("/scheduling/hours/?change=x").status_code == 200
    assert client_.post(f"/scheduling/days/{chair.code}/{in_days(1)}/", {"act": "explode"}).status_code == 404


@pytest.mark.parametrize("path", ["", "load/", "hours/"])
def test_more_resources_cost_no_more_queries(chair: Resource, client_: Client, path: str) -> None:
    def cost() -> int:
        client_.get(f"/scheduling/{path}")
        with CaptureQueriesContext(connection) as queries:
            assert client_.get(f"/scheduling/{path}").status_code == 200
        return len(queries)

    rule = RuleInput("day", "FREQ=DAILY", dt.time(8), dt.time(16), 1, in_days(0), on_holidays="open")
    add_rule(operator(chair.organization), chair.code, rule)
    before = cost()
    for _ in range(2):
        more = make_resource(chair.organization, "infusion_bed", chair.site)
        add_rule(operator(chair.organization), more.code, rule)
    assert cost() == before


def test_the_heat_map_says_in_words_how_full_a_week_is() -> None:
    world = make_world(places=2)
    chain = world.held()
    client = signed_in(make_member(world.center, "apheresis_scheduler"))
    page = client.get(f"/scheduling/load/?from={chain.collection_starts_at.date()}&kind=apheresis_chair")
    (row,) = page.context["rows"]
    assert row.total.taken == 1
    week = row.weeks[0]
    assert week.words == f"{100 * week.taken // week.places} %"
    assert f"{week.taken}/{week.places}" in page.content.decode()
    assert world.maker.name not in page.content.decode()


@pytest.mark.story("AU1")
def test_a_reserved_chair_is_offered_to_its_class_first_and_to_everybody_from_its_day() -> None:
    world = make_world()
    scheduler = make_actor(world.center, "apheresis_scheduler")
    assert len(world.offers()) > 1
    with reading(scheduler):
        chairs = list(Slot.unwalled.filter(kind="apheresis_chair"))
    for slot in chairs:
        close_window(scheduler, slot.pk, "Another class")
    reserved = make_resource(world.center, "apheresis_chair", world.clinic)
    rule = RuleInput("day", "FREQ=DAILY", dt.time(8), dt.time(16), 1, in_days(0), on_holidays="open")
    kept = add_rule(scheduler, reserved.code, replace(rule, reserved_for="stem_cells", release_days=1))
    assert kept.reserved_for == "stem_cells"
    assert world.offers() == []
    refused = search(world.coordinator, world.request()).refused
    assert {day.code for day in refused} == {"chair_reserved"}
    assert all("reserved for another class (Stem cell collections) until" in day.text for day in refused)
    assert "chair_reserved" not in {day.code for day in search(world.planner, world.request()).refused}
    class_therapy(scheduler, world.therapy_id, "commercial")
    assert world.offers() == []
    class_therapy(scheduler, world.therapy_id, "emergent")
    offers = world.offers()
    assert offers
    assert world.held(offer=offers[0]).state == "held"
    class_therapy(scheduler, world.therapy_id, "own_trial")
    change_rule(scheduler, kept.pk, replace(rule, reserved_for="stem_cells", release_days=60))
    assert world.offers()


def test_the_address_of_a_form_that_is_opened_by_itself_says_so(client_: Client) -> None:
    """A refused form stands under the address that it was sent to: somebody loads that one again."""
    wrong = client_.post("/scheduling/resources/new/", {"code": "Line 2!", "name": "x", "kind": "bed", "site": ""})
    assert "Use letters, digits and hyphens, without spaces" in wrong.content.decode()
    answer = client_.get("/scheduling/resources/new/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    said = answer.content.decode()
    assert "Opened by itself it has nothing to show" in said
    assert "Go to my desk" in said
