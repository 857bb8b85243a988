"""EPCIS: what partners ask for again and again, and how far each was told."""

from __future__ import annotations

from django.db import models

from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import Outside, OwnedBy


class EpcisQuery(WalledModel):
    """A query of an organization's systems under a name: its parameters as they were sent (EPCIS 2.0, named query)."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=60)
    parameters = models.JSONField()
    kept_at = models.DateTimeField()
    dropped_at = models.DateTimeField(null=True)

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"],
                condition=models.Q(dropped_at__isnull=True),
                name="orders_epcis_query_once",
            )
        ]


class EpcisSubscription(WalledModel):
    """A named query whose new answers are posted to an address of the organization's own (EPCIS 2.0, subscription)."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    query = models.ForeignKey(EpcisQuery, on_delete=models.PROTECT, related_name="subscriptions")
    dest = models.CharField(max_length=500)
    schedule = models.JSONField(default=dict, help_text="as it was sent; empty: as events come (stream)")
    report_if_empty = models.BooleanField(default=False)
    sealed = models.BinaryField(help_text="signature token, under the master key")
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    wall = OwnedBy()
    history = track()
    untracked_columns = ("sealed",)

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["organization", "query"], name="orders_epcis_subscriptions")]


class EpcisFeed(WalledModel):
    """How far a subscription is: what is due is read by the sweep, which then acts inside the organization."""

    organization_id = models.UUIDField()
    subscription_id = models.UUIDField(unique=True)
    due_at = models.DateTimeField()
    position = models.DateTimeField(help_text="record time up to which all was told")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="failed ones since the last success")
    told_at = models.DateTimeField(null=True, help_text="last success")
    dead_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=120, blank=True)

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")

    class Meta(WalledModel.Meta):
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(dead_at__isnull=True), name="orders_epcis_feed_due")
        ]


class EpcisTold(WalledModel):
    """An event of the record that a subscription has looked at: kept while events of its time may still come late."""

    feed = models.ForeignKey(EpcisFeed, on_delete=models.PROTECT, related_name="told")
    source_id = models.UUIDField()
    recorded_at = models.DateTimeField()

    wall = Outside("ids and times only; read by the sweep of its subscription")
    deletable = True

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["feed", "source_id"], name="orders_epcis_told_once")]
