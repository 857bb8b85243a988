"""The stable codes of what leaves a date, a way or an order of a repair no chain; partners go by them."""

from __future__ import annotations

from django.db import models


class Constraint(models.TextChoices):
    """What a date or a way without a chain violates first: the stable code, and what it means.

    The planner writes the codes as they are; a test holds both together. On the way back a run has the codes of a lane.
    """

    BEFORE_EARLIEST = "before_earliest", "Before the earliest day that is wished"
    LEAD_TIME = "lead_time", "A collection needs longer to be prepared"
    WEEKDAY = "weekday", "Not a weekday of collection"
    WASHOUT = "washout", "The washout is not over"
    NOT_AUTHORIZED = "not_authorized", "The center's authorization for the therapy ends before"
    NO_CHAIR = "no_chair", "No apheresis chair is offered"
    CHAIR_PAST = "chair_past", "The chair's window has begun"
    CHAIR_TOO_SHORT = "chair_too_short", "The chair is offered for less time than a collection takes"
    CHAIR_FULL = "chair_full", "Every apheresis chair is taken"
    CHAIR_RESERVED = "chair_reserved", "The chairs left are kept for another class of patients"
    QUOTA_USED_UP = "quota_used_up", "No quota is left for the period"
    NO_PLANT = "no_plant", "No plant of the therapy is known"
    NOT_LICENSED = "not_licensed", "No plant is licensed for product and market"
    NO_LANE = "no_lane", "No courier offers a run on the day"
    LANE_CLOSED = "lane_closed", "The courier does not run on that weekday"
    AFTER_CUTOFF = "after_cutoff", "Ready for pickup after the cut-off"
    LANE_FULL = "lane_full", "Every place of the run is taken"
    SHIPPER_TOO_SHORT = "shipper_too_short", "The shipper does not hold until arrival and the buffer"
    OUTSIDE_RECEIVING = "outside_receiving", "The arrival is outside the receiving hours"
    RECEIVING_FULL = "receiving_full", "The plant can receive no more then"
    TOO_OLD = "too_old", "The material would be too old"
    NO_LINE = "no_line", "No manufacturing start is offered in time"
    LINE_FULL = "line_full", "Every manufacturing start in time is taken"
    NO_STOCK = "no_stock", "Vector or critical stock is not offered"
    STOCK_USED = "stock_used", "Vector or critical stock is used up"
    NO_RELEASE = "no_release", "No quality release is offered"
    RELEASE_FULL = "release_full", "Every place of quality release is taken"
    NO_RETURN_LANE = "no_return_lane", "No courier offers a run back"
    NO_BED = "no_bed", "No infusion bed is offered"
    BED_FULL = "bed_full", "Every infusion bed is taken"
    INFUSION_WEEKDAY = "infusion_weekday", "No bed on the weekdays of infusions"
    PRODUCT_TOO_OLD = "product_too_old", "The product does not keep until an infusion"
    NO_SECOND_BED = "no_second_bed", "No bed for the second dose"
    NO_CONTINGENCY = "no_contingency", "The contingency day is not feasible"


class RepairReason(models.TextChoices):
    """What leaves an order of a repair no other choice, where it is no constraint of its own dates."""

    NEEDED_ELSEWHERE = "needed_elsewhere", "Its choices are needed by other orders of the repair"
    LEFT_OUT = "left_out", "Left out by the planner"
