from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pypdfium2
import pytest
from django.utils import timezone

from ledger.context import reading
from ledger.refusals import WrongState
from quality.actions.releases import revoke_release
from quality.certificate_pdf import certificate_pdf
from quality.models import Release
from quality.states import BatchState
from tests.quality.factories import World

SIGNED = SimpleNamespace(
    person_name="Łucja <Example> 漢",
    organization_name="Fictional Plant",
    meaning="Certified",
    signed_at=dt.datetime(2026, 7, 1, 12, 30, tzinfo=dt.UTC),
    zone="Europe/Berlin",
)


def printed(world: World, release: Release, **more: Any) -> tuple[bytes, str]:
    with reading(world.releaser):
        pdf = certificate_pdf(
            release.batch,
            Release.unwalled.get(pk=release.pk),
            identity_code="COI-TEST-1",
            therapy_name="Fictional therapy",
            plant_name="Fictional Plant",
            signatures=[SIGNED],
            zone="Europe/Berlin",
            **more,
        )
    document = pypdfium2.PdfDocument(pdf)
    return pdf, " ".join(page.get_textpage().get_text_bounded().replace("\r\n", " ") for page in document)


def decision_of(world: World, batch: Any) -> Release:
    with reading(world.releaser):
        return Release.unwalled.select_related("batch").get(batch=batch, decision="release")


def test_the_certificate_says_what_was_decided_on_which_tests_and_who_signed(world: World) -> None:
    batch = world.make_batch(BatchState.RELEASED)
    release = decision_of(world, batch)
    pdf, text = printed(world, release, synthetic=True)
    for word in (
        release.certificate_number, batch.number, "COI-TEST-1", "FICTIONAL DEMONSTRATION RECORD", "Viability", "≥ 70 %",
        "88.5 %", "no growth", "Pass", "Not done", "Certified", "2026-07-01 14:30:00 CEST", "Europe/Berlin",
        "<Example> ?",
    ):  # fmt: skip
        assert word in text, word
    assert "REVOKED" not in text
    assert printed(world, release, synthetic=True)[0] == pdf


def test_a_later_result_does_not_change_the_certificate_and_a_revocation_marks_it(world: World) -> None:
    batch = world.make_batch(BatchState.RELEASED)
    release = decision_of(world, batch)
    before = printed(world, release)[0]
    world.record(batch, [{"test": "purity", "value": 12}])
    assert printed(world, release)[0] == before
    revoke_release(world.releaser, batch.pk, reason="Late result")
    assert "REVOKED" in printed(world, release)[1]


def test_a_rejection_has_no_certificate(world: World) -> None:
    batch = world.make_batch()
    rejection = world.decide(batch, "reject")
    assert rejection.decided_at <= timezone.now()
    with pytest.raises(WrongState):
        printed(world, rejection)
