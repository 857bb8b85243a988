"""Orders that are further on their way, driven by the same player that fills the demonstration."""

from __future__ import annotations

import random
from typing import Any

from cgt.demo.journey import Cast, Journey, Player
from personas.catalog import ACTORS
from tests.factories import PASSWORD
from tests.orders.factories import World

CENTER = ("coordinator", "treating_physician", "apheresis_nurse", "cell_lab_technologist", "site_quality")
LATER = ("pharmacist", "infusion_nurse")
MAKER = ("planner", "operator", "qc_analyst", "qa_reviewer", "qualified_person", "logistics_manager")
COURIER = ("courier_driver", "courier_dispatcher")


def journey_of(world: World, **identity: Any) -> Journey:
    """Return an order that was just opened, with everybody who may play a part in it."""
    cast = Cast()
    for organization, personas in (("center", CENTER + LATER), ("maker", MAKER), ("courier", COURIER)):
        known = {declared.key for declared in ACTORS[getattr(world, organization).role].personas}
        for persona in personas:
            for number in (1, 2):
                if persona in known and (persona, number) != ("treating_physician", 2):
                    actor = world.actor(organization, persona, number)
                    cast.players.append(Player(actor, world.username(organization, persona, number), PASSWORD))
    journey = Journey(cast, random.Random(7))
    document = {"birth_date": "1961-04-05", **identity}
    coordinator = next(player for player in cast.players if player.actor.persona == "coordinator")
    journey.enrol(coordinator, world.therapy.code, world.clinic.code, document)
    return journey


def packed(world: World, *, picked_up: bool = False, **identity: Any) -> str:
    """Return the code of an order whose starting material waits for the driver (or was just picked up)."""
    journey = journey_of(world, **identity)
    journey.run(until="pickup") if picked_up else journey.run(before="pickup")
    return journey.code
