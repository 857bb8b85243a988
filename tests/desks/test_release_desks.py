"""QC, QA and QP: results entered in place, open items linked to their evidence, a signature beneath what was shown."""

from __future__ import annotations

import re
from typing import Any

import pytest

from custody.models import CustodyPeriod
from ledger.context import reading
from ledger.models import Signature
from ledger.recording import acting
from ledger.refusals import Stale
from orders import evidence, flow
from orders.models import Order
from orders.signers import shown_digest
from quality import queries as quality
from quality.actions.deviations import close_deviation, open_deviation
from quality.states import BatchState
from tests.desks.conftest import LIMIT, cost, size_with_fifty
from tests.desks.world import PlantWorld
from tests.factories import PASSWORD

GOOD = {"results": [{"test": "viability", "value": "82"}, {"test": "sterility", "value": "no growth"}]}


def order_of(plants: PlantWorld, code: str) -> Order:
    viewer = plants.player("center", "coordinator").actor
    with reading(viewer):
        return flow.order_named(viewer, code)


def rows(page: Any) -> dict[str, Any]:
    return {row.order.code: row for part in page.context["parts"] for row in part["rows"]}


def sign(client: Any, page: Any, **inputs: str) -> Any:
    """Send the form beneath the evidence as the page holds it."""
    html = page.content.decode()
    hidden = {
        name: re.search(rf'name="{name}" value="([^"]*)"', html).group(1)  # type: ignore[union-attr]
        for name in ("once", "version", "step")
    }
    return client.post(page.request["PATH_INFO"], {**hidden, "signature.password": PASSWORD, **inputs})


@pytest.mark.story("QC2", "QC3")
def test_results_are_entered_on_the_desk_as_they_come(plants: PlantWorld) -> None:
    journey, foreign = plants.journey("one", before="qc"), plants.journey("two", before="qc")
    analyst = plants.browse("cmo", "cmo_qc_analyst")
    page = analyst.get(f"/?open={journey.code}")
    listed = {row.order.code: row for row in page.context["rows"]}
    assert {journey.code, foreign.code} <= set(listed)
    assert [test.rule.key for test in listed[journey.code].to_enter] == ["viability", "sterility"]
    assert "≥ 70 %" in page.content.decode()

    address = f"/desk/results/{journey.code}/"
    hidden = {"step": "qc", "version": f"1.{listed[journey.code].step.version}", "once": "first"}
    bad = analyst.post(address, {**hidden, "results[0]test": "viability", "results[0]value": "many"})
    assert bad.status_code == 400 and bad.context["opened"] == journey.code
    assert 'value="many"' in bad.content.decode() and 'aria-invalid="true"' in bad.content.decode()

    given = {"results[0]test": "viability", "results[0]invalid": "true", "results[0]text": "Control failed"}
    assert analyst.post(address, {**hidden, "once": "a", **given, "results[1]test": "sterility"}).status_code == 303
    row = {row.order.code: row for row in analyst.get("/").context["rows"]}[journey.code]
    assert [test.rule.key for test in row.to_enter] == ["viability", "sterility"], "invalid is repeated, not failed"
    stale = analyst.post(address, {**hidden, "once": "b", **given})
    assert stale.status_code == 412, "somebody entered meanwhile"

    hidden["version"] = f"1.{row.step.version}"
    rest = {
        "results[0]test": "viability",
        "results[0]value": "61",
        "results[1]test": "sterility",
        "results[1]value": "no growth",
    }
    done = analyst.post(address, {**hidden, "once": "c", **rest}, follow=True)
    assert "Not passed: viability" in done.content.decode()
    assert journey.code not in {row.order.code for row in done.context["rows"]}

    quality_of_cmo = rows(plants.browse("cmo", "cmo_quality").get("/"))
    codes = [item.fact.code for item in quality_of_cmo[journey.code].items]
    assert "result_failed" in codes and "result_missing" not in codes
    sponsor = plants.browse("one", "qa_reviewer").get("/")
    assert journey.code in rows(sponsor) and foreign.code not in sponsor.content.decode()
    assert plants.browse("one", "qc_analyst").get(f"/?open={journey.code}").context["rows"] == []


@pytest.mark.story("QA1", "QA8")
def test_the_queue_links_every_open_item_and_the_page_shows_what_is_signed(plants: PlantWorld) -> None:
    journey = plants.journey("own", before="qc")
    journey.perform("qc", GOOD)
    reviewer, actor = plants.browse("one", "qa_reviewer"), plants.player("one", "qa_reviewer").actor
    ready = rows(reviewer.get("/"))[journey.code]
    assert ready.items == [] and ready.cutoff_at is not None and ready.mine
    order = order_of(plants, journey.code)
    address = f"/orders/{journey.code}/evidence/"
    page = reviewer.get(address)
    text = page.content.decode()
    with reading(actor):
        shown = evidence.shown(actor, flow.order_named(actor, journey.code))
    for _, value in shown:
        assert value.replace("&", "&amp;").replace("'", "&#x27;") in text, value
    assert "Unbroken" in text and "none in quarantine" in text and "Reconciled" in text

    deviation = open_deviation(actor, order.stream_id, kind="process", severity="major", text="Alarm of the incubator")
    open_row = rows(reviewer.get("/"))[journey.code]
    assert [(item.fact.code, item.anchor) for item in open_row.items] == [("deviation_open", "deviations")]
    assert f"{address}#deviations" in reviewer.get("/").content.decode()
    refused = sign(reviewer, page, audit_trail_reviewed="yes")
    assert refused.status_code == 412, "the deviation was not on the page that was signed"
    assert "Alarm of the incubator" in refused.content.decode(), "the answer shows the newest"
    close_deviation(plants.player("one", "qualified_person").actor, deviation.pk, conclusion="No effect on the cells")

    page = reviewer.get(address)
    with reading(actor):
        now = flow.order_named(actor, journey.code)
        step = flow.current_step(now, "review")
        digest = shown_digest(evidence.shown(actor, now))
    assert f'name="version" value="{step.attempt}.{step.version}.{digest}"' in page.content.decode()
    assert sign(reviewer, page, audit_trail_reviewed="yes").status_code == 303
    with reading(actor):
        assert quality.batch_of(actor, order.stream_id).state == BatchState.UNDER_REVIEW  # type: ignore[union-attr]
        assert Signature.unwalled.filter(stream_id=order.stream_id, meaning="reviewed").count() == 1

    qp = plants.browse("one", "qualified_person")
    assert rows(qp.get("/"))[journey.code].mine
    certify = qp.get(address)
    assert sign(qp, certify, decision="release", reason="").status_code == 303
    released = qp.get("/").context["released"]
    assert journey.code in {row.order.code for row in released}
    assert plants.browse("two", "qualified_person").get(address).status_code == 404
    assert plants.browse("center", "coordinator").get(address).status_code == 404


def test_a_result_that_changed_between_showing_and_signing_is_stale(plants: PlantWorld) -> None:
    journey = plants.journey("own", before="qc")
    journey.perform("qc", {"results": [{"test": "viability", "value": "61"}, GOOD["results"][1]]})
    reviewer, actor = plants.browse("one", "qa_reviewer"), plants.player("one", "qa_reviewer").actor
    page = reviewer.get(f"/orders/{journey.code}/evidence/")
    order = order_of(plants, journey.code)
    with reading(actor):
        failed = quality.results_of(actor, order.stream_id).get(test_key="viability")
        seen = flow.seen_version(flow.current_step(order, "review"), evidence.shown(actor, order))
    deviation = open_deviation(actor, order.stream_id, kind="result", severity="minor", text="Pipette out of range")
    close_deviation(plants.player("one", "qualified_person").actor, deviation.pk, conclusion="Error of the laboratory")
    from quality.actions.deviations import invalidate_result

    invalidate_result(actor, failed.pk, deviation_id=deviation.pk)
    assert sign(reviewer, page, audit_trail_reviewed="yes").status_code == 412
    inputs = {"audit_trail_reviewed": "yes", "signature": {"password": PASSWORD}}
    with pytest.raises(Stale):
        flow.perform(actor, journey.code, "review", inputs, version=seen)
    with pytest.raises(Stale):
        flow.perform(actor, journey.code, "review", inputs, version=seen.rsplit(".", 1)[0])
    with reading(actor):
        assert not Signature.unwalled.filter(stream_id=order.stream_id, meaning="reviewed").exists()
    again = plants.browse("one", "qc_analyst").get("/").context["rows"]
    assert journey.code in {row.order.code for row in again}, "the analyst tests again"


@pytest.mark.story("QA1")
def test_a_gap_in_custody_is_named_and_stops_the_release_until_it_is_explained(plants: PlantWorld) -> None:
    journey = plants.journey("own", before="qc")
    journey.perform("qc", GOOD)
    actor, order = plants.player("one", "qa_reviewer").actor, order_of(plants, journey.code)
    with acting(actor, "orders.step_done", stream_id=order.stream_id):
        period = CustodyPeriod.unwalled.filter(stream_id=order.stream_id, until__isnull=False).order_by("since").first()
        CustodyPeriod.unwalled.filter(pk=period.pk).update(until=period.since)
    reviewer = plants.browse("one", "qa_reviewer")
    assert [item.fact.code for item in rows(reviewer.get("/"))[journey.code].items] == ["custody_gap"]
    text = reviewer.get(f"/orders/{journey.code}/evidence/").content.decode()
    assert "Broken: 1 gap in" in text and "nobody had custody of it from" in text
    found = open_deviation(actor, order.stream_id, kind="custody_gap", severity="minor", text="Late entry of the nurse")
    close_deviation(plants.player("one", "qualified_person").actor, found.pk, conclusion="Paper record found")
    assert rows(reviewer.get("/"))[journey.code].items == []


def test_who_tested_does_not_sign_and_says_why(plants: PlantWorld) -> None:
    journey = plants.journey("own", before="qc")
    journey.perform("qc", GOOD)
    page = plants.browse("one", "qc_analyst").get(f"/orders/{journey.code}/evidence/")
    assert page.status_code == 200 and 'name="signature.password"' not in page.content.decode()
    unsigned = plants.browse("one", "qa_reviewer").get(f"/orders/{journey.code}/steps/review/")
    assert unsigned.status_code == 303 and unsigned["Location"].endswith("/evidence/#sign")


@pytest.mark.parametrize(("persona", "desk"), [("qa_reviewer", "qa"), ("qc_analyst", "qc")])
def test_the_cost_of_the_quality_desks(plants: PlantWorld, persona: str, desk: str) -> None:
    key = "qc" if desk == "qc" else "review"
    sponsor, therapy = ("one", "own")
    first = plants.journey(therapy, before="qc")
    first.perform("qc", GOOD if key == "review" else {"results": [GOOD["results"][0]]})
    client = plants.browse(sponsor, persona)

    def number(page: Any) -> int:
        return len(rows(page)) if desk == "qa" else len(page.context["rows"])

    few, small = cost(client)
    had = number(small)
    second = plants.journey(therapy, before="qc")
    if desk == "qa":
        second.perform("qc", GOOD)
    many, large = cost(client)
    assert number(large) == had + 1
    assert many == few
    assert size_with_fifty(small, had, large, had + 1) <= LIMIT
