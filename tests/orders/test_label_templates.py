"""Label templates: two people, one live version per therapy, market and label, and prints that keep their version."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pypdfium2
import pytest
import zxingcpp
from django.db import DatabaseError, IntegrityError

from custody.models import LabelDesign
from custody.queries import labels_of, lookup
from ledger.context import reading
from ledger.recording import acting
from orders.flow import order_named
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, booked, patient, text_of
from tests.orders.factories import World
from tests.orders.packing import journey_of
from tests.orders.test_pages import hidden
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
OWNER, APPROVER, NURSE = ("maker", "product_owner"), ("maker", "flow_approver"), ("center", "apheresis_nurse")
LEAST = "patient collected expires volume donation storage site"


def proposal(world: World, **changes: str) -> dict[str, str]:
    given = {"therapy": world.therapy.code, "country": "DE", "kind": "collection", "stock": "100x70", "language": "de"}
    return given | {"second_language": "en", "elements": LEAST, "once": str(uuid4())} | changes


def newest(world: World, **having: str) -> LabelDesign:
    with reading(world.actor(*OWNER)):
        found: LabelDesign = LabelDesign.unwalled.filter(organization=world.maker, **having).latest("proposed_at")
        return found


@pytest.fixture
def live(world: World, browse: Browse) -> Iterator[LabelDesign]:
    """A live version for Germany, retired again after the test."""
    owner, approver = browse(*OWNER), browse(*APPROVER)
    texts = {"elements": f"{LEAST} texts", "texts": "Kühl halten ^XZ", "proper_name": "Fictionel zur Infusion"}
    assert owner.post("/label-templates/", proposal(world, **texts)).status_code == 303
    row = newest(world)
    assert approver.post(f"/label-templates/{row.pk}/approve/", {"once": str(uuid4())}).status_code == 303
    yield row
    for left in _live(world):
        approver.post(f"/label-templates/{left.pk}/retire/", {"reason": "test"})


def _live(world: World) -> list[LabelDesign]:
    with reading(world.actor(*OWNER)):
        return list(LabelDesign.unwalled.filter(organization=world.maker, state="live"))


def words(pdf: bytes) -> str:
    return " ".join(pypdfium2.PdfDocument(pdf)[0].get_textpage().get_text_bounded().split())


@pytest.mark.story("AN2", "PC1")
def test_a_print_keeps_its_version_and_the_next_one_has_the_new_version(
    world: World, browse: Browse, live: LabelDesign
) -> None:
    code = booked(world, **patient())
    nurse, address = browse(*NURSE), f"/orders/{code}/steps/labels/"
    assert nurse.post(address, hidden(nurse, address)).status_code == 303
    first = words(nurse.get(f"/orders/{code}/labels.pdf").content)
    assert f"T{live.version} printed" in first and "Entnommen / Collected" in first
    assert "NUR ZUR AUTOLOGEN ANWENDUNG / FOR AUTOLOGOUS USE ONLY" in first
    assert "Fictionel zur Infusion" in first and "Kühl halten ^XZ" in first
    zpl = text_of(nurse.get(f"/orders/{code}/labels.zpl"))
    assert "halten _5EXZ" in zpl and zpl.count("^XZ") == 1
    assert f"template version {live.version}" in text_of(nurse.get(f"/orders/{code}/labels/"))
    assert browse(*OWNER).post("/label-templates/", proposal(world, language="fr")).status_code == 303
    later = newest(world)
    assert browse(*APPROVER).post(f"/label-templates/{later.pk}/approve/", {}).status_code == 303
    assert [row.pk for row in _live(world)] == [later.pk]
    assert words(nurse.get(f"/orders/{code}/labels.pdf").content) == first
    other = booked(world, **patient())
    address = f"/orders/{other}/steps/labels/"
    assert nurse.post(address, hidden(nurse, address)).status_code == 303
    assert f"T{later.version} printed" in (text := words(nurse.get(f"/orders/{other}/labels.pdf").content))
    assert "Prélevé / Collected" in text and "Kühl" not in text


def test_product_labels_are_printed_by_their_template_too(world: World, browse: Browse, live: LabelDesign) -> None:
    journey = journey_of(world, **patient())
    journey.run(before="start")
    sent = proposal(world, kind="product", elements="patient expires volume lot storage")
    assert browse(*OWNER).post("/label-templates/", sent).status_code == 303
    row = newest(world, kind="product")
    assert browse(*APPROVER).post(f"/label-templates/{row.pk}/approve/", {}).status_code == 303
    journey.run(until="finish")
    planner = world.actor("maker", "planner")
    with reading(planner):
        prints = labels_of(planner, order_named(planner, journey.code).stream_id)
        assert {label.design_id for label in prints if label.template == "product"} == {row.pk}


def test_a_market_s_own_version_goes_before_the_one_for_every_other(
    world: World, browse: Browse, live: LabelDesign
) -> None:
    from custody.label_templates import live_for

    assert browse(*OWNER).post("/label-templates/", proposal(world, country="")).status_code == 303
    general = newest(world, country="")
    with reading(world.actor(*NURSE)):
        assert live_for(world.therapy.pk, "FR", "collection") is None, "a proposed version prints nothing"
    assert browse(*APPROVER).post(f"/label-templates/{general.pk}/approve/", {}).status_code == 303
    with reading(world.actor(*NURSE)):
        assert live_for(world.therapy.pk, "FR", "collection") == general
        assert live_for(world.therapy.pk, "DE", "collection") == live
        assert live_for(world.therapy.pk, "DE", "product") is None


def test_who_proposed_does_not_approve_and_the_same_form_proposes_once(world: World, browse: Browse) -> None:
    owner, approver = browse(*OWNER), browse(*APPROVER)
    sent = proposal(world)
    assert owner.post("/label-templates/", sent).status_code == owner.post("/label-templates/", sent).status_code == 303
    row = newest(world)
    assert "Approve version" not in text_of(owner.get("/label-templates/"))
    assert owner.post(f"/label-templates/{row.pk}/approve/", {}).status_code == 403
    assert approver.post("/label-templates/", proposal(world)).status_code == 403
    assert f"Approve version {row.version} of" in text_of(approver.get("/label-templates/"))
    assert approver.post(f"/label-templates/{row.pk}/retire/", {"reason": ""}).status_code == 400
    assert approver.post(f"/label-templates/{row.pk}/retire/", {"reason": "mistaken"}).status_code == 303
    assert approver.post(f"/label-templates/{row.pk}/approve/", {}).status_code == 409
    assert newest(world).version == row.version, "the second sending proposed no other one"


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"elements": "patient collected"}, "elements", "Every such label needs: expires, volume"),
        ({"elements": f"{LEAST} logo"}, "elements", "Not known: logo"),
        ({"elements": f"{LEAST} site"}, "elements", "Each element once"),
        ({"elements": f"{LEAST} anticoagulant"}, "anticoagulant", "say what is printed"),
        ({"product_code": "99999-001"}, "product_code", "among the elements"),
        ({"texts": "Keep cool"}, "texts", "list “texts” among the elements"),
        ({"elements": f"{LEAST} texts", "texts": "保冷"}, "texts", "no such characters"),
        ({"country": "D1"}, "country", "Two letters"),
        ({"therapy": "somebody-else-s"}, "therapy", "one of your therapies"),
        ({"elements": f"{LEAST} texts", "texts": "\n".join(["x" * 119] * 4)}, "stock", "does not fit"),
    ],
)
def test_a_version_that_says_too_little_or_too_much_is_refused_beside_its_field(
    world: World, browse: Browse, changes: dict[str, str], field: str, said: str
) -> None:
    answer = browse(*OWNER).post("/label-templates/", proposal(world, **changes))
    page = text_of(answer)
    assert answer.status_code == 400 and f'id="id_{field}-error"' in page and said in page


@pytest.mark.parametrize("kind", ["collection", "product"])
def test_the_preview_says_that_it_is_fictional_and_its_code_is_nobody_s(
    world: World, browse: Browse, kind: str
) -> None:
    elements = LEAST if kind == "collection" else "patient expires volume lot storage"
    sent = proposal(world, kind=kind, elements=elements, stock="102x76")
    assert browse(*OWNER).post("/label-templates/", sent).status_code == 303
    row = newest(world, kind=kind)
    approver = browse(*APPROVER)
    pdf = approver.get(f"/label-templates/{row.pk}/preview.pdf").content
    assert "SPECIMEN" in words(pdf) and "FICTIONAL DEMONSTRATION - NOT FOR USE" in words(pdf)
    (page,) = pypdfium2.PdfDocument(pdf)
    found = zxingcpp.read_barcodes(page.render(scale=203 / 72).to_pil().convert("L"))
    (code,) = [code for code in found if code.text.startswith("CHA999900000000-")]
    assert {code.text} ^ {code.text for code in found} <= {"=+02000=A99990012345600&/CHA999900000000"}
    with reading(world.actor(*APPROVER)):
        assert lookup(world.actor(*APPROVER), code.text) is None
    approver.post(f"/label-templates/{row.pk}/retire/", {"reason": "test"})


def test_partners_see_what_is_live_and_the_firm_next_door_nothing(
    world: World, browse: Browse, live: LabelDesign
) -> None:
    assert browse(*OWNER).post("/label-templates/", proposal(world, language="it")).status_code == 303
    draft = newest(world)
    nurse = text_of(browse(*NURSE).get("/label-templates/"))
    assert f"Preview version {live.version} " in nurse and f"Preview version {draft.version} " not in nurse
    assert browse(*NURSE).get(f"/label-templates/{draft.pk}/preview.pdf").status_code == 404
    assert browse(*NURSE).post("/label-templates/", proposal(world)).status_code == 404
    assert browse("courier", "courier_driver").get("/label-templates/").status_code == 404
    stranger = signed_in(make_member(make_organization("manufacturer"), "flow_approver"))
    assert world.therapy.name not in text_of(stranger.get("/label-templates/"))
    assert stranger.get(f"/label-templates/{live.pk}/preview.pdf").status_code == 404
    for act in ("approve", "retire"):
        assert stranger.post(f"/label-templates/{draft.pk}/{act}/", {"reason": "mine"}).status_code == 404


def test_the_database_keeps_a_version_as_it_was_proposed_and_one_live(world: World, live: LabelDesign) -> None:
    owner = world.actor(*OWNER)
    with pytest.raises(DatabaseError, match="stays what it is"), acting(owner, "custody.label_template_retired"):
        LabelDesign.unwalled.filter(pk=live.pk).update(proper_name="Another")
    twin = {name: getattr(live, name) for name in ("organization_id", "therapy_id", "country", "kind")} | {
        "state": "live"
    }
    twin |= {name: getattr(live, name) for name in ("elements", "languages", "stock")}
    for wrong, rule in (
        ({"approved_by_id": uuid4()}, "one_live"),
        ({"state": "proposed", "proposed_by_id": (one := uuid4()), "approved_by_id": one}, "two_people"),
    ):
        with pytest.raises(IntegrityError, match=rule), acting(owner, "custody.label_template_retired"):
            LabelDesign.objects.create(**twin | {"version": 99} | wrong)
