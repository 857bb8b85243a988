"""The dossier: what its reader may see and no more, recorded when taken; a copy held against the live record."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

import pypdfium2
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ledger import chains, copies, seals
from ledger.context import Actor, reading
from ledger.queries import events_of
from ledger.refusals import NotFound
from orders.actions import dossiers
from orders.actions.interruptions import put_on_hold
from orders.flow import order_named
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, booked, consented, patient, prescribed, text_of
from tests.orders.factories import World
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.usefixtures("committed_db")
PAGE = "/record/verify/"


def order_of(actor: Actor, code: str) -> Any:
    with reading(actor):
        return order_named(actor, code)


def unpacked(content: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    return copies.unpack(content)


def upload(client: Client, content: bytes, name: str = "copy.zip") -> Any:
    return client.post(PAGE, {"copy": SimpleUploadedFile(name, content)})


@pytest.fixture
def full(world: World) -> str:
    return booked(world, **patient())


@pytest.mark.story("RG2", "RG3")
def test_a_dossier_holds_the_record_and_is_intact(world: World, browse: Browse, full: str) -> None:
    response = browse("center", "inspector").get(f"/orders/{full}/dossier.zip")
    assert response.status_code == 200
    assert response["Content-Disposition"] == f'attachment; filename="{full}.zip"'
    document, files = unpacked(response.content)
    assert set(files) == {"dossier.html", "dossier.css", "dossier.pdf", "READ-ME.txt", "verify.py"}
    assert copies.verify(document, files, seals.public_key()).findings == []
    page = files["dossier.html"].decode()
    activated = next(row for row in document["parts"]["signatures"] if row["what"] == "Activate the chain of identity")
    assert activated["printed_name"] == "Coordinator B" and activated["meaning"] and activated["zone"]
    for word in ("Coordinator B", activated["meaning"], "Europe/Berlin", seals.fingerprint(), "Prescribe"):
        assert word in page


@pytest.mark.story("SQ6")
def test_site_quality_exports_the_evidence_of_one_identity_and_of_no_other(
    world: World, browse: Browse, full: str
) -> None:
    other = world.enrol(**patient())
    quality = world.actor("center", "site_quality")
    with reading(quality):
        mine, theirs = (order_of(quality, code).identity_code for code in (full, other))
    content = browse("center", "site_quality").get(f"/orders/{full}/dossier.zip").content
    document, files = unpacked(content)
    page = files["dossier.html"].decode()
    assert mine in page and theirs not in page and other not in page
    assert document["parts"]["signatures"] and document["parts"]["timeline"]
    assert copies.verify(document, files, seals.public_key()).findings == []
    outside = signed_in(make_member(make_organization("treatment_center"), "site_quality"))
    assert outside.get(f"/orders/{full}/dossier.zip").status_code == 404


def test_no_patient_stands_in_a_dossier_not_even_for_who_may_read_the_name(world: World, browse: Browse) -> None:
    person = patient()
    code = consented(world, **person)
    client = browse("center", "coordinator", 2)
    assert person["family_name"] in text_of(client.get(f"/orders/{code}/"))
    content = client.get(f"/orders/{code}/dossier.zip").content
    document, files = unpacked(content)
    printed = pypdfium2.PdfDocument(files.pop("dossier.pdf"))
    everything = json.dumps(document) + b"".join(files.values()).decode()
    everything += "".join(page.get_textpage().get_text_range() for page in printed)
    assert len(everything) > 10_000
    for secret in (person["family_name"], person["given_name"], person["mrn"], "1961-04-05"):
        assert secret not in everything


def test_what_the_reader_may_not_read_is_there_as_its_hash_only(world: World, full: str) -> None:
    renewed = world.actor("center", "coordinator")
    order = order_of(renewed, full)
    maker = world.actor("maker", "qa_reviewer")
    with reading(renewed):
        of_center = {event.seq for event in events_of(renewed, order.stream_id)}
    with reading(maker):
        of_maker = {event.seq for event in events_of(maker, order.stream_id)}
        links = chains.links_of(order.stream_id)
    courier = world.actor("courier", "courier_driver")
    with reading(courier):
        of_courier = {event.seq for event in events_of(courier, order.stream_id)}
        seen_by_courier = chains.links_of(order.stream_id)
    assert of_courier < of_maker <= of_center
    assert seen_by_courier == links  # the hashes, and nothing else, are everybody's
    assert [link.seq for link in links] == list(range(1, len(links) + 1))
    for before, link in zip(links, links[1:], strict=False):
        assert link.previous_hash == before.hash


def test_the_hashes_of_an_order_are_its_parties_only(world: World, full: str) -> None:
    order = order_of(world.actor("maker", "planner"), full)
    from personas.queries import actor_of_membership

    stranger = actor_of_membership(make_member(make_organization("manufacturer"), "qa_reviewer"), "browser")  # type: ignore[arg-type]
    with reading(stranger):
        assert chains.links_of(order.stream_id) == []
    with reading(world.actor("maker", "planner")):
        assert len(chains.links_of(order.stream_id)) > 5


def test_the_application_still_reads_no_event_past_its_audience(world: World, full: str) -> None:
    """The owner's policy, through which the hashes come, opens nothing for the role that the application has."""
    courier = world.actor("courier", "courier_driver")
    order = order_of(world.actor("maker", "planner"), full)
    with reading(courier), connection.cursor() as cursor:
        chains.links_of(order.stream_id)
        cursor.execute("select count(*) from ledger_event where stream_id = %s", [order.stream_id])
        (visible,) = cursor.fetchone()
        heard = events_of(courier, order.stream_id).count()
        assert visible == heard < len(chains.links_of(order.stream_id))


@pytest.mark.story("RG5")
def test_taking_a_dossier_is_recorded_on_the_order(world: World, browse: Browse, full: str) -> None:
    actor = world.actor("maker", "qa_reviewer")
    order = order_of(actor, full)
    browse("maker", "qa_reviewer").get(f"/orders/{full}/dossier.zip")
    for reader in (actor, world.actor("center", "inspector")):
        with reading(reader):
            last = events_of(reader, order.stream_id).last()
        assert (last.kind, last.person_name, last.persona) == ("orders.dossier_taken", "Qa Reviewer A", "qa_reviewer")  # type: ignore[union-attr]
    document, _ = unpacked(browse("maker", "qa_reviewer").get(f"/orders/{full}/dossier.zip").content)
    assert document["events"][-1]["content"]["kind"] == "orders.dossier_taken"  # the copy knows of itself


@pytest.mark.story("RG4")
def test_who_may_not_take_one(world: World, browse: Browse, full: str) -> None:
    assert browse("courier", "courier_driver").get(f"/orders/{full}/dossier.zip").status_code == 404
    assert browse("courier", "inspector").get(f"/orders/{full}/dossier.zip").status_code == 404
    assert browse("center", "administrator").get(f"/orders/{full}/dossier.zip").status_code == 403
    next_door = signed_in(make_member(make_organization("treatment_center"), "inspector"))
    assert next_door.get(f"/orders/{full}/dossier.zip").status_code == 404
    order = order_of(world.actor("maker", "planner"), full)
    with reading(world.actor("maker", "planner")):
        kinds = list(events_of(world.actor("maker", "planner"), order.stream_id).values_list("kind", flat=True))
    assert "orders.dossier_taken" not in kinds


@pytest.mark.story("RG6")
def test_refused_attempts_are_the_own_organizations_only(world: World, browse: Browse, full: str) -> None:
    browse("maker", "planner").post(f"/orders/{full}/cancel/", {"reason": "Trying"})
    mine, _ = unpacked(browse("maker", "inspector").get(f"/orders/{full}/dossier.zip").content)
    theirs, _ = unpacked(browse("center", "inspector").get(f"/orders/{full}/dossier.zip").content)
    attempts = mine["parts"]["refused_attempts"]
    assert [(row["refused_because"], row["who"]) for row in attempts] == [("not_allowed", "Planner A")]
    assert theirs["parts"]["refused_attempts"] == []


# ---- a copy that somebody brings --------------------------------------------------------------------------------


def taken(world: World, code: str) -> bytes:
    return dossiers.take_dossier(world.actor("center", "inspector"), code).content


def test_an_intact_copy_stays_intact_when_the_order_goes_on(world: World, browse: Browse, full: str) -> None:
    content = taken(world, full)
    put_on_hold(world.actor("center", "coordinator"), full, "A storm")
    page = text_of(upload(browse("maker", "inspector"), content))
    assert f"Intact: order {full}" in page and "live record says" in page
    document, _ = unpacked(content)
    page = text_of(upload(browse("center", "inspector"), json.dumps(document).encode(), "dossier.json"))
    assert f"Intact: order {full}" in page


@pytest.mark.parametrize("how", dossiers.Forgery.values)
def test_every_forgery_is_found(world: World, browse: Browse, full: str, how: str, settings: Any) -> None:
    settings.DEMO = True
    page = text_of(browse("center", "inspector").post(f"{PAGE}tampered/", {"order": full, "how": how}))
    said = {
        "value": "signatures.1.person_name: the copy says “Somebody Else”",
        "removed": "is missing",
        "swapped": "stands where event",
        "rewritten": "The live record has another event in place",
    }
    assert f"Altered: order {full}" in page and said[how] in page
    if how == "rewritten":
        assert "signatures.1.person_name: the copy says “Somebody Else”" in page
    zipped = browse("center", "inspector").post(f"{PAGE}tampered/", {"order": full, "how": how, "download": "1"})
    assert zipped["Content-Disposition"] == f'attachment; filename="{full}.zip"'
    assert "Altered" in text_of(upload(browse("maker", "qa_reviewer"), zipped.content))


def test_production_makes_no_tampered_copy(world: World, browse: Browse, full: str) -> None:
    client = browse("center", "inspector")
    assert client.post(f"{PAGE}tampered/", {"order": full, "how": "value"}).status_code == 404
    assert "tampered copy" not in text_of(client.get(PAGE))
    with pytest.raises(NotFound):
        dossiers.take_tampered(world.actor("center", "inspector"), full, "value")


def test_who_has_nothing_to_do_with_the_order_verifies_the_copy_but_not_the_record(
    world: World, browse: Browse, full: str
) -> None:
    content = taken(world, full)
    strangers = [
        signed_in(make_member(make_organization("treatment_center"), "coordinator")),
        browse("courier", "courier_driver"),
    ]
    for client in strangers:
        page = text_of(upload(client, content))
        assert "Intact" in page and "Not compared" in page
        assert order_of(world.actor("center", "coordinator"), full).identity_code not in page
    document, _ = unpacked(content)
    document["events"][1]["content"]["payload"]["summary"] = "another"
    page = text_of(upload(strangers[1], json.dumps(document).encode()))
    assert "Event 2, payload.summary" in page


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"PK\x03\x04", b"[]", b'{"format": "cgt-dossier-1"}'])
def test_bad_uploads_are_answered(browse: Browse, content: bytes) -> None:
    response = upload(browse("center", "inspector"), content)
    if content.startswith(b"{"):
        assert response.status_code == 200 and "The seal is missing" in text_of(response)
    else:
        assert response.status_code == 400 and 'aria-invalid="true"' in text_of(response)


def test_nothing_chosen_is_said_beside_the_field(browse: Browse) -> None:
    response = browse("center", "inspector").post(PAGE, {})
    assert response.status_code == 400
    assert "Choose the zip" in text_of(response)


def test_an_odd_order_code_is_no_failure(browse: Browse) -> None:
    for odd in ("%00", "../../x", "CT-2222-2222"):
        assert browse("center", "inspector").get(f"{PAGE}?order={odd}").status_code == 200


def test_a_dossier_costs_the_same_queries_for_more_events(world: World) -> None:
    actor = world.actor("maker", "inspector")

    def cost(code: str) -> tuple[int, int]:
        dossiers.take_dossier(actor, code)
        with CaptureQueriesContext(connection) as queries:
            made = dossiers.take_dossier(actor, code)
        return len(queries), len(json.loads(made.files["dossier.json"])["events"])

    few, short = cost(consented(world, **patient()))
    many, long = cost(prescribed(world, **patient()))
    assert long > short
    assert many == few


def test_names_that_break_out_of_html_stay_text(world: World) -> None:
    code = consented(world, **patient())
    put_on_hold(world.actor("center", "coordinator"), code, "<script>alert(1)</script>")
    files = dossiers.take_dossier(world.actor("center", "inspector"), code).files
    assert "<script" not in files["dossier.html"].decode()
    assert re.search(r"&lt;script&gt;", files["dossier.html"].decode())
    with zipfile.ZipFile(io.BytesIO(dossiers.take_dossier(world.actor("center", "inspector"), code).content)) as packed:
        assert packed.testzip() is None
