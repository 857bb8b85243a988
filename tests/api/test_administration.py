"""People, keys, personas, sites, credentials, specifications, codes and custody over REST: the rules of the pages."""

from __future__ import annotations

from typing import Any

from django.test import Client

from tests.api.conftest import Partner, PartnerOf, make_partner, opened, problem
from tests.factories import make_member, make_organization, unique
from tests.notifications.receiver import Receiver, serve
from tests.orders.factories import World
from tests.personas.conftest import signed_in


def test_people_are_added_and_ended_by_the_administrator(world: World, partner: PartnerOf) -> None:
    admin = partner("center", "administrator")
    given = {"username": f"{unique('nurse')}@example.org", "name": "Nurse New", "persona": "apheresis_nurse"}
    added = admin.post("people", given | {"site": world.clinic.code})

    assert added.status_code == 201 and added.json()["site"] == world.clinic.code
    problem(admin.post("people", given | {"site": world.clinic.code}), 400, "invalid_input")
    problem(admin.post("people", given | {"site": world.plant.code}), 400, "invalid_input")
    problem(admin.post("people", given | {"persona": "planner"}), 400, "invalid_input")
    assert "color" in problem(admin.post("people", given | {"color": "red"}), 400, "invalid_input")["fields"]
    assert added.json()["id"] in {row["id"] for row in admin.get("people?limit=200").json()["results"]}
    ended = admin.post(f"people/{added.json()['id']}/end")
    assert ended.status_code == 200
    problem(admin.post(f"people/{added.json()['id']}/end"), 404, "not_found")
    problem(partner("center", "coordinator").get("people"), 403, "scope_missing")
    stranger = make_partner(make_organization(), "administrator")
    assert "Nurse New" not in stranger.get("people").content.decode()


def test_a_key_is_issued_once_narrowed_and_revoked(partner: PartnerOf) -> None:
    admin = partner("center", "administrator")
    issued = admin.post("keys", {"name": "EHR", "persona": "coordinator", "scopes": ["view_orders"]})

    assert issued.status_code == 201 and issued["Cache-Control"] == "no-store"
    token, prefix = issued.json()["token"], issued.json()["prefix"]
    assert Partner(token).get("me").json()["capabilities"] == ["view_orders"]
    assert token not in admin.get("keys").content.decode()
    assert admin.post(f"keys/{prefix}/revoke").json()["revoked_at"]
    problem(Partner(token).get("me"), 401, "unauthenticated")
    problem(make_partner(make_organization(), "administrator").post(f"keys/{prefix}/revoke"), 404, "not_found")
    problem(admin.post("keys", {"name": "X", "persona": "coordinator", "scopes": ["fly"]}), 400, "invalid_input")


def test_a_persona_is_adapted_within_the_separation_of_duties(partner: PartnerOf) -> None:
    admin, why = partner("maker", "administrator"), {"reason": "Labels are printed at the dock."}
    seen = admin.get("personas/operator")
    change = {"title": "Operator II", "remove": ["print_labels"]}
    assert "reason" in problem(admin.post("personas/operator", change), 400, "invalid_input")["fields"]
    changed = admin.post("personas/operator", change | why, Idempotency_Key="p1", If_Match=seen["ETag"])

    assert changed.json()["title"] == "Operator II" and "print_labels" not in changed.json()["capability_keys"]
    again = admin.post("personas/operator", change | why, Idempotency_Key="p1", If_Match=seen["ETag"])
    assert again.json() == changed.json() and again["ETag"] == changed["ETag"] != seen["ETag"]
    other = {"remove": ["manufacture"]} | why
    problem(admin.post("personas/operator", other, Idempotency_Key="p1"), 409, "idempotency_key_reused")
    problem(admin.post("personas/operator", other, If_Match=seen["ETag"]), 412, "stale")
    problem(admin.post("personas/operator", {"add": ["release_batch"]} | why), 400, "separation_of_duties")
    problem(admin.post("personas/operator", {"add": ["read_identity"]} | why), 400, "invalid_input")
    problem(admin.post("personas/operator", {"remove": ["print_labels"]} | why), 400, "nothing_changes")
    problem(admin.post("personas/administrator", {"remove": ["administer"]} | why), 400, "last_administrator")
    problem(admin.post("personas/nobody", {"title": "X"} | why), 404, "not_found")
    problem(partner("maker", "planner").post("personas/operator", other), 403, "scope_missing")
    (told,) = admin.get("personas/operator/changes").json()["results"]
    assert (told["removed"], told["title"], told["reason"]) == (["Print labels"], "Operator II", why["reason"])
    next_door = make_partner(make_organization("manufacturer"), "administrator")
    assert next_door.get("personas/operator/changes").json()["results"] == []
    assert next_door.get("personas/operator").json()["title"] == "Manufacturing operator"


def test_a_site_is_suspended_and_reinstated_by_the_manufacturer_alone(world: World, partner: PartnerOf) -> None:
    manager = partner("maker", "site_network_manager")
    named = {"therapy": world.therapy.code, "site": world.clinic.code}

    problem(manager.post("site-authorizations/suspend", named), 400, "invalid_input")
    suspended = manager.post("site-authorizations/suspend", named | {"reason": "Audit."})
    assert suspended.json()["state"] == "suspended"
    problem(partner().post("orders", world.enrolment()), 422, "facts_missing")
    assert manager.post("site-authorizations", named).json()["state"] == "active"
    assert partner().get("site-authorizations").json()["results"][0]["site"] == world.clinic.code
    problem(partner("maker", "planner").post("site-authorizations", named), 403, "not_allowed")
    problem(partner().post("site-authorizations", named), 404, "not_found")
    problem(manager.post("site-authorizations", named | {"site": "no-such"}), 404, "not_found")


def test_lymphodepletion_on_release_is_the_manufacturers_word_with_a_reason(world: World, partner: PartnerOf) -> None:
    manager, address = partner("maker", "site_network_manager"), "site-authorizations/lymphodepletion"
    named = {"therapy": world.therapy.code, "site": world.clinic.code, "on_release": True}

    assert "reason" in problem(manager.post(address, named), 400, "invalid_input")["fields"]
    given = named | {"reason": "Beds are scarce."}
    assert manager.post(address, given, Idempotency_Key="l1").json()["lymphodepletion_on_release"] is True
    assert manager.post(address, given, Idempotency_Key="l1").json()["lymphodepletion_on_release"] is True
    other = given | {"on_release": False}
    problem(manager.post(address, other, Idempotency_Key="l1"), 409, "idempotency_key_reused")
    assert partner().get("site-authorizations").json()["results"][0]["lymphodepletion_on_release"] is True
    problem(partner("maker", "planner").post(address, given), 403, "not_allowed")
    problem(partner().post(address, given), 404, "not_found")
    problem(
        make_partner(make_organization("manufacturer"), "site_network_manager").post(address, given), 404, "not_found"
    )


def test_a_physician_is_credentialed_by_the_own_center(world: World, partner: PartnerOf) -> None:
    admin = partner("center", "administrator")
    member = make_member(world.center, "treating_physician")
    given = {"person": str(member.user.person_id), "therapy": world.therapy.code}

    made = admin.post("credentials", given)
    assert made.status_code == 201 and made.json()["kind"] == "prescriber"
    assert made.json()["id"] in {row["id"] for row in admin.get("credentials?limit=200").json()["results"]}
    problem(admin.post("credentials", given | {"person": str(world.clinic.pk)}), 400, "invalid_input")
    foreign = make_partner(world.maker, "administrator")
    assert foreign.get("credentials").json()["results"] == []


def test_a_specification_is_published_and_read_but_not_by_couriers(world: World, partner: PartnerOf) -> None:
    owner = partner("maker", "product_owner")
    address = f"therapies/{world.therapy.code}/specifications"
    now = owner.get(address).json()["results"][0]
    published = owner.post(address, {"tests": now["tests"], "limits": now["limits"]})

    assert published.status_code == 201 and published.json()["version"] == now["version"] + 1
    faulty = [{**now["tests"][0], "key": "!"}]
    problem(owner.post(address, {"tests": faulty, "limits": now["limits"]}), 400, "invalid_input")
    assert partner().get(address).status_code == 200
    problem(partner().post(address, {"tests": now["tests"], "limits": now["limits"]}), 404, "not_found")
    problem(partner("courier", "courier_driver").get(address), 404, "not_found")


def test_a_code_says_what_it_is_to_those_who_may_know(world: World, partner: PartnerOf) -> None:
    center = partner()
    code = opened(center, world)
    identity = center.get(f"orders/{code}").json()["identity_code"]

    assert center.get(f"lookup?code={identity}").json()["order"] == code
    problem(center.get("lookup?code=nonsense"), 400, "unreadable")
    problem(center.get("lookup"), 400, "invalid_input")
    problem(partner("courier", "courier_driver").get(f"lookup?code={identity}"), 404, "not_found")
    problem(make_partner(make_organization(), "coordinator").get(f"lookup?code={identity}"), 404, "not_found")
    assert center.get("custody").json()["results"] == []


def test_a_known_patient_is_found_without_an_address_that_names_them(world: World, partner: PartnerOf) -> None:
    center = partner()
    code = opened(center, world, 2)

    assert center.post("patients/find", {"mrn": "MRN-2"}).json()["results"][0]["orders"] == [code]
    named = {"family_name": "Czerny", "given_name": "Patient", "birth_date": "1952-03-11"}
    assert center.post("patients/find", named).json()["results"][0]["orders"] == [code]
    assert center.post("patients/find", {"mrn": "MRN-9"}).json()["results"] == []
    problem(partner("center", "apheresis_scheduler").post("patients/find", {"mrn": "MRN-2"}), 403, "scope_missing")
    assert partner("maker", "planner").post("patients/find", {"mrn": "MRN-2"}).status_code == 403


def test_a_flow_is_retired_with_a_reason(partner: PartnerOf) -> None:
    approver = partner("maker", "flow_approver")
    live = approver.get("flows").json()["results"][0]

    assert approver.post(f"{live['href']}/retire", {"reason": "Superseded."}).json()["state"] == "retired"
    problem(approver.post(f"{live['href']}/retire", {"reason": "Again."}), 409, "wrong_state")
    problem(partner().post(f"{live['href']}/retire", {"reason": "No."}), 404, "not_found")


def test_an_identity_query_that_does_not_stand_is_not_lifted(world: World, partner: PartnerOf) -> None:
    code = opened(partner(), world)
    quality = partner("center", "site_quality")
    fields = problem(quality.post(f"orders/{code}/lift-identity-query", {}), 400, "invalid_input")["fields"]
    assert set(fields) == {"reason", "signature", "other"}
    problem(partner("courier", "courier_driver").post(f"orders/{code}/lift-identity-query", {}), 404, "not_found")


def test_who_takes_part_and_on_which_ways(world: World, partner: PartnerOf) -> None:
    found = {row["code"]: row for row in partner().get("organizations?limit=200").json()["results"]}
    assert set(found) == {world.center.code, world.maker.code, world.courier.code}
    assert [row["code"] for row in found.values() if row["own"]] == [world.center.code]
    lanes = partner("courier", "courier_driver").get("lanes").json()["results"]
    assert {row["direction"] for row in lanes} == {"inbound", "outbound"}
    own = partner("maker", "planner").get("resources?own=true").json()["results"]
    assert own and all(row["own"] for row in own)


def test_webhooks_over_rest(partner: PartnerOf) -> None:
    receiver = Receiver()
    server = serve(receiver)
    admin = partner("center", "administrator")
    added = admin.post("webhooks", {"name": "EHR", "url": receiver.url}, Idempotency_Key="w1")
    again = admin.post("webhooks", {"name": "EHR", "url": receiver.url}, Idempotency_Key="w1")
    server.shutdown()
    server.server_close()

    assert added.status_code == 201 and added.json()["secret"].startswith("whsec_")
    assert (again.json()["id"], again.json()["secret"]) == (added.json()["id"], None)
    href = added["Location"]
    assert "secret" not in admin.get(href).json() and "whsec_" not in admin.get("webhooks").content.decode()
    assert admin.post(href, {"active": False}).json()["active"] is False
    problem(admin.post(f"{href}/test"), 409, "webhook_paused")
    admin.post(href, {"active": True, "kinds": ["orders.cancelled"]})
    assert admin.post(f"{href}/test").json()["kind"] == "notifications.webhook_tested"
    deliveries = admin.get(f"{href}/deliveries?state=waiting").json()["results"]
    assert admin.post(f"{href}/replay", {"delivery": deliveries[0]["id"]}).json() == {"deliveries": 1}
    problem(admin.post(f"{href}/replay", {}), 400, "invalid_input")
    assert admin.post(f"{href}/rotate-secret").json()["secret"] != added.json()["secret"]
    assert "orders.step_done" in {row["name"] for row in admin.get("webhooks/event-kinds").json()["results"]}
    problem(partner().get("webhooks"), 403, "scope_missing")
    problem(partner("maker", "administrator").get(href), 404, "not_found")


def test_the_inbox_is_a_persons(world: World, partner: PartnerOf) -> None:
    browser: Any = signed_in(world.member("center", "coordinator"))

    def post(path: str, body: dict[str, Any]) -> Any:
        return browser.post(f"/api/v1/{path}", body, content_type="application/json")

    assert browser.get("/api/v1/inbox?show=unread").json()["results"] == []
    assert post("inbox/read", {}).json() == {"notices": 0}
    problem(post(f"inbox/{world.clinic.pk}/acknowledge", {}), 404, "not_found")
    problem(post(f"inbox/{world.clinic.pk}/claim", {}), 404, "not_found")
    kept = browser.get("/api/v1/inbox/preferences").json() | {"quiet_from": "22:00:00", "quiet_until": "07:00:00"}
    assert post("inbox/preferences", kept).json() == kept
    problem(post("inbox/preferences", kept | {"zone": "Mars"}), 400, "invalid_input")
    problem(partner().post("inbox/preferences", kept), 403, "not_a_person")
    assert partner().get("inbox").json()["results"] == []
    admin = partner("center", "administrator")
    assert admin.post("inbox/escalation", {"minutes": 5, "persona": "pharmacist"}).json()["minutes"] == 5
    assert admin.get("inbox/escalation").json()["persona"] == "pharmacist"
    problem(Client(raise_request_exception=False).get("/api/v1/inbox"), 401, "unauthenticated")
