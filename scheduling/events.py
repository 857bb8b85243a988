from ledger.events import EventKind, register
from ledger.states import Role

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
)
