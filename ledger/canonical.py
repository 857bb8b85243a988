"""Canonical bytes (RFC 8785 JSON) and SHA-256 digests: what the hash chain is computed over."""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
import json
import re
from decimal import Decimal
from typing import Any
from uuid import UUID

import rfc8785

_LONG_NUMBER = re.compile(r"\d{16}")


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
    """Return RFC 8785 JSON of ``value`` as text.

    Python's own JSON with sorted keys is the same wherever all is ASCII and no number is beyond 2^53: it is asked
    first, as it takes a tenth of the time.
    """
    content = plain(value)
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if text.isascii() and not _LONG_NUMBER.search(text):
        return text
    return rfc8785.dumps(content).decode()


def digest(text: str) -> str:
    """Return the SHA-256 of UTF-8 text, as 64 hexadecimal characters."""
    return hashlib.sha256(text.encode()).hexdigest()
