"""What the OpenAPI document says about every operation alike: who may call, and how the house says no."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

CAUSES = {
    "400": "The request cannot be read, or fields need attention (`fields`).",
    "401": "No valid credentials.",
    "403": "The scope or the persona does not allow it.",
    "404": "Not there, or not yours: the two are indistinguishable.",
    "406": "Only JSON (PDF for print-outs) is answered.",
    "409": "Not now: the record is in another state, somebody was faster, or the idempotency key was used otherwise.",
    "412": "The record changed since it was read (`If-Match`).",
    "413": "The body is larger than one megabyte, or more answers than was allowed.",
    "415": "The body is not `application/json`.",
    "422": "Facts are missing (`facts`), or the identities do not match.",
    "429": "Too many requests; `Retry-After` says how long to wait.",
}
EVERY = ("400", "401", "403", "404", "406", "429")
WRITING = ("409", "413", "415", "422")
ASKING = {
    "search_slot_chains": ("409",),
    "preview_reschedule": ("409", "422"),
    "query_epcis_events": ("413",),
    "query_epcis_member_events": ("413",),
}  # reads that say why something cannot be
FACT = {
    "type": "object",
    "properties": {"code": {"type": "string"}, "text": {"type": "string"}, "remedy": {"type": "string"}},
    "required": ["code", "text", "remedy"],
}
OPEN_DISRUPTION = {
    "type": "object",
    "description": "of `capacity_in_use`: what to send instead, with `kind` and `reason` added, to open a disruption",
    "properties": {
        "href": {"type": "string"},
        "method": {"type": "string"},
        "body": {
            "type": "object",
            "properties": {
                "resources": {"type": "array", "items": {"type": "string"}},
                "starts_at": {"type": "string", "format": "date-time"},
                "ends_at": {"type": "string", "format": "date-time"},
            },
            "required": ["resources", "starts_at", "ends_at"],
        },
    },
    "required": ["href", "method", "body"],
}
REASON = {
    "type": "object",
    "description": "A constraint that dates violate, by the stable code of a refused day of the search.",
    "properties": {
        "code": {"type": "string"},
        "date": {"type": ["string", "null"], "format": "date", "description": "day of collection, local at the center"},
        "text": {"type": "string"},
    },
    "required": ["code", "date", "text"],
}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457: what was refused, by a stable `code`, and what to do next (`remedy`).",
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "remedy": {"type": "string"},
        "fields": {"type": "object", "additionalProperties": {}, "description": "messages by field"},
        "facts": {"type": "array", "items": FACT, "description": "what must be in place first"},
        "open_disruption": OPEN_DISRUPTION,
        "reasons": {"type": "array", "items": REASON, "description": "of dates that cannot be had: what they violate"},
    },
    "required": ["type", "title", "status", "detail", "code", "remedy"],
}


class KeyScheme(OpenApiAuthenticationExtension):
    """A partner system's key."""

    target_class = "cgt.authentication.KeyAuthentication"
    name = "partnerKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "cgt_…",
            "description": "A partner's key: named, scoped, revocable. Its scopes are capabilities.",
        }


class PersonScheme(OpenApiAuthenticationExtension):
    """The session of somebody who is signed in at the browser."""

    target_class = "cgt.authentication.PersonAuthentication"
    name = "browserSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": "cgt_session"}


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Post-processing hook: every operation answers errors as problem documents."""
    result["components"]["schemas"]["Problem"] = PROBLEM
    for path in result["paths"].values():
        for method, operation in path.items():
            for status in _statuses(method, operation):
                operation["responses"].setdefault(status, _problem(status))
    return result


def _statuses(method: str, operation: dict[str, Any]) -> list[str]:
    found = [*EVERY, *(WRITING if method == "post" else ())]
    if any(parameter["name"] == "If-Match" for parameter in operation.get("parameters", [])):
        found.append("412")
    return sorted([*found, *ASKING.get(operation["operationId"], ())])


def _problem(status: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": CAUSES[status], "content": {"application/problem+json": {"schema": schema}}}


def any_kind(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Post-processing hook: a body may fit the inputs of several step kinds, so ``anyOf``; the step decides which."""
    inputs = result["components"]["schemas"].get("StepInputs", {})
    if "oneOf" in inputs:
        inputs["anyOf"] = inputs.pop("oneOf")
    return result
