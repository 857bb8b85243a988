"""What lies where: one container to a place, a place freed by whatever leaves it (CL3)."""

from __future__ import annotations

import re
from typing import Any, NoReturn
from uuid import UUID

from django.db import IntegrityError, transaction

from custody.models import Container, StoreUnit
from custody.states import LYING
from ledger.refusals import Conflict, InvalidInput, WrongState

_PATH = re.compile(r"(.+?)\s*/\s*(\d{1,3})\s*/\s*(\d{1,3})")


def units_of(site_id: UUID | None) -> list[StoreUnit]:
    """Return the units of a site that are in use."""
    return list(StoreUnit.unwalled.filter(site_id=site_id, retired_at__isnull=True).order_by("name"))


def read_path(site_id: UUID | None, text: str, field: str) -> tuple[StoreUnit, int, int] | None:
    """Return unit, rack and place that ``Tank 2/3/14`` names; None at a site that keeps no register of its store.

    Raises InvalidInput beside ``field`` for a text that names no place of the register.
    """
    units = units_of(site_id)
    if not units:
        return None
    match = _PATH.fullmatch(text.strip())
    unit = next((one for one in units if match and one.name.upper() == match[1].strip().upper()), None)
    if match is None or unit is None:
        names = ", ".join(one.name for one in units)
        _refuse(field, f"Give unit, rack and place, as {units[0].path(1, 1)}. Units of this site: {names}.")
    return unit, int(match[2]), int(match[3])


def put(container: Container, unit: StoreUnit, rack: int, place: int, field: str = "place") -> Container:
    """Put a container into a place of a unit; moving it frees the place where it was.

    Raises InvalidInput for a place that the unit has not, Conflict ``place_taken``, WrongState for what lies nowhere.
    """
    if not (1 <= rack <= unit.racks and 1 <= place <= unit.places):
        _refuse(field, f"{unit.name} has racks 1 to {unit.racks} with places 1 to {unit.places}.")
    if container.state not in LYING:
        raise WrongState(f"{container.code} is {container.state_label.lower()} and lies in no store.", code="not_lying")
    facts: dict[str, Any] = {"store_unit": unit, "rack": rack, "place": place}
    facts["storage_location"] = unit.path(rack, place)
    for name, value in facts.items():
        setattr(container, name, value)
    try:
        with transaction.atomic():
            container.save(update_fields=list(facts))
    except IntegrityError as error:
        if "custody_container_place" not in str(error):
            raise
        text = f"{unit.path(rack, place)} is taken."
        raise Conflict(
            text, code="place_taken", fields={field: [text]}, remedy="Choose a free place on the storage map."
        ) from error
    return container


def _refuse(field: str, text: str) -> NoReturn:
    raise InvalidInput(text, code="no_such_place", fields={field: [text]})
