"""The site network manager's and the dispatcher's desks: what blocks a site, which jobs wait, what failed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ledger.context import reading
from ledger.models import Event
from network import queries as network
from network.actions.places import authorize_site
from orders.actions.pickups import report_failed_pickup
from orders.flow import order_named
from tests.factories import make_member, make_organization, make_site, operator
from tests.orders.conftest import Browse, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of, packed
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
MANAGER = ("maker", "site_network_manager")
CENTER = ("center", "coordinator")
CONTROL = ("courier", "courier_dispatcher")


def form(world: World, **changes: str) -> dict[str, str]:
    return {"therapy": world.therapy.code, "site": world.clinic.code, "at": "x", **changes}


def row_of(world: World, page: Any) -> Any:
    return next(row for row in page.context["rows"] if row["one"].site.pk == world.clinic.pk)


@pytest.mark.story("SN5")
def test_a_site_is_suspended_and_reinstated_with_a_reason(world: World, browse: Browse) -> None:
    world.enrol(**patient())
    client = browse(*MANAGER)
    row = row_of(world, client.get("/"))
    assert row["one"].is_ready and row["running"] >= 1 and not row["suspended"]
    refused = client.post("/network/sites/suspend/", form(world))
    assert refused.status_code == 400 and "Say why" in text_of(refused)
    assert client.post("/network/sites/suspend/", form(world, reason="Audit finding")).status_code == 303
    page = client.get("/", {"show": "blocked"})
    assert row_of(world, page)["one"].blockers == ["Suspended: Audit finding"]
    assert client.post("/network/sites/authorize/", form(world)).status_code == 400
    assert client.post("/network/sites/authorize/", form(world, reason="Closed")).status_code == 303
    assert row_of(world, client.get("/"))["one"].is_ready


def test_an_authorization_that_ends_soon_is_said(world: World, browse: Browse) -> None:
    client = browse(*MANAGER)
    last = (timezone.now() + dt.timedelta(days=5)).date().isoformat()
    assert (
        client.post("/network/sites/authorize/", form(world, reason="Until the audit", until=last)).status_code == 303
    )
    page = client.get("/", {"show": "soon"})
    assert row_of(world, page)["one"].soon == 7 and "Within 7 days" in text_of(page)
    for bad in ("soon", "9999-12-31", "2001-01-01"):
        page = client.post("/network/sites/authorize/", form(world, reason="x", until=bad))
        assert page.status_code == 400 and 'id="id_until-error"' in text_of(page) or page.status_code == 400
    authorize_site(operator(world.maker), world.therapy, world.clinic, reason="Open again")


def test_what_blocks_a_site_is_named(world: World, browse: Browse) -> None:
    center = make_organization("treatment_center", country="DE", name="Center without a lane")
    from tests.factories import connect

    connect(world.maker, center)
    site = make_site(center)
    authorize_site(operator(world.maker), world.therapy, site)
    manager = world.actor(*MANAGER)
    with reading(manager):
        found = next(one for one in network.site_readiness(manager) if one.site.pk == site.pk)
    assert found.blockers == ["No lane leads from here to a plant.", "No lane leads from a plant to here."]


def test_only_the_own_therapies_and_only_who_may(world: World, browse: Browse) -> None:
    stranger = signed_in(make_member(make_organization("manufacturer"), "site_network_manager"))
    assert stranger.get("/").context["rows"] == []
    sent = form(world, reason="Mischief")
    assert stranger.post("/network/sites/suspend/", sent).status_code == 400  # neither site nor therapy is there
    assert "Choose one" in text_of(stranger.post("/network/sites/suspend/", sent))
    assert browse("maker", "planner").post("/network/sites/suspend/", sent).status_code == 403
    assert browse("center", "coordinator").post("/network/sites/suspend/", sent).status_code in (403, 404)
    assert row_of(world, browse(*MANAGER).get("/"))["one"].is_ready


def test_the_desk_costs_the_same_queries_for_more_sites(world: World, browse: Browse) -> None:
    client = browse(*MANAGER)
    client.get("/")
    with CaptureQueriesContext(connection) as few:
        client.get("/")
    for _ in range(2):
        authorize_site(operator(world.maker), world.therapy, make_site(world.center))
    client.get("/")  # the reference rows are read anew once
    with CaptureQueriesContext(connection) as many:
        page = client.get("/")
    assert len(many) == len(few)
    assert len(page.content) < 60_000


def policy_form(world: World, **changes: str) -> dict[str, str]:
    return {**form(world), "at": f"{world.therapy.code}/{world.clinic.code}/lymphodepletion", **changes}


@pytest.mark.story("TP2")
def test_lymphodepletion_is_allowed_on_the_release_and_back_with_a_reason(world: World, browse: Browse) -> None:
    client, address = browse(*MANAGER), "/network/sites/lymphodepletion/"
    assert "With the product" in text_of(client.get("/"))
    refused = client.post(address, policy_form(world, on_release="yes"))
    assert refused.status_code == 400 and "-error" in text_of(refused)
    assert "Say why; the reason is part of the record." in text_of(refused)
    unread = client.post(address, policy_form(world, on_release="perhaps", reason="Kept as typed"))
    assert unread.status_code == 400 and "Kept as typed" in text_of(unread)
    assert client.post(address, policy_form(world, on_release="yes", reason="Beds are scarce")).status_code == 303
    assert row_of(world, client.get("/"))["one"].authorization.lymphodepletion_on_release
    manager = world.actor(*MANAGER)
    with reading(manager):
        event = Event.unwalled.filter(kind="network.lymphodepletion_policy_set").latest("recorded_at")
    assert (event.reason, event.payload["begins"]) == ("Beds are scarce", "on release")
    assert client.post(address, policy_form(world, on_release="no", reason="Trial ended")).status_code == 303
    assert not row_of(world, client.get("/"))["one"].authorization.lymphodepletion_on_release


@pytest.mark.story("TP2")
def test_only_the_manufacturers_site_network_manager_sets_the_lymphodepletion_policy(
    world: World, browse: Browse
) -> None:
    address, sent = "/network/sites/lymphodepletion/", policy_form(world, on_release="yes", reason="Mischief")
    assert browse("maker", "planner").post(address, sent).status_code == 403
    assert browse("center", "treating_physician").post(address, sent).status_code in (403, 404)
    stranger = signed_in(make_member(make_organization("manufacturer"), "site_network_manager"))
    assert "Choose one" in text_of(stranger.post(address, sent))
    assert not row_of(world, browse(*MANAGER).get("/"))["one"].authorization.lymphodepletion_on_release


# ---- courier control ----------------------------------------------------------------------------------------------


def test_a_job_is_accepted_from_the_desk(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="accept_job")
    client = browse(*CONTROL)
    page = client.get("/")
    job = next(job for job in page.context["jobs"] if job["code"] == journey.code)
    assert job["pickup"] and job["arrival"] and world.clinic.name in text_of(page)
    stops = browse("courier", "courier_driver").get("/?days=week").context["stops"]
    assert journey.code not in {row["code"] for row in stops}  # no driver's before control has it
    sent = {"decision": "accept", "version": job["version"], "once": str(job["once"])}
    assert client.post(job["url"], sent).status_code == 303
    assert journey.code not in {job["code"] for job in client.get("/").context["jobs"]}


@pytest.mark.story("CC1")
def test_whoever_declines_a_job_is_back_at_the_desk_and_sees_the_order_no_more(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="accept_job")
    client = browse(*CONTROL)
    job = next(job for job in client.get("/").context["jobs"] if job["code"] == journey.code)
    sent = {"decision": "decline", "reason": "No van.", "version": job["version"], "once": str(job["once"])}
    answer = client.post(job["url"], sent)
    assert (answer.status_code, answer["Location"]) == (303, "/")
    page = client.get("/")
    assert "Declined: No van." in text_of(page) and journey.code not in {job["code"] for job in page.context["jobs"]}
    for address in (f"/orders/{journey.code}/", f"/api/v1/orders/{journey.code}"):
        assert client.get(address).status_code == 404
    assert "takes no part in the order any more" in text_of(browse(*CENTER).get(f"/orders/{journey.code}/"))


@pytest.mark.story("CC1")
def test_a_decline_over_rest_answers_and_is_replayed(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="accept_job")
    client: Any = browse(*CONTROL)
    address, sent = f"/api/v1/orders/{journey.code}/steps/accept_job", {"decision": "decline", "reason": "No van."}
    first, again = (
        client.post(address, sent, content_type="application/json", headers={"Idempotency-Key": journey.code})
        for _ in range(2)
    )
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json() and first.json()["result"]["state"] == "failed"
    assert first.json()["available_actions"] == []
    assert client.get(f"/api/v1/orders/{journey.code}").status_code == 404


def test_control_sees_what_failed_and_what_is_on_the_way(world: World, browse: Browse) -> None:
    failed, moving = packed(world, **patient()), packed(world, picked_up=True, **patient())
    report_failed_pickup(world.actor("courier", "courier_driver"), failed, "pickup", "nobody_there")
    page = browse(*CONTROL).get("/")
    groups = {key: {row["code"] for row in rows} for key, _, rows, _ in page.context["groups"]}
    assert failed in groups["failed"] and failed not in groups["pickups"]
    assert moving in groups["way"]
    assert "Nobody is there" in text_of(page)
    assert any(sum(places[1] for _, places in lane["days"] if places) > 0 for lane in page.context["lanes"])
    maker = world.actor("maker", "planner")
    with reading(maker):
        order = order_named(maker, moving)
    assert order.identity_code not in text_of(page) and world.therapy.name not in text_of(page)
    next_door = signed_in(make_member(make_organization("courier"), "courier_dispatcher"))
    assert failed not in text_of(next_door.get("/"))


def test_control_costs_the_same_queries_for_more_jobs(world: World, browse: Browse) -> None:
    client = browse(*CONTROL)
    journey_of(world, **patient()).run(before="accept_job")
    client.get("/")
    with CaptureQueriesContext(connection) as few:
        client.get("/")
    for _ in range(2):
        journey_of(world, **patient()).run(before="accept_job")
    with CaptureQueriesContext(connection) as many:
        page = client.get("/")
    assert len(many) == len(few)
    assert len(page.content) < 60_000
