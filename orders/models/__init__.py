from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import KnownTo, OnStream, Outside, OwnedBy, Parties
from orders.models.epcis import EpcisAct, EpcisCapture, EpcisEventId
from orders.models.subscriptions import EpcisFeed, EpcisQuery, EpcisSubscription, EpcisTold
from orders.states import (
    OPEN_STEP_STATES,
    PHASE_LABELS,
    FlowState,
    InfectiousTests,
    OfflineAct,
    OfflineState,
    OrderState,
    StepState,
    SwapState,
)

__all__ = [
    "ConditionDue",
    "DowntimePack",
    "EpcisAct",
    "EpcisCapture",
    "EpcisEventId",
    "EpcisFeed",
    "EpcisQuery",
    "EpcisSubscription",
    "EpcisTold",
    "Flow",
    "FlowStep",
    "OfflineEntry",
    "Order",
    "OrderStep",
    "PaperTranscript",
    "SealedPaper",
    "SlotSwap",
    "StepDue",
    "WayPointDue",
]


class Flow(WalledModel):
    """A therapy's versioned process. Orders keep the version they started with."""

    therapy = models.ForeignKey("network.Therapy", on_delete=models.PROTECT, related_name="flows")
    manufacturer = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    name = models.SlugField(max_length=64)
    title = models.CharField(max_length=200)
    version = models.PositiveIntegerField()
    state = models.CharField(max_length=12, choices=FlowState.choices, default=FlowState.DRAFT)
    proposed_by_id = models.UUIDField(null=True, help_text="person")
    approved_by_id = models.UUIDField(null=True, help_text="person; never the one who proposed")
    approved_at = models.DateTimeField(null=True)

    wall = KnownTo("manufacturer_id")
    history = track()
    in_directory = True

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["therapy", "version"], name="orders_flow_version_once"),
            models.UniqueConstraint(fields=["therapy"], condition=models.Q(state="live"), name="orders_flow_one_live"),
            models.CheckConstraint(
                condition=~models.Q(approved_by_id=models.F("proposed_by_id")), name="orders_flow_two_people"
            ),
        ]


class FlowStep(WalledModel):
    """One step of a flow version: which kind, whose, after what, within which limits, with how many signatures."""

    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="steps")
    manufacturer = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    key = models.SlugField(max_length=64)
    kind = models.CharField(max_length=64)
    title = models.CharField(max_length=120)
    actor = models.CharField(max_length=24)
    capability = models.CharField(max_length=64)
    phase = models.CharField(max_length=24)
    after = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    condition = models.JSONField(default=list, blank=True, help_text="[[fact, operator, value], …], all true")
    sooner = models.JSONField(
        default=dict, blank=True, help_text='{"after": [keys], "condition": […]}: ready earlier where it holds'
    )
    may_repeat = models.BooleanField(default=False)
    due = models.JSONField(default=dict, blank=True, help_text='{"step" or "plan": name, "hours": n}')
    planned = models.CharField(max_length=32, blank=True, help_text="name of a time in the order's plan")
    signatures = models.PositiveSmallIntegerField(default=0)
    market_signatures = models.JSONField(default=dict, blank=True, help_text="country code -> more than elsewhere")
    meaning = models.CharField(max_length=64, blank=True)
    parameters = models.JSONField(default=dict, blank=True)

    wall = KnownTo("manufacturer_id")
    history = track()
    in_directory = True

    class Meta(WalledModel.Meta):
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["flow", "key"], name="orders_flow_step_once"),
            models.CheckConstraint(condition=models.Q(signatures__lte=5), name="orders_flow_step_signatures"),
        ]

    def signatures_in(self, country: str) -> int:
        """Return how many people sign in a market: never fewer than elsewhere."""
        return max(self.signatures, self.market_signatures.get(country, 0))


class Order(WalledModel):
    """One therapy for one patient, from prescription to infusion: the shared record's subject."""

    stream = models.OneToOneField("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    party_ids = ArrayField(models.UUIDField(), default=list)
    code = models.CharField(max_length=16, unique=True)
    therapy = models.ForeignKey("network.Therapy", on_delete=models.PROTECT, related_name="+")
    specification = models.ForeignKey(
        "network.Specification", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="orders", db_index=False)
    center = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+", db_index=False)
    center_site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+", db_index=False)
    manufacturer = models.ForeignKey(
        "personas.Organization", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    plant_site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+", null=True)
    patient_id = models.UUIDField(help_text="the center's patient; the identity stays in its vault")
    identity_code = models.CharField(max_length=32, help_text="chain-of-identity identifier")
    state = models.CharField(max_length=12, choices=OrderState.choices, default=OrderState.OPEN)
    phase = models.CharField(max_length=24, default="enrolment")
    on_hold = models.BooleanField(default=False)
    hold_reason = models.TextField(blank=True)
    end_reason = models.TextField(blank=True)
    plan = models.JSONField(default=dict, help_text="name -> ISO time of the slot chain")
    enrolled_by_id = models.UUIDField(null=True, help_text="person")
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True)
    synthetic = models.BooleanField(default=False)
    infectious_tests = models.CharField(max_length=8, choices=InfectiousTests.choices, blank=True, help_text="donor's")
    version = models.PositiveIntegerField(default=1)

    wall = Parties()
    untracked_columns = ("party_ids",)  # a copy of the parties, which have a history of their own
    history = track()
    to_write: frozenset[str] = frozenset()  # set by this act, written with the next phase
    steps_at_hand: Any = None  # as this act has read or written them; see ``attempts.latest_attempts``
    chain_at_hand: Any = None  # the slot chain that this act has written; see ``bookings.hold``
    query_at_hand: Any = None  # what stops its identity, as this act or page has read it; see ``flow``

    class Meta(WalledModel.Meta):
        indexes = [
            models.Index(fields=["center", "state", "-opened_at"], name="orders_of_center"),
            models.Index(fields=["manufacturer", "state", "-opened_at"], name="orders_of_manufacturer"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def market(self) -> tuple[Any, str]:
        """Therapy and country of its center: what labels, disclosure and licenses depend on."""
        return self.therapy_id, self.center_site.country

    @property
    def phase_label(self) -> str:
        return PHASE_LABELS.get(self.phase, self.phase)


class OrderStep(WalledModel):
    """A flow step of an order, one row per attempt; a repeat is a new attempt, never an overwrite."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    party_ids = ArrayField(models.UUIDField(), default=list)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="steps", db_index=False)
    flow_step = models.ForeignKey(FlowStep, on_delete=models.PROTECT, related_name="+", db_index=False)
    key = models.SlugField(max_length=64, db_index=False)
    attempt = models.PositiveSmallIntegerField(default=1)
    position = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=12, choices=StepState.choices, default=StepState.WAITING)
    responsible = models.ForeignKey(
        "personas.Organization", on_delete=models.PROTECT, related_name="+", null=True, db_index=False
    )
    site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+", null=True, db_index=False)
    capability = models.CharField(max_length=64)
    planned_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True, help_text="when it became ready")
    ready_event_id = models.UUIDField(null=True)
    done_at = models.DateTimeField(null=True, help_text="when it happened")
    done_by = models.CharField(max_length=200, blank=True)
    done_by_id = models.UUIDField(null=True, help_text="person")
    summary = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)

    @property
    def signatures(self) -> int:
        """How many people sign this step: as the flow says for the market of the order's center."""
        own = self.flow_step
        return own.signatures_in(self.order.center_site.country) if own.market_signatures else own.signatures

    named_owner = ""  # who took it over, in words; a desk fills it in (``owners.name_on``)

    wall = Parties()
    untracked_columns = ("party_ids",)
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["position", "attempt"]
        constraints = [models.UniqueConstraint(fields=["order", "key", "attempt"], name="orders_step_attempt_once")]
        indexes = [
            models.Index(
                fields=["responsible", "state", "due_at"],
                condition=models.Q(state__in=[state.value for state in OPEN_STEP_STATES]),
                name="orders_open_steps",
            )
        ]

    @property
    def etag(self) -> str:
        return f'"{self.attempt}.{self.version}"'

    def is_late(self, now: Any = None) -> bool:
        return self.state == StepState.READY and self.due_at is not None and self.due_at < (now or timezone.now())


class StepDue(WalledModel):
    """When a ready step is to be looked at: read by the sweep, which then acts inside the order's center."""

    organization_id = models.UUIDField(help_text="the order's treatment center, a party from beginning to end")
    stream_id = models.UUIDField()
    step_id = models.UUIDField(unique=True)
    due_at = models.DateTimeField()
    level = models.PositiveSmallIntegerField(default=0, help_text="who has been told: 0 nobody, 1 its owner")

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")
    deletable = True

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["due_at"], name="orders_step_due")]


class WayPointDue(WalledModel):
    """When a milestone of a box is to be looked at: read by the sweep, which then acts inside the order's center."""

    organization_id = models.UUIDField(help_text="the order's treatment center, a party from beginning to end")
    stream_id = models.UUIDField()
    step_id = models.UUIDField()
    point = models.PositiveSmallIntegerField(
        default=0, help_text="0: the step itself; 2n-1, 2n: departure and arrival of leg n of the way that it ends"
    )
    due_at = models.DateTimeField()
    level = models.PositiveSmallIntegerField(default=0, help_text="told: 0 nobody, 1 before it, 2 missed, 3 escalated")
    told_for = models.DateTimeField(null=True, help_text="the time of the milestone that was told; another one is new")

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")
    deletable = True

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["step_id", "point"], name="orders_way_point_once")]
        indexes = [models.Index(fields=["due_at"], name="orders_way_point_due")]


class ConditionDue(WalledModel):
    """A box whose readings are not told yet: read by the sweep, which then acts inside the order's center."""

    organization_id = models.UUIDField(help_text="the order's treatment center, a party from beginning to end")
    stream_id = models.UUIDField()
    shipment_id = models.UUIDField(unique=True)
    due_at = models.DateTimeField()

    wall = Outside("due-table: ids and times only; the sweep reads it, then acts inside the organization")
    deletable = True

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["due_at"], name="orders_condition_due")]


class SlotSwap(WalledModel):
    """Two patients of one treatment center exchange their booked dates, once a physician has agreed for each of them.

    Only dates move: each order keeps its patient and its chain of identity. Which two orders it is, the center alone
    knows; each order's record says that its dates moved.
    """

    center = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    first = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=12, choices=SwapState.choices, default=SwapState.PROPOSED)
    code = models.CharField(max_length=24)
    reason = models.CharField(max_length=300)
    proposed_by = models.CharField(max_length=200)
    proposed_at = models.DateTimeField(default=timezone.now)
    first_approved_by_id = models.UUIDField(null=True, help_text="person; for the first order")
    first_approved_by = models.CharField(max_length=200, blank=True)
    second_approved_by_id = models.UUIDField(null=True, help_text="person; for the second order")
    second_approved_by = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True)

    wall = OwnedBy(("center_id",))
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.CheckConstraint(condition=~models.Q(first=models.F("second")), name="orders_swap_two_orders"),
            models.UniqueConstraint(
                fields=["first"], condition=models.Q(state="proposed"), name="orders_swap_first_once"
            ),
            models.UniqueConstraint(
                fields=["second"], condition=models.Q(state="proposed"), name="orders_swap_second_once"
            ),
        ]

    @property
    def orders(self) -> tuple[Order, Order]:
        return self.first, self.second


class OfflineEntry(WalledModel):
    """What a person noted for a step on a device without network, as it was received, and what became of it."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    membership_id = models.UUIDField(help_text="in which it was made: nobody else sees, sends or signs it")
    key = models.UUIDField(help_text="given by the device; the same entry sent twice has the same")
    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    order_code = models.CharField(max_length=16)
    step = models.SlugField(max_length=64)
    act = models.CharField(
        max_length=8,
        blank=True,
        choices=OfflineAct.choices,
        help_text="what a courier reports of the step; empty: the step itself",
    )
    title = models.CharField(max_length=140, help_text="of the step, or what is reported of it")
    inputs = models.JSONField(help_text="as the device sent them; never passwords, never patient data")
    device_time = models.DateTimeField(help_text="when it was made, by the device's clock")
    happened_at = models.DateTimeField(help_text="the same by the server's clock, as far as the skew tells")
    received_at = models.DateTimeField()
    skew_s = models.FloatField(help_text="seconds by which the device's clock was ahead when it sent")
    state = models.CharField(max_length=12, choices=OfflineState.choices)
    words = models.TextField(blank=True, help_text="why it is not recorded, or what stands instead")
    reason = models.CharField(max_length=300, blank=True, help_text="why it was discarded")
    settled_at = models.DateTimeField(null=True, help_text="when it was recorded or discarded")
    recorded_as = models.UUIDField(null=True, help_text="event of the step that records it")

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["organization", "membership_id", "id"], name="orders_offline_mine")]
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="orders_offline_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=["recorded", "discarded"], settled_at__isnull=False)
                | models.Q(state__in=["to_sign", "conflict", "refused"], settled_at__isnull=True),
                name="orders_offline_settled",
            ),
        ]

    @property
    def is_open(self) -> bool:
        return self.settled_at is None


class DowntimePack(WalledModel):
    """A downtime pack that was printed of an order: its number, by whom, for which steps; never its content."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    number = models.PositiveIntegerField(help_text="of the order's packs")
    organization_id = models.UUIDField(help_text="whose steps stand on it")
    organization_name = models.CharField(max_length=200, help_text="as it was")
    printed_by = models.CharField(max_length=200)
    printed_at = models.DateTimeField()
    steps = models.JSONField(default=list, help_text="titles of the steps on it")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the PDF as it was printed")

    wall = OnStream()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["stream", "number"], name="orders_pack_once")]


class PaperTranscript(WalledModel):
    """A step that was recorded from a downtime pack's paper: which, who typed it, who checked it, what was attached."""

    stream = models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")
    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    pack = models.ForeignKey(DowntimePack, on_delete=models.PROTECT, related_name="transcripts")
    step = models.SlugField(max_length=64)
    title = models.CharField(max_length=120, help_text="of the step")
    recorded_as = models.UUIDField(help_text="event of the step")
    paper_at = models.DateTimeField(help_text="when it was done, as the paper says")
    paper_people = models.CharField(max_length=200, help_text="staff who signed the paper")
    transcribed_by = models.CharField(max_length=200)
    checked_by = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()
    media_type = models.CharField(max_length=20)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the picture of the paper")

    wall = OnStream()
    history = track()

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["stream", "id"], name="orders_transcript")]


class SealedPaper(WalledModel):
    """The picture of a paper, AES-256-GCM under a key of its own: it may name the patient. Deleting it erases it."""

    transcript = models.OneToOneField(PaperTranscript, on_delete=models.PROTECT, related_name="+")
    organization_id = models.UUIDField()
    key_nonce = models.BinaryField()
    wrapped = models.BinaryField(help_text="its key under the master key; the row's id is bound in")
    nonce = models.BinaryField()
    ciphertext = models.BinaryField()

    wall = OwnedBy()
    deletable = True
