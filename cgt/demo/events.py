from ledger.events import EventKind, register

CLOCK_ADVANCED = "cgt.clock_advanced"

register(
    EventKind(
        CLOCK_ADVANCED,
        "Demonstration clock advanced",
        "The demonstration's clock was advanced from {came_from} to {went_to}.",
        payload={
            "came_from": "fictional time before (UTC)",
            "went_to": "fictional time after (UTC)",
            "seconds": "by how much",
            "seconds_ahead": "how far it is ahead of the machine's clock now",
        },
    ),
)
