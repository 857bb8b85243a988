"""Late records, revocation and quality's acts on both faces: a browser without script, and a partner's key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from cgt.demo.journey import Journey, Player, now_text
from custody.states import ContainerState
from orders.actions.interruptions import cancel, put_on_hold
from personas.actions.people import issue_api_key
from personas.models import User
from personas.states import Capability
from tests.factories import PASSWORD, operator
from tests.journeys.destroying import destruction
from tests.journeys.watching import bags, open_deviations, step_of
from tests.journeys.world import World

OFFERED = "It has happened already"
NOTE = "The tablet was flat."


def browser(player: Player) -> Client:
    client = Client()
    client.force_login(User.objects.get(username=player.username), "cgt.backends.Accounts")
    return client


def key(world: World, organization: str, player: Player) -> Any:
    """Return ``send(method, path, body)`` of a partner's system with a key of the player's persona."""
    _, token = issue_api_key(
        operator(getattr(world, organization)),
        name="Partner system",
        persona_key=player.actor.persona,
        scopes=Capability.values,
        responsible=User.objects.get(username=player.username),
    )

    def send(method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        content = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return Client().generic(method, f"/api/v1/orders/{path}", headers=headers, **content)

    return send


def credentials(player: Player) -> dict[str, str]:
    return {"username": player.username, "password": PASSWORD}


def thaw(world: World, journey: Journey) -> dict[str, str]:
    lab = world.player("center", "cell_lab_technologist")
    codes = list(bags(lab, journey, "drug_product"))
    return {f"bags[{place}]scan": code for place, code in enumerate(codes)} | {"started_at": now_text()[:16]}


def test_a_stopped_step_offers_the_late_record_on_its_page(world: World) -> None:
    journey, lab = world.journey(), world.player("center", "cell_lab_technologist")
    journey.run(before="thaw")
    page = f"/orders/{journey.code}/steps/thaw/"
    client = browser(lab)
    assert OFFERED not in client.get(page).content.decode(), "not where the step may simply be done"
    put_on_hold(world.player("center", "treating_physician").actor, journey.code, "Fever.")
    shown = client.get(page).content.decode()
    assert OFFERED in shown
    assert 'name="late_reason"' in shown

    refused = client.post(page, thaw(world, journey))
    assert refused.status_code == 409
    assert "record it as late" in refused.content.decode()
    assert step_of(lab, journey, "thaw").state == "ready"

    unreadable = client.post(page, {"late_reason": NOTE, "bags[0]scan": "what", "started_at": now_text()[:16]})
    text = unreadable.content.decode()
    assert unreadable.status_code == 400
    assert NOTE in text, "what was typed is kept"
    assert '<details class="cgt-later cgt-late" open>' in text

    assert client.post(page, thaw(world, journey) | {"late_reason": NOTE}).status_code == 303
    assert step_of(lab, journey, "thaw").state == "done"
    (deviation,) = open_deviations(world.player("maker", "qa_reviewer"), journey)
    assert NOTE in deviation.text


def test_a_step_that_still_waits_and_a_cancelled_order_are_reached_too(world: World) -> None:
    journey, driver = world.journey(), world.player("courier", "courier_driver")
    journey.run(before="pack")
    client = browser(driver)
    page = f"/orders/{journey.code}/steps/pickup/"
    assert OFFERED not in client.get(page).content.decode(), "nothing is packed: there is nothing to record"
    journey.run(before="pickup")
    cancel(world.player("center", "coordinator").actor, journey.code, "Withdrawn for a reason of the clinic.")
    shown = client.get(page).content.decode()
    assert OFFERED in shown
    assert "reason of the clinic" not in shown


def test_a_partner_records_late_over_rest(world: World) -> None:
    journey, operator_ = world.journey(), world.player("maker", "operator")
    journey.run(before="start")
    cancel(world.player("center", "coordinator").actor, journey.code, "Withdrawn.")
    send = key(world, "maker", operator_)
    detail = send("GET", f"{journey.code}/steps/start").json()
    assert (detail["not_now"], detail["may_be_recorded_late"]) == ("The order is cancelled.", True)
    inputs = {
        "record_reference": "BR-1",
        "bags": [{"scan": next(iter(bags(operator_, journey)))}],
        "started_at": now_text(),
        "signature": credentials(operator_),
    }
    refused = send("POST", f"{journey.code}/steps/start", inputs)
    assert (refused.status_code, refused.json()["code"]) == (409, "order_ended")
    assert "record it as late" in refused.json()["remedy"]
    done = send("POST", f"{journey.code}/steps/start", inputs | {"late_reason": NOTE})
    assert done.status_code == 200, done.content
    assert done.json()["result"]["state"] == "done"


def test_a_release_is_revoked_on_its_page(world: World) -> None:
    journey, releaser = world.journey(), world.player("maker", "qualified_person")
    journey.run(before="ship")
    client, page = browser(releaser), f"/orders/{journey.code}/revoke-release/"
    assert page in client.get(f"/orders/{journey.code}/").content.decode()
    shown = client.get(page).content.decode()
    codes = list(bags(releaser, journey, "drug_product"))
    assert all(code in shown for code in codes), "what will be stopped is shown first"
    wrong = client.post(page, {"reason": "Late growth.", "signature.password": "wrong"})
    assert wrong.status_code in (400, 403)
    assert "Late growth." in wrong.content.decode()
    assert client.post(page, {"reason": "Late growth.", "signature.password": PASSWORD}).status_code == 303
    assert {bags(releaser, journey)[code] for code in codes} == {ContainerState.QUARANTINED}
    other = browser(world.player("maker", "planner"))
    assert page not in other.get(f"/orders/{journey.code}/").content.decode()


def test_quality_acts_over_rest(world: World) -> None:
    journey = world.journey()
    journey.run(before="review")
    reviewer, second = (world.player("maker", "qa_reviewer", number) for number in (1, 2))
    send, close = key(world, "maker", reviewer), key(world, "maker", second)
    opened = send("POST", f"{journey.code}/deviations", {"kind": "handling", "severity": "minor", "text": "Late scan."})
    assert opened.status_code == 200, opened.content
    (row,) = send("GET", f"{journey.code}/deviations").json()["results"]
    assert (row["kind"], row["state"]) == ("handling", "open")
    bad = send("POST", f"{journey.code}/deviations", {"kind": "No words", "severity": "minor", "text": ""})
    assert bad.status_code == 400
    assert set(bad.json()["fields"]) == {"kind", "text"}
    assert send("POST", f"{journey.code}/deviations/D-NONE/close", {"conclusion": "x"}).status_code == 404
    nobody = close("POST", f"{journey.code}/deviations/{row['number']}/close", {"conclusion": "Understood."})
    assert (nobody.status_code, nobody.json()["code"]) == (403, "person_required"), "a key alone answers for nothing"
    answered = {"conclusion": "Understood.", "signature": credentials(second)}
    closed = close("POST", f"{journey.code}/deviations/{row['number']}/close", answered)
    assert closed.status_code == 200, closed.content
    result = send("GET", f"{journey.code}/results").json()["results"][0]
    unknown = send("POST", f"{journey.code}/results/{result['id']}/invalidate", {"deviation": "D-NONE"})
    assert unknown.status_code == 404
    by = {"deviation": row["number"], "signature": credentials(reviewer)}
    gone = send("POST", f"{journey.code}/results/{result['id']}/invalidate", by)
    assert gone.status_code == 200, gone.content
    verdicts = {found["test"]: found["verdict"] for found in send("GET", f"{journey.code}/results").json()["results"]}
    assert verdicts[result["test"]] == "invalid"

    center = key(world, "center", world.player("center", "coordinator"))
    assert (
        center("POST", f"{journey.code}/deviations", {"kind": "x", "severity": "minor", "text": "y"}).status_code == 403
    )
    stranger = key(world, "next_center", world.player("next_center", "coordinator"))
    assert stranger("GET", f"{journey.code}/deviations").status_code == 404


def test_a_release_is_revoked_and_the_bags_decided_over_rest(world: World) -> None:
    journey, releaser = world.journey(), world.player("maker", "qualified_person")
    journey.run(before="ship")
    send = key(world, "maker", releaser)
    unsigned = send("POST", f"{journey.code}/revoke-release", {"reason": "Late growth."})
    assert (unsigned.status_code, set(unsigned.json()["fields"])) == (400, {"signature"})
    sent = {"reason": "Late growth.", "signature": credentials(releaser)}
    assert send("POST", f"{journey.code}/revoke-release", sent).status_code == 200
    first, second = bags(releaser, journey, "drug_product")
    held = send("POST", f"{journey.code}/material/{first}/decide", {"decision": "release", "reason": "Looks fine"})
    assert held.status_code == 422
    assert "release_revoked" in {fact["code"] for fact in held.json()["facts"]}
    rejected = send("POST", f"{journey.code}/material/{first}/decide", {"decision": "reject", "reason": "Growth"})
    assert rejected.status_code == 200, rejected.content
    address, witness = f"{journey.code}/material/{first}/destroy", world.player("maker", "operator")
    alone = destruction(releaser, witness, first)
    del alone["signature"]
    assert set(send("POST", address, alone).json()["fields"]) == {"signature"}
    assert send("POST", address, destruction(releaser, witness, first)).status_code == 200
    assert bags(releaser, journey)[first] == ContainerState.DESTROYED
    assert bags(releaser, journey)[second] == ContainerState.QUARANTINED
    unknown = send("POST", f"{journey.code}/material/NONE/destroy", destruction(releaser, witness, first))
    assert unknown.status_code == 404


@pytest.mark.story("QC6")
def test_a_deviation_is_opened_by_hand_on_the_page(world: World) -> None:
    journey, reviewer = world.journey(), world.player("maker", "qa_reviewer")
    journey.run(until="infuse")
    client = browser(reviewer)
    address = f"/orders/{journey.code}/deviations/"
    assert address in client.get(f"/orders/{journey.code}/").content.decode()
    bad = client.post(address, {"kind": "late-result", "severity": "critical", "text": ""})
    assert bad.status_code == 400
    assert client.post(address, {"kind": "late-result", "severity": "critical", "text": "Growth."}).status_code == 303
    assert [row.kind for row in open_deviations(reviewer, journey)] == ["late-result"]
