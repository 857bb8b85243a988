from __future__ import annotations

from django.db import models
from django.db.models import Q

from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import OnStream, Outside
from scheduling.models.capacity import Slot
from scheduling.states import LIVE, ChainState, ChangeReason, LinkKind


class SlotChain(WalledModel):
    """The linked places of one order, from the chair to the tentative return. At most one is live per stream.

    A change of dates is a new chain that ``replaces`` the former; while it is proposed, both keep their places.

    ``organization`` is the treatment center that holds it; ``manufacturer`` is asked to confirm it.
    """

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    organization_id = models.UUIDField()
    manufacturer_id = models.UUIDField(null=True)
    therapy_id = models.UUIDField()
    state = models.CharField(max_length=12, choices=ChainState.choices, default=ChainState.HELD)
    held_until = models.DateTimeField()
    renewals = models.PositiveSmallIntegerField(default=0)
    requested_at = models.DateTimeField(null=True)
    answered_by = models.UUIDField(null=True, help_text="person or key")
    answered_by_name = models.CharField(max_length=200, blank=True)
    answered_at = models.DateTimeField(null=True)
    decline_reason = models.TextField(blank=True)
    proposed_date = models.DateField(null=True, help_text="collection date at the center that would fit instead")
    free_reason = models.TextField(blank=True)
    replaces = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")
    proposed_by = models.UUIDField(null=True, help_text="organization that proposed the change; the other one answers")
    change_code = models.CharField(max_length=24, choices=ChangeReason.choices, blank=True)
    change_reason = models.TextField(blank=True, help_text="why its dates took the place of others; no names")
    ended_at = models.DateTimeField(null=True, help_text="declined, expired, freed or replaced")
    collection_starts_at = models.DateTimeField()
    collection_ends_at = models.DateTimeField()
    pickup_at = models.DateTimeField()
    arrival_at = models.DateTimeField()
    manufacture_starts_at = models.DateTimeField()
    tentative_return_at = models.DateTimeField()
    earliest_infusion_at = models.DateTimeField()

    wall = OnStream()
    at_hand: list[ChainLink] | None = None  # of a chain that this act has just written
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["stream"], condition=Q(state__in=[s.value for s in LIVE]), name="scheduling_chain_one_live"
            ),
            models.UniqueConstraint(
                fields=["stream"],
                condition=Q(state=ChainState.PROPOSED.value),
                name="scheduling_chain_one_proposed",
            ),
        ]
        indexes = [
            models.Index(
                fields=["manufacturer_id", "requested_at"],
                condition=Q(state=ChainState.REQUESTED.value),
                name="scheduling_chain_waiting",
            ),
        ]

    @property
    def is_live(self) -> bool:
        return self.state in LIVE


class ChainLink(WalledModel):
    """One place of a slot chain. Names and zone stand as they were: not every party knows every other's register."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    chain = models.ForeignKey(SlotChain, on_delete=models.PROTECT, related_name="links", db_index=False)
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=24, choices=LinkKind.choices)
    organization_id = models.UUIDField(help_text="whose place it is")
    site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+", null=True, db_index=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    zone = models.CharField(max_length=64)
    place_name = models.CharField(max_length=200)
    resource_name = models.CharField(max_length=120)

    wall = OnStream()
    history = track()
    append_only = True

    class Meta(WalledModel.Meta):
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["chain", "position"], name="scheduling_link_once")]


class HoldDue(WalledModel):
    """When a slot hold ends: read by the sweep, which then acts inside the organization."""

    organization_id = models.UUIDField()
    stream_id = models.UUIDField()
    chain_id = models.UUIDField(unique=True)
    due_at = models.DateTimeField()

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")
    deletable = True

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["due_at"], name="scheduling_hold_due")]
