"""Pages of orders: who sees what, what is typed stays, refusals stand beside their fields, twice sent is done once."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from custody.schemes import printed
from ledger.context import reading
from ledger.queries import events_of
from orders.flow import order_named
from quality.actions.deviations import open_deviation
from tests.factories import PASSWORD, make_member, make_organization
from tests.orders.conftest import Browse, booked, consented, patient, prescribed, step, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
CONSENT = {"therapy": "true", "signed_on": "2026-01-05", "form_reference": "FORM-1"}


@pytest.fixture
def ready(world: World) -> str:
    """An order whose consent is done and whose eligibility waits."""
    return consented(world, **patient())


@pytest.fixture
def stranger_here(world: World) -> Client:
    """Somebody of a treatment center next door."""
    return signed_in(make_member(make_organization("treatment_center"), "coordinator"))


def rows(response: object) -> int:
    return len(set(re.findall(r'name="bags\[(\d+)\]scan"', text_of(response))))


def hidden(client: Client, address: str) -> dict[str, str]:
    """Return the fields of the request itself that a step's page holds."""
    page = text_of(client.get(address))
    version = re.search(r'name="version" value="([^"]+)"', page)
    once = re.search(r'name="once" value="([^"]+)"', page)
    assert version and once
    return {"version": version[1].replace("&quot;", '"'), "once": once[1]}


def bare(page: str) -> str:
    return re.sub(r"csrf[^>]*>", "", re.sub(r'content="[^"]*"', "", page))


# ---- who sees what ------------------------------------------------------------------------------------------------

PEOPLE = [
    ("center", "coordinator", 200),
    ("center", "treating_physician", 200),
    ("center", "inspector", 200),
    ("center", "administrator", 200),
    ("maker", "planner", 200),
    ("maker", "qualified_person", 200),
    ("courier", "courier_driver", 404),
]


@pytest.mark.parametrize(("organization", "persona", "status"), PEOPLE)
def test_every_page_for_every_persona(browse: Browse, code: str, organization: str, persona: str, status: int) -> None:
    client = browse(organization, persona)
    assert client.get("/").status_code == 200
    assert client.get("/orders/").status_code == 200
    assert client.get(f"/orders/{code}/").status_code == status
    for key in ("activate_coi", "collect", "release"):
        assert client.get(f"/orders/{code}/steps/{key}/").status_code == status
    assert client.get(f"/orders/{code}/steps/no_such_step/").status_code == 404
    assert client.get("/flows/").status_code == (404 if organization == "courier" else 200)
    assert client.get("/orders/new/").status_code == (200 if persona in ("coordinator", "treating_physician") else 403)


def test_another_organization_cannot_tell_a_foreign_order_from_none(stranger_here: Client, code: str) -> None:
    for path in ("", "steps/activate_coi/", "labels.pdf", "certificate.pdf"):
        foreign = stranger_here.get(f"/orders/{code}/{path}")
        nothing = stranger_here.get(f"/orders/CT-2222-2222/{path}")
        assert (foreign.status_code, nothing.status_code) == (404, 404)
        assert bare(text_of(foreign)) == bare(text_of(nothing))
    for path in ("steps/activate_coi/", "hold/", "lift/", "cancel/", "steps/consent/repeat/"):
        assert stranger_here.post(f"/orders/{code}/{path}", {"reason": "x"}).status_code == 404
    assert f'href="/orders/{code}/"' not in text_of(stranger_here.get("/orders/", {"q": code}))


@pytest.mark.story("CO8")
def test_the_patient_is_named_to_the_own_centers_right_persona_only(world: World, browse: Browse) -> None:
    person = patient()
    code = world.enrol(**person)
    for address in ("/", "/orders/", f"/orders/{code}/"):
        assert person["family_name"] in text_of(browse("center", "coordinator", 2).get(address))
        assert person["family_name"] not in text_of(browse("center", "site_quality").get(address))
        assert person["family_name"] not in text_of(browse("maker", "planner").get(address))
    assert person["mrn"] not in text_of(browse("maker", "qualified_person").get(f"/orders/{code}/"))


def test_who_compares_the_document_does_not_read_it_from_the_page(browse: Browse, world: World) -> None:
    person = patient()
    code = world.enrol(**person)
    page = text_of(browse("center", "coordinator", 2).get(f"/orders/{code}/steps/activate_coi/"))
    assert person["family_name"] in page
    assert person["mrn"] not in page
    assert "5 Apr 1961" not in page and "1961-04-05" not in page


def test_a_document_that_differs_is_answered_with_a_stop_not_with_a_call_to_go_on(browse: Browse, world: World) -> None:
    person = patient()
    code = world.enrol(**person)
    actor = world.actor("center", "coordinator")
    with reading(actor):
        scan = printed(order_named(actor, code).identity_code)
    posted = {"scan": scan, "birth_date": "1961-04-06", "mrn": person["mrn"]}
    posted |= {"signature.password": PASSWORD, "once": code}
    answer = browse("center", "coordinator", 2).post(f"/orders/{code}/steps/activate_coi/", posted)
    page = text_of(answer)
    assert answer.status_code == 422
    assert "Stop: the document does not match the enrolment" in page
    assert page.count("Do not activate.") == 1
    assert "act again" not in page and "must be in place first" not in page


@pytest.mark.story("CR1")
def test_a_courier_sees_its_own_part_only(world: World, browse: Browse) -> None:
    code = booked(world, **patient())
    with reading(world.actor("center", "coordinator")):
        order = order_named(world.actor("center", "coordinator"), code)
    client = browse("courier", "courier_driver")
    page, listed = text_of(client.get(f"/orders/{code}/")), text_of(client.get("/orders/"))
    assert code in page and "Pick up the starting material" in page
    for secret in (order.identity_code, world.therapy.name, "Record consent", "Start manufacture"):
        assert secret not in page
        assert secret not in listed
    assert client.get(f"/orders/{code}/steps/consent/").status_code == 404
    assert client.get(f"/orders/{code}/labels.pdf").status_code == 404


# ---- the step page ------------------------------------------------------------------------------------------------


@pytest.mark.story("TP1")
def test_a_refusal_stands_beside_its_field_and_what_was_typed_stays(browse: Browse, ready: str) -> None:
    client, address = browse("center", "treating_physician"), f"/orders/{ready}/steps/eligibility/"
    sent = {"eligible": "yes", "weight_kg": "9999", "infectious_tests": "negative", "note": "Evidence <b>7</b>"}
    answer = client.post(address, {**sent, "assessed_at": "2027-01-05T10:00", **hidden(client, address)})
    page = text_of(answer)
    assert answer.status_code == 400
    for name in ("weight_kg", "assessed_at"):
        assert re.search(rf'id="id_{name}"[^>]*aria-describedby="[^"]*id_{name}-error[^"]*" aria-invalid="true"', page)
        assert f'id="id_{name}-error"' in page
    assert "That time has not come yet" in page
    assert 'value="9999"' in page and 'value="2027-01-05T10:00"' in page
    assert "Evidence &lt;b&gt;7&lt;/b&gt;" in page


def test_an_empty_field_says_so(browse: Browse, ready: str) -> None:
    client, address = browse("center", "treating_physician"), f"/orders/{ready}/steps/eligibility/"
    page = text_of(client.post(address, {"weight_kg": "", "assessed_at": "", **hidden(client, address)}))
    assert page.count("This field is needed.") >= 2


def test_a_wrong_signature_keeps_everything_but_the_password(browse: Browse, world: World, code: str) -> None:
    client, address = browse("center", "coordinator", 2), f"/orders/{code}/steps/activate_coi/"
    sent = {"scan": "TYPED-SCAN", "birth_date": "1961-04-05", "mrn": "M-1", "signature.password": "Wrong-horse-77"}
    answer = client.post(address, {**sent, **hidden(client, address)})
    page = text_of(answer)
    assert answer.status_code == 400
    assert "User name and password do not match" in page
    assert 'value="TYPED-SCAN"' in page
    assert "Wrong-horse-77" not in page


def test_a_wrong_code_is_refused_beside_the_scan(browse: Browse, code: str) -> None:
    client, address = browse("center", "coordinator", 2), f"/orders/{code}/steps/activate_coi/"
    sent = {"scan": "garbage", "birth_date": "1961-04-05", "mrn": "M-1", "signature.password": PASSWORD}
    answer = client.post(address, {**sent, **hidden(client, address)})
    assert answer.status_code == 400
    assert 'id="id_scan-error"' in text_of(answer)


def test_sent_twice_is_done_once(world: World, browse: Browse) -> None:
    code = consented(world, **patient())
    client, address = browse("center", "treating_physician"), f"/orders/{code}/steps/eligibility/"
    sent = {"eligible": "yes", "weight_kg": "70", "infectious_tests": "negative", "assessed_at": "2026-01-05T10:00"}
    sent |= hidden(client, address)
    first, second = client.post(address, sent), client.post(address, sent)
    assert (first.status_code, first["Location"]) == (303, f"/orders/{code}/")
    assert (second.status_code, second["Location"]) == (303, f"/orders/{code}/")
    actor = world.actor("center", "coordinator")
    with reading(actor):
        order = order_named(actor, code)
        done = [event for event in events_of(actor, order.stream_id) if event.payload.get("step") == "eligibility"]
    assert len(done) == 1
    assert client.post(address, {**sent, "weight_kg": "71"}).status_code == 409


def test_success_says_what_was_done_and_who_is_next(browse: Browse, ready: str) -> None:
    client, address = browse("center", "treating_physician"), f"/orders/{ready}/steps/eligibility/"
    sent = {"eligible": "yes", "weight_kg": "70", "infectious_tests": "negative", "assessed_at": "2026-01-05T10:00"}
    page = text_of(client.post(address, {**sent, **hidden(client, address)}, follow=True))
    assert "Record eligibility: Eligible. Next: Prescribe (you)." in page


def test_a_stale_page_is_refused_and_comes_back_new(browse: Browse, ready: str) -> None:
    client, address = browse("center", "treating_physician"), f"/orders/{ready}/steps/eligibility/"
    sent = {"eligible": "yes", "weight_kg": "70.5", "infectious_tests": "negative", "assessed_at": "2026-01-05T10:00"}
    answer = client.post(address, {**sent, **hidden(client, address), "version": '"1.99"'})
    page = text_of(answer)
    assert answer.status_code == 412
    assert "The record changed since you opened it" in page
    assert 'value="70.5"' in page
    assert "1.99" not in page


def test_who_may_not_perform_sees_no_form(browse: Browse, ready: str) -> None:
    client, address = browse("center", "apheresis_nurse"), f"/orders/{ready}/steps/eligibility/"
    page = text_of(client.get(address))
    assert "may not perform this step" in page
    assert 'name="once"' not in page
    answer = client.post(
        address,
        {"eligible": "yes", "weight_kg": "70", "infectious_tests": "negative", "assessed_at": "2026-01-05T10:00"},
    )
    assert answer.status_code == 403


def test_a_waiting_step_says_why(browse: Browse, code: str) -> None:
    page = text_of(browse("center", "treating_physician").get(f"/orders/{code}/steps/prescribe/"))
    assert "is waiting" in page
    assert 'name="once"' not in page


@pytest.mark.story("CO1")
@pytest.mark.parametrize("earliest", ["", "2020-01-01", "9999-12-31", "not-a-date", "2026-02-31"])
def test_the_search_shows_offers_and_reasons(browse: Browse, world: World, earliest: str) -> None:
    code = prescribed(world, **patient())
    answer = browse("center", "coordinator").get(f"/orders/{code}/steps/book/", {"earliest": earliest})
    assert answer.status_code == 200
    page = text_of(answer)
    if earliest != "9999-12-31":
        assert 'name="offer"' in page
        assert "America/New_York" in page and "Europe/Berlin" in page
    assert "Days without an offer" in page


@pytest.mark.story("CO1")
def test_the_calendar_leads_to_chains_and_reasons_and_the_address_narrows_them(browse: Browse, world: World) -> None:
    code = prescribed(world, **patient())
    client, address = browse("center", "coordinator"), f"/orders/{code}/steps/book/"
    page = text_of(client.get(address))
    assert 'href="#id_offer_1"' in page and 'id="id_offer_1"' in page
    assert 'href="#why_1"' in page and 'id="why_1"' in page
    narrowed = text_of(client.get(address, {"weekdays": ["3", "5"], "sort": "most_slack"}))
    assert "Collections on a Monday are not asked for." in narrowed
    assert (
        re.findall(r'name="weekdays" id="[^"]+" value="(.)" checked', narrowed) == ["3", "5"]
        and '<option value="most_slack" selected>' in narrowed
    )
    assert "Collections on a" not in text_of(client.get(address, {"weekdays": "nonsense", "sort": "nonsense"}))


def test_no_offer_chosen_is_said_beside_the_offers(browse: Browse, world: World) -> None:
    code = prescribed(world, **patient())
    client, address = browse("center", "coordinator"), f"/orders/{code}/steps/book/"
    answer = client.post(address, hidden(client, address))
    assert answer.status_code == 400
    assert 'id="id_offer-error"' in text_of(answer)


def test_rows_of_a_list_follow_the_address(browse: Browse, world: World) -> None:
    code = booked(world, **patient())
    client = browse("center", "apheresis_nurse")
    client.post(f"/orders/{code}/steps/labels/", hidden(client, f"/orders/{code}/steps/labels/"))
    address = f"/orders/{code}/steps/apply_labels/"
    assert rows(client.get(address)) == 1
    assert rows(client.get(address, {"rows": "bags:3"})) == 3
    for nonsense in ("bags:99999", "bags:-1", "x", "bags:", ":::"):
        assert client.get(address, {"rows": nonsense}).status_code == 200
    labels = client.get(f"/orders/{code}/labels.pdf", {"step": "labels"})
    assert (labels.status_code, labels["Content-Type"]) == (200, "application/pdf")
    assert labels.content.startswith(b"%PDF")
    assert client.get(f"/orders/{code}/certificate.pdf").status_code == 404


# ---- the order as a whole -----------------------------------------------------------------------------------------


def test_hold_lift_and_cancel_need_a_reason(browse: Browse, code: str) -> None:
    client = browse("center", "coordinator")
    empty = client.post(f"/orders/{code}/hold/", {"reason": "  "})
    assert empty.status_code == 400
    assert "Say why; the reason is part of the record." in text_of(empty)
    assert client.post(f"/orders/{code}/hold/", {"reason": "Fever\x00"}).status_code == 303
    page = text_of(client.get(f"/orders/{code}/"))
    assert "This order is on hold" in page and "Lift the hold" in page and "Put on hold" not in page
    assert "on hold" in text_of(client.get(f"/orders/{code}/steps/consent/"))
    assert client.post(f"/orders/{code}/lift/", {"reason": "Better"}).status_code == 303
    assert client.post(f"/orders/{code}/hold/", {"reason": "Fever again"}).status_code == 303
    assert client.post(f"/orders/{code}/cancel/", {"reason": "Withdrawn"}).status_code == 303
    ended = text_of(client.get(f"/orders/{code}/"))
    assert "This order was cancelled" in ended and "<p>Withdrawn</p>" in ended and "Material is left" not in ended
    assert "This order is on hold" not in ended and "Fever again" not in ended.split("Timeline")[0]
    again = client.post(f"/orders/{code}/cancel/", {"reason": "Again"})
    assert again.status_code == 409


def test_without_the_right_there_is_no_button_and_no_way(browse: Browse, code: str) -> None:
    client = browse("center", "apheresis_nurse")
    assert "Put on hold" not in text_of(client.get(f"/orders/{code}/"))
    assert client.post(f"/orders/{code}/hold/", {"reason": "x"}).status_code == 403


@pytest.mark.story("QA1")
def test_a_deviation_is_closed_on_the_page_with_its_conclusion(world: World, browse: Browse, code: str) -> None:
    opener = world.actor("center", "site_quality")
    with reading(opener):
        stream_id = order_named(opener, code).stream_id
    found = open_deviation(opener, stream_id, kind="transport", severity="minor", text="Box arrived late.")
    assert "Close this deviation" not in text_of(browse("maker", "planner").get(f"/orders/{code}/"))
    client = browse("maker", "qa_reviewer")
    assert "Close this deviation" in text_of(client.get(f"/orders/{code}/"))
    address = f"/orders/{code}/deviations/{found.number}/close/"
    assert client.post(address, {"conclusion": ""}).status_code == 400
    closed = client.post(address, {"conclusion": "No influence on the product."})
    assert (closed.status_code, closed["Location"]) == (303, f"/orders/{code}/")
    assert "No influence on the product." in text_of(client.get(f"/orders/{code}/"))
    again = open_deviation(opener, stream_id, kind="transport", severity="minor", text="Late again.")
    from_evidence = {"conclusion": "No influence.", "at": "evidence"}
    closed = client.post(f"/orders/{code}/deviations/{again.number}/close/", from_evidence)
    assert closed["Location"] == f"/orders/{code}/evidence/#deviations", "back to where the signature waits"


def test_putting_on_hold_twice_with_one_key_is_done_once(browse: Browse, code: str) -> None:
    client, sent = browse("center", "coordinator"), {"reason": "Fever", "once": "a1"}
    assert client.post(f"/orders/{code}/hold/", sent).status_code == 303
    page = text_of(client.post(f"/orders/{code}/hold/", sent, follow=True))
    assert "nothing was done twice" in page
    stale = client.post(f"/orders/{code}/cancel/", {"reason": "Late", "version": "1"})
    assert stale.status_code == 412
    assert "Late</textarea>" in text_of(stale)


@pytest.mark.story("CO2")
def test_a_slot_hold_is_renewed_on_the_page(world: World, browse: Browse) -> None:
    code = prescribed(world, **patient())
    client, address = browse("center", "coordinator"), f"/orders/{code}/steps/book/"
    offer = re.search(r'name="offer"[^>]*value="([^"]+)"', text_of(client.get(address)))
    assert offer
    assert client.post(address, {"offer": offer[1], **hidden(client, address)}).status_code == 303
    assert "Hold longer" in text_of(client.get(f"/orders/{code}/"))
    assert "Hold longer" not in text_of(browse("maker", "planner").get(f"/orders/{code}/"))
    assert client.post(f"/orders/{code}/renew/", {"once": "r1"}).status_code == 303


@pytest.mark.story("QA1")
def test_a_foreign_scan_stops_the_line_until_quality_of_both_firms_lifts_it(world: World, browse: Browse) -> None:
    code, other = booked(world, **patient()), world.enrol(**patient())
    actor = world.actor("center", "coordinator")
    with reading(actor):
        identity, foreign = order_named(actor, code).identity_code, printed(order_named(actor, other).identity_code)
    nurse, address = browse("center", "apheresis_nurse"), f"/orders/{code}/steps/apply_labels/"
    nurse.post(f"/orders/{code}/steps/labels/", hidden(nurse, f"/orders/{code}/steps/labels/"))
    bag = f"{identity}-SM01"
    bag = re.search(rf"{bag}-[0-9A-Z*]", text_of(nurse.get(f"/orders/{code}/")))[0]  # type: ignore[index]
    second = {
        "verifiers[0]username": world.username("center", "apheresis_nurse", 2),
        "verifiers[0]password": PASSWORD,
        "verifiers[0]scan": bag,
    }
    sent = {"wristband": foreign, "bags[0]scan": bag, **second, "signature.password": PASSWORD}
    stopped = nurse.post(address, {**sent, **hidden(nurse, address)})
    assert stopped.status_code == 422
    assert "The scan names another chain of identity" in text_of(stopped)
    quality = browse("center", "site_quality")
    assert "under query" in text_of(quality.get(f"/orders/{code}/"))
    query = f"/orders/{code}/identity/"
    assert "Not yours to lift" in text_of(nurse.get(query))
    signed = {"reason": "The wristband of the next bed was scanned.", "signature.password": PASSWORD}
    colleague = {"other.username": world.username("center", "site_quality", 2), "other.password": PASSWORD}
    refused = quality.post(query, {**signed, **colleague})
    assert refused.status_code == 403
    assert signed["reason"] in text_of(refused)
    partner = {"other.username": world.username("maker", "qa_reviewer"), "other.password": PASSWORD}
    assert quality.post(query, {**signed, **partner}).status_code == 303
    assert "Nothing is under query" in text_of(quality.get(query))
    bag_page = f"/orders/{code}/material/{bag}/decide/"
    assert quality.post(bag_page, {"decision": "release", "reason": "x"}).status_code in (403, 409)
    assert nurse.post(bag_page, {"decision": "destroyed", "reason": "Leak"}).status_code == 403
    assert browse("maker", "qa_reviewer").post(bag_page, {"decision": "destroyed", "reason": ""}).status_code == 400
    assert browse("courier", "courier_driver").get(query).status_code == 404


# ---- enrolment ----------------------------------------------------------------------------------------------------


def enrolment(world: World, person: dict[str, str], **changes: str) -> dict[str, str]:
    sent = {"therapy": world.therapy.code, "site": world.clinic.code, "identity.birth_date": "1961-04-05"}
    return {**sent, **{f"identity.{name}": value for name, value in person.items()}, **changes}


def test_a_namesake_is_warned_of_where_the_patient_is_identified(world: World, browse: Browse) -> None:
    person, namesake = patient(), patient()
    others = [world.enrol(**{**namesake, "family_name": person["family_name"]})]
    journey = journey_of(world, **person)
    journey.run(before="identify")
    nurse = browse("center", "apheresis_nurse")
    for address in (f"/orders/{journey.code}/steps/identify/", f"/orders/{journey.code}/station/?step=identify"):
        page = text_of(nurse.get(address))
        warned = page.index("Same name")
        assert "tone-warn" in page[page.rindex("cgt-panel", 0, warned) : warned]
        assert f"Another order is open for a patient with this family name: {others[0]}." in page[warned:]


def test_a_step_that_is_planned_for_later_says_so_and_labels_are_printed_where_they_are_applied(
    world: World, browse: Browse
) -> None:
    code = booked(world, **patient())
    nurse, early = browse("center", "apheresis_nurse"), "This is planned for later"
    assert early in text_of(nurse.get(f"/orders/{code}/steps/labels/"))
    assert early not in text_of(browse("center", "coordinator", 2).get(f"/orders/{code}/steps/labels/"))
    step(world, code, ("center", "apheresis_nurse", 1), "labels")
    page = text_of(nurse.get(f"/orders/{code}/steps/apply_labels/"))
    assert early in page and f'href="/orders/{code}/labels.pdf"' in page
    assert early not in text_of(
        browse("center", "coordinator", 2).get(f"/orders/{world.enrol(**patient())}/steps/activate_coi/")
    )


@pytest.mark.story("CO3")
def test_whoever_enrolled_is_told_at_once_that_a_colleague_activates(browse: Browse, code: str) -> None:
    client = browse("center", "coordinator")
    page = text_of(client.get(f"/orders/{code}/"))
    assert "Ask a colleague to sign in" in page and "Your turn" not in page
    assert 'name="birth_date"' not in text_of(client.get(f"/orders/{code}/steps/activate_coi/"))
    assert "Your turn" in text_of(browse("center", "coordinator", 2).get(f"/orders/{code}/"))


def test_the_page_of_a_finished_order_is_light_and_tells_every_step(world: World, browse: Browse) -> None:
    journey = journey_of(world, **patient())
    journey.run()
    page = text_of(browse("center", "coordinator").get(f"/orders/{journey.code}/"))
    assert len(page.encode()) < 50_000
    timeline = page.split('class="cgt-timeline"')[1].split("</ol>")[0]
    assert timeline.count("<li") == timeline.count("<dt>Done</dt>") > 30
    assert "Planned" in timeline and "Close the order" in timeline


def test_a_possible_duplicate_is_asked_back_once(world: World, browse: Browse) -> None:
    person, client = patient(), browse("center", "coordinator")
    world.enrol(**person)
    first = client.post("/orders/new/", enrolment(world, person))
    page = text_of(first)
    assert first.status_code == 409
    assert 'name="confirmed_distinct"' in page
    assert f'value="{person["family_name"]}"' in page
    assert client.post("/orders/new/", enrolment(world, person, confirmed_distinct="true")).status_code == 303


def test_enrolment_keeps_what_was_typed(world: World, browse: Browse) -> None:
    person = patient()
    answer = browse("center", "coordinator").post(
        "/orders/new/", enrolment(world, person, **{"identity.birth_date": "2999-01-01", "therapy": "nothing"})
    )
    page = text_of(answer)
    assert answer.status_code == 400
    assert "This is not a date of birth" in page and 'value="2999-01-01"' in page
    assert f'value="{person["given_name"]}"' in page
    assert 'name="confirmed_distinct"' not in page


def test_enrolment_sent_twice_opens_one_order(world: World, browse: Browse) -> None:
    sent = enrolment(world, patient(), once="0b2c")
    client = browse("center", "coordinator")
    assert client.post("/orders/new/", sent)["Location"] == client.post("/orders/new/", sent)["Location"]


def test_a_form_opened_as_another_persona_is_not_sent_as_the_present_one(
    world: World, browse: Browse, code: str
) -> None:
    """Two tabs: in one the persona is switched, in the other a form still stands as it was."""
    client, there = browse("center", "coordinator"), f"/orders/{code}/"
    page = text_of(client.get(there))
    opened_as = re.search(r'name="acting" value="([^"]+)"', page)
    assert opened_as and opened_as[1] == str(world.member("center", "coordinator").pk)
    client.logout()
    other = browse("center", "treating_physician")
    sent = {"reason": "Fever.", "acting": opened_as[1]}
    refused = other.post(f"{there}hold/", sent)
    assert refused.status_code == 409
    assert "opened as somebody else" in text_of(refused) and "Nothing was recorded" in text_of(refused)
    with reading(world.actor("center", "coordinator")):
        assert not order_named(world.actor("center", "coordinator"), code).on_hold
    mine = str(world.member("center", "treating_physician").pk)
    assert other.post(f"{there}hold/", sent | {"acting": mine}).status_code == 303
    with reading(world.actor("center", "coordinator")):
        assert order_named(world.actor("center", "coordinator"), code).on_hold
