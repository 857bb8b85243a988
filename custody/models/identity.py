"""The chain of identity: the identifier that ties one patient to all material of one therapy event."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from custody.states import OPEN_IDENTITY_STATES, IdentityState
from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import OnStream, Outside


class ChainOfIdentity(WalledModel):
    """A CoI identifier on an order. Everybody but the patient's center works on its code alone."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    patient_id = models.UUIDField(help_text="opaque id in the center's vault")
    code = models.CharField(max_length=32, unique=True, help_text="without its check character")
    scheme = models.CharField(max_length=32)
    state = models.CharField(max_length=16, choices=IdentityState.choices, default=IdentityState.ISSUED)
    issuer = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    manufacturer = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    issued_by_id = models.UUIDField(null=True, help_text="person")
    issued_at = models.DateTimeField(default=timezone.now)
    activated_by_id = models.UUIDField(null=True, blank=True, help_text="person; never the one who issued")
    activated_at = models.DateTimeField(null=True, blank=True)
    query_reason = models.TextField(blank=True, help_text="why it is under query; never patient data")

    wall = OnStream()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["stream"],
                condition=models.Q(state__in=[str(state) for state in OPEN_IDENTITY_STATES]),
                name="custody_one_open_identity",  # I1
            ),
            models.CheckConstraint(
                condition=~models.Q(activated_by_id=models.F("issued_by_id")), name="custody_identity_two_people"
            ),
        ]
        indexes = [
            models.Index(
                fields=["stream"],
                condition=models.Q(state=str(IdentityState.UNDER_QUERY)),
                name="custody_identity_under_query",  # quality's desk: those few among all
            )
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def state_label(self) -> str:
        return IdentityState(self.state).label


class FacilityCounter(WalledModel):
    """The last sequence number given out under a facility number in a year. It only counts up."""

    facility = models.CharField(max_length=5)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    wall = Outside("one counter serves every organization that issues under the facility number; holds numbers only")

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["facility", "year"], name="custody_counter_once")]
