"""A treatment center's waiting list: criteria, scores, the committee's order, and the places offered along it.

All of it is the center's alone. A manufacturer is a party of an order's stream and sees none of these rows.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import Outside, OwnedBy
from scheduling.states import (
    CriteriaState,
    DecisionState,
    EntryState,
    OfferMode,
    PlaceState,
    WaitingOfferState,
)


class CriteriaSet(WalledModel):
    """One version of the criteria by which a center ranks those who wait for a therapy; published by a second person.

    ``criteria``: list of ``{key, title, kind, weight, most}``; an entry gets 0 to ``most`` points for each, a criterion
    of kind ``waiting_time`` gets them by itself (all of them after ``ageing_days``).
    """

    organization_id = models.UUIDField()
    therapy_id = models.UUIDField()
    version = models.PositiveIntegerField()
    title = models.CharField(max_length=120)
    criteria = models.JSONField()
    ageing_days = models.PositiveSmallIntegerField(help_text="waiting as long, nobody is passed over without a reason")
    signers = models.PositiveSmallIntegerField(default=2, help_text="members who sign a decision")
    offer_mode = models.CharField(max_length=12, choices=OfferMode.choices, default=OfferMode.SEQUENTIAL)
    offer_hours = models.PositiveSmallIntegerField(default=24)
    parallel = models.PositiveSmallIntegerField(default=1, help_text="how many are asked at once about one place")
    effective_from = models.DateField()
    state = models.CharField(max_length=12, choices=CriteriaState.choices, default=CriteriaState.DRAFT)
    written_by_id = models.UUIDField(null=True)
    written_by_name = models.CharField(max_length=200)
    published_by_id = models.UUIDField(null=True)
    published_by_name = models.CharField(max_length=200, blank=True)
    published_at = models.DateTimeField(null=True)

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization_id", "therapy_id", "version"], name="scheduling_criteria_once"
            )
        ]


class WaitingEntry(WalledModel):
    """An order that waits for a place. ``placed_at``: when dates were last held for it."""

    organization_id = models.UUIDField()
    stream_id = models.UUIDField()
    order_code = models.CharField(max_length=32)
    therapy_id = models.UUIDField()
    site_id = models.UUIDField()
    added_at = models.DateTimeField(default=timezone.now)
    added_by_name = models.CharField(max_length=200)
    earliest = models.DateField(null=True, help_text="no collection before this day")
    state = models.CharField(max_length=12, choices=EntryState.choices, default=EntryState.WAITING)
    placed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.TextField(blank=True)

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["stream_id"], condition=Q(state=EntryState.WAITING.value), name="scheduling_waits_once"
            )
        ]
        indexes = [models.Index(fields=["organization_id", "therapy_id", "state"], name="scheduling_waiting")]

    def waited_days(self, now: object = None) -> int:
        """Return the whole days since it was added, until it ended."""
        until = self.ended_at or now or timezone.now()
        return max(0, (until - self.added_at).days)  # type: ignore[operator]


class WaitingScore(WalledModel):
    """What an entry was given for each criterion, by whom; never changed: a later one takes its place."""

    organization_id = models.UUIDField()
    entry = models.ForeignKey(WaitingEntry, on_delete=models.PROTECT, related_name="scores")
    criteria = models.ForeignKey(CriteriaSet, on_delete=models.PROTECT, related_name="+")
    points = models.JSONField(help_text="points by key of the criterion")
    made_by_id = models.UUIDField(null=True)
    made_by_name = models.CharField(max_length=200)
    made_at = models.DateTimeField(default=timezone.now)

    wall = OwnedBy()
    history = track()
    append_only = True


class RankDecision(WalledModel):
    """An order of those who wait, decided and signed by the committee. At most one is in force per therapy."""

    organization_id = models.UUIDField()
    therapy_id = models.UUIDField()
    criteria = models.ForeignKey(CriteriaSet, on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=DecisionState.choices, default=DecisionState.IN_FORCE)
    decided_at = models.DateTimeField(default=timezone.now)
    members = ArrayField(models.CharField(max_length=200))
    content_hash = models.CharField(max_length=64, help_text="of what was signed")
    decided_in = models.UUIDField(help_text="the signed event")
    ended_at = models.DateTimeField(null=True)

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization_id", "therapy_id", "number"], name="scheduling_decision_once"
            ),
            models.UniqueConstraint(
                fields=["organization_id", "therapy_id"],
                condition=Q(state=DecisionState.IN_FORCE.value),
                name="scheduling_decision_in_force",
            ),
        ]


class RankedEntry(WalledModel):
    """One entry's place in a decision, with every component as it was, and why it stands elsewhere than computed."""

    organization_id = models.UUIDField()
    decision = models.ForeignKey(RankDecision, on_delete=models.PROTECT, related_name="ranks")
    entry = models.ForeignKey(WaitingEntry, on_delete=models.PROTECT, related_name="ranks")
    rank = models.PositiveIntegerField()
    computed_rank = models.PositiveIntegerField()
    points = models.JSONField()
    total = models.FloatField()
    waited_days = models.PositiveIntegerField()
    reason = models.TextField(blank=True)

    wall = OwnedBy()
    history = track()
    append_only = True

    class Meta(WalledModel.Meta):
        ordering = ["rank"]
        constraints = [
            models.UniqueConstraint(fields=["decision", "rank"], name="scheduling_rank_once"),
            models.UniqueConstraint(fields=["decision", "entry"], name="scheduling_ranked_once"),
        ]


class RankAppeal(WalledModel):
    """An objection to a decision: it reopens it, and the next decision answers it."""

    organization_id = models.UUIDField()
    decision = models.ForeignKey(RankDecision, on_delete=models.PROTECT, related_name="appeals")
    entry = models.ForeignKey(WaitingEntry, on_delete=models.PROTECT, related_name="appeals")
    reason = models.TextField()
    filed_by_name = models.CharField(max_length=200)
    filed_at = models.DateTimeField(default=timezone.now)
    answered_by = models.ForeignKey(RankDecision, on_delete=models.PROTECT, related_name="+", null=True)
    answer = models.TextField(blank=True)

    wall = OwnedBy()
    history = track()


class OfferedPlace(WalledModel):
    """A feasible slot chain whose places are taken while those who wait are asked, until ``until``.

    ``offer`` is the search's answer as it was (times UTC), with its token.
    """

    organization_id = models.UUIDField()
    therapy_id = models.UUIDField()
    slot_ids = ArrayField(models.UUIDField())
    offer = models.JSONField()
    until = models.DateTimeField()
    state = models.CharField(max_length=12, choices=PlaceState.choices, default=PlaceState.OPEN)
    made_at = models.DateTimeField(default=timezone.now)

    wall = OwnedBy()
    history = track()


class WaitingOffer(WalledModel):
    """One entry asked about one place: accepted, refused with a reason, expired, lost to another, or booked."""

    organization_id = models.UUIDField()
    place = models.ForeignKey(OfferedPlace, on_delete=models.PROTECT, related_name="asked")
    entry = models.ForeignKey(WaitingEntry, on_delete=models.PROTECT, related_name="offers")
    decision = models.ForeignKey(RankDecision, on_delete=models.PROTECT, related_name="+")
    rank = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=WaitingOfferState.choices, default=WaitingOfferState.OPEN)
    reason = models.TextField(blank=True)
    answered_by_name = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField(null=True)

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["entry"],
                condition=Q(state__in=[WaitingOfferState.OPEN.value, WaitingOfferState.ACCEPTED.value]),
                name="scheduling_offer_one_live",
            )
        ]


class OpenList(WalledModel):
    """A center has a waiting list for a therapy: the sweep asks the one first that was offered nothing the longest."""

    organization_id = models.UUIDField()
    therapy_id = models.UUIDField()
    offered_at = models.DateTimeField(null=True)

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["organization_id", "therapy_id"], name="scheduling_open_list_once")
        ]


class FreedPlace(WalledModel):
    """Places may have become free for a therapy (None: for any): waiting lists are looked at, then the row goes."""

    therapy_id = models.UUIDField(null=True)
    noted_at = models.DateTimeField(default=timezone.now)

    wall = Outside("due-table: ids and times only; written by whoever frees a place, read by the sweep")
    deletable = True


class PlaceDue(WalledModel):
    """When an offered place is given back or goes to the next: read by the sweep."""

    organization_id = models.UUIDField()
    place_id = models.UUIDField(unique=True)
    due_at = models.DateTimeField()

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")
    deletable = True

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["due_at"], name="scheduling_place_due")]
