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


class OrderState(models.TextChoices):
    OPEN = "open", "Open"
    CANCELLED = "cancelled", "Cancelled"
    CLOSED = "closed", "Closed"


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
