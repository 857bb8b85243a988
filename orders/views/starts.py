"""A line and a day of the address: only chains whose manufacture starts there and then, as on the planner's board."""

from __future__ import annotations

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpRequest
from django.utils import timezone

from orders.views.requests import asked, day

TOGETHER = "Give the line and the day of its start together, or neither."


def target_of(request: HttpRequest, lines: list[tuple[UUID, str]]) -> dict[str, Any] | None:
    """Return the line and the day that the address asks for; None for words that name none."""
    names = {str(line): name for line, name in lines}
    line, date = asked(request, "line"), day(asked(request, "start"))
    return {"line": line, "name": names[line], "date": date, "why": ""} if date and line in names else None


def start_filters(
    request: HttpRequest,
    lines: list[tuple[UUID, str]],
    order: Any,
    target: dict[str, Any] | None,
    *,
    required: bool = False,
) -> list[dict[str, Any]]:
    """Return the two fields; ``required``: where nothing else is searched for. Half an answer is told beside the other
    field."""
    zone = order.plant_site.zone if order.plant_site else order.center_site.zone
    today = timezone.localdate(timezone=ZoneInfo(zone)).isoformat()
    typed_line, typed_start = asked(request, "line"), asked(request, "start")
    known = any(typed_line == str(pk) for pk, _ in lines)
    line = {"name": "line", "label": "Line", "type": "select", "choices": [(str(pk), name) for pk, name in lines]}
    start = {"name": "start", "label": "Manufacture starts on", "type": "date", "min": today}
    errors: dict[str, list[str]] = {"line": [], "start": []}
    if not required and bool(typed_line) != bool(typed_start):
        errors["start" if typed_line else "line"] = [TOGETHER]
    elif typed_line and not known:
        errors["line"] = ["Choose one of these lines."]
    elif typed_start and day(typed_start) is None:
        errors["start"] = ["Give a day as year, month and day."]
    shown = typed_line if known else (str(lines[0][0]) if required else "")
    return [
        {**line, "required": required, "blank": "Any", "value": shown, "errors": errors["line"]},
        {
            **start,
            "required": required,
            "value": target["date"].isoformat() if target else typed_start,
            "errors": errors["start"],
        },
    ]


def why_none(refused: list[Any]) -> str:
    """Return the reason that says most: that the line is full, else why a collection in time finds no way there."""
    for codes in (("line_full", "quota_used_up"), ()):
        for one in reversed(refused):
            if one.code in codes or (not codes and one.code != "no_line"):
                return str(one.text)
    return refused[-1].text if refused else "The line offers no start on this day."
