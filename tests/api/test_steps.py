"""Steps over REST: performing with version and key, who signs, the slot chain, a whole order, every role watching."""

import datetime as dt
import random
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import cgt.demo.journey
from cgt.demo.journey import Cast, Journey, Player
from custody.schemes import printed
from ledger.context import Actor, reading
from orders import flow
from personas.models import Persona
from tests.api.conftest import Partner, PartnerOf, make_partner, opened, problem, signature
from tests.factories import PASSWORD, make_organization, operator
from tests.orders.factories import World

READS = (
    "",
    "/steps",
    "/events",
    "/events?limit=3",
    "/signatures",
    "/material",
    "/shipments",
    "/slot-chains",
    "/labels",
    "/labels.pdf",
    "/labels.zpl",
    "/certificate.pdf",
)
PEOPLE = {
    "center": (
        "coordinator",
        "treating_physician",
        "apheresis_nurse",
        "cell_lab_technologist",
        "infusion_nurse",
        "pharmacist",
    ),
    "maker": ("planner", "operator", "receiving_operator", "qc_analyst", "qa_reviewer", "qualified_person"),
    "courier": ("courier_driver", "courier_dispatcher"),
}
IDENTITY = {"family_name": "Bellweather", "given_name": "Patient", "birth_date": "1951-02-11", "mrn": "MRN-1"}


class RestJourney(Journey):
    """An order's way on which every step is performed over REST, by a key of whoever's turn it is."""

    partners: dict[tuple[Any, str], Partner]

    def partner_of(self, actor: Actor, world: World) -> Partner:
        known = (actor.organization_id, actor.persona)
        if known not in self.partners:
            organization = next(o for o in (world.center, world.maker, world.courier) if o.pk == actor.organization_id)
            self.partners[known] = make_partner(organization, actor.persona)
        return self.partners[known]


@pytest.fixture
def journey(world: World, monkeypatch: pytest.MonkeyPatch) -> RestJourney:
    players = [
        Player(world.actor(organization, persona, number), world.username(organization, persona, number), PASSWORD)
        for organization, personas in PEOPLE.items()
        for persona in personas
        for number in (1, 2)
        if persona in declared(world, organization)
    ]
    found = RestJourney(Cast(players), random.Random(7))
    found.partners = {}
    who = {p.actor.person_id: {"username": p.username, "password": p.password} for p in players}

    def perform(actor: Actor, code: str, key: str, inputs: dict[str, Any]) -> Any:
        sent = {"signature": who[actor.person_id], **plain(inputs)}
        partner = found.partner_of(actor, world)
        step = partner.get(f"orders/{code}/steps/{key}")
        once = str(uuid.uuid4())
        answers = [
            partner.post(f"orders/{code}/steps/{key}", sent, If_Match=step["ETag"], Idempotency_Key=once)
            for _ in range(2)
        ]
        assert answers[0].status_code == 200, (key, answers[0].content)
        assert answers[0].json()["result"] == answers[1].json()["result"]
        return flow.StepResult(**answers[0].json()["result"])

    monkeypatch.setattr(cgt.demo.journey, "flow", SimpleNamespace(**{**vars(flow), "perform": perform}))
    return found


def declared(world: World, organization: str) -> set[str]:
    found = getattr(world, organization)
    with reading(operator(found)):
        return set(Persona.unwalled.filter(organization_id=found.pk).values_list("key", flat=True))


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def test_a_whole_order_runs_over_rest_and_every_role_reads_it(journey: RestJourney, world: World) -> None:
    center = next(p for p in journey.cast.players if p.actor.persona == "coordinator")
    code = journey.enrol(center, world.therapy.code, world.clinic.code, IDENTITY)
    watchers = {
        "center": make_partner(world.center, "coordinator"),
        "maker": make_partner(world.maker, "planner"),
        "courier": make_partner(world.courier, "courier_driver"),
    }
    stranger = make_partner(make_organization(), "coordinator")

    def watch(result: Any) -> None:
        if result.step not in ("book", "confirm", "pack", "pickup", "finish", "release", "infuse", "close"):
            return
        for name, watcher in watchers.items():
            seen = "".join(watcher.get(f"orders/{code}{address}").content.decode("latin-1") for address in READS)
            seen += watcher.get("orders").content.decode() + watcher.get("worklist").content.decode()
            hidden = ("Bellweather", "MRN-1", "1951-02-11") if name != "center" else ()
            hidden += (world.therapy.name, world.therapy.code) if name == "courier" else ()
            assert not [text for text in hidden if text in seen], (name, result.step)
        assert {stranger.get(f"orders/{code}{address}").status_code for address in READS} == {404}

    assert journey.run(on_step=watch) == ""
    assert watchers["center"].get(f"orders/{code}").json()["state"] == "closed"
    assert watchers["center"].get(f"orders/{code}/certificate.pdf").content.startswith(b"%PDF")
    assert watchers["center"].get(f"orders/{code}/labels.pdf").content.startswith(b"%PDF")
    assert watchers["center"].get(f"orders/{code}/labels.zpl?dpi=300").content.startswith(b"^XA")
    problem(watchers["center"].get(f"orders/{code}/labels.zpl?dpi=72"), 400, "invalid_input")
    labels = watchers["center"].get(f"orders/{code}/labels").json()
    counted = labels["reconciliation"]
    assert counted["issued"] == counted["applied"] == len(labels["prints"]) == 3 and not counted["open"]
    problem(watchers["courier"].get(f"orders/{code}/certificate.pdf"), 404, "not_found")
    problem(watchers["courier"].get(f"orders/{code}/labels.pdf"), 404, "not_found")
    boxes = watchers["courier"].get(f"orders/{code}/shipments").json()["results"]
    assert len(boxes) == 2 and not any("containers" in box for box in boxes)
    order = watchers["courier"].get(f"orders/{code}").json()
    assert not {"therapy", "identity_code", "phase", "patient", "slot_chain"} & set(order)
    assert {step["kind"] for step in order["steps"]} <= {"pack", "hand_over", "confirm_slots", "accept_job"}


@pytest.fixture
def activate(world: World, partner: PartnerOf) -> Callable[..., Any]:
    """Perform the first step of a new order: a signed comparison by a second person."""
    center = partner("center", "treating_physician")
    code = opened(partner("center", "coordinator"), world, 1)
    step = center.get(f"orders/{code}/steps/activate_coi").json()
    body = {
        "scan": printed(center.get(f"orders/{code}").json()["identity_code"]),
        "birth_date": "1951-02-11",
        "mrn": "MRN-1",
        "signature": signature(world, "center", "treating_physician"),
    }

    def act(changes: dict[str, Any] | None = None, sender: Partner | None = None, **headers: str) -> Any:
        answer = (sender or center).post(step["href"], body | (changes or {}), **headers)
        answer.etag_seen, answer.order = step["etag"], code
        return answer

    return act


def test_a_step_is_done_once_and_answers_alike_when_sent_again(activate: Callable[..., Any]) -> None:
    first = activate(If_Match='"1.2"', Idempotency_Key="a")
    first = first if first.status_code == 200 else activate(If_Match=first.etag_seen, Idempotency_Key="a")
    again = activate(If_Match=first.etag_seen, Idempotency_Key="a")

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert first["ETag"] == again["ETag"] == f'"1.{first.json()["result"]["version"]}"'
    problem(activate(Idempotency_Key="b"), 409, "step_not_ready")


def test_the_same_key_with_another_body_is_refused(activate: Callable[..., Any]) -> None:
    assert activate(Idempotency_Key="a").status_code == 200
    problem(activate({"mrn": "MRN-2"}, Idempotency_Key="a"), 409, "idempotency_key_reused")


def test_an_older_version_is_stale(activate: Callable[..., Any]) -> None:
    for seen in ('"1.99"', 'W/"1.2"', '"1.1", "1.2"'):
        problem(activate(If_Match=seen), 412, "stale")
    assert activate(If_Match="*").status_code == 200


def test_a_key_alone_never_signs(activate: Callable[..., Any]) -> None:
    problem(activate({"signature": {"password": PASSWORD}}), 403, "key_cannot_sign")


def test_a_wrong_password_is_named_beside_its_field(activate: Callable[..., Any], world: World) -> None:
    wrong = {"username": world.username("center", "treating_physician"), "password": "Wrong-horse-1"}
    answer = activate({"signature": wrong})
    assert answer.status_code in (400, 403, 422) and "Wrong-horse-1" not in answer.content.decode()


def test_a_wrong_scan_stops_the_line(activate: Callable[..., Any]) -> None:
    answer = activate({"scan": "nothing like it"})
    assert answer.status_code in (400, 422) and answer.json()["remedy"]


def test_whose_turn_it_is_not_may_not(activate: Callable[..., Any], partner: PartnerOf) -> None:
    problem(activate(sender=partner("maker", "planner")), 403, "not_allowed")
    problem(activate(sender=partner("center", "treating_physician", ["view_orders"])), 403, "not_allowed")


def test_a_device_clock_is_kept_and_flagged(activate: Callable[..., Any], partner: PartnerOf) -> None:
    problem(activate(Device_Time="yesterday"), 400, "invalid_input")
    problem(activate(Device_Time="2030-01-01T00:00:00"), 400, "invalid_input")
    done = activate(Device_Time="2030-01-01T00:00:00+01:00")
    assert done.status_code == 200

    events = partner("center", "coordinator").get(f"orders/{done.order}/events").json()["results"]
    assert (events[-1]["device_time"], events[-1]["clock_off"]) == ("2029-12-31T23:00:00Z", True)
    assert events[0]["clock_off"] is False


def test_an_unknown_step_answers_like_an_unknown_order(activate: Callable[..., Any], partner: PartnerOf) -> None:
    code, center = activate().order, partner()
    none = center.post("orders/CT-0000-0000/steps/consent", {})
    assert center.post(f"orders/{code}/steps/no-such-step", {}).content == none.content
    problem(none, 404, "not_found")


def test_a_step_says_what_is_missing_and_what_to_do(activate: Callable[..., Any], partner: PartnerOf) -> None:
    code = activate().order
    acts = partner("center", "treating_physician").get(f"orders/{code}").json()["available_actions"]
    assert {act["step"] for act in acts if act["step"]} <= {"consent", "eligibility"}
    later = partner("center", "treating_physician").get(f"orders/{code}/steps/prescribe").json()
    assert later["not_now"] and later["shown"] == []
    foreign = partner("maker", "planner").get(f"orders/{code}/steps/prescribe").json()
    assert foreign["why_not"] and foreign["initial"] == {}


def test_a_slot_chain_is_searched_held_renewed_requested_declined_and_confirmed(
    journey: RestJourney, world: World
) -> None:
    center = next(p for p in journey.cast.players if p.actor.persona == "coordinator")
    code = journey.enrol(center, world.therapy.code, world.clinic.code, IDENTITY)
    assert journey.run(before="book") == "book"
    coordinator, planner = make_partner(world.center, "coordinator"), make_partner(world.maker, "planner")
    chains = f"orders/{code}/slot-chains"

    problem(planner.get(chains), 403, "not_allowed")
    problem(coordinator.get(f"{chains}?earliest=31.12.2030"), 400, "invalid_input")
    problem(coordinator.post(f"{chains}/renew"), 409, "wrong_state")
    problem(coordinator.post(f"{chains}/hold", {"offer": "made-up"}), 400, "invalid_input")
    for declined in (True, False):
        found = coordinator.get(chains)
        assert found.json()["offers"] and found.json()["refused"]
        offer = found.json()["offers"][0]["token"]
        held = coordinator.post(f"{chains}/hold", {"offer": offer}, If_Match=found["ETag"])
        assert held.status_code == 200, held.content
        assert "request" in {act["step"] for act in held.json()["available_actions"]}
        problem(coordinator.post(f"{chains}/hold", {"offer": offer}), 409, "step_not_ready")
        problem(planner.post(f"{chains}/confirm"), 409, "step_not_ready")
        before = coordinator.get(f"orders/{code}").json()["slot_chain"]
        renewed = coordinator.post(f"{chains}/renew", Idempotency_Key=f"renew-{declined}").json()["slot_chain"]
        assert renewed["held_until"] >= before["held_until"] and len(renewed["links"]) == 4
        assert coordinator.post(f"{chains}/request", {"remark": "Soon, please."}).status_code == 200
        waiting = planner.get("worklist").json()["results"]
        assert [row["kind"] for row in waiting if row["order"]["code"] == code] == ["confirm_slots"]
        problem(planner.post(f"{chains}/decline", {}), 400, "invalid_input")
        if declined:
            would_fit = {"reason": "No line.", "proposed_date": "2031-02-03"}
            answered = planner.post(f"{chains}/decline", would_fit).json()["result"]
            assert answered["state"] == "failed" and "03 Feb 2031 would fit" in answered["summary"], answered
            assert coordinator.get(f"orders/{code}").json()["slot_chain"]["state"] == "declined"
    assert planner.post(f"{chains}/confirm").json()["result"]["state"] == "done"
    chain = coordinator.get(f"orders/{code}").json()["slot_chain"]
    assert chain["state"] == "confirmed"


def test_a_courier_reads_only_the_signatures_on_what_it_may_read(journey: RestJourney, world: World) -> None:
    center = next(p for p in journey.cast.players if p.actor.persona == "coordinator")
    code = journey.enrol(center, world.therapy.code, world.clinic.code, IDENTITY)
    journey.run(until="pickup")
    courier, coordinator = make_partner(world.courier, "courier_driver"), make_partner(world.center, "coordinator")

    mine = courier.get(f"orders/{code}/signatures").json()["results"]
    assert {"custody taken", "custody given"} <= {row["meaning"] for row in mine}
    assert {row["capability"] for row in mine} <= {
        "take_custody",
        "give_custody",
        "pack_material",
        "confirm_slots",
        "accept_job",
    }
    assert len(coordinator.get(f"orders/{code}/signatures").json()["results"]) > len(mine)
    texts = [row["text"] for row in courier.get(f"orders/{code}/events").json()["results"]]
    assert texts and not [text for text in texts if "consent" in text.lower() or "prescri" in text.lower()]
