"""Containers, their descent, and the units a manufacturer has in stock."""

from __future__ import annotations

from django.db import models

from custody.states import LYING, TERMINAL_STATES, VESSELS, ContainerKind, ContainerState, StockState, Vessel
from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import OnStream, OwnedBy


class StockUnit(WalledModel):
    """A ready unit in a manufacturer's stock, sold to nobody yet. Its lot and serial are unique per manufacturer."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    therapy_id = models.UUIDField()
    lot = models.CharField(max_length=40)
    serial = models.CharField(max_length=40)
    expires_at = models.DateTimeField()
    storage_location = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=12, choices=StockState.choices, default=StockState.AVAILABLE)
    synthetic = models.BooleanField(default=False)

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization", "lot", "serial"], name="custody_stock_unit_once"),
        ]
        indexes = [models.Index(fields=["organization", "therapy_id", "state", "expires_at"], name="custody_stock")]

    def __str__(self) -> str:
        return f"{self.lot}/{self.serial}"


def _fitting_vessels() -> models.Q:
    """A vessel holds what it is made for; of containers made elsewhere it may be unknown."""
    fitting = models.Q(vessel="")
    for kind, vessels in VESSELS.items():
        fitting |= models.Q(kind=kind, vessel__in=vessels)
    return fitting


class Container(WalledModel):
    """A bag, vial or kit of an order: k of n of its kind, in one state, with one custodian at any instant."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+", db_index=False)
    coi = models.ForeignKey(
        "custody.ChainOfIdentity", on_delete=models.PROTECT, related_name="containers", null=True, db_index=False
    )
    code = models.CharField(max_length=40, unique=True, help_text="as printed and scanned, with its check character")
    kind = models.CharField(max_length=20, choices=ContainerKind.choices)
    vessel = models.CharField(max_length=16, choices=Vessel.choices, blank=True, help_text="what it physically is")
    position = models.PositiveSmallIntegerField(help_text="over all batches and collections; part of the code")
    count = models.PositiveSmallIntegerField(help_text="how many there were when it was planned")
    number = models.PositiveSmallIntegerField(null=True, help_text="k of n, within its batch or collection")
    total = models.PositiveSmallIntegerField(null=True, help_text="n of its batch or collection")
    state = models.CharField(max_length=16, choices=ContainerState.choices, default=ContainerState.PLANNED)
    custodian = models.ForeignKey(
        "personas.Organization", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    custodian_site = models.ForeignKey(
        "personas.Site", on_delete=models.PROTECT, related_name="+", db_index=False, null=True, blank=True
    )
    volume_ml = models.DecimalField(max_digits=8, decimal_places=2, null=True, blank=True)
    collected_at = models.DateTimeField(null=True, blank=True, help_text="start of collection or filling")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="end of collection: starts the age clock")
    expires_at = models.DateTimeField(null=True, blank=True)
    thawed_at = models.DateTimeField(null=True, blank=True)
    matched_at = models.DateTimeField(null=True, blank=True, help_text="when two people matched it to the patient")
    storage_location = models.CharField(max_length=120, blank=True)
    store_unit = models.ForeignKey(
        "custody.StoreUnit", on_delete=models.PROTECT, related_name="+", null=True, blank=True
    )
    rack = models.PositiveSmallIntegerField(null=True, blank=True)
    place = models.PositiveSmallIntegerField(null=True, blank=True)
    donation_number = models.CharField(max_length=13, blank=True, help_text="DIN, where the site gives one")
    lot = models.CharField(max_length=40, blank=True)
    serial = models.CharField(max_length=40, blank=True)
    stock_unit = models.OneToOneField(StockUnit, on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    quarantine_reason = models.TextField(blank=True, help_text="never patient data")
    quarantined_at = models.DateTimeField(null=True, blank=True)
    state_before_quarantine = models.CharField(max_length=16, blank=True)

    wall = OnStream()
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["kind", "position"]
        constraints = [
            models.UniqueConstraint(fields=["coi", "kind", "position"], name="custody_container_once"),
            models.CheckConstraint(
                condition=models.Q(position__gte=1) & models.Q(position__lte=models.F("count")),
                name="custody_container_k_of_n",
            ),
            models.CheckConstraint(
                condition=models.Q(number__isnull=True)
                | models.Q(number__gte=1) & models.Q(number__lte=models.F("total")),
                name="custody_container_number",
            ),
            models.CheckConstraint(
                condition=models.Q(volume_ml__isnull=True) | models.Q(volume_ml__gt=0),
                name="custody_container_volume",
            ),
            models.CheckConstraint(condition=models.Q(state__in=ContainerState.values), name="custody_container_state"),
            models.CheckConstraint(condition=_fitting_vessels(), name="custody_container_vessel"),
            models.CheckConstraint(
                condition=~models.Q(state="quarantined") | ~models.Q(quarantine_reason=""),
                name="custody_quarantine_reason",
            ),
            models.UniqueConstraint(
                fields=["store_unit", "rack", "place"],
                condition=models.Q(store_unit__isnull=False),
                name="custody_container_place",
            ),
            models.CheckConstraint(
                condition=models.Q(store_unit__isnull=True, rack__isnull=True, place__isnull=True)
                | models.Q(store_unit__isnull=False, rack__isnull=False, place__isnull=False, state__in=LYING),
                name="custody_container_lies",
            ),
        ]
        indexes = [
            models.Index(fields=["stream", "kind", "position"], name="custody_container_of"),
            models.Index(
                fields=["quarantined_at"], condition=models.Q(state="quarantined"), name="custody_container_held"
            ),
            models.Index(
                fields=["donation_number"], condition=~models.Q(donation_number=""), name="custody_container_din"
            ),
            models.Index(fields=["lot"], condition=~models.Q(lot=""), name="custody_container_lot"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def short_code(self) -> str:
        """Return the code without the chain of identity, where that stands beside it: ``SM01-K``."""
        return self.code.partition("-")[2] or self.code

    @property
    def k_of_n(self) -> str:
        """Return its number within its batch; bags from before that was counted keep their place in the order."""
        return f"{self.number or self.position} of {self.total or self.count}"

    @property
    def state_label(self) -> str:
        return ContainerState(self.state).label

    @property
    def kind_label(self) -> str:
        """Return what it is, as exactly as it is known: ``Leukopak``, or ``Starting material``."""
        return Vessel(self.vessel).label if self.vessel else ContainerKind(self.kind).label

    @property
    def is_terminal(self) -> bool:
        return ContainerState(self.state) in TERMINAL_STATES

    @property
    def is_quarantined(self) -> bool:
        return self.state == ContainerState.QUARANTINED
