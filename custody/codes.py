"""Codes of containers and boxes: fixed length, with a check character, readable with or without separators."""

from __future__ import annotations

import re
import secrets

from custody.check_characters import check_character, is_valid
from custody.states import KIND_LETTERS, ContainerKind

COI_LENGTH = 15
_CONTAINER = re.compile(rf"([A-Z0-9]{{15}})({'|'.join(KIND_LETTERS.values())})(\d{{2}})([0-9A-Z*])(?:/(\d{{1,3}}))?")
_BOX = re.compile(r"SHP([A-Z0-9]{8})([A-Z0-9])")
SAFE = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no 0/O, 1/I/L, U/V pairs


def container_code(coi_code: str, kind: ContainerKind | str, position: int) -> str:
    """Return e.g. ``CHA999926000001-SM01-K``: identity, kind, k of n, check character over all of it."""
    part = f"{KIND_LETTERS[ContainerKind(kind)]}{position:02d}"
    return f"{coi_code}-{part}-{check_character(coi_code + part)}"


def label_serial(code: str, number: int) -> str:
    """Return the serial of the n-th label printed for a container."""
    return f"{code}/{number}"


def box_code() -> str:
    """Return a fresh opaque outer code such as ``SHP-7K3M9QXB-4``; look-alikes never occur, the check included."""
    while True:
        drawn = "".join(secrets.choice(SAFE) for _ in range(8))
        check = check_character(drawn)
        if check in SAFE:
            return f"SHP-{drawn}-{check}"


def compact(text: str) -> str:
    """Return typed text without separators, in capitals."""
    return re.sub(r"[\s-]+", "", text).upper()


def read_container(text: str) -> tuple[str, str, str] | None:
    """Return (CoI code, container code, label number or "") of compact text; None if it has not that shape.

    Raises ValueError when the shape fits and the check character does not.
    """
    match = _CONTAINER.fullmatch(text)
    if match is None:
        return None
    coi, kind, position, check, number = match.groups()
    if not is_valid(coi + kind + position, check):
        raise ValueError("check character")
    return coi, f"{coi}-{kind}{position}-{check}", number or ""


def read_box(text: str) -> str | None:
    """Return the outer code of compact text; None for another shape, ValueError for a wrong check character."""
    match = _BOX.fullmatch(text)
    if match is None:
        return None
    drawn, check = match.groups()
    if not is_valid(drawn, check):
        raise ValueError("check character")
    return f"SHP-{drawn}-{check}"
