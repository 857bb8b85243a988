from django.db import models


class ResourceKind(models.TextChoices):
    """What capacity is offered of. ``COURIER_LANE`` is a courier's run from one site to another."""

    APHERESIS_CHAIR = "apheresis_chair", "Apheresis chair"
    COURIER_LANE = "courier_lane", "Courier lane"
    RECEIVING = "receiving", "Receiving"
    MANUFACTURING_LINE = "manufacturing_line", "Manufacturing line"
    INFUSION_BED = "infusion_bed", "Infusion bed"
    QUALITY_RELEASE = "quality_release", "Quality release"
    CRITICAL_STOCK = "critical_stock", "Critical stock"


class LinkKind(models.TextChoices):
    """What a link of a slot chain is for. Some take the same kind of place for another purpose (``RESOURCE_OF``)."""

    APHERESIS_CHAIR = "apheresis_chair", "Apheresis chair"
    CONTINGENCY_CHAIR = "contingency_chair", "Apheresis chair, contingency day"
    COURIER_LANE = "courier_lane", "Courier lane"
    RECEIVING = "receiving", "Receiving"
    MANUFACTURING_LINE = "manufacturing_line", "Manufacturing line"
    CRITICAL_STOCK = "critical_stock", "Critical stock"
    QUALITY_RELEASE = "quality_release", "Quality release"
    RETURN_LANE = "return_lane", "Return lane"
    INFUSION_BED = "infusion_bed", "Infusion bed"
    SECOND_BED = "second_bed", "Infusion bed, second dose"


# The kind of place that a link takes, where it is not called the same.
RESOURCE_OF = {
    LinkKind.CONTINGENCY_CHAIR: ResourceKind.APHERESIS_CHAIR,
    LinkKind.RETURN_LANE: ResourceKind.COURIER_LANE,
    LinkKind.SECOND_BED: ResourceKind.INFUSION_BED,
}


class Contingency(models.TextChoices):
    """What is asked of the day after the collection, should it not come about or not suffice."""

    NONE = "none", "Nothing"
    FEASIBLE = "feasible", "Must be feasible too"
    RESERVED = "reserved", "Must be feasible too, and its chair is reserved"


class Ranking(models.TextChoices):
    """How feasible slot chains are ranked; what comes second and third decides between equals."""

    EARLIEST = "earliest", "Earliest infusion"
    FEWEST_DAYS = "fewest_days", "Fewest days from vein to vein"
    MOST_SLACK = "most_slack", "Most slack"


class HolidayPolicy(models.TextChoices):
    """What a shift does on a public holiday of its country and region."""

    CLOSED = "closed", "Closed on public holidays"
    OPEN = "open", "Open on public holidays"


class ClosureKind(models.TextChoices):
    CLOSURE = "closure", "Closure"
    MAINTENANCE = "maintenance", "Maintenance"


class PriorityClass(models.TextChoices):
    """Who has precedence at a chair, the first before the second and so on (AU1). Unclassified therapies come last."""

    EMERGENT = "emergent", "Therapeutic and emergent procedures"
    STEM_CELLS = "stem_cells", "Stem cell collections"
    COMMERCIAL = "commercial", "Commercial cell therapies"
    OWN_TRIAL = "own_trial", "Own trials"
    OUTSIDE_TRIAL = "outside_trial", "Outside trials"


class ChainState(models.TextChoices):
    """A slot chain: held for a while, requested from the manufacturer, then answered; or its places are free again."""

    HELD = "held", "Held"
    REQUESTED = "requested", "Requested"
    CONFIRMED = "confirmed", "Confirmed"
    DECLINED = "declined", "Declined"
    EXPIRED = "expired", "Expired"
    FREED = "freed", "Freed"
    PROPOSED = "proposed", "Proposed change"
    REPLACED = "replaced", "Replaced"


# In these states a slot chain is the order's own and keeps its places; a proposed change keeps its own beside it.
LIVE = (ChainState.HELD, ChainState.REQUESTED, ChainState.CONFIRMED)


class ChangeReason(models.TextChoices):
    """Why booked dates move (reason codes of a change; the words beside it say more)."""

    PATIENT_CONDITION = "patient_condition", "Patient's condition"
    PATIENT_WISH = "patient_wish", "Patient's wish"
    CENTER_CAPACITY = "center_capacity", "Treatment center's capacity"
    COURIER = "courier", "Courier"
    PLANT_CAPACITY = "plant_capacity", "Plant's capacity"
    MATERIAL = "material", "Material or supply"
    DISRUPTION = "disruption", "Disruption"
    OTHER = "other", "Other"


class ChangeWindow(models.TextChoices):
    """How near a confirmed collection is: what a change of its dates then takes (DOMAIN 10.3: freeze horizon)."""

    OPEN = "open", "Not confirmed yet: a change is made at once"
    FREE = "free", "A change is made at once"
    APPROVAL = "approval", "The manufacturer must agree to a change"
    FROZEN = "frozen", "Frozen: too near to be changed"


class QuotaStage(models.TextChoices):
    """What a quota counts: the stage's start falls into its period. The values are those of ``ResourceKind``."""

    APHERESIS_CHAIR = "apheresis_chair", "Apheresis (collection)"
    RECEIVING = "receiving", "Receiving at the plant"
    MANUFACTURING_LINE = "manufacturing_line", "Manufacturing start"
    INFUSION_BED = "infusion_bed", "Infusion"


class QuotaPeriod(models.TextChoices):
    """How long a quota counts before it begins anew."""

    WEEK = "week", "Week (Monday to Sunday)"
    MONTH = "month", "Calendar month"


class Share(models.TextChoices):
    """Whose places they are; taken in this order, the pool last."""

    CENTER = "center", "Treatment center"
    REGION = "region", "Region"
    POOL = "pool", "Common pool"


class CriterionKind(models.TextChoices):
    """What a criterion values (DOMAIN 10.4). None of them is a protected attribute, nor may one be named so."""

    BENEFIT = "benefit", "Medical benefit"
    SAFETY = "safety", "Safety and risk of complications"
    PSYCHOSOCIAL = "psychosocial", "Psychosocial factors"
    URGENCY = "urgency", "Urgency"
    FEW_OPTIONS = "few_options", "Few other options"
    WAITING_TIME = "waiting_time", "Waiting time"


class Urgency(models.IntegerChoices):
    """How long an order can wait for other dates: the class that a repair weighs."""

    ROUTINE = 1, "Routine"
    SOON = 2, "Urgent"
    CANNOT_WAIT = 3, "Cannot wait"


class CriteriaState(models.TextChoices):
    """A version of the criteria: written by one person, published by another."""

    DRAFT = "draft", "Draft"
    PUBLISHED = "published", "Published"


class OfferMode(models.TextChoices):
    """Whom a free place is offered to at once."""

    SEQUENTIAL = "sequential", "One after the other"
    PARALLEL = "parallel", "Several at once, the first to accept has it"


class EntryState(models.TextChoices):
    """Whether an order is on the waiting list."""

    WAITING = "waiting", "Waiting"
    WITHDRAWN = "withdrawn", "Withdrawn"


class DecisionState(models.TextChoices):
    """A rank order: places are offered by the one in force only."""

    IN_FORCE = "in_force", "In force"
    REOPENED = "reopened", "Reopened by an appeal"
    SUPERSEDED = "superseded", "Superseded"


class PlaceState(models.TextChoices):
    """An offered place: its slots are taken while it is open or accepted."""

    OPEN = "open", "Offered"
    ACCEPTED = "accepted", "Accepted"
    BOOKED = "booked", "Booked"
    GIVEN_BACK = "given_back", "Given back"


class WaitingOfferState(models.TextChoices):
    """What became of an offer."""

    OPEN = "open", "To answer"
    ACCEPTED = "accepted", "Accepted, to be booked"
    REFUSED = "refused", "Refused"
    EXPIRED = "expired", "Expired"
    LOST = "lost", "Another order accepted first"
    TAKEN_BACK = "taken_back", "Taken back: a disruption took the place"
    BOOKED = "booked", "Booked"


class DisruptionKind(models.TextChoices):
    LINE_STOP = "line_stop", "Line stop"
    LANE_STRIKE = "lane_strike", "Strike on a lane"
    PLANT_CLOSURE = "plant_closure", "Plant closure"
    STOCK_REJECTED = "stock_rejected", "Vector or critical stock rejected"
    CENTER_CLOSED = "center_closed", "Treatment center closed"


class RunState(models.TextChoices):
    """A repair: waits for a worker, is at work, has a proposal; or ended without one. Signed: centers are asked, or of
    a contract manufacturer's, its sponsors."""

    QUEUED = "queued", "Waiting for a worker"
    RUNNING = "running", "Running"
    PROPOSED = "proposed", "Proposed"
    SIGNED = "signed", "Signed"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"


class MoveState(models.TextChoices):
    """A move that the planner signed: offered to the center, then accepted or refused; or the center did not answer in
    time, or its order got other dates meanwhile."""

    OFFERED = "offered", "Offered"
    ACCEPTED = "accepted", "Accepted"
    REFUSED = "refused", "Refused"
    EXPIRED = "expired", "Not answered in time"
    WITHDRAWN = "withdrawn", "Withdrawn"


class DateRequestState(models.TextChoices):
    """What became of a day that was wished where nothing is published."""

    OPEN = "open", "Waits for an answer"
    MET = "met", "Dates were found"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"


class OverrideState(models.TextChoices):
    """Which overrides of lead times are asked for."""

    NOW = "now", "Counts now or later"
    ENDED = "ended", "Ended"
    ALL = "all", "All"


class PriceKind(models.TextChoices):
    """What about a change of dates may be charged."""

    LINE_CANCELLED = "line_cancelled", "Manufacturing line given up"
    LANE_CANCELLED = "lane_cancelled", "Courier lane given up"
    TRANSPORT = "transport", "New transport"
    RECOLLECTION = "recollection", "Second collection"
