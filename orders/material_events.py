"""Kinds of events about what becomes of an order's material beside its flow."""

from ledger.events import EventKind, register
from orders.events import CLINICAL_AND_PLANT

register(
    EventKind(
        "orders.quarantine_decided",
        "Quarantine decided",
        "Quality decided about {container} in quarantine: {decision}.",
        payload={"order": "code", "container": "container code", "decision": "release or reject"},
        audience=CLINICAL_AND_PLANT,
        notifies=True,
    ),
    EventKind(
        "orders.material_put_aside",
        "Material put aside",
        "Quality put {container} into quarantine.",
        payload={"order": "code", "container": "container code"},
        audience=CLINICAL_AND_PLANT,
        notifies=True,
    ),
    EventKind(
        "orders.material_destroyed",
        "Material destroyed",
        "{container} was destroyed, seen by two people: {how}.",
        payload={"order": "code", "container": "container code", "how": "how, in the words of whoever did it"},
        audience=CLINICAL_AND_PLANT,
        notifies=True,
    ),
    EventKind(
        "orders.material_returned",
        "Product returned to the store",
        "{container} came back to the store, seen by two people: quality decides whether it is used again.",
        payload={
            "order": "code",
            "container": "container code",
            "condition": "kept, or not_kept",
            "place": "where it lies",
            "deviation": "number, when it was not kept",
        },
        audience=CLINICAL_AND_PLANT,
        notifies=True,
    ),
    EventKind(
        "orders.material_lost",
        "Material lost",
        "Nobody finds {container}; deviation {deviation} was opened.",
        payload={"order": "code", "container": "container code", "deviation": "number"},
        audience=CLINICAL_AND_PLANT,
        notifies=True,
    ),
    EventKind(
        "orders.material_found",
        "Material found",
        "{container} was found and put into quarantine.",
        payload={"order": "code", "container": "container code"},
        audience=CLINICAL_AND_PLANT,
        notifies=True,
    ),
    EventKind(
        "orders.material_converted",
        "Material worked on",
        "{act}: {made} made of {used}.",
        payload={
            "order": "code",
            "conversion": "kind of act",
            "act": "kind of act, in words",
            "used": "codes of what it was made of",
            "made": "codes of what was made",
            "volumes_ml": "by code, of what was made",
            "left_ml": "stays where it was",
            "lost_ml": "lost",
            "label_contents": "SHA-256 of what stands on each new print",
        },
        audience=CLINICAL_AND_PLANT,
    ),
    EventKind(
        "orders.material_moved",
        "Material moved in store",
        "{container} lies at {after}.",
        payload={"order": "code", "container": "container code", "before": "place, or empty", "after": "place"},
        audience=CLINICAL_AND_PLANT,
    ),
)
