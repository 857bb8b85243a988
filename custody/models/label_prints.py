"""What stood on a printed label, kept with the print for as long as the record is (T33; 30 years, DOMAIN 6.4)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from ledger.models import WalledModel
from ledger.walls import OnStream


class LabelPrint(WalledModel):
    """The content of one print, written with it and never edited; its SHA-256 stands on the record.

    Nothing here identifies anybody: of the patient's lines only the names of the fields are kept, and whoever may
    open the vault sees them filled in from there.
    """

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    label = models.OneToOneField("custody.Label", on_delete=models.PROTECT, related_name="kept")
    content = models.JSONField(help_text="see custody.label_prints.as_data")
    patient_fields = ArrayField(
        models.CharField(max_length=20), default=list, blank=True, help_text="fields of the patient that stood on it"
    )
    digest = models.CharField(max_length=64, help_text="SHA-256 of content and patient fields")

    wall = OnStream()
    append_only = True

    def __str__(self) -> str:
        return self.digest
