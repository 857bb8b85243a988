"""What there is to ask for: types, steps, dispositions, places and things that the reader's events can name."""

from __future__ import annotations

from collections.abc import Mapping

from custody import queries as custody
from ledger.context import Actor
from orders.epcis.declarations import declarations
from orders.epcis.events import is_carrier
from orders.epcis.identifiers import BOX, CONTAINER, SITE, uri
from orders.epcis.vocabulary import CONTEXT
from personas import queries as people

# collection -> the query parameter that one of its members stands for
COLLECTIONS: Mapping[str, str] = {
    "eventTypes": "eventType",
    "epcs": "MATCH_anyEPC",
    "bizSteps": "EQ_bizStep",
    "bizLocations": "EQ_bizLocation",
    "readPoints": "EQ_readPoint",
    "dispositions": "EQ_disposition",
}
_PART = {"eventTypes": 0, "bizSteps": 2, "dispositions": 3}


def members(actor: Actor, collection: str, size: int, after: str = "") -> tuple[list[str], str]:
    """Return one page of a collection's members and the token of the next. Call inside ``reading(actor)``."""
    if collection in _PART:
        known = [one for one in declarations().values() if one.outer or not is_carrier(actor)]
        names = sorted({shape[_PART[collection]] for one in known for shape in one.shapes})
        return _cut([name for name in names if name > after], size)
    if collection == "epcs":
        return _epcs(actor, size, after)
    codes = people.sites(actor).filter(code__gt=after).order_by("code").values_list("code", flat=True)[: size + 1]
    found, token = _cut(list(codes), size)
    return [uri(SITE, code) for code in found], token


def _cut(names: list[str], size: int) -> tuple[list[str], str]:
    return names[:size], names[size - 1] if len(names) > size else ""


def _epcs(actor: Actor, size: int, after: str) -> tuple[list[str], str]:
    """Boxes, then (not for a courier) what can be inside; the token says which kind and after which code."""
    kind, _, code = after.partition(":") if after else (BOX, "", "")
    boxes = custody.box_codes(actor, code, size + 1) if kind == BOX else []
    room = size + 1 - len(boxes)
    bags = [] if is_carrier(actor) else custody.bag_codes(actor, code if kind == CONTAINER else "", room)
    keys, token = _cut([*(f"{BOX}:{one}" for one in boxes), *(f"{CONTAINER}:{one}" for one in bags)], size)
    return [uri(*key.split(":", 1)) for key in keys], token


def collection_document(names: list[str]) -> dict[str, object]:
    return {"@context": CONTEXT, "type": "Collection", "member": names}
