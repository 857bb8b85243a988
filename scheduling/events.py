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
)
