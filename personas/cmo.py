"""The contract manufacturer and its personas (DOMAIN 2.4)."""

from ledger.states import Role
from personas.declarations import ADMINISTRATOR, INSPECTOR, ActorDeclaration, persona
from personas.states import Capability as C

CMO = ActorDeclaration(
    role=Role.CMO,
    title="Contract manufacturer",
    sees_of_patient="The chain of identity only.",
    sees_of_order="Orders whose batch it makes; never one client's orders to another.",
    personas=(
        persona(
            "cmo_planner",
            "CMO planner",
            "One plan board over all clients, with walls between them.",
            C.REGISTER_CODES,
            C.CONFIRM_SLOTS,
            C.PUBLISH_CAPACITY,
            desk="planner",
            stories=("CM1", "CM2"),
        ),
        persona(
            "cmo_operator",
            "CMO operator",
            "The right cells enter, and only they leave.",
            C.REGISTER_CODES,
            C.TAKE_CUSTODY,
            C.KEEP_EQUIPMENT,
            C.RECEIVE_MATERIAL,
            C.MANUFACTURE,
            C.CONVERT_MATERIAL,
            C.KEEP_STORE,
            C.PACK_MATERIAL,
            C.GIVE_CUSTODY,
            C.PRINT_LABELS,
            desk="dock",
            stories=("CM5", "CM6"),
        ),
        persona(
            "cmo_qc_analyst", "CMO QC analyst", "Results against the order's specification.", C.RECORD_QC, desk="qc"
        ),
        persona(
            "cmo_quality",
            "CMO quality",
            "Hand a complete package to the client.",
            C.REVIEW_BATCH,
            C.MANAGE_DEVIATIONS,
            C.RESOLVE_IDENTITY,
            C.FIND_UNITS,
            desk="qa",
            stories=("CM4",),
        ),
        INSPECTOR,
        ADMINISTRATOR,
    ),
)
