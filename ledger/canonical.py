"""Canonical bytes (RFC 8785 JSON) and SHA-256 digests: what the hash chain is computed over."""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
from decimal import Decimal
from typing import Any
from uuid import UUID

import rfc8785


def plain(value: Any) -> Any:
    """Turn ids, times, decimals and enums into JSON values that never depend on a locale or a float."""
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="microseconds")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in (sorted(value, key=str) if isinstance(value, set | frozenset) else value)]
    raise TypeError(f"{type(value).__name__} has no canonical form")


def canonical_text(value: Any) -> str:
    """Return RFC 8785 JSON of ``value`` as text."""
    return rfc8785.dumps(plain(value)).decode()


def digest(text: str) -> str:
    """Return the SHA-256 of UTF-8 text, as 64 hexadecimal characters."""
    return hashlib.sha256(text.encode()).hexdigest()
