"""EPCIS: what partners sent, which acts it became, and which ids were given out."""

from __future__ import annotations

from django.db import models

from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import Outside, OwnedBy
from orders.states import CaptureBehavior, CapturedAct


class EpcisEventId(WalledModel):
    """Which event of the record an EPCIS event id was given out for: a hash of what it says leads to nothing itself."""

    event_id = models.CharField(max_length=200)
    source_id = models.UUIDField(help_text="event of the record; read through its own wall")

    wall = Outside("hashes and ids only; what they lead to is read through the event's own wall")

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["event_id", "source_id"], name="orders_epcis_id_once")]


class EpcisCapture(WalledModel):
    """A document of EPCIS events that a partner's system sent, and what became of each (EPCIS 2.0, capture job)."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    behavior = models.CharField(max_length=8, choices=CaptureBehavior.choices)
    event_count = models.PositiveIntegerField()
    received_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    done = models.JSONField(default=list, help_text="event number, order and act of each that is on the record")
    errors = models.JSONField(default=list, help_text="the problem of each that was refused, with its event number")

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["organization", "id"], name="orders_epcis_capture")]


class EpcisAct(WalledModel):
    """An EPCIS event of a partner that became an act: what it was called, what it said, where it stands on the record.

    By it a partner's error declaration finds what it is about; at most one declaration stands against an act.
    """

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=160, blank=True, help_text="eventID as it was sent; empty without one")
    content = models.CharField(max_length=64, help_text="hash of what it said, credentials and declaration left out")
    act = models.CharField(max_length=20, choices=CapturedAct.choices)
    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    source_id = models.UUIDField(help_text="event of the record that it became")
    captured_at = models.DateTimeField()
    declared_wrong_as = models.UUIDField(null=True, help_text="event of the record that declares it wrong")
    declaration = models.CharField(max_length=64, blank=True, help_text="hash of the error declaration")

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], condition=~models.Q(name=""), name="orders_epcis_act_once"
            ),
            models.UniqueConstraint(fields=["organization", "source_id"], name="orders_epcis_act_source"),
        ]
