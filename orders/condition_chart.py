"""A box's temperatures as a drawing: spans of equal length, each from its lowest to its highest reading, and limits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from custody.readings import Limits, Point, thinned

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 260, 52, 30, 10, 8
SPANS = 240  # drawn
ROWS = 48  # told in the table
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


@dataclass(frozen=True)
class Line:
    """A line of the grid, or a limit, at a height or place, with its word."""

    at: float
    text: str


@dataclass(frozen=True)
class Span:
    """What the table says of a stretch of time: from when, lowest, highest in degrees, whether within limits."""

    at: dt.datetime
    lowest: float
    highest: float
    within: bool


@dataclass(frozen=True)
class Chart:
    """Everything that the template draws; ``band`` is one closed path through all highest and lowest readings."""

    band: str
    outside: str
    degrees: list[Line]
    times: list[Line]
    limits: list[Line]
    rows: list[Span]
    size: tuple[int, int] = (WIDTH, HEIGHT)
    frame: dict[str, int] = field(
        default_factory=lambda: {"left": LEFT, "right": WIDTH - RIGHT, "top": TOP, "bottom": HEIGHT - BOTTOM}
    )


def draw(points: Sequence[Point], limits: Limits, zone: str) -> Chart | None:
    """Return the drawing of readings in order of time, on the clock of ``zone``; None without any."""
    if not points:
        return None
    spans = thinned(points, SPANS)
    begin, end = points[0][0], max(points[-1][0], points[0][0] + 1)
    known = [low for _, low, _ in spans] + [high for _, _, high in spans]
    known += [limit for limit in (limits.minimum, limits.maximum) if limit is not None]
    low, high = min(known) - 100, max(known) + 100

    def x(second: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (second - begin) / (end - begin), 1)

    def y(value: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value - low) / (high - low), 1)

    upper = [f"{x(at)} {y(top)}" for at, _, top in spans]
    lower = [f"{x(at)} {y(bottom)}" for at, bottom, _ in reversed(spans)]
    marks = [(limits.minimum, "lower limit"), (limits.maximum, "upper limit")]
    return Chart(
        band=f"M{'L'.join([*upper, *lower])}Z",
        outside="".join(
            f"M{x(at)} {y(bottom)}L{x(at)} {y(top) - 1:.1f}"
            for at, bottom, top in spans
            if not (limits.hold(bottom) and limits.hold(top))
        ),
        degrees=[Line(y(value), f"{value / 100:g}") for value in _steps(low, high)],
        times=[Line(x(at), _clock(at, zone)) for at in _moments(begin, end)],
        limits=[Line(y(limit), f"{word} {limit / 100:g} °C") for limit, word in marks if limit is not None],
        rows=[
            Span(dt.datetime.fromtimestamp(at, dt.UTC), low / 100, high / 100, limits.hold(low) and limits.hold(high))
            for at, low, high in thinned(points, ROWS)
        ],
    )


def _steps(low: int, high: int) -> list[int]:
    """Return four to nine round values (hundredths of a degree) between two."""
    step = next(size for size in (50, 100, 200, 500, 1000, 2000, 5000, 10_000) if (high - low) / size <= 8)
    return list(range(-(-low // step) * step, high + 1, step))


def _moments(begin: int, end: int) -> list[int]:
    return [begin + (end - begin) * part // 4 for part in range(4)]


def _clock(second: int, zone: str) -> str:
    here = dt.datetime.fromtimestamp(second, ZoneInfo(zone))
    return f"{DAYS[here.weekday()]} {here:%d, %H:%M}"
