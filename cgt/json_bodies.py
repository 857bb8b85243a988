"""Reading a JSON body safely: bounded, strict UTF-8, nothing that a database or a stack cannot hold."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from cgt.refusal_responses import TooLarge

MOST_BYTES = 1024 * 1024
DEEPEST = 32
LARGEST_NUMBER = 2**63


class BoundedJSONParser(JSONParser):
    """Parses at most one megabyte (413 beyond). Invalid UTF-8, NUL, lone surrogates, deep nesting: ParseError (400)."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        request = (parser_context or {}).get("request")
        announced = str(request.META.get("CONTENT_LENGTH") or "0") if request is not None else "0"
        if announced.isdecimal() and int(announced) > MOST_BYTES:
            raise TooLarge()
        body = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise TooLarge()
        try:
            content = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ParseError("The body is not valid JSON in UTF-8.") from error
        refuse_unstorable(content)
        return content


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def refuse_unstorable(content: Any, depth: int = 0) -> None:
    """Raise ParseError for what is JSON and still cannot be stored: NUL, half characters, infinity, depth."""
    if depth > DEEPEST:
        raise ParseError(f"The body is nested more than {DEEPEST} levels deep.")
    if isinstance(content, str):
        _refuse_text(content)
    elif isinstance(content, dict):
        for name, value in content.items():
            _refuse_text(name)
            refuse_unstorable(value, depth + 1)
    elif isinstance(content, list):
        for value in content:
            refuse_unstorable(value, depth + 1)
    elif isinstance(content, float | int) and not (math.isfinite(content) and abs(content) < LARGEST_NUMBER):
        raise ParseError("A number in the body is too large.")


def _refuse_text(text: str) -> None:
    if "\x00" in text:
        raise ParseError("The body holds a NUL character.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ParseError("The body holds half of a character (a lone surrogate).")
