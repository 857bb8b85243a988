"""What a person wants by e-mail, and when."""

from __future__ import annotations

import datetime as dt
from zoneinfo import available_timezones

from ledger.context import Actor
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotAllowed
from notifications.models import Preferences


def set_preferences(
    actor: Actor,
    *,
    mail_tasks: bool,
    mail_news: bool,
    quiet_from: dt.time | None,
    quiet_until: dt.time | None,
    quiet_weekends: bool,
    zone: str,
) -> Preferences:
    """Set the acting person's preferences in the acting organization; critical notices are always sent at once."""
    with acting(actor, "notifications.preferences_set", subject=("inbox", str(actor.user_id or ""))) as event:
        if not actor.is_human or actor.user_id is None:
            raise NotAllowed("A key has no inbox.", code="not_a_person", remedy="Sign in as a person.")
        _refuse_bad(quiet_from, quiet_until, zone)
        found = Preferences.unwalled.filter(organization_id=actor.organization_id, user_id=actor.user_id).first()
        preferences = found or Preferences(organization_id=actor.organization_id, user_id=actor.user_id)
        wanted = {
            "mail_tasks": mail_tasks,
            "mail_news": mail_news,
            "quiet_from": quiet_from,
            "quiet_until": quiet_until,
            "quiet_weekends": quiet_weekends,
            "zone": zone,
        }
        event.note(changed=sorted(name for name, value in wanted.items() if getattr(preferences, name) != value))
        for name, value in wanted.items():
            setattr(preferences, name, value)
        preferences.save(force_insert=found is None)
    return preferences


def _refuse_bad(quiet_from: dt.time | None, quiet_until: dt.time | None, zone: str) -> None:
    faults: dict[str, list[str]] = {}
    if (quiet_from is None) != (quiet_until is None):
        faults["quiet_until" if quiet_until is None else "quiet_from"] = ["Give both times, or neither."]
    if quiet_from is not None and quiet_from == quiet_until:
        faults["quiet_until"] = ["Quiet hours end at another time than they begin."]
    if zone not in available_timezones():
        faults["zone"] = ["Unknown time zone. Use an IANA name such as Europe/Berlin."]
    if faults:
        raise InvalidInput(fields=faults)
