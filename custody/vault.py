"""The patient vault: identifying data sealed per patient, opened only by the patient's own center (T40)."""

from __future__ import annotations

import datetime as dt
import json
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from custody import sealing
from custody.keys import Keyed, key_of
from custody.models import BlindIndex, Patient, PatientKey, SealedIdentity
from custody.patient_matching import family_variants, name_variants, normal_mrn
from ledger.context import Actor, reading
from ledger.identifiers import new_id
from ledger.prepared import Prepared
from ledger.recording import open_event
from ledger.refusals import Duplicate, InvalidInput, NotAllowed, NotFound
from ledger.walls import visible
from personas.states import Capability

FAMILY = "family"
OLDEST_BIRTH = dt.date(1900, 1, 1)
LENGTHS = {"family_name": 100, "given_name": 100, "mrn": 40, "sex": 20, "phone": 40}
REQUIRED = ("family_name", "given_name", "mrn")
JOINERS = "\u200c\u200d"  # Persian and Indic names are not spelled without them


@dataclass(frozen=True)
class PatientIdentity:
    """What identifies a patient. Its ``repr`` names nobody, so that it may end in a log without harm."""

    family_name: str = field(repr=False)
    given_name: str = field(repr=False)
    birth_date: dt.date = field(repr=False)
    mrn: str = field(repr=False)
    sex: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)

    @property
    def display_name(self) -> str:
        return f"{self.family_name}, {self.given_name}"


def seal_patient(actor: Actor, site: Keyed, identity: PatientIdentity, *, confirmed_distinct: bool = False) -> Patient:
    """Enrol a patient at the actor's center, inside an open event.

    Raises InvalidInput per field, and Duplicate when a patient of the same center has the same
    record number, or a like name and the same birth date, unless a person has confirmed that they are two.
    """
    open_event()
    identity = _cleaned(identity)
    digests = _digests(actor.organization_id, identity)
    _one_enrolment_at_a_time(actor.organization_id)
    if not confirmed_distinct and _is_known(actor, digests):
        raise Duplicate(
            "Your center already has a patient with this record number, or with a like name and this birth date.",
            remedy="Look the patient up in your own system. Order for the existing patient, or confirm that these are"
            " two different people.",
        )
    patient = Patient.objects.create(
        organization_id=actor.organization_id, site_id=key_of(site), synthetic=actor.synthetic
    )
    _store(patient, identity, digests)
    return patient


def open_identity(actor: Actor, patient_id: UUID) -> PatientIdentity:
    """Return the identity of one of the actor's own patients.

    Raises NotFound for a patient of another center or an erased one, NotAllowed without the capability.
    """
    with reading(actor):
        keys = _key_of(actor=actor, patient_id=patient_id)
        if not keys:
            raise NotFound()
        _require_capability(actor)
        return _unsealed(keys[0], _sealed_of(actor=actor, patient_id=patient_id)[0])


@Prepared
def _key_of(actor: Actor, patient_id: UUID) -> QuerySet[PatientKey]:
    return visible(PatientKey, actor).filter(patient_id=patient_id, patient__erased_at__isnull=True)


@Prepared
def _sealed_of(actor: Actor, patient_id: UUID) -> QuerySet[SealedIdentity]:
    return visible(SealedIdentity, actor).filter(patient_id=patient_id)


def open_identities(actor: Actor, patient_ids: Iterable[UUID]) -> dict[UUID, PatientIdentity]:
    """Return the identities of the actor's own patients among ``patient_ids``; nobody else's. Two queries at most."""
    _require_capability(actor)
    with reading(actor):
        return _opened(actor, list(set(patient_ids)))


def namesakes(actor: Actor, patient_id: UUID) -> set[UUID]:
    """Return the actor's own patients who have the family name of one of them, without opening anybody's identity."""
    own = visible(BlindIndex, actor).filter(organization_id=actor.organization_id, kind=FAMILY)
    alike = own.filter(digest__in=own.filter(patient_id=patient_id).values("digest")).exclude(patient_id=patient_id)
    return set(alike.values_list("patient_id", flat=True))


def destroy_key(patient: Patient) -> None:
    """Erase a patient's identity for good: the key, what it sealed, and the index. The record keeps its opaque id."""
    for table in (PatientKey, SealedIdentity, BlindIndex):
        table.unwalled.filter(patient_id=patient.pk).delete()
    patient.erased_at = timezone.now()
    patient.save(update_fields=["erased_at"])


def _require_capability(actor: Actor) -> None:
    if not actor.can(Capability.READ_IDENTITY):
        raise NotAllowed(f"{actor.persona_title or 'This key'} may not read patients' identities.")


def _opened(actor: Actor, patient_ids: list[UUID]) -> dict[UUID, PatientIdentity]:
    keys = {row.patient_id: row for row in visible(PatientKey, actor).filter(patient_id__in=patient_ids)}
    found = {}
    for row in visible(SealedIdentity, actor).filter(patient_id__in=list(keys)):
        found[row.patient_id] = _unsealed(keys[row.patient_id], row)
    return found


def _unsealed(wrapped: PatientKey, row: SealedIdentity) -> PatientIdentity:
    key = sealing.unwrap(sealing.Sealed(bytes(wrapped.nonce), bytes(wrapped.wrapped)), row.patient_id)
    return _from_bytes(sealing.unseal(key, sealing.Sealed(bytes(row.nonce), bytes(row.ciphertext)), row.pk))


def _store(patient: Patient, identity: PatientIdentity, digests: set[tuple[str, str]]) -> None:
    key, sealed, *index = _sealed_rows(patient.pk, patient.organization_id, identity, digests)
    key.save(force_insert=True)
    sealed.save(force_insert=True)
    BlindIndex.objects.bulk_create(index)


def sealed_rows(patient_id: UUID, organization_id: UUID, identity: PatientIdentity) -> list[Any]:
    """Return, unsaved, the rows in which a patient's identity is sealed: key, identity, blind index."""
    return _sealed_rows(patient_id, organization_id, identity, _digests(organization_id, identity))


def _sealed_rows(
    patient_id: UUID, organization_id: UUID, identity: PatientIdentity, digests: set[tuple[str, str]]
) -> list[Any]:
    key, wrapped = sealing.new_key(patient_id)
    row_id = new_id()
    sealed = sealing.seal(key, _as_bytes(identity), row_id)
    families = family_variants(identity.family_name)
    digests = digests | {(FAMILY, sealing.blind(organization_id, FAMILY, name)) for name in families}
    owned: dict[str, Any] = {"patient_id": patient_id, "organization_id": organization_id}
    return [
        PatientKey(nonce=wrapped.nonce, wrapped=wrapped.ciphertext, **owned),
        SealedIdentity(id=row_id, nonce=sealed.nonce, ciphertext=sealed.ciphertext, **owned),
        *(BlindIndex(kind=kind, digest=value, **owned) for kind, value in sorted(digests)),
    ]


def _as_bytes(identity: PatientIdentity) -> bytes:
    return json.dumps(asdict(identity) | {"birth_date": identity.birth_date.isoformat()}).encode()


def _from_bytes(plain: bytes) -> PatientIdentity:
    fields = json.loads(plain)
    return PatientIdentity(**fields | {"birth_date": dt.date.fromisoformat(fields["birth_date"])})


def _digests(organization_id: UUID, identity: PatientIdentity) -> set[tuple[str, str]]:
    names = name_variants(identity.family_name, identity.given_name, identity.birth_date)
    found = {("name_birth", sealing.blind(organization_id, "name_birth", name)) for name in names}
    return found | {("mrn", sealing.blind(organization_id, "mrn", normal_mrn(identity.mrn)))}


def _is_known(actor: Actor, digests: set[tuple[str, str]]) -> bool:
    values = [value for _, value in digests]
    return visible(BlindIndex, actor).filter(organization_id=actor.organization_id, digest__in=values).exists()


def _one_enrolment_at_a_time(organization_id: UUID) -> None:
    """Two people enrolling one patient at once must not both find nobody."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"custody.enrol:{organization_id}"])


def _cleaned(identity: PatientIdentity) -> PatientIdentity:
    texts = {name: unicodedata.normalize("NFC", str(getattr(identity, name) or "")).strip() for name in LENGTHS}
    faults: dict[str, list[str]] = {name: ["This field is needed."] for name in REQUIRED if not texts[name]}
    for name, text in texts.items():
        if len(text) > LENGTHS[name]:
            faults[name] = [f"At most {LENGTHS[name]} characters."]
        elif any(_is_unseen(character) for character in text):
            faults[name] = ["Control characters and invisible characters are not allowed. Type it anew."]
    if texts["mrn"] and not normal_mrn(texts["mrn"]):
        faults["mrn"] = ["Enter the record number with its letters or digits."]
    fault = _birth_fault(identity.birth_date)
    if fault:
        faults["birth_date"] = [fault]
    if faults:
        raise InvalidInput(fields=faults)
    return PatientIdentity(birth_date=identity.birth_date, **texts)


def _is_unseen(character: str) -> bool:
    """Whether a character makes two texts differ that look alike, or turns the order in which one is read."""
    return unicodedata.category(character) in ("Cc", "Cs", "Cf") and character not in JOINERS


def _birth_fault(birth_date: object) -> str:
    if not isinstance(birth_date, dt.date) or isinstance(birth_date, dt.datetime):
        return "Enter a date."
    tomorrow = timezone.now().date() + dt.timedelta(days=1)  # already tomorrow in the easternmost zones
    if birth_date > tomorrow:
        return "The date of birth lies in the future."
    return "The date of birth is before 1900." if birth_date < OLDEST_BIRTH else ""
