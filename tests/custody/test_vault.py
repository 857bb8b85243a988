"""The patient vault: sealed, opened by its own center only, erased by destroying the key."""

import dataclasses
import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from custody import sealing, vault
from custody.models import BlindIndex, Patient, PatientKey, SealedIdentity
from custody.queries import patient_of, patients
from ledger.context import reading
from ledger.recording import acting
from ledger.refusals import Duplicate, InvalidInput, NotAllowed, NotFound
from tests.custody.factories import a_person, make_world
from tests.factories import make_actor, make_organization, make_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def center():
    organization = make_organization("treatment_center")
    site = make_site(organization)
    return organization, site, make_actor(organization, "coordinator", site=site)


def seal(center, person, **options):
    _, site, actor = center
    with acting(actor, "tests.custody_step"):
        return vault.seal_patient(actor, site, person, **options)


def test_what_was_sealed_opens_for_the_own_center(center) -> None:
    person = a_person(sex="female", phone="+49 30 000000", family_name="Überfiktiv", given_name="Zoë")
    patient = seal(center, person)
    assert vault.open_identity(center[2], patient.pk) == person
    assert repr(person) == "PatientIdentity()"


def test_no_table_holds_the_name_in_clear(center) -> None:
    person = a_person(family_name="Unverwechselbar", given_name="Silberdistel", mrn="MRN-Hagebutte-77")
    seal(center, person)
    with reading(center[2]), connection.cursor() as cursor:
        cursor.execute("select table_name from information_schema.tables where table_schema='public'")
        tables = [name for (name,) in cursor.fetchall() if name.startswith(("custody_", "ledger_"))]
        assert "custody_sealedidentity" in tables
        for table in tables:
            cursor.execute(
                f"select count(*) from {table} t where lower(t::text) similar to %s",  # noqa: S608
                [PATTERN],
            )
            assert cursor.fetchone() == (0,), table
        raw = bytes(SealedIdentity.unwalled.get().ciphertext)
    assert not any(word in raw for word in (b"Unverwechselbar", b"Silberdistel", b"Hagebutte", b"1961-04-05"))


PATTERN = "%(unverwechselbar|silberdistel|hagebutte|1961-04-05)%"


def test_another_center_sees_and_opens_nothing(center) -> None:
    patient = seal(center, a_person())
    other = make_organization("treatment_center")
    stranger = make_actor(other, "coordinator", site=make_site(other))
    with pytest.raises(NotFound):
        vault.open_identity(stranger, patient.pk)
    assert vault.open_identities(stranger, [patient.pk]) == {}
    with reading(stranger):
        assert patient_of(stranger, patient.pk) is None
        for table in (Patient, PatientKey, SealedIdentity, BlindIndex):
            assert not table.unwalled.exists()


def test_the_manufacturer_on_the_order_opens_nothing() -> None:
    world = make_world()
    planner = make_actor(world.manufacturer, "planner")
    with pytest.raises(NotFound):
        vault.open_identity(planner, world.patient.pk)


def test_a_colleague_without_the_capability_is_refused(center) -> None:
    patient = seal(center, a_person())
    blind = dataclasses.replace(center[2], capabilities=frozenset())
    with pytest.raises(NotAllowed):
        vault.open_identity(blind, patient.pk)
    with pytest.raises(NotAllowed):
        vault.open_identities(blind, [patient.pk])


def test_a_wrong_master_key_or_a_moved_row_opens_nothing(center, settings) -> None:
    first, second = seal(center, a_person()), seal(center, a_person())
    with acting(center[2], "tests.custody_step"):
        rows = {row.patient_id: row for row in SealedIdentity.unwalled.all()}
        SealedIdentity.unwalled.filter(pk=rows[first.pk].pk).update(
            nonce=rows[second.pk].nonce, ciphertext=rows[second.pk].ciphertext
        )
    with pytest.raises(sealing.CannotOpen):
        vault.open_identity(center[2], first.pk)
    assert vault.open_identity(center[2], second.pk)
    settings.MASTER_KEY = bytes(32)
    with pytest.raises(sealing.CannotOpen):
        vault.open_identity(center[2], second.pk)


def test_destroying_the_key_erases(center) -> None:
    person = a_person()
    patient = seal(center, person)
    with acting(center[2], "tests.custody_step"):
        vault.destroy_key(patient)
    with reading(center[2]):
        for table in (PatientKey, SealedIdentity, BlindIndex):
            assert not table.unwalled.filter(patient_id=patient.pk).exists()
        assert Patient.unwalled.get(pk=patient.pk).erased_at is not None
        assert patient not in patients(center[2])
    with pytest.raises(NotFound):
        vault.open_identity(center[2], patient.pk)
    assert seal(center, person).pk != patient.pk


def test_many_identities_cost_as_many_queries_as_one(center) -> None:
    ids = [seal(center, a_person()).pk for _ in range(3)]
    counts = []
    for wanted in (ids[:1], ids):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert set(vault.open_identities(center[2], wanted)) == set(wanted)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.story("CO3")
@pytest.mark.parametrize(
    "changes",
    [
        {"family_name": "Muller", "given_name": "Jörg Paul", "mrn": "other-1"},
        {"family_name": "Mueller", "given_name": "joerg-paul", "mrn": "other-2"},
        {"family_name": "Jörg", "given_name": "MÜLLER", "mrn": "other-3"},
        {"family_name": "Müller", "given_name": "Jörg", "mrn": "other-4"},
        {"family_name": "Nobody", "given_name": "Else", "mrn": "ab 12-34"},
    ],
)
def test_a_possible_duplicate_is_named_and_may_be_confirmed(center, changes) -> None:
    known = a_person(family_name="Müller", given_name="Jörg Paul", mrn="AB-1234")
    seal(center, known)
    again = dataclasses.replace(known, **changes)
    with pytest.raises(Duplicate) as refusal:
        seal(center, again)
    assert refusal.value.code == "possible_duplicate"
    assert "ller" not in refusal.value.detail
    assert seal(center, again, confirmed_distinct=True)


def test_another_birth_date_is_another_person(center) -> None:
    known = a_person(family_name="Müller", given_name="Jörg")
    seal(center, known)
    assert seal(center, a_person(family_name="Müller", given_name="Jörg", birth_date=dt.date(1961, 4, 6)))


@pytest.mark.story("CO3")
def test_the_same_patient_at_another_center_is_no_duplicate(center) -> None:
    person = a_person()
    seal(center, person)
    other = make_organization("treatment_center")
    site = make_site(other)
    assert seal((other, site, make_actor(other, "coordinator", site=site)), person)
    with acting(center[2], "tests.custody_step"):
        mine = sealing.blind(center[0].pk, "mrn", "X1")
    assert mine != sealing.blind(other.pk, "mrn", "X1")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"family_name": " "}, "family_name"),
        ({"given_name": ""}, "given_name"),
        ({"mrn": ""}, "mrn"),
        ({"mrn": "--"}, "mrn"),
        ({"family_name": "x" * 101}, "family_name"),
        ({"given_name": "a\x00b"}, "given_name"),
        ({"family_name": "\u202eretsis"}, "family_name"),
        ({"mrn": "M\u200b1"}, "mrn"),
        ({"birth_date": dt.date(1899, 12, 31)}, "birth_date"),
        ({"birth_date": dt.date(2999, 1, 1)}, "birth_date"),
        ({"birth_date": "1980-01-01"}, "birth_date"),
    ],
)
def test_bad_input_names_its_field_and_writes_nothing(center, changes, field) -> None:
    with pytest.raises(InvalidInput) as refusal:
        seal(center, a_person(**changes))
    assert set(refusal.value.fields) == {field}
    with reading(center[2]):
        assert not Patient.unwalled.exists()


def test_joiners_that_a_name_is_spelled_with_stay(center) -> None:
    seal(center, a_person(family_name="علی\u200cپور"))
    with reading(center[2]):
        assert Patient.unwalled.exists()
