"""Every answer is compared with the OpenAPI document: its status, its media type, its shape."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

NOT_OF_AN_OPERATION = {405, 301}


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document as generated now."""
    found: dict[str, Any] = json.loads(json.dumps(SchemaGenerator().get_schema(request=None, public=True), default=str))
    return found


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    found = []
    for template in sorted(document()["paths"], key=lambda path: path.count("{")):
        found.append((re.compile("^" + re.sub(r"\{[^}]+\}", "[^/]+", template) + "$"), template))
    return found


def check(method: str, address: str, answer: Any) -> None:
    """Fail unless the document describes this answer."""
    path = address.split("?")[0]
    template = next((t for pattern, t in _templates() if pattern.match(path)), None)
    if template is None or answer.status_code in NOT_OF_AN_OPERATION:
        assert answer.status_code >= 400 or template is None, address
        return
    operation = document()["paths"][template].get(method.lower())
    assert operation is not None, f"{method} {template} is not in the document"
    described = operation["responses"].get(str(answer.status_code))
    assert described is not None, f"{method} {template} does not name {answer.status_code}: {answer.content[:300]!r}"
    if answer.status_code == 204:
        assert not answer.content and "content" not in described, f"{method} {template} 204 has no body"
        return
    media = answer["Content-Type"].split(";")[0]
    assert media in described["content"], f"{method} {template} {answer.status_code} answered {media}"
    if media.endswith("json"):
        schema = described["content"][media]["schema"] | {"components": document()["components"]}
        errors = list(Draft202012Validator(schema).iter_errors(answer.json()))
        assert not errors, f"{method} {template}: {errors[0].json_path} {errors[0].message[:300]}"
