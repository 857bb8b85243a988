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
        "quality.units_stopped",
        "Units stopped",
        "Stop {number}: put aside: {units}. Given already: {given}. Ship, prepare and give nothing of the order.",
        payload={
            "number": "of the stop",
            "units": "codes of the units put aside, or none",
            "given": "codes of units that the patient has, or none",
            "orders": "how many orders it concerns; on the manufacturer's own record alone",
            "found": "how many units were found; on the manufacturer's own record alone",
            "deviation": "number of the order's deviation",
        },
        text_for={Role.COURIER: "STOP: do not move the box of this order; leave it where it is and call the sender."},
        notifies=True,
    ),
    EventKind(
        "quality.stop_signed",
        "Stop signed",
        "Stop {number} stands on {concerns}: ship, prepare and give nothing of it. The units are being put aside.",
        payload={
            "number": "of the stop",
            "concerns": "this order; on the manufacturer's own record how many orders and units",
        },
        text_for={Role.COURIER: "STOP: do not move the box of this order; leave it where it is and call the sender."},
    ),
    EventKind(
        "quality.stop_lifted",
        "Stop lifted",
        "Stop {number} was lifted. Out of quarantine: {units}.",
        payload={
            "number": "of the stop",
            "units": "codes of the units that go on, or none",
            "orders": "how many orders go on; on the manufacturer's own record alone",
        },
        text_for={Role.COURIER: "The box of this order may move again."},
        notifies=True,
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
