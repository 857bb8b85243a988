"""Documents held against GS1's own schema; see ``schema/README.md`` for where it comes from."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator, FormatChecker

SCHEMA = Path(__file__).with_name("schema") / "EPCISDocument.schema.json"


@cache
def _validator() -> Draft7Validator:
    return Draft7Validator(json.loads(SCHEMA.read_text()), format_checker=FormatChecker())


def faults(document: dict[str, Any]) -> list[str]:
    """Return what GS1's schema finds wrong with a document or a single event, each with its place."""
    found = _validator().iter_errors(json.loads(json.dumps(document)))
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}" for error in found]
