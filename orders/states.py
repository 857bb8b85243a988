from django.db import models

from ledger.states import Role


class FlowState(models.TextChoices):
    DRAFT = "draft", "Draft"
    PROPOSED = "proposed", "Proposed"
    LIVE = "live", "Live"
    RETIRED = "retired", "Retired"


class StepState(models.TextChoices):
    WAITING = "waiting", "Waiting"
    READY = "ready", "Ready"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    SKIPPED = "skipped", "Skipped"
    CANCELLED = "cancelled", "Cancelled"


OPEN_STEP_STATES = (StepState.WAITING, StepState.READY)
PASSED_STEP_STATES = (StepState.DONE, StepState.SKIPPED)


class InfectiousTests(models.TextChoices):
    """What the donor's tests for infectious diseases said (T30)."""

    NEGATIVE = "negative", "Complete, negative"
    POSITIVE = "positive", "Complete, positive"
    PENDING = "pending", "Pending"


class OrderState(models.TextChoices):
    OPEN = "open", "Open"
    CANCELLED = "cancelled", "Cancelled"
    CLOSED = "closed", "Closed"


class PickupFailure(models.TextChoices):
    """Why a driver left without the box (CR3, CR6)."""

    NOT_READY = "not_ready", "The box is not ready"
    WRONG_BOX = "wrong_box", "It is the wrong box"
    NOBODY_THERE = "nobody_there", "Nobody is there"
    DAMAGED = "damaged", "The box is damaged"
    SEAL_BROKEN = "seal_broken", "The seal is broken or missing"
    OTHER = "other", "Something else"


class OfflineAct(models.TextChoices):
    """What a courier notes of a hand-over without network besides the step itself (CR3, CR5)."""

    FAILED = "failed", "Cannot pick up"
    DELAY = "delay", "Later than planned"


class BoxRefusal(models.TextChoices):
    """Why a receiver does not accept a box; custody stays with the courier."""

    DAMAGED = "damaged", "The box is damaged"
    SEAL_BROKEN = "seal_broken", "The seal is broken, missing or another one"
    WRONG_BOX = "wrong_box", "It is not the box that was announced"
    TOO_WARM = "too_warm", "The logger shows an alarm"
    OTHER = "other", "Something else"


class SwapState(models.TextChoices):
    PROPOSED = "proposed", "Proposed"
    DONE = "done", "Done"
    REFUSED = "refused", "Refused"
    WITHDRAWN = "withdrawn", "Withdrawn"


# Who a flow step belongs to: an actor of the toolkit, or whoever runs the plant (the manufacturer or its CMO).
PLANT = "plant"
FLOW_ACTORS = (*Role.values, PLANT)

PHASES = (
    "enrolment",
    "ordering",
    "scheduling",
    "collection",
    "inbound",
    "manufacture",
    "release",
    "outbound",
    "treatment",
    "closure",
)
PHASE_LABELS = {
    "enrolment": "Enrolment",
    "ordering": "Ordering",
    "scheduling": "Scheduling",
    "collection": "Collection",
    "inbound": "On the way to the plant",
    "manufacture": "Manufacture",
    "release": "Quality release",
    "outbound": "On the way to the center",
    "treatment": "Treatment",
    "closure": "Closing",
    "closed": "Closed",
    "cancelled": "Cancelled",
}


class CapturedAct(models.TextChoices):
    """What an EPCIS event of a partner can stand for."""

    PICKUP_FAILED = "pickup_failed", "Pickup failed"
    DELAYED = "delayed", "Delayed"
    PICKED_UP = "picked_up", "Picked up"
    LEG_DEPARTED = "leg_departed", "Leg begun"
    LEG_ARRIVED = "leg_arrived", "Leg ended"
    DELIVERED = "delivered", "Delivered"
    STORED = "stored", "Stored"
    MANUFACTURE_BEGUN = "manufacture_begun", "Manufacture begun"
    RECEIVED = "received", "Received"
    THAWED = "thawed", "Thawed or prepared"
    INFUSED = "infused", "Infused"
    PACKED = "packed", "Packed"
    QUARANTINE_DECIDED = "quarantine_decided", "Quarantine decided"
    PUT_ASIDE = "put_aside", "Put into quarantine"
    CUSTOMS_HELD = "customs_held", "Held at customs"
    CUSTOMS_CLEARED = "customs_cleared", "Cleared by customs"
    DECLARED_WRONG = "declared_wrong", "Declared wrong"


class ErrorReason(models.TextChoices):
    """Why a partner declares an event wrong (CBV 2.0, error reasons)."""

    DID_NOT_OCCUR = "did_not_occur", "it did not occur"
    INCORRECT_DATA = "incorrect_data", "its data are incorrect"


class CaptureBehavior(models.TextChoices):
    """What one event that is refused means for the others of its document (EPCIS 2.0)."""

    ROLLBACK = "rollback", "None is recorded"
    PROCEED = "proceed", "The others are recorded"


class WithoutNetwork(models.TextChoices):
    """What a device without network may do for a kind of step (ADR 32)."""

    NO = "no", "Only with the network"
    KEPT = "kept", "What was done is kept on the device and sent later"
    PAPER = "paper", "Never: without current release and quarantine status two people work on paper"


class OfflineState(models.TextChoices):
    """What became of an entry that was made without network."""

    RECORDED = "recorded", "Recorded"
    TO_SIGN = "to_sign", "Waits for signatures"
    CONFLICT = "conflict", "Recorded otherwise meanwhile"
    REFUSED = "refused", "Refused"
    DISCARDED = "discarded", "Discarded"


OPEN_OFFLINE_STATES = (OfflineState.TO_SIGN, OfflineState.CONFLICT, OfflineState.REFUSED)


class LeftAlone(models.TextChoices):
    """Why a repair leaves an order alone that a disruption hits, with the words for its planner."""

    BATCH_LOST = "batch_lost", "The batch is lost: a physician decides how the order goes on."
    SHIPPED = "shipped", "The product is on its way to the center: nothing of its plan is left to move."
    BEGUN = "begun", "Manufacture has begun: decide on the order's own page."
    NO_MATERIAL = "no_material", "No usable material is left: a physician decides how the order goes on."
    TOO_OLD = "too_old", "The material is too old: a physician decides how the order goes on."
    ENDED = "ended", "The order has ended."
    ON_HOLD = "on_hold", "The order is on hold."
    ASKED = "asked", "A move waits for its center's answer."
