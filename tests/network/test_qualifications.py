from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.utils import timezone

from ledger.context import reading
from ledger.refusals import InvalidInput, NotAllowed, NotFound
from network import queries
from network.actions.qualifications import add_credential, record_training
from network.models import Credential
from tests.factories import connect, make_actor, make_organization, operator
from tests.network.factories import make_therapy

pytestmark = pytest.mark.django_db


class Clinic:
    def __init__(self) -> None:
        self.manufacturer, self.center = make_organization("manufacturer"), make_organization()
        connect(self.manufacturer, self.center)
        self.therapy = make_therapy(self.manufacturer)
        self.physician = make_actor(self.center, "treating_physician")
        self.administrator = make_actor(self.center, "administrator")

    def credentialed(self, therapy: Any = None, at: dt.datetime | None = None) -> bool:
        with reading(self.physician):
            return queries.is_credentialed(self.physician.person_id, (therapy or self.therapy).pk, at=at)

    def trained(self, therapy: Any = None, at: dt.datetime | None = None) -> bool:
        with reading(self.physician):
            return queries.training_is_valid(self.physician.person_id, (therapy or self.therapy).pk, at)


@pytest.fixture
def clinic() -> Clinic:
    return Clinic()


def test_nobody_is_credentialed_until_it_is_recorded_and_only_for_that_therapy(clinic: Clinic) -> None:
    other = make_therapy(clinic.manufacturer)
    assert not clinic.credentialed()
    add_credential(clinic.administrator, person_id=clinic.physician.person_id, therapy=clinic.therapy)
    assert clinic.credentialed()
    assert not clinic.credentialed(other)
    add_credential(clinic.administrator, person_id=clinic.physician.person_id)
    assert clinic.credentialed(other)


def test_a_credential_ends(clinic: Clinic) -> None:
    until = timezone.now() + dt.timedelta(days=30)
    add_credential(clinic.administrator, person_id=clinic.physician.person_id, until=until)
    assert clinic.credentialed()
    assert not clinic.credentialed(at=until)


def test_another_center_neither_sees_nor_grants_credentials(clinic: Clinic) -> None:
    credential = add_credential(clinic.administrator, person_id=clinic.physician.person_id)
    other = make_actor(make_organization(), "administrator")
    with reading(other):
        assert not Credential.unwalled.filter(pk=credential.pk).exists()
        assert not queries.is_credentialed(clinic.physician.person_id, clinic.therapy.pk)
    with pytest.raises(InvalidInput) as caught:
        add_credential(other, person_id=clinic.physician.person_id)
    assert "person" in caught.value.fields
    with pytest.raises(NotFound):
        add_credential(other, person_id=other.person_id, therapy=clinic.therapy)


@pytest.mark.story("SN4")
def test_training_that_a_therapy_requires(clinic: Clinic) -> None:
    assert clinic.trained()  # this therapy requires none
    strict = make_therapy(clinic.manufacturer, required_trainings=["bedside-check"])
    assert not clinic.trained(strict)
    until = timezone.now() + dt.timedelta(days=365)
    record_training(
        clinic.administrator, person_id=clinic.physician.person_id, kind="bedside-check", therapy=strict, until=until
    )
    assert clinic.trained(strict)
    assert not clinic.trained(strict, at=until)


def test_expired_training_blocks_until_it_is_renewed(clinic: Clinic) -> None:
    now = timezone.now()
    long_ago = {"completed_at": now - dt.timedelta(days=400), "until": now - dt.timedelta(days=35)}
    person = clinic.physician.person_id
    record_training(clinic.administrator, person_id=person, kind="collection", therapy=clinic.therapy, **long_ago)
    assert not clinic.trained()
    with reading(clinic.physician):
        assert queries.lapsed_trainings(person, clinic.therapy.pk) == ["collection"]
    record_training(clinic.administrator, person_id=person, kind="collection", therapy=clinic.therapy)
    assert clinic.trained()


def test_training_for_a_therapy_that_cannot_be_seen_is_no_permission(clinic: Clinic) -> None:
    stranger = make_actor(make_organization(), "treating_physician")
    with reading(stranger):
        assert not queries.training_is_valid(stranger.person_id, clinic.therapy.pk)


def test_refusals(clinic: Clinic) -> None:
    now = timezone.now()
    person = clinic.physician.person_id
    with pytest.raises(NotAllowed):
        add_credential(clinic.physician, person_id=person)
    with pytest.raises(NotAllowed):
        record_training(clinic.physician, person_id=person, kind="collection")
    with pytest.raises(InvalidInput):
        add_credential(clinic.administrator, person_id=uuid.uuid4())
    with pytest.raises(InvalidInput):
        add_credential(clinic.administrator, person_id=person, kind="magician")
    with pytest.raises(InvalidInput):
        add_credential(clinic.administrator, person_id=person, until=now - dt.timedelta(days=1))
    with pytest.raises(InvalidInput):
        record_training(operator(clinic.center), person_id=person, kind="Not A Kind")
