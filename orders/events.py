from ledger.events import EventKind, register
from ledger.states import Erasure, Role

CLINICAL_AND_PLANT = (Role.TREATMENT_CENTER, Role.MANUFACTURER, Role.CMO)

NOTED_PAYLOAD = {
    "clock_off": "a device's clock differed by more than five minutes",
    "offline_entry": "key of the entry that a device without network kept of it (absent when it had network)",
    "clock_skew_s": "by how many seconds that device's clock was ahead when it sent the entry",
    "received_at": "when that entry was received (UTC)",
}
LABEL_CONTENTS = "SHA-256 of what stands on each new print"
STEP_PAYLOAD = {
    "step": "step key",
    "title": "step title",
    "kind": "step kind",
    "attempt": "attempt number",
    "summary": "what came of it, in words without patient data",
    "facts": "what was recorded, without patient data",
    "flow_version": "version of the flow",
    "site": "code of the site where it happened",
    **NOTED_PAYLOAD,
    "transcribed": "from paper: pack, staff who signed it, who typed and who checked, SHA-256 of the picture",
    "late": "recorded late: codes of what stood against it (absent when recorded in time)",
    "deviation": "number of the deviation that a late record opened",
    "severity": "severity of that deviation",
    "label_contents": LABEL_CONTENTS,
}

WISH_PAYLOAD = {
    "order": "code",
    "wished_on": "day of collection that was asked for (local date at the center)",
    "first_date": "first day that would do",
    "last_date": "last day that would do",
    "due_at": "until when the answer is due (UTC)",
    "proposed_date": "day that would fit instead, or empty",
    "chain": "id of the slot chain that meets it, or empty",
    "level": "of an overdue request: 1: the planners are told; 2: who answers for the order",
}
CHANGE_PAYLOAD = {
    "order": "order code",
    "chain": "id of the slot chain that is new",
    "before": "start of the collection as it was (UTC)",
    "after": "start of the collection as it is or would be (UTC)",
    "code": "reason code in words",
    "state": "state of the new slot chain",
}
SWAP_PAYLOAD = {
    "first": "code of the first order",
    "second": "code of the second order",
    "order": "code of the order that is agreed for",
    "state": "what became of the swap",
}

TEMPERATURES = {
    "order": "code",
    "box": "outer code",
    "lowest": "degrees Celsius",
    "highest": "degrees Celsius",
    "limits": "in words",
    "minutes": "outside the limits",
    "readings": "number",
}
register(
    EventKind(
        "orders.enrolled",
        "Order opened",
        "Order {order} was opened for {therapy}.",
        payload={**STEP_PAYLOAD, "order": "order code", "therapy": "therapy name"},
        audience=CLINICAL_AND_PLANT,
        erasure=Erasure.REFERENCE_ONLY,
        notifies=True,
    ),
    EventKind("orders.step_done", "Step done", "{title}: {summary}", payload=STEP_PAYLOAD, notifies=True),
    EventKind("orders.step_progressed", "Step progressed", "{title}: {summary}", payload=STEP_PAYLOAD, notifies=True),
    EventKind(
        "orders.step_recorded_late",
        "Recorded late",
        "{title} was recorded late: {summary}",
        payload=STEP_PAYLOAD,
        notifies=True,
    ),
    EventKind(
        "orders.step_failed",
        "Step not passed",
        "{title} was not passed: {summary}",
        payload=STEP_PAYLOAD,
        notifies=True,
    ),
    EventKind(
        "orders.label_settled",
        "End of a label",
        "Label {label} is {state}.",
        payload={"label": "serial of the print", "state": "what became of it", "container": "code"},
        audience=CLINICAL_AND_PLANT,
    ),
    EventKind(
        "orders.donation_corrected",
        "Donation number corrected",
        "Donation number {wrong} was wrong; {right} is right, on {containers}.",
        payload={"order": "code", "wrong": "number", "right": "number", "containers": "codes"},
        audience=CLINICAL_AND_PLANT,
        notifies=True,
    ),
    EventKind(
        "orders.label_reprinted",
        "Label printed again",
        "Label {label} of {container} is printed again; the former is void.",
        payload={"label": "serial of the print", "container": "code", "label_contents": LABEL_CONTENTS},
        audience=CLINICAL_AND_PLANT,
    ),
    EventKind(
        "orders.labels_scanned_back",
        "Labels scanned back",
        "Labels scanned back on their bags: {labels}.",
        payload={"labels": "serials of the prints", "containers": "codes"},
        audience=CLINICAL_AND_PLANT,
    ),
    EventKind(
        "orders.party_left",
        "Party left",
        "{organization} takes no part in the order any more.",
        payload={"organization": "name of the organization that declined", "role": "actor"},
        audience=CLINICAL_AND_PLANT,
    ),
    EventKind(
        "orders.step_overdue",
        "Step overdue",
        "{title} is overdue: reminder {level}.",
        payload={
            "step": "step key",
            "title": "step title",
            "kind": "step kind",
            "attempt": "attempt number",
            "level": "1: its owner is told; 2: who answers for the order",
            "due_at": "when it was due (UTC)",
        },
        audience=CLINICAL_AND_PLANT,
        notifies=True,
    ),
    EventKind(
        "orders.step_repeated",
        "Step repeated",
        "{title} will be repeated.",
        payload={"step": "key", "title": "title", "attempt": "new attempt"},
        notifies=True,
    ),
    EventKind(
        "orders.put_on_hold", "Order on hold", "The order was put on hold.", payload={"order": "code"}, notifies=True
    ),
    EventKind("orders.hold_lifted", "Hold lifted", "The order goes on.", payload={"order": "code"}, notifies=True),
    EventKind(
        "orders.cancelled", "Order cancelled", "The order was cancelled.", payload={"order": "code"}, notifies=True
    ),
    EventKind(
        "orders.remanufacture_decided",
        "To be made again",
        "The physician decided how the order goes on after batch {batch}: {way}.",
        payload={
            "order": "code",
            "way": "how it goes on",
            "batch": "number of the batch that was lost, or none",
            "manufacture_start": "when the line that was booked begins (UTC), or empty",
        },
        audience=CLINICAL_AND_PLANT,
        notifies=True,
    ),
    EventKind(
        "orders.booking_reopened",
        "Booking reopened",
        "The slot chain has to be booked again.",
        payload={"order": "code", "why": "reason word"},
        notifies=True,
    ),
    EventKind(
        "orders.wishes_stated",
        "Wishes for dates",
        "The treatment center said what is wished of the dates.",
        payload={"order": "code"},
        audience=CLINICAL_AND_PLANT,
        notifies=True,
    ),
    EventKind(
        "orders.hold_renewed",
        "Slot hold renewed",
        "The slot hold now ends at {held_until}.",
        payload={"order": "code", "chain": "id of the slot chain", "held_until": "when it ends (UTC)"},
        audience=(Role.TREATMENT_CENTER,),
    ),
    *(
        EventKind(kind, title, text, payload=CHANGE_PAYLOAD, audience=audience, notifies=True)
        for kind, title, text, audience in (
            (
                "orders.dates_moved",
                "Dates moved",
                "The collection moved from {before} to {after}: {code}.",
                (*CLINICAL_AND_PLANT, Role.COURIER),
            ),
            (
                "orders.start_moved",
                "Start of manufacture moved",
                "The start of manufacture moved from {before} to {after}: {code}. The collection stands.",
                (*CLINICAL_AND_PLANT, Role.COURIER),
            ),
            (
                "orders.return_moved",
                "Way back moved",
                "After a disruption the way back moved, the earliest infusion from {before} to {after}: {code}.",
                (*CLINICAL_AND_PLANT, Role.COURIER),
            ),
            (
                "orders.change_proposed",
                "Change of dates proposed",
                "The center asks to move the collection from {before} to {after}: {code}.",
                CLINICAL_AND_PLANT,
            ),
            (
                "orders.change_agreed",
                "Change of dates agreed",
                "The manufacturer agreed: the collection moved from {before} to {after}.",
                (*CLINICAL_AND_PLANT, Role.COURIER),
            ),
            (
                "orders.change_offered",
                "Other dates proposed",
                "The manufacturer asks to move the collection from {before} to {after}: {code}.",
                CLINICAL_AND_PLANT,
            ),
            (
                "orders.change_offered_by_plant",
                "Other dates proposed by the plant",
                "The contract manufacturer asks to move the collection from {before} to {after}: {code}.",
                CLINICAL_AND_PLANT,
            ),
            (
                "orders.offered_change_agreed",
                "Proposed dates agreed",
                "The center agreed: the collection moved from {before} to {after}.",
                (*CLINICAL_AND_PLANT, Role.COURIER),
            ),
            (
                "orders.offered_change_refused",
                "Proposed dates refused",
                "The center refused to move the collection to {after}; {before} stays.",
                CLINICAL_AND_PLANT,
            ),
            (
                "orders.move_refused",
                "Move refused",
                "The center refused other dates after a disruption ({after}); {before} stays.",
                CLINICAL_AND_PLANT,
            ),
            (
                "orders.change_refused",
                "Change of dates refused",
                "The manufacturer refused to move the collection to {after}; {before} stays.",
                CLINICAL_AND_PLANT,
            ),
        )
    ),
    *(
        EventKind(f"orders.{kind}", title, text, payload=WISH_PAYLOAD, audience=CLINICAL_AND_PLANT, notifies=True)
        for kind, title, text in (
            (
                "dates_requested",
                "Dates requested",
                "Nothing is published: the center asks for a collection on {wished_on}, or from {first_date} to"
                " {last_date}.",
            ),
            (
                "date_request_met",
                "Requested dates booked",
                "The manufacturer booked the dates that the center asked for ({first_date} to {last_date}).",
            ),
            (
                "date_request_declined",
                "Requested dates declined",
                "The manufacturer declined the dates that the center asked for ({first_date} to {last_date}).",
            ),
            (
                "date_request_withdrawn",
                "Request for dates withdrawn",
                "The center withdrew its request for a collection on {wished_on}.",
            ),
            (
                "date_request_overdue",
                "Request for dates not answered",
                "The request for a collection on {wished_on} was not answered in time.",
            ),
        )
    ),
    EventKind(
        "orders.days_wished",
        "Days wished of a client",
        "A center in {country} wishes a collection on {wished_on}, or {first_date} to {last_date}, for {therapy} of"
        " {client}: nothing is published, and no plant is chosen.",
        payload={
            "therapy": "name of the therapy",
            "client": "name of its manufacturer, which answers",
            "country": "of the center",
            "wished_on": "day of collection that was asked for (local date at the center)",
            "first_date": "first day that would do",
            "last_date": "last day that would do",
            "due_at": "until when the client answers (UTC)",
        },
        audience=(Role.CMO, Role.MANUFACTURER),
        notifies=True,
    ),
    EventKind(
        "orders.repair_handed_over",
        "Repair handed over",
        "After a disruption the contract manufacturer proposes other dates; the sponsor's planner signs its own part.",
        payload={"run": "id of the repair", "moves": "number of orders"},
        audience=(Role.MANUFACTURER, Role.CMO),
        notifies=True,
    ),
    EventKind(
        "orders.repair_signed",
        "Other dates proposed",
        "After a disruption the planner proposes other dates; the center accepts or refuses them.",
        payload={"run": "id of the repair", "moves": "number of orders"},
        audience=CLINICAL_AND_PLANT,
        notifies=True,
    ),
    EventKind(
        "orders.change_withdrawn",
        "Change of dates withdrawn",
        "The proposed change of dates was withdrawn; what was confirmed stays.",
        payload={"order": "code"},
        audience=CLINICAL_AND_PLANT,
        notifies=True,
    ),
    *(
        EventKind(kind, title, text, payload=SWAP_PAYLOAD, audience=(Role.TREATMENT_CENTER,), notifies=True)
        for kind, title, text in (
            ("orders.swap_proposed", "Swap of dates proposed", "{first} and {second} are to exchange their dates."),
            ("orders.swap_approved", "Swap of dates approved", "A physician agreed to the swap for {order}."),
            ("orders.swap_ended", "Swap of dates given up", "{first} and {second} keep their dates: {state}."),
        )
    ),
    EventKind(
        "orders.dates_swapped",
        "Dates exchanged",
        "The center exchanged these dates with those of another of its patients: {code}.",
        payload={"code": "reason code in words"},
        audience=(*CLINICAL_AND_PLANT, Role.COURIER),
        notifies=True,
    ),
    EventKind(
        "orders.epcis_query_kept",
        "EPCIS query kept",
        "The EPCIS query {name} was kept.",
        payload={"name": "name of the query"},
    ),
    EventKind(
        "orders.epcis_query_dropped",
        "EPCIS query dropped",
        "The EPCIS query {name} was dropped.",
        payload={"name": "name of the query"},
    ),
    EventKind(
        "orders.epcis_received",
        "EPCIS document received",
        "A document of {events} EPCIS events was received.",
        payload={"events": "how many", "behavior": "what one refused event means for the others"},
    ),
    EventKind(
        "orders.epcis_captured",
        "EPCIS document worked through",
        "{done} EPCIS events are on the record, {refused} were refused.",
        payload={"done": "how many", "refused": "how many"},
    ),
    EventKind(
        "orders.error_declared",
        "Declared wrong",
        "{act} of {happened} was declared wrong by {sender}, who reported it: {words}.",
        payload={
            "order": "code",
            "act": "in words",
            "happened": "when (UTC)",
            "sender": "name of the organization whose system sent it",
            "reason": "error reason of CBV 2.0",
            "words": "the same in words",
            "declared": "event of the record that is wrong",
            "declared_at": "declaration time (UTC)",
            "corrected_by": "events of the record that correct it",
            "deviation": "number",
            "severity": "of the deviation",
        },
        notifies=True,
    ),
    EventKind(
        "orders.pickup_failed",
        "Pickup failed",
        "{title}: the courier left without the box. {failure}.",
        payload={
            "order": "code",
            "step": "key",
            "title": "step title",
            "failure": "reason in words",
            "box": "outer code",
            **NOTED_PAYLOAD,
        },
        notifies=True,
    ),
    EventKind(
        "orders.readings_recorded",
        "Temperatures recorded",
        "Temperatures of box {box} were recorded: {lowest} to {highest} °C.",
        payload={
            "order": "code",
            "box": "outer code",
            "logger": "serial number",
            "taken": "new readings",
            "repeated": "readings known already",
            "bad": "rows that could not be read",
            "lowest": "degrees Celsius of all readings",
            "highest": "degrees Celsius of all readings",
            "excursion": "whether the box was outside its limits for longer than allowed",
            "held": "number of bags put into quarantine",
            "digest": "SHA-256 of what was sent",
        },
    ),
    EventKind(
        "orders.excursion_found",
        "Temperature excursion",
        "Box {box} was outside its limits ({limits}): {lowest} to {highest} °C, {minutes} min outside.",
        payload=TEMPERATURES,
        notifies=True,
    ),
    EventKind(
        "orders.condition_in_range",
        "Temperatures in range",
        "Box {box} stayed within its limits ({limits}): {lowest} to {highest} °C, {readings} readings.",
        payload=TEMPERATURES,
        notifies=True,
    ),
    EventKind(
        "orders.delayed",
        "Delayed",
        "{title} is now expected at {expected_at}. {margin}",
        payload={
            "order": "code",
            "step": "key",
            "title": "step title",
            "box": "outer code of the box, or empty",
            "planned_at": "time of the plan (UTC)",
            "expected_at": "when it is expected now (UTC)",
            "left": "hours in reserve on arrival; negative: too late; or empty",
            "margin": "hours in reserve on arrival, and what speaks against the shipper, in words; or empty",
            **NOTED_PAYLOAD,
        },
        notifies=True,
    ),
    EventKind(
        "orders.dossier_taken",
        "Dossier taken",
        "A dossier of order {order} was taken by {persona}.",
        payload={"order": "code", "persona": "title of the persona that took it"},
        audience=CLINICAL_AND_PLANT,
    ),
    EventKind(
        "orders.copy_verified",
        "Copy verified",
        "A copy of order {order}'s record was verified: {result}.",
        payload={"order": "code", "result": "intact or altered", "findings": "how many differences were found"},
    ),
    EventKind(
        "orders.record_read",
        "Record read",
        "The record of order {order} was read by {persona}.",
        payload={"order": "code", "persona": "title of the persona that read it"},
    ),
    EventKind(
        "orders.flow_proposed",
        "Flow proposed",
        "Version {version} of {flow} was proposed.",
        payload={"flow": "name", "version": "number", "checksum": "SHA-256 of the flow file"},
    ),
    EventKind(
        "orders.flow_approved",
        "Flow approved",
        "Version {version} of {flow} is live.",
        payload={"flow": "name", "version": "number"},
    ),
    EventKind(
        "orders.flow_retired",
        "Flow retired",
        "Version {version} of {flow} was retired.",
        payload={"flow": "name", "version": "number"},
    ),
)
