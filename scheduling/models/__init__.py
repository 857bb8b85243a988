from scheduling.models.calendar import CalendarDue, CalendarFeed, Closure, OpeningRule, Team, TherapyClass
from scheduling.models.capacity import ONE_AT_A_TIME, Resource, Slot
from scheduling.models.chains import ChainLink, HoldDue, SlotChain
from scheduling.models.quotas import Allotment, Quota, QuotaDue, QuotaUse

__all__ = [
    "TherapyClass",
    "Team",
    "OpeningRule",
    "Closure",
    "CalendarFeed",
    "CalendarDue",
    "ONE_AT_A_TIME",
    "Allotment",
    "ChainLink",
    "HoldDue",
    "Quota",
    "QuotaDue",
    "QuotaUse",
    "Resource",
    "Slot",
    "SlotChain",
]
