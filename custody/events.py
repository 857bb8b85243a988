"""What this app says in the record. Acts within a step of an order are said by the order's own events."""

from ledger.events import EventKind, register
from ledger.states import Role

PIECE = {"kind": "shipper or logger, in words", "serial": "number on the piece"}
ALARM_PAYLOAD = {
    "unit": "its name",
    "cause": "in words",
    "items": "how many containers lay in it",
    "text": "what the alarm says",
}
JOB_PAYLOAD = {"kind": "what is carried", "number": "on it", "order": "code, or empty"}
RETURN = {"serial": "number on the shipper", "box": "outer code of the box that came in it", "at": "ISO time"}
_INVOLVED = (Role.TREATMENT_CENTER, Role.MANUFACTURER, Role.CMO)

register(
    EventKind(
        "custody.identity_mismatch",
        "Identity mismatch",
        "Line stopped: a scan did not match chain of identity {identity}. Quarantined: {containers}.",
        payload={
            "identity": "CoI code of the order",
            "containers": "codes of the containers put in quarantine",
            "detail": "what was found, without patient data",
            "during": "the step or act at which it was found, in words; absent before 28 November 2026",
        },
        text_for={Role.COURIER: "Line stopped: a scan did not match. Do not move the material."},
        notifies=True,
    ),
    EventKind(
        "custody.query_lifted",
        "Identity query lifted",
        "The query on chain of identity {identity} was lifted. Released from quarantine: {containers}.",
        payload={
            "identity": "CoI code of the order",
            "containers": "codes of the containers released from quarantine",
        },
        audience=_INVOLVED,
        notifies=True,
    ),
    EventKind(
        "custody.alias_registered",
        "Code registered",
        "{issuer} registered its {system} for {names}.",
        payload={
            "issuer": "organization in whose system the code is",
            "system": "kind of code, in words",
            "names": "our own code of the thing",
            "value": "the code, where every party may look it up; else empty",
        },
        audience=_INVOLVED,
    ),
    EventKind(
        "custody.aliases_imported",
        "Codes registered from a list",
        "{issuer} registered {count} codes of a list: {names}.",
        payload={
            "issuer": "organization in whose system the codes are",
            "count": "how many are new",
            "names": "our own codes of the things, with the kind of code",
        },
        audience=_INVOLVED,
    ),
    EventKind(
        "custody.alias_withdrawn",
        "Code withdrawn",
        "{issuer} withdrew its {system} for {names}.",
        payload={
            "issuer": "organization in whose system the code is",
            "system": "kind of code, in words",
            "names": "our own code of the thing",
        },
        audience=_INVOLVED,
    ),
    EventKind(
        "custody.facility_entered",
        "Facility number entered",
        "Facility number {facility} was entered ({reference}).",
        payload={"facility": "as registered with ICCBBA", "reference": "of the registration"},
    ),
    EventKind(
        "custody.scheme_proposed",
        "Numbering proposed",
        "Version {version} of the numbering was proposed: {scheme}, {example}.",
        payload={"version": "of the scheme", "scheme": "its kind, in words", "example": "what a code looks like"},
    ),
    EventKind(
        "custody.scheme_approved",
        "Numbering approved",
        "Version {version} of the numbering is live: {example}.",
        payload={"version": "of the scheme", "example": "what a code looks like"},
    ),
    EventKind(
        "custody.scheme_retired",
        "Numbering retired",
        "Version {version} of the numbering was retired.",
        payload={"version": "of the scheme"},
    ),
    EventKind(
        "custody.label_template_proposed",
        "Label template proposed",
        "Version {version} of a label template was proposed: {template}.",
        payload={"version": "of the template", "template": "therapy, label and market, in words"},
    ),
    EventKind(
        "custody.label_template_approved",
        "Label template approved",
        "Version {version} of a label template is live: {template}.",
        payload={"version": "of the template", "template": "therapy, label and market, in words"},
    ),
    EventKind(
        "custody.label_template_retired",
        "Label template retired",
        "Version {version} of a label template was retired: {template}.",
        payload={"version": "of the template", "template": "therapy, label and market, in words"},
    ),
    EventKind(
        "custody.store_unit_added",
        "Store unit added",
        "{unit} at {site} is part of the store: {size} places.",
        payload={"unit": "its name", "site": "site code", "size": "number of places"},
    ),
    EventKind(
        "custody.store_unit_retired",
        "Store unit out of use",
        "{unit} at {site} is out of use.",
        payload={"unit": "its name", "site": "site code"},
    ),
    EventKind(
        "custody.store_limits_set",
        "Limits of a store unit set",
        "{unit}: {limits}, {minutes} min outside allowed.",
        payload={"unit": "its name", "limits": "in words", "minutes": "that it may be outside"},
    ),
    *(
        EventKind(kind, title, text, payload=ALARM_PAYLOAD, notifies=notifies)
        for kind, title, text, notifies in (
            ("custody.store_alarm_opened", "Alarm of the store", "Alarm of {unit}: {cause}. {text}", True),
            ("custody.store_alarm_acknowledged", "Alarm acknowledged", "Alarm of {unit}: somebody is there.", False),
            ("custody.store_alarm_closed", "Alarm closed", "Alarm of {unit} is closed: {cause}.", False),
        )
    ),
    EventKind(
        "custody.equipment_added",
        "Shipper or logger entered",
        "{kind} {serial} was entered in the register.",
        payload=PIECE
        | {"model": "of the piece", "valid_until": "ISO time", "hold_hours": "how long a charge holds, or empty"},
    ),
    EventKind(
        "custody.shipper_charged",
        "Shipper charged",
        "{kind} {serial} was charged.",
        payload=PIECE | {"charged_at": "ISO time", "holds_until": "ISO time"},
    ),
    EventKind(
        "custody.equipment_renewed",
        "Shipper qualified or logger calibrated again",
        "{kind} {serial} is valid until {valid_until}.",
        payload=PIECE | {"valid_until": "ISO time", "hold_hours": "how long a charge holds, or empty"},
    ),
    EventKind(
        "custody.equipment_retired",
        "Shipper or logger out of service",
        "{kind} {serial} was taken out of service.",
        payload=PIECE,
    ),
    EventKind(
        "custody.shipper_cleaned",
        "Shipper cleaned",
        "{kind} {serial} was cleaned.",
        payload=PIECE | {"cleaned_at": "ISO time"},
    ),
    *(
        EventKind(kind, title, text, payload=RETURN | more, notifies=notifies)
        for kind, title, text, more, notifies in (
            ("custody.empty_handed_over", "Empty shipper left", "Empty shipper {serial} was handed over.", {}, False),
            (
                "custody.empty_received",
                "Empty shipper back",
                "Empty shipper {serial}: {outcome}.",
                {"outcome": "what came back, in words"},
                False,
            ),
            ("custody.return_postponed", "Return postponed", "Shipper {serial} is expected at {at}.", {}, False),
            ("custody.return_overdue", "Shipper not back", "Shipper {serial} was expected back at {at}.", {}, True),
        )
    ),
    *(
        EventKind(kind, title, text, payload=JOB_PAYLOAD | more, notifies=notifies)
        for kind, title, text, more, notifies in (
            ("custody.job_booked", "Courier booked", "A courier was booked: {kind} {number}.", {}, False),
            ("custody.job_fetched", "Fetched", "{kind} {number} was fetched.", {"at": "when"}, False),
            ("custody.job_delivered", "Delivered", "{kind} {number} was delivered.", {"at": "when"}, False),
            ("custody.job_failed", "Not fetched", "{kind} {number}: {failure}", {"failure": "why"}, False),
            ("custody.job_cancelled", "Courier cancelled", "The courier for {kind} {number} was cancelled.", {}, False),
            ("custody.job_told", "Told of a courier's job", "{words}.", {"words": "what is told"}, True),
        )
    ),
    EventKind(
        "custody.layout_saved",
        "Layout of logger files saved",
        "Files of {model} are read by the columns {time_column} and {value_column}.",
        payload={
            "model": "of logger",
            "time_column": "heading",
            "value_column": "heading",
            "serial_label": "heading or word, or empty",
            "time_format": "of times, or empty for ISO 8601",
            "zone": "IANA name",
            "fahrenheit": "whether degrees are",
        },
    ),
    EventKind(
        "custody.stock_added",
        "Unit put in stock",
        "Unit {unit} was put in stock.",
        payload={"unit": "lot and serial", "expires_at": "ISO time"},
    ),
)
