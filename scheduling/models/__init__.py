from scheduling.models.calendar import CalendarDue, CalendarFeed, Closure, OpeningRule, Team, TherapyClass
from scheduling.models.capacity import ONE_AT_A_TIME, Resource, Slot
from scheduling.models.chains import ChainLink, HoldDue, SlotChain
from scheduling.models.date_requests import DateRequest, DateRequestDue, PlantToTell, RequestedDays
from scheduling.models.disruptions import Disruption, MoveDue, RepairDue, RepairMove, RepairRun, WhatIfDue
from scheduling.models.lead_times import LeadTimeOverride
from scheduling.models.prices import ChangePrice
from scheduling.models.quotas import Allotment, Quota, QuotaDue, QuotaUse
from scheduling.models.urgency import UrgencyClass
from scheduling.models.waiting import (
    CriteriaSet,
    FreedPlace,
    OfferedPlace,
    OpenList,
    PlaceDue,
    RankAppeal,
    RankDecision,
    RankedEntry,
    WaitingEntry,
    WaitingOffer,
    WaitingScore,
)
from scheduling.models.wishes import DateWishes

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
    "ChangePrice",
    "DateRequest",
    "DateRequestDue",
    "DateWishes",
    "Disruption",
    "RepairDue",
    "RepairMove",
    "RepairRun",
    "CriteriaSet",
    "FreedPlace",
    "HoldDue",
    "LeadTimeOverride",
    "MoveDue",
    "OfferedPlace",
    "OpenList",
    "PlaceDue",
    "PlantToTell",
    "Quota",
    "QuotaDue",
    "QuotaUse",
    "RankAppeal",
    "RankDecision",
    "RankedEntry",
    "RequestedDays",
    "Resource",
    "Slot",
    "SlotChain",
    "UrgencyClass",
    "WaitingEntry",
    "WaitingOffer",
    "WaitingScore",
    "WhatIfDue",
]
