"""The courier and its personas (DOMAIN 2.5)."""

from ledger.states import Role
from personas.declarations import ADMINISTRATOR, INSPECTOR, ActorDeclaration, persona
from personas.states import Capability as C

COURIER = ActorDeclaration(
    role=Role.COURIER,
    title="Courier",
    sees_of_patient="Nothing. Outer codes only.",
    sees_of_order="The shipments it carries.",
    personas=(
        persona(
            "courier_driver",
            "Courier driver",
            "The right box, sealed, with both signatures.",
            C.REGISTER_CODES,
            C.TAKE_CUSTODY,
            C.GIVE_CUSTODY,
            desk="driver",
            stories=("CR1", "CR2", "CR4"),
        ),
        persona(
            "courier_dispatcher",
            "Courier control",
            "Every job accepted and on its way.",
            C.REGISTER_CODES,
            C.ACCEPT_JOB,
            C.PUBLISH_CAPACITY,
            C.MANAGE_LANES,
            C.KEEP_EQUIPMENT,
            desk="dispatcher",
            stories=("CC1",),
        ),
        INSPECTOR,
        ADMINISTRATOR,
    ),
)
