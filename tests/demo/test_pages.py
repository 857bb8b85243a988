"""What a demonstration adds to pages: its clock, one click to be somebody else, codes to scan, help with signatures."""

from __future__ import annotations

import html
import json
import random
import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cgt.demo import advancing, fictional_time, scan_tray
from cgt.demo.journey import Cast, Journey, Player
from custody.actions.mismatch import stop_the_line
from custody.actions.stock import add_stock_unit
from custody.queries import containers_of
from custody.schemes import printed
from ledger.context import Actor, reading
from orders import queries
from orders.flow import order_named
from orders.step_kinds import kind_of
from personas.actions.organizations import add_organization
from personas.models import User
from tests.demo.conftest import PASSWORD
from tests.factories import PASSWORD as THEIRS
from tests.factories import make_member, make_organization, unique
from tests.orders.conftest import booked, consented, patient, prescribed, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of
from tests.orders.waiting import make_criteria
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("demonstration")


@pytest.fixture(autouse=True)
def unswept(monkeypatch: pytest.MonkeyPatch) -> None:
    """No task queue runs here."""
    monkeypatch.setattr(advancing.app, "send_task", lambda *_, **__: None)


def at(world: World, organization: str, persona: str, number: int = 1) -> Client:
    return signed_in(world.member(organization, persona, number))


def continuations(page: str) -> list[str]:
    return [
        html.unescape(found).strip()
        for found in re.findall(r'href="[^"]*#switch-horizontal" /></svg>([^<]+)</button>', page)
    ]


# ---- the clock ----------------------------------------------------------------------------------------------------


def test_the_strip_tells_the_fictional_time_with_its_zone_and_goes_on(world: World) -> None:
    client = at(world, "center", "coordinator")
    fictional_time.go_ahead(5 * 86400)
    page = text_of(client.get("/", follow=True))
    told = re.findall(r'<strong><time datetime="([^"]+)"', page)[0]
    assert abs((timezone.datetime.fromisoformat(told) - timezone.now()).total_seconds()) < 120
    assert world.actor("center", "coordinator").zone in page
    answer = client.post("/demo/advance", {"by": "day", "next": "/orders/"}, follow=True)
    assert fictional_time.seconds_ahead() == 6 * 86400
    assert answer.redirect_chain == [("/orders/", 302)]
    assert "clock went 24 hours ahead" in text_of(answer) or "clock went 1 day ahead" in text_of(answer)


def test_a_page_offers_the_next_steps_time_and_a_click_goes_there(world: World) -> None:
    code, client = booked(world, **patient()), at(world, "center", "coordinator")
    page = text_of(client.get(f"/orders/{code}/"))
    (until, shown) = re.findall(r'name="until" value="([^"]+)">.*?</svg>(.+?)</button>', page, re.DOTALL)[0]
    said = re.sub(r"<[^>]+>", "", shown)  # on a phone a part of it is read aloud only
    assert re.search(r"\(in \d+ (minute|hour|day)s?\)", said)
    client.post("/demo/advance", {"until": html.unescape(until), "next": "/"})
    assert abs((timezone.now() - timezone.datetime.fromisoformat(until)).total_seconds()) < 60
    assert f'value="{until}"' not in text_of(client.get(f"/orders/{code}/"))


@pytest.mark.parametrize("sent", [{}, {"until": "yesterday"}, {"until": "2020-01-01T00:00:00Z"}, {"by": "year"}])
def test_a_time_that_is_not_ahead_moves_nothing_and_is_said(world: World, sent: dict[str, str]) -> None:
    answer = at(world, "center", "coordinator").post("/demo/advance", sent, follow=True)
    assert "never goes back" in text_of(answer)
    assert fictional_time.seconds_ahead() == 0


def test_a_stranger_moves_nothing() -> None:
    assert Client().post("/demo/advance", {"by": "day"})["Location"].startswith("/accounts/login/")
    assert fictional_time.seconds_ahead() == 0


# ---- somebody else ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_one_click_signs_in_and_never_leads_outside() -> None:
    member = make_member(make_organization(), "treating_physician")
    username = User.objects.get(pk=member.user_id).username
    client = Client()
    assert username in text_of(client.get("/accounts/login/"))
    answer = client.post("/demo/sign-in", {"username": username, "next": "https://evil.example/"})
    assert answer["Location"] == "/"
    assert client.get("/personas/people/").status_code == 403  # signed in, though no administrator


@pytest.mark.django_db
def test_the_sign_in_page_says_what_an_organization_is_and_tells_two_accounts_of_one_person_apart() -> None:
    center = make_organization("treatment_center")
    first, second = (User.objects.get(pk=make_member(center, "apheresis_nurse").user_id) for _ in range(2))
    User.objects.filter(pk=second.pk).update(person=first.person)
    page = text_of(Client().get("/accounts/login/"))
    assert f"{center.name} <small>treatment center</small>" in page
    assert page.count("(second account)") == 1


@pytest.mark.django_db
def test_an_account_of_a_real_organization_is_never_opened() -> None:
    real = add_organization(code=unique("real"), name="Not synthetic", role="courier", country="DE", synthetic=False)
    username = User.objects.get(pk=make_member(real, "courier_driver").user_id).username
    assert username not in text_of(Client().get("/accounts/login/"))
    assert Client().post("/demo/sign-in", {"username": username}).status_code == 404
    assert Client().post("/demo/sign-in", {"username": "nobody\x00"}).status_code == 404


def test_a_person_with_two_accounts_goes_on_with_the_first(world: World) -> None:
    code = consented(world, **patient())
    first = User.objects.get(pk=world.member("center", "treating_physician").user_id)
    second = make_member(world.center, "treating_physician", username=f"a.{first.username}")  # sorts before the first
    User.objects.filter(pk=second.user_id).update(person=first.person)
    try:
        page = text_of(at(world, "center", "apheresis_nurse").get(f"/orders/{code}/"))
        assert f'name="username" value="{first.username}"' in page
        assert f'name="username" value="a.{first.username}"' not in page
    finally:
        User.objects.filter(pk=second.user_id).update(is_active=False)


def test_the_scan_tray_stands_where_something_is_scanned(world: World) -> None:
    code = world.enrol(**patient())
    colleague = at(world, "center", "coordinator", 2)
    assert "Scan tray" in text_of(colleague.get(f"/orders/{code}/steps/activate_coi/"))
    code = consented(world, **patient())
    assert "Scan tray" not in text_of(
        at(world, "center", "treating_physician").get(f"/orders/{code}/steps/eligibility/")
    )


def test_beside_whose_turn_it_is_each_persona_that_may_act_is_one_click_away(world: World) -> None:
    code = consented(world, **patient())
    world.member("center", "treating_physician")
    nurse = at(world, "center", "apheresis_nurse")
    page = text_of(nurse.get(f"/orders/{code}/"))
    offered = continuations(page)
    assert offered == ["Treating Physician A, Treating physician at Fictional Clinic Berlin"]
    chosen = re.search(
        rf'name="membership" value="([^"]+)"><[^>]*name="next" value="(/orders/{code}/steps/eligibility/)"',
        page,
    )
    assert chosen is not None
    username = world.username("center", "treating_physician")
    answer = nurse.post(
        "/demo/sign-in", {"username": username, "membership": chosen[1], "next": chosen[2]}, follow=True
    )
    assert "Record eligibility" in text_of(answer) and 'name="weight_kg"' in text_of(answer)


def test_whose_turn_it_is_is_offered_to_a_courier_who_does_not_see_the_step(world: World) -> None:
    code = booked(world, **patient())
    dispatcher = at(world, "courier", "courier_dispatcher")
    page = text_of(dispatcher.get(f"/orders/{code}/"))
    assert "Print the collection labels" not in page
    nurses = [f"Apheresis Nurse {letter}, Apheresis nurse at Fictional Clinic Berlin" for letter in "AB"]
    assert set(nurses) & set(continuations(page))


def test_whoever_enrolled_is_not_offered_for_activating(world: World) -> None:
    world.member("center", "coordinator", 2)
    code = world.enrol(**patient())
    page = text_of(at(world, "maker", "planner").get(f"/orders/{code}/"))
    assert "Coordinator B, Cell therapy coordinator at Fictional Clinic Berlin" in continuations(page)
    assert not [words for words in continuations(page) if words.startswith("Coordinator A")]


# ---- scans and signatures -----------------------------------------------------------------------------------------


def test_the_tray_holds_right_wrong_and_unreadable_codes(world: World) -> None:
    other, code = world.enrol(**patient()), world.enrol(**patient())
    client = at(world, "center", "coordinator", 2)
    page = text_of(client.get(f"/orders/{code}/steps/activate_coi/"))
    coordinator = world.actor("center", "coordinator")
    with reading(coordinator):
        right, wrong = (printed(order_named(coordinator, known).identity_code) for known in (code, other))
    for scanned in (right, wrong, "CT#?–––"):
        assert f'data-demo-scan="{scanned}"' in page
    assert "Patient&#x27;s document: record number" in page


def test_the_password_stands_beside_the_signature_and_colleagues_beside_the_second_person(world: World) -> None:
    code = booked(world, **patient())
    world.member("courier", "courier_dispatcher")
    names = [world.username("center", "apheresis_nurse", number) for number in (1, 2)]
    page = text_of(at(world, "center", "apheresis_nurse").get(f"/orders/{code}/steps/{_two_person_step(world, code)}/"))
    assert page.count(PASSWORD) >= 2
    assert f'data-demo-user="{names[1]}"' in page and f'data-demo-user="{names[0]}"' not in page


def _two_person_step(world: World, code: str) -> str:
    """Bring the order to a step that two people sign; return its key."""
    players = [Player(world.actor(*key), world.username(*key), THEIRS) for key in world.people]
    journey = Journey(Cast(players), random.Random(1), code, enrolled_by=world.actor("center", "coordinator").person_id)
    assert kind_of("apply_labels").signatures == 2
    return journey.run(before="apply_labels")


def test_an_example_fills_what_is_typed_and_nothing_that_is_scanned_or_signed(world: World) -> None:
    code = consented(world, **patient())
    page = text_of(at(world, "center", "treating_physician").get(f"/orders/{code}/steps/eligibility/"))
    example = json.loads(html.unescape(re.findall(r'data-demo-example="([^"]+)"', page)[0]))
    assert example["eligible"] == "yes" and float(example["weight_kg"]) > 0
    for name in example:
        assert f'name="{name}"' in page
        assert "password" not in name and "scan" not in name


def test_where_nothing_can_be_filled_in_the_page_stands_without_an_example(world: World) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="infuse")
    nurse = world.actor("center", "infusion_nurse")
    with reading(nurse):
        order = order_named(nurse, journey.code)
        thawed = [bag.pk for bag in containers_of(nurse, order.stream_id) if bag.state == "thawed"]
    stop_the_line(nurse, order.stream_id, thawed, "A foreign bag was scanned.")
    page = at(world, "center", "infusion_nurse").get(f"/orders/{journey.code}/station/")
    assert page.status_code == 200 and "data-demo-example" not in text_of(page)


def test_what_the_patients_document_says_goes_to_its_own_field(world: World) -> None:
    code = world.enrol(**patient())
    page = text_of(at(world, "center", "coordinator", 2).get(f"/orders/{code}/steps/activate_coi/"))
    assert 'data-demo-scan="1961-04-05" data-demo-field="birth_date"' in page
    assert 'data-demo-field="mrn"' in page


def test_a_kit_in_stock_stands_in_the_tray_of_whoever_allocates_it(world: World) -> None:
    keeper, code = world.actor("maker", "logistics_manager"), world.enrol(**patient())
    expires = timezone.now() + timezone.timedelta(days=90)
    add_stock_unit(keeper, therapy_id=world.therapy.pk, lot="L26", serial="0007", expires_at=expires)
    with reading(keeper):
        found = scan_tray.codes(keeper, order_named(keeper, code), "allocate_stock")
        others = scan_tray.codes(keeper, order_named(keeper, code))
    kit = scan_tray.TrayCode("Kit in stock", "L26/0007", field="serial")
    assert kit in found and kit not in others


def test_an_example_invents_somebody_new_for_each_order(world: World) -> None:
    client = at(world, "center", "coordinator")
    examples = [
        json.loads(html.unescape(re.findall(r'data-demo-example="([^"]+)"', text_of(client.get("/orders/new/")))[0]))
        for _ in range(2)
    ]
    assert set(examples[0]) >= {"therapy", "identity.family_name", "identity.birth_date", "identity.mrn"}
    assert examples[0]["identity.mrn"] != examples[1]["identity.mrn"]


def test_an_example_helps_beneath_the_evidence_too(world: World) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="review")
    page = text_of(at(world, "maker", "qa_reviewer").get(f"/orders/{journey.code}/evidence/"))
    assert json.loads(html.unescape(re.findall(r'data-demo-example="([^"]+)"', page)[0])) == {
        "audit_trail_reviewed": "yes"
    }


def test_a_bag_that_is_used_up_comes_last_in_the_tray(world: World) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="review")
    actor = world.actor("maker", "operator")
    with reading(actor):
        labels = [entry.label for entry in scan_tray.codes(actor, order_named(actor, journey.code)) if entry.right]
    bags = [label for label in labels if re.search(r"\d of \d", label)]
    assert [label for label in bags if "consumed" in label] == bags[-1:]


def test_after_a_lost_batch_the_physician_who_decides_is_one_click_away(world: World) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="finish")
    journey.perform("finish", {"result": "terminated", "reason": "Not sterile.", "bags": []})
    page = text_of(at(world, "center", "coordinator").get(f"/orders/{journey.code}/"))
    assert "A batch was lost" in page and "Nothing of this order waits" not in page
    assert any("Treating physician" in words for words in continuations(page))
    physician = at(world, "center", "treating_physician")
    assert "Decide and sign" in text_of(physician.get(f"/orders/{journey.code}/"))
    assert PASSWORD in text_of(physician.get(f"/orders/{journey.code}/remanufacture/"))


def test_beside_an_identity_query_stand_those_of_the_other_firm_who_may_sign(world: World) -> None:
    code = booked(world, **patient())
    for organization, persona in (("center", "site_quality"), ("maker", "qa_reviewer")):
        world.member(organization, persona)
    nurse = world.actor("center", "apheresis_nurse")
    stop_the_line(nurse, order_of(nurse, code).stream_id, [], "A foreign bag was scanned.")
    coordinator = at(world, "center", "coordinator")
    for address in (f"/orders/{code}/", f"/orders/{code}/identity/"):
        offered = continuations(text_of(coordinator.get(address)))
        assert any("Site quality" in words for words in offered) and any("QA reviewer" in words for words in offered)
    page = text_of(at(world, "center", "site_quality").get(f"/orders/{code}/identity/"))
    assert f'data-demo-user="{world.username("maker", "qa_reviewer")}"' in page


def order_of(actor: Actor, code: str) -> Any:
    with reading(actor):
        return order_named(actor, code)


def test_a_stranger_to_the_order_is_told_nothing(world: World) -> None:
    code = prescribed(world, **patient())
    client = signed_in(make_member(make_organization("treatment_center"), "coordinator"))
    answer = client.get(f"/orders/{code}/")
    assert answer.status_code == 404
    page = text_of(answer)
    assert "continue as" not in page and "Scan tray" not in page and world.therapy.name not in page
    actor = world.actor("center", "coordinator")
    with reading(actor):
        assert queries.orders(actor).filter(code=code).exists()


def test_at_the_bedside_the_tray_has_bags_and_another_patients_but_no_box(world: World) -> None:
    """The bags that are there are the rows: nobody adds one or takes one away."""
    other, journey = journey_of(world, **patient()), journey_of(world, **patient())
    other.run(before="pickup")
    journey.run(before="bedside")
    page = text_of(at(world, "center", "infusion_nurse").get(f"/orders/{journey.code}/steps/bedside/"))
    assert "Another patient&#x27;s bag" in page and "SHP-" not in page
    assert "One row more" not in page and page.count('name="bags[') >= 1
    actor = world.actor("center", "infusion_nurse")
    with reading(actor):
        code = order_named(actor, journey.code).identity_code
    assert printed(code) in page.split("Before you act</h2>")[1].split("<form")[0]


def test_the_committee_s_second_member_is_one_click_away(world: World) -> None:
    """The page opens with the therapy that somebody waits for."""
    make_criteria(world)
    code = prescribed(world, **patient())
    at(world, "center", "coordinator").post("/waiting/add/", {"order": code, "therapy": world.therapy.code})
    world.member("center", "committee_member", 2)
    page = text_of(at(world, "center", "committee_member").get("/waiting/committee/"))
    assert code in page and f'data-demo-user="{world.username("center", "committee_member", 2)}"' in page
