"""What was made of what: acts that turn containers into containers, and the edges between the two."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import F, Q, Value
from django.utils import timezone

from custody.states import ConversionKind
from ledger.models import WalledModel
from ledger.walls import OnStream

K = ConversionKind
MAY_MISS_ML, MAY_MISS_PART = Decimal("0.5"), Decimal("0.02")  # of what goes in: what a syringe and a scale cannot see


def _volume(number: Decimal) -> Value:
    return Value(number, output_field=models.DecimalField(max_digits=10, decimal_places=4))


def _counts() -> Q:
    one, several = Q(count_in=1), Q(count_in__gte=2)
    return (
        Q(kind__in=(K.TRANSFORMED, K.PROCESSED), count_in__gte=1, count_out__gte=1)
        | Q(kind=K.SPLIT, count_out__gte=2) & one
        | Q(kind=K.POOLED, count_out=1) & several
        | Q(kind=K.SAMPLED, count_out__gte=1) & one
        | Q(kind__in=(K.REPLACED, K.REPACKED), count_out=1) & one
    )


def _balance() -> Q:
    out = F("volume_out") + F("volume_left") + F("volume_lost")
    missing = F("volume_in") * _volume(MAY_MISS_PART) + _volume(MAY_MISS_ML)
    return Q(kind__in=(K.TRANSFORMED, K.PROCESSED)) | Q(
        volume_in__isnull=False,
        volume_out__isnull=False,
        volume_in__lte=out + missing,
        volume_in__gte=out - missing,
    )


class Conversion(WalledModel):
    """One act in which containers were made of containers, with its balance of volume and count (CL1, I3).

    In manufacture cells grow in medium: its volumes are told and do not balance. In every other act they do.
    """

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20, choices=ConversionKind.choices)
    count_in = models.PositiveSmallIntegerField()
    count_out = models.PositiveSmallIntegerField()
    volume_in = models.DecimalField(max_digits=9, decimal_places=2, null=True, help_text="mL")
    volume_out = models.DecimalField(max_digits=9, decimal_places=2, null=True, help_text="mL, in what was made")
    volume_left = models.DecimalField(max_digits=9, decimal_places=2, default=0, help_text="mL, stays where it was")
    volume_lost = models.DecimalField(max_digits=9, decimal_places=2, default=0, help_text="mL")
    reason = models.CharField(max_length=300, blank=True, help_text="never patient data")
    happened_at = models.DateTimeField()
    recorded_at = models.DateTimeField(default=timezone.now)
    recorded_by_id = models.UUIDField(null=True, help_text="person")

    wall = OnStream()
    append_only = True

    class Meta(WalledModel.Meta):
        ordering = ["happened_at", "id"]
        constraints = [
            models.CheckConstraint(condition=_counts(), name="custody_conversion_counts"),
            models.CheckConstraint(condition=_balance(), name="custody_conversion_balance"),
            models.CheckConstraint(
                condition=Q(volume_left__gte=0, volume_lost__gte=0) & (Q(kind=K.SAMPLED) | Q(volume_left=0)),
                name="custody_conversion_volumes",
            ),
            models.CheckConstraint(
                condition=~Q(reason="") | (Q(volume_lost=0) & ~Q(kind=K.REPLACED)), name="custody_conversion_reason"
            ),
        ]
        indexes = [models.Index(fields=["stream", "happened_at"], name="custody_conversion_of")]


class Genealogy(WalledModel):
    """``child`` was made from ``parent``, in one act; nothing descends from itself (I3, kept by a trigger)."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    conversion = models.ForeignKey(Conversion, on_delete=models.PROTECT, related_name="edges", null=True)
    parent = models.ForeignKey("custody.Container", on_delete=models.PROTECT, related_name="made_into")
    child = models.ForeignKey("custody.Container", on_delete=models.PROTECT, related_name="made_from")
    kind = models.CharField(max_length=20, default=K.TRANSFORMED, choices=ConversionKind.choices)

    wall = OnStream()
    append_only = True

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["parent", "child"], name="custody_genealogy_once"),
            models.CheckConstraint(condition=~models.Q(parent=models.F("child")), name="custody_genealogy_not_self"),
        ]
