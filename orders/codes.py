"""Order codes: short, random, without look-alikes; never a serial number."""

from __future__ import annotations

import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_code() -> str:
    """Return a fresh order code such as ``CT-7K3M-9QXB`` (30^8 possibilities; uniqueness is the database's)."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"CT-{drawn[:4]}-{drawn[4:]}"
