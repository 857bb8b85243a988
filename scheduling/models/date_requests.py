from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.db.models import F, Q

from ledger.context import Actor
from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import ME, OnStream, Outside, Wall
from scheduling.models.chains import SlotChain
from scheduling.states import DateRequestState, PriorityClass


class DateRequest(WalledModel):
    """A day of collection that a center wishes where nothing is published yet, and the days that would do (F24).

    It keeps no place. At most one is open per order; the manufacturer answers it until ``due_at``. See ADR 18.
    """

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    organization_id = models.UUIDField(help_text="the treatment center")
    manufacturer_id = models.UUIDField()
    therapy_id = models.UUIDField()
    wished_on = models.DateField(help_text="local date at the center, as the two that follow")
    first_date = models.DateField()
    last_date = models.DateField()
    remark = models.CharField(max_length=300, blank=True)
    priority = models.CharField(
        max_length=16,
        choices=PriorityClass.choices,
        blank=True,
        default="",
        help_text="the center's class for the therapy when it asked: whose reserved chairs may be taken",
    )
    state = models.CharField(max_length=12, choices=DateRequestState.choices, default=DateRequestState.OPEN)
    requested_at = models.DateTimeField()
    requested_by = models.UUIDField(null=True, help_text="person or key")
    requested_by_name = models.CharField(max_length=200)
    due_at = models.DateTimeField()
    answered_by = models.UUIDField(null=True, help_text="person or key")
    answered_by_name = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True, help_text="why it was declined or given up")
    proposed_date = models.DateField(null=True, help_text="collection date at the center that would fit instead")
    chain = models.ForeignKey(SlotChain, on_delete=models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    wall = OnStream()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["stream"], condition=Q(state=DateRequestState.OPEN.value), name="scheduling_date_request_one"
            ),
            models.CheckConstraint(
                condition=Q(first_date__lte=F("wished_on"), last_date__gte=F("wished_on")),
                name="scheduling_date_request_window",
            ),
        ]
        indexes = [
            models.Index(
                fields=["manufacturer_id", "due_at"],
                condition=Q(state=DateRequestState.OPEN.value),
                name="scheduling_date_request_due",
            ),
        ]


@dataclass(frozen=True)
class PlantsThatMay(Wall):
    """Rows of a center that the manufacturer sees, and every plant licensed now to make the therapy for the country."""

    def read_sql(self, table: str) -> str:
        licensed = f"p.active and p.therapy_id = {table}.therapy_id and p.organization_id = {ME}"
        market = f"(p.markets = '{{}}' or {table}.country = any(p.markets))"
        plant = f"exists (select 1 from network_therapyplant p where {licensed} and {market})"  # noqa: S608 - no input
        return f"({table}.organization_id = {ME} or {table}.manufacturer_id = {ME} or {plant})"

    def belt(self, actor: Actor) -> Q:
        from network.queries import may_make

        mine = Q(organization_id=actor.organization_id) | Q(manufacturer_id=actor.organization_id)
        return mine | Q(may_make(actor.organization_id))


class RequestedDays(WalledModel):
    """The days that a request wishes, for plants that may make the therapy: which one is not chosen yet (ADR 18).

    No order, no patient, no center, no words: a plant reads for which client days are wished, and until when.
    """

    request_id = models.UUIDField(unique=True)
    organization_id = models.UUIDField(help_text="the treatment center")
    manufacturer_id = models.UUIDField()
    therapy_id = models.UUIDField()
    country = models.CharField(max_length=2, help_text="of the center")
    wished_on = models.DateField()
    first_date = models.DateField()
    last_date = models.DateField()
    due_at = models.DateTimeField(help_text="until when the manufacturer answers")
    ended_at = models.DateTimeField(null=True)

    wall = PlantsThatMay()
    history = track()

    class Meta(WalledModel.Meta):
        indexes = [
            models.Index(
                fields=["therapy_id", "due_at"], condition=Q(ended_at__isnull=True), name="scheduling_requested_days"
            )
        ]


class DateRequestDue(WalledModel):
    """When somebody is told that a request is not answered: read by the sweep, which then acts for the center."""

    organization_id = models.UUIDField()
    stream_id = models.UUIDField()
    request_id = models.UUIDField(unique=True)
    level = models.PositiveSmallIntegerField(default=0, help_text="who was told already")
    due_at = models.DateTimeField()

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")
    deletable = True

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["due_at"], name="scheduling_date_request_tell")]


class PlantToTell(WalledModel):
    """A contract manufacturer that is to hear of requested days: read by the sweep, which then acts inside it."""

    organization_id = models.UUIDField(help_text="whose plant may make the therapy")
    request_id = models.UUIDField()
    due_at = models.DateTimeField()

    wall = Outside("due-table: ids and times only; the sweep acts inside the organization, in its own sight")
    deletable = True

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization_id", "request_id"], name="scheduling_plant_told_once")
        ]
