"""What is said of a box on its way: milestones, legs, customs, another route, another shipper."""

from ledger.events import EventKind, register
from orders.events import CLINICAL_AND_PLANT

register(
    EventKind(
        "orders.box_photographed",
        "Photo of a box kept",
        "A photo of box {box} was kept: {about}.",
        payload={"order": "code", "box": "outer code", "about": "what it shows", "digest": "SHA-256 of the photo"},
    ),
    EventKind(
        "orders.store_readings_recorded",
        "Readings of the store recorded",
        "{taken} readings of {unit} were taken.",
        payload={"unit": "its name", "taken": "new", "repeated": "known already", "bad": "rows that cannot be read"},
    ),
    EventKind(
        "orders.store_breached",
        "Store outside its limits",
        "{unit} was {minutes} min outside its limits ({limits}). Put aside: {held}.",
        payload={
            "unit": "of the store",
            "limits": "in words",
            "minutes": "outside the limits",
            "held": "codes of the order's containers that it concerns; their number on the organization's own record",
            "deviation": "number of the order's deviation",
            "orders": "how many orders it concerns; on the organization's own record alone",
        },
        audience=CLINICAL_AND_PLANT,
        notifies=True,
    ),
    EventKind(
        "orders.kit_sent",
        "Courier booked for the kit",
        "Collection kit {number} is brought by {deliver_by}.",
        payload={
            "order": "code",
            "kind": "what is carried",
            "number": "of the kit",
            "deliver_by": "when it is there",
        },
    ),
    *(
        EventKind(
            kind,
            title,
            text,
            payload={
                "order": "code",
                "step": "step key",
                "title": "step title",
                "attempt": "attempt number",
                "milestone": "in words",
                "leg": "number of the leg of the route, or null",
                "direction": "inbound or outbound",
                "expected_at": "when it is expected (UTC)",
                "minutes_before": "how long before people are told",
                "level": "1: before it; 2: missed, who is concerned is told; 3: who answers for the order is told",
            },
            notifies=True,
        )
        for kind, title, text in (
            ("orders.milestone_ahead", "Milestone comes up", "{title} is expected at {expected_at}."),
            ("orders.milestone_missed", "Milestone missed", "{title} was expected at {expected_at} and is not done."),
        )
    ),
    *(
        EventKind(
            kind,
            title,
            text,
            payload={
                "order": "code",
                "box": "outer code",
                "report": "what happened, in words",
                "route": "name of the route; empty: the planned one",
                "leg": "the leg, in words, or empty",
                "expected_at": "when the box is expected now (UTC), or empty",
                "warnings": "what speaks against that time, in words",
            },
            notifies=notifies,
        )
        for kind, title, text, notifies in (
            (
                "orders.customs_held",
                "Held at customs",
                "Box {box} is held at customs; expected at {expected_at}. {warnings}",
                True,
            ),
            (
                "orders.customs_cleared",
                "Cleared by customs",
                "Customs cleared box {box}; expected at {expected_at}. {warnings}",
                True,
            ),
            (
                "orders.route_changed",
                "Goes another route",
                "Box {box} goes by {route}; expected at {expected_at}. {warnings}",
                True,
            ),
            ("orders.leg_reported", "Leg reported", "Box {box}: {report}, {leg}.", False),
            (
                "orders.leg_late",
                "Leg is late",
                "Box {box}: {report}, {leg}, late; expected at {expected_at}. {warnings}",
                True,
            ),
        )
    ),
    EventKind(
        "orders.box_refused",
        "Box not accepted",
        "{organization} did not accept box {box}: {refusal}.",
        payload={
            "order": "code",
            "box": "outer code",
            "organization": "the receiver that did not accept it",
            "refusal": "reason in words",
        },
        notifies=True,
    ),
    EventKind(
        "orders.shipper_swapped",
        "Shipper changed",
        "Box {box} was moved from shipper {was_shipper} into {shipper} at {place}.",
        payload={
            "order": "code",
            "box": "outer code, unchanged",
            "was_shipper": "number of the shipper before",
            "was_seal": "its seal",
            "was_logger": "its logger",
            "shipper": "number of the shipper now",
            "seal": "new seal",
            "logger": "logger now",
            "units": "how many were moved: all",
            "place": "where, in words",
            "findings": "what was found at it, in words",
            "recorded_late": "whether it was recorded after it had happened",
        },
        notifies=True,
    ),
)
