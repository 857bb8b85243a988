"""Every way the house says no: one stable code word for both faces (RFC 9457 over REST, words in HTML)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class MissingFact:
    """One fact that a guard found absent: a stable code, what is missing, and what to do next."""

    code: str
    text: str
    remedy: str = ""


def _remedies(facts: Sequence[MissingFact]) -> str:
    """Return what to do about the facts, each thing once."""
    return " ".join(dict.fromkeys(fact.remedy for fact in facts if fact.remedy))


class Refusal(Exception):
    """An action that did not happen. Nothing was written; ``remedy`` tells the person what to do next."""

    code = "refused"
    status = 400
    title = "Refused"
    remedy = "Check what you entered and try again."
    recorded = False  # whether the attempt is itself worth an event on the organization's stream

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        remedy: str | None = None,
        fields: Mapping[str, Any] | None = None,
        facts: Sequence[MissingFact] = (),
    ) -> None:
        self.detail = detail or self.title
        self.code = code or type(self).code
        self.remedy = remedy or type(self).remedy
        self.fields: dict[str, Any] = dict(fields or {})
        self.facts = list(facts)
        super().__init__(self.detail)

    @property
    def further(self) -> str:
        """What to do beyond what stands beside the facts already; empty where the facts say all of it."""
        return self.remedy.removeprefix(_remedies(self.facts)).strip()

    def as_problem(self) -> dict[str, Any]:
        """Return the RFC 9457 problem document (``type`` stays ``about:blank``-free: a relative URN of the code)."""
        problem: dict[str, Any] = {
            "type": f"urn:cgt:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "remedy": self.remedy,
        }
        if self.fields:
            problem["fields"] = self.fields
        if self.facts:
            problem["facts"] = [{"code": f.code, "text": f.text, "remedy": f.remedy} for f in self.facts]
        return problem


class Unauthenticated(Refusal):
    code, status, title = "unauthenticated", 401, "Sign in first"
    remedy = "Sign in, or send a valid API key."


class NotFound(Refusal):
    """Not there, or not yours: the two are indistinguishable."""

    code, status, title = "not_found", 404, "Not found"
    remedy = "Check the code. You see only records that your organization is a party of."


class InvalidInput(Refusal):
    code, status, title = "invalid_input", 400, "Some fields need attention"
    remedy = "Correct the marked fields and send again."


class NotAllowed(Refusal):
    code, status, title = "not_allowed", 403, "Your persona may not do this"
    remedy = "Ask a colleague whose persona has this right, or switch persona."
    recorded = True


class WrongState(Refusal):
    code, status, title = "wrong_state", 409, "Not now"
    remedy = "Reload the page to see what is due."


class Conflict(WrongState):
    """Somebody else took it first (a slot, a key that was used for another request)."""

    code, title = "conflict", "Somebody was faster"


class Duplicate(WrongState):
    """What was sent seems to be on the record already; a person looks, then says which it is."""

    code, title = "possible_duplicate", "This may be on the record already"


class Stale(Refusal):
    code, status, title = "stale", 412, "The record changed since you opened it"
    remedy = "Reload to see the newest version, then act again."


class FactsMissing(Refusal):
    """Facts stand against the act. Where they say themselves what to do, that is the remedy, and nothing general."""

    code, status, title = "facts_missing", 422, "Something must be in place first"
    remedy = "Complete what is listed, then act again."
    recorded = True

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        remedy: str | None = None,
        fields: Mapping[str, Any] | None = None,
        facts: Sequence[MissingFact] = (),
    ) -> None:
        super().__init__(detail, code=code, remedy=remedy, fields=fields, facts=facts)
        if self.remedy == FactsMissing.remedy:
            self.remedy = _remedies(self.facts) or self.remedy


class Mismatch(FactsMissing):
    """A scan or identity check that did not match: a hard stop, always recorded.

    ``read``: the code that was scanned instead, without patient data. It is another order's: only the organization
    whose person scanned it keeps it, with the refused attempt; no answer and no event of the order tells it.
    """

    code, title = "mismatch", "Stop: the identities do not match"
    remedy = (
        "Do not go on: the line is stopped, any material at hand is in quarantine, both sites are told. "
        "Put the material aside and call the other site."
    )

    def __init__(self, detail: str = "", *, read: str = "", **more: Any) -> None:
        super().__init__(detail, **more)
        self.read = read


class TooManyRequests(Refusal):
    code, status, title = "too_many_requests", 429, "Too many requests"
    remedy = "Wait a moment, then try again."
