"""One click, or one command, gives the whole history of an order: as PDF, and as a bundle that proves itself (RG2)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from custody.queries import shipments_of
from ledger import copies, seals
from ledger.context import reading
from orders.actions.dossiers import take_dossier
from orders.actions.excursions import send_readings
from quality.actions.deviations import open_deviation
from tests.factories import unique
from tests.journeys.test_stops import lift, stop
from tests.journeys.watching import bags, order_of
from tests.journeys.world import World

pytestmark = pytest.mark.story("RG2", "RG6")


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return " ".join("".join(page.get_textpage().get_text_range().split()) for page in document)


def squeezed(*words: str) -> list[str]:
    return ["".join(word.split()) for word in words]


@pytest.fixture
def told(world: World) -> tuple[Any, str]:
    """An infused order with a lot, temperatures of its first box, and a stop that was lifted."""
    journey, lot = world.journey(), unique("lot").upper()
    journey.vector_lot = lot
    journey.run(until="pickup")
    driver = world.player("courier", "courier_driver").actor
    with reading(driver):
        (box,) = shipments_of(driver, order_of(world.player("center", "coordinator"), journey).stream_id)
    rows = [[box.packed_at.isoformat(), 5.0], [timezone.now().isoformat(), 6.5]]
    send_readings(driver, journey.code, box.code, {"logger": box.logger_code, "readings": rows})
    journey.run(before="ship")
    lift(world, stop(world, "Called back in error.", lot=lot))
    journey.run(until="infuse")
    return journey, lot


def test_the_bundle_and_its_pdf_tell_everything_that_happened(world: World, told: tuple[Any, str]) -> None:
    journey, lot = told
    reviewer = world.player("maker", "qa_reviewer")
    dossier = take_dossier(reviewer.actor, journey.code)
    document, files = copies.unpack(dossier.content)
    assert copies.verify(document, files, seals.public_key()).findings == []
    parts = document["parts"]
    for part in (
        *("labels", "custody", "conditions", "signatures", "corrections", "conversions", "critical_materials"),
        *("material", "shipments", "seals_seen", "results", "deviations", "decisions", "stops", "timeline"),
    ):
        assert parts[part], part
    product = set(bags(reviewer, journey, "drug_product"))
    (made,) = [row for row in parts["conversions"] if set(row["made"].split(", ")) == product]
    assert made["used"] and made["happened_at"]
    assert {row["lot"] for row in parts["critical_materials"] if row["material"] == "Viral vector"} == {lot}
    (collection,) = parts["collections"]
    assert collection["Lot of the disposable kit"] in {row["lot"] for row in parts["critical_materials"]}
    assert {row["found"] for row in parts["packing"]} == {"done"} and parts["packing"][0]["box"]
    (condition,) = parts["conditions"]
    assert (condition["readings"], condition["lowest_c"], condition["highest_c"]) == (2, "5", "6.5")
    assert {row["container"] for row in parts["labels"]} >= product
    assert parts["stops"][0]["lifted_at"] is not None
    said = text_of(files["dossier.pdf"]).replace(" ", "")
    for word in squeezed(
        journey.code,
        *product,
        lot,
        "Conversions",
        "Conditions",
        "Seals seen",
        "Corrections",
        *(row["printed_name"] for row in parts["signatures"]),
        *(row["serial"] for row in parts["labels"]),
        *(row["box"] for row in parts["shipments"]),
        seals.fingerprint(),
    ):
        assert word in said, word


def test_the_operators_command_writes_it_and_says_so_on_the_record(
    world: World, told: tuple[Any, str], tmp_path: Path
) -> None:
    journey, _ = told
    call_command("dossier", journey.code.lower(), out=tmp_path / "here")
    written = {path.name for path in (tmp_path / "here").iterdir()}
    assert {"dossier.pdf", "dossier.json", "dossier.html", "verify.py", f"{journey.code}.zip"} <= written
    document = json.loads((tmp_path / "here" / "dossier.json").read_text())
    assert document["order"] == journey.code and "dossier" in document["made_for"]
    last = document["events"][-1]["content"]
    assert (last["kind"], last["system_job"]) == ("orders.dossier_taken", "dossier")
    proof = subprocess.run(
        [sys.executable, "verify.py", f"{journey.code}.zip"], cwd=tmp_path / "here", capture_output=True, text=True
    )
    assert proof.returncode == 0, proof.stdout + proof.stderr
    with pytest.raises(CommandError):
        call_command("dossier", "CT-NONE-0000", out=tmp_path)


def test_a_long_text_goes_on_on_the_next_page(world: World) -> None:
    journey, reviewer = world.journey(), world.player("maker", "qa_reviewer")
    journey.run(until="consent")
    text = " ".join(f"word{number}" for number in range(400)) + " and a name with ł, ü and 漢."
    stream_id = order_of(reviewer, journey).stream_id
    open_deviation(reviewer.actor, stream_id, kind="long", severity="minor", text=text)
    said = text_of(take_dossier(reviewer.actor, journey.code).files["dossier.pdf"])
    assert "word0" in said and "word399" in said.replace(" ", "")
