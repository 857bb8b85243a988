from ledger.events import EventKind, register
from ledger.states import Role

MAKERS = (Role.MANUFACTURER, Role.CMO)

register(
    EventKind(
        "quality.deviation_opened",
        "Deviation opened",
        "Deviation {number} ({severity}, {kind}) was opened.",
        payload={"number": "deviation number", "kind": "coded kind", "severity": "word"},
        audience=(*MAKERS, Role.TREATMENT_CENTER),
        notifies=True,
    ),
    EventKind(
        "quality.deviation_closed",
        "Deviation closed",
        "Deviation {number} was closed.",
        payload={"number": "deviation number", "severity": "word"},
        audience=(*MAKERS, Role.TREATMENT_CENTER),
    ),
    EventKind(
        "quality.result_invalidated",
        "Result invalidated",
        "The result of {test} of batch {batch} was declared invalid after deviation {deviation}.",
        payload={"batch": "batch number", "test": "key", "deviation": "deviation number"},
        audience=MAKERS,
    ),
    EventKind(
        "quality.release_revoked",
        "Release revoked",
        "The release of batch {batch} was revoked: do not ship, do not give.",
        payload={
            "batch": "batch number",
            "certificate": "number of the revoked certificate",
            "stopped": "number of bags put aside",
        },
        text_for={Role.COURIER: "STOP: do not move the box of this order; leave it where it is and call the sender."},
        notifies=True,
    ),
)
