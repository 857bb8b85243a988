"""The patient vault: identifying data sealed under a key of its own per patient, in rows that may be deleted."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import OwnedBy


class Patient(WalledModel):
    """A patient of one treatment center, by opaque id. Holds nothing that identifies."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+")
    synthetic = models.BooleanField(default=False)
    enrolled_at = models.DateTimeField(default=timezone.now)
    erased_at = models.DateTimeField(null=True, blank=True, help_text="when the patient's key was destroyed")

    wall = OwnedBy()
    history = track()


class PatientKey(WalledModel):
    """A patient's data key, wrapped by the key-encryption key. Deleting it erases the patient's identity."""

    patient = models.OneToOneField(Patient, on_delete=models.PROTECT, related_name="+")
    organization_id = models.UUIDField()
    nonce = models.BinaryField()
    wrapped = models.BinaryField(help_text="AES-256-GCM under the master key; the patient's id is bound in")

    wall = OwnedBy()
    deletable = True


class SealedIdentity(WalledModel):
    """A patient's identifying data, AES-256-GCM under the patient's key; the row's id is bound in."""

    patient = models.OneToOneField(Patient, on_delete=models.PROTECT, related_name="+")
    organization_id = models.UUIDField()
    nonce = models.BinaryField()
    ciphertext = models.BinaryField()

    wall = OwnedBy()
    deletable = True


class BlindIndex(WalledModel):
    """A keyed digest by which a center finds its own patient again without the name being readable."""

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="+")
    organization_id = models.UUIDField()
    kind = models.CharField(max_length=16, help_text="mrn | name_birth | family")
    digest = models.CharField(max_length=64, help_text="HMAC-SHA-256 under a key derived per organization")

    wall = OwnedBy()
    deletable = True

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["patient", "kind", "digest"], name="custody_blind_index_once"),
        ]
        indexes = [models.Index(fields=["organization_id", "kind", "digest"], name="custody_blind_index_find")]
