"""Kinds of events about what was noted without network, on devices."""

from ledger.events import EventKind, register

OFFLINE_PAYLOAD = {
    "offline_entry": "key that the device gave it",
    "order": "order code, as the device named it",
    "step": "step key",
    "title": "step title",
    "state": "what became of it",
    "words": "why, in words",
    "clock_skew_s": "by how many seconds the device's clock was ahead when it sent",
    "clock_off": "a device's clock differed by more than five minutes",
}
register(
    EventKind(
        "orders.offline_received",
        "Entry without network received",
        "{title}: an entry made without network was received. {words}",
        payload=OFFLINE_PAYLOAD,
    ),
    EventKind(
        "orders.offline_discarded",
        "Entry without network discarded",
        "{title}: an entry made without network was discarded.",
        payload=OFFLINE_PAYLOAD,
    ),
    EventKind(
        "orders.pack_printed",
        "Downtime pack printed",
        "Downtime pack {number} was printed.",
        payload={
            "number": "of the order's packs",
            "steps": "titles of the steps on it",
            "digest": "SHA-256 of the PDF",
            "named": "whether it names the patient",
        },
    ),
)
