"""What is wrong in a file, told so that the person who filled it finds and mends it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One entry that needs attention. ``row`` counts as the spreadsheet does (1 is the header); 0: the whole sheet."""

    sheet: str
    row: int
    column: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        place = ", ".join(
            part
            for part in (
                f"sheet {self.sheet}" if self.sheet else "",
                f"row {self.row}" if self.row else "",
                f"column {self.column}" if self.column else "",
            )
            if part
        )
        text = f"{place}: {self.message}" if place else self.message
        return f"{text} {self.remedy}".strip()
