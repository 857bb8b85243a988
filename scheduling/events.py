from ledger.events import EventKind, register
from ledger.states import Role

# What an act on the calendar did to the windows that were offered.
MADE = {
    "added": "number of new windows",
    "changed": "number of changed windows",
    "closed": "number of windows without places now",
    "kept": "number of windows that the rules no longer want, kept because places are taken",
    "first": "first day",
    "last": "last day",
}

register(
    EventKind(
        "scheduling.rule_set",
        "Opening hours set",
        "The shift {shift} of {resource} holds from {first_date}: {words}.",
        payload={
            **MADE,
            "resource": "resource code",
            "shift": "name of the shift",
            "first_date": "from when (local date)",
            "last_date": "until when (local date), empty: for ever",
            "words": "days, times and places in words",
        },
    ),
    EventKind(
        "scheduling.rule_ended",
        "Opening hours ended",
        "The shift {shift} of {resource} ends with {last_date}.",
        payload={
            **MADE,
            "resource": "resource code",
            "shift": "name of the shift",
            "last_date": "last day (local date)",
        },
    ),
    EventKind(
        "scheduling.team_set",
        "Team set",
        "The team {team} has {people} people for {competence} on the shift {shift} from {first_date}.",
        payload={
            **MADE,
            "team": "code of the team",
            "people": "how many",
            "competence": "what they can do",
            "shift": "name of the shift",
            "first_date": "from when (local date)",
        },
    ),
    EventKind(
        "scheduling.closed",
        "Closed",
        "{place} is closed from {starts_at} to {ends_at}: {why}.",
        payload={
            **MADE,
            "place": "resource or site code",
            "kind": "closure or maintenance",
            "starts_at": "from (UTC)",
            "ends_at": "to (UTC)",
            "why": "reason",
        },
    ),
    EventKind(
        "scheduling.closure_lifted",
        "Closure lifted",
        "The closure of {place} from {starts_at} was lifted.",
        payload={**MADE, "place": "resource or site code", "starts_at": "from (UTC)"},
    ),
    EventKind(
        "scheduling.openings_made",
        "Windows made from opening hours",
        "Windows were made from the opening hours: {added} new, {changed} changed, {closed} closed, {kept} kept.",
        payload=MADE,
    ),
    EventKind(
        "scheduling.window_moved",
        "Window moved",
        "A window of {resource} was moved from {before} to {after}.",
        payload={"resource": "resource code", "before": "its start before (UTC)", "after": "its start now (UTC)"},
    ),
    EventKind(
        "scheduling.therapy_classed",
        "Priority class set",
        "A therapy was put into the priority class {priority}.",
        payload={"therapy": "id of the therapy", "priority": "class"},
    ),
    EventKind(
        "scheduling.feed_made",
        "Calendar feed made",
        "A calendar feed was made: {name}.",
        payload={"name": "name of the feed", "resource": "resource code, empty: a person's own", "expires_at": "UTC"},
    ),
    EventKind(
        "scheduling.feed_revoked",
        "Calendar feed revoked",
        "The calendar feed {name} was revoked.",
        payload={"name": "name of the feed"},
    ),
)

register(
    EventKind(
        "scheduling.hold_expired",
        "Slot hold expired",
        "The slot hold ended at {held_until} without a request; its places are free again.",
        payload={"chain": "id of the slot chain", "held_until": "when it ended (UTC)", "places": "number of places"},
        audience=(Role.TREATMENT_CENTER,),
        notifies=True,
    ),
    EventKind(
        "scheduling.change_expired",
        "Proposed change expired",
        "The proposed change of dates was not answered until {held_until}; what was confirmed stays.",
        payload={"chain": "id of the slot chain", "held_until": "when it ended (UTC)", "places": "number of places"},
        audience=(Role.TREATMENT_CENTER, Role.MANUFACTURER),
        notifies=True,
    ),
    EventKind(
        "scheduling.resource_added",
        "Resource added",
        "Resource {code} was added.",
        payload={"code": "code", "kind": "kind of resource", "site": "site code"},
    ),
    EventKind(
        "scheduling.capacity_published",
        "Capacity published",
        "Capacity was published: {added} new windows, {changed} changed.",
        payload={
            "added": "number of new windows",
            "changed": "number of changed windows",
            "resources": "resource codes",
            "first": "start of the earliest window (UTC)",
            "last": "start of the latest window (UTC)",
        },
    ),
    EventKind(
        "scheduling.quota_added",
        "Quota added",
        "A quota of {therapy} was added: {stage}, per {period}, {starts_on} to {ends_on}.",
        payload={
            "therapy": "code of the therapy",
            "stage": "stage that is counted",
            "period": "week or month",
            "starts_on": "first day",
            "ends_on": "last day",
            "shares": "places by center, region or pool",
            "reserve_percent": "share kept for remanufacture",
            "release_days": "days before a period when unused places go to the pool; none: never",
        },
    ),
    EventKind(
        "scheduling.quota_changed",
        "Quota changed",
        "A quota of {therapy} was changed from {from_on}: {shares}.",
        payload={
            "therapy": "code of the therapy",
            "stage": "stage that is counted",
            "from_on": "first day of the first period changed",
            "shares": "places by center, region or pool",
        },
    ),
    EventKind(
        "scheduling.quota_released",
        "Unused quota released",
        "{places} unused places of {share} from {starts_at} on went into the common pool.",
        payload={
            "places": "number of places",
            "share": "whose they were",
            "stage": "stage that is counted",
            "starts_at": "start of the period (UTC)",
        },
    ),
    EventKind(
        "scheduling.waiting_added",
        "On the waiting list",
        "{order} was put on the waiting list.",
        payload={
            "order": "order code",
        },
        audience=(Role.TREATMENT_CENTER,),
    ),
    EventKind(
        "scheduling.waiting_scored",
        "Scored",
        "{order} was scored by version {criteria} of the criteria.",
        payload={
            "order": "order code",
            "criteria": "version of the criteria",
        },
        audience=(Role.TREATMENT_CENTER,),
    ),
    EventKind(
        "scheduling.waiting_withdrawn",
        "Off the waiting list",
        "{order} was taken off the waiting list.",
        payload={
            "order": "order code",
        },
        audience=(Role.TREATMENT_CENTER,),
    ),
    EventKind(
        "scheduling.criteria_written",
        "Criteria written",
        "Version {version} of the criteria for {therapy} was written.",
        payload={
            "therapy": "code of the therapy",
            "version": "version",
        },
        audience=(Role.TREATMENT_CENTER,),
    ),
    EventKind(
        "scheduling.criteria_published",
        "Criteria published",
        "Version {version} of the criteria was published, in force from {effective_from}.",
        payload={
            "version": "version",
            "effective_from": "first day",
        },
        audience=(Role.TREATMENT_CENTER,),
    ),
    EventKind(
        "scheduling.rank_decided",
        "Rank order decided",
        "The committee decided on an order of {entries} who wait (decision {number}).",
        payload={
            "number": "number of the decision",
            "criteria": "version of the criteria",
            "entries": "number of entries",
            "members": "names of the members who signed",
        },
        audience=(Role.TREATMENT_CENTER,),
    ),
    EventKind(
        "scheduling.rank_appealed",
        "Appeal",
        "The rank of {order} in decision {number} was appealed: the committee decides anew.",
        payload={
            "order": "order code",
            "number": "number of the decision",
        },
        audience=(Role.TREATMENT_CENTER,),
        notifies=True,
    ),
    EventKind(
        "scheduling.place_offered",
        "Place offered",
        "A place is offered to {orders}, to be answered by {until}.",
        payload={
            "orders": "order codes, by rank",
            "ranks": "their ranks",
            "until": "when the offer ends (UTC)",
            "mode": "sequential or parallel",
            "passed_over": "order codes ahead for which no dates are feasible",
        },
        audience=(Role.TREATMENT_CENTER,),
        notifies=True,
    ),
    EventKind(
        "scheduling.offer_accepted",
        "Offer accepted",
        "{order} takes the offered place.",
        payload={
            "order": "order code",
            "rank": "rank",
        },
        audience=(Role.TREATMENT_CENTER,),
    ),
    EventKind(
        "scheduling.offer_refused",
        "Offer refused",
        "{order} does not take the offered place.",
        payload={
            "order": "order code",
            "rank": "rank",
        },
        audience=(Role.TREATMENT_CENTER,),
    ),
    EventKind(
        "scheduling.offer_expired",
        "Offer expired",
        "Nobody answered for {orders} in time; the place goes to the next.",
        payload={
            "orders": "order codes",
        },
        audience=(Role.TREATMENT_CENTER,),
        notifies=True,
    ),
    EventKind(
        "scheduling.disruption_opened",
        "Disruption opened",
        "{kind}: {resources}, {starts_at} to {ends_at}. Their windows are not offered; {hit} orders are hit.",
        payload={
            "kind": "kind of disruption",
            "resources": "names of the resources",
            "starts_at": "from (UTC)",
            "ends_at": "until (UTC)",
            "hit": "number of orders that are hit, as far as the organization sees them",
        },
    ),
    EventKind(
        "scheduling.disruption_closed",
        "Disruption ended",
        "{kind}: {resources} are offered again.",
        payload={"kind": "kind of disruption", "resources": "names of the resources"},
    ),
    EventKind(
        "scheduling.repair_started",
        "Repair started",
        "A repair was asked for: {orders} orders, {days} days.",
        payload={"run": "id of the run", "orders": "number of orders", "days": "horizon"},
    ),
    EventKind(
        "scheduling.repair_ended",
        "Repair ended",
        "The repair ended: {state}.",
        payload={"run": "id of the run", "state": "how it ended", "gap": "part that is not proven"},
    ),
    EventKind(
        "scheduling.repair_edited",
        "Repair edited",
        "The planner changed the proposed move of {order}.",
        payload={"run": "id of the run", "order": "code of the order"},
    ),
)
