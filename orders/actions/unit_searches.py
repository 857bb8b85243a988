"""A search for units, as both faces ask it: read, found, shown (QA4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from rest_framework import serializers

from custody.scans import read as read_code
from custody.units import Sought
from ledger.context import Actor
from ledger.refusals import InvalidInput
from orders.inputs import read
from orders.units import Page as Page
from orders.units import Unit as Unit
from orders.units import find as find
from orders.units import require_finder as require_finder
from orders.units import rows_of as rows_of
from personas.queries import sites

CRITERIA = ("lot", "donor", "shipper", "site", "since", "until")


class Moment(serializers.DateTimeField):
    """A moment; without an offset it is the reader's local time."""

    def enforce_timezone(self, value: dt.datetime) -> dt.datetime:
        zone = self.context.get("zone")
        if zone is not None and timezone.is_naive(value):
            return value.replace(tzinfo=zone)
        return super().enforce_timezone(value)


class UnitSearch(serializers.Serializer[Any]):
    """What all units have in common. At least one; all that are given have to be true."""

    lot = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=40,
        label="Lot number",
        help_text="of a vector or another critical material, of a unit from stock, or a batch number",
    )
    donor = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=60,
        label="Donor",
        help_text="donation number, or chain of identity",
    )
    shipper = serializers.CharField(
        required=False, allow_blank=True, max_length=40, label="Shipper", help_text="serial number of the shipper"
    )
    site = serializers.CharField(
        required=False, allow_blank=True, max_length=64, label="Site", help_text="code of a site where it is or was"
    )
    since = Moment(required=False, label="From", help_text="held, or in the shipper, from then on")
    until = Moment(required=False, label="Until", help_text="held, or in the shipper, before then")


def sought_of(actor: Actor, raw: Mapping[str, Any]) -> Sought:
    """Return what is searched for; raise InvalidInput by field, also for a search by nothing. Reads the site."""
    sent = {name: raw[name] for name in CRITERIA if raw.get(name) not in ("", None)}
    given = read(UnitSearch, sent, {"zone": ZoneInfo(actor.zone)})
    if not given:
        text = "Give at least one of lot, donor, shipper, site and time."
        raise InvalidInput(text, code="nothing_sought", fields={"lot": [text]})
    since, until = given.get("since"), given.get("until")
    if since and until and until <= since:
        raise InvalidInput(fields={"until": ["The end must come after the beginning."]})
    site = sites(actor).filter(code=given["site"]).first() if given.get("site") else None
    if given.get("site") and site is None:
        raise InvalidInput(fields={"site": ["This site is not known here."]})
    return Sought(
        lot=given.get("lot", ""),
        donor=_donor(given.get("donor", "")),
        shipper=given.get("shipper", ""),
        site_id=site.pk if site else None,
        since=since,
        until=until,
    )


def _donor(text: str) -> str:
    """Return the donation number or chain of identity in a scan; what was typed where it is neither."""
    if not text:
        return ""
    try:
        found = read_code(text, "donor")
    except InvalidInput:
        return text
    return found.donation or found.coi or text
