"""What a temperature may be, and degrees in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What may be: both limits belong to what passes, in hundredths of a degree; minutes it may be outside."""

    minimum: int | None = None
    maximum: int | None = None
    minutes_allowed: float = 0.0

    def hold(self, value: int) -> bool:
        return (self.minimum is None or value >= self.minimum) and (self.maximum is None or value <= self.maximum)

    @property
    def words(self) -> str:
        low, high = (None if limit is None else f"{limit / 100:g}" for limit in (self.minimum, self.maximum))
        if low is not None and high is not None:
            return f"{low} to {high} °C"
        return f"not below {low} °C" if low is not None else f"not above {high} °C" if high else "no limits"


def degrees(hundredths: int | None) -> str:
    """Return hundredths of a degree as text in degrees Celsius; empty for none."""
    return "" if hundredths is None else f"{hundredths / 100:g}"
