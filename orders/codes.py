"""Order codes: short, random, without look-alikes; never a serial number."""

from __future__ import annotations

import random
import secrets
from contextvars import ContextVar

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

# Where the chance comes from; the demo draws from a seed so that it is repeatable.
chance: ContextVar[random.Random] = ContextVar("cgt_code_chance", default=secrets.SystemRandom())  # noqa: B039


def new_code() -> str:
    """Return a fresh order code such as ``CT-7K3M-9QXB`` (30^8 possibilities; uniqueness is the database's)."""
    drawn = "".join(chance.get().choices(ALPHABET, k=8))
    return f"CT-{drawn[:4]}-{drawn[4:]}"
