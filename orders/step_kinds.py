"""What a kind of step is: its inputs, capability, guards, and what it does. One module per kind in ``orders/steps``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from rest_framework import serializers

from ledger.context import Actor
from ledger.models import Stream
from ledger.recording import OpenEvent
from ledger.refusals import MissingFact
from ledger.states import Role
from orders.models import FlowStep, Order, OrderStep
from orders.states import StepState, WithoutNetwork
from personas.states import Capability

LATE = "late_reason"  # the input that says why an act is recorded after the fact
DIFFERS = "differs"  # what somebody said, or what was read, is another patient's


class Nothing(serializers.Serializer[Any]):
    """No fields."""


@dataclass(frozen=True)
class Outcome:
    """What came of a step: its new state, one sentence, the recorded facts (no patient data), and what follows.

    ``state`` READY means progress: the step stays open. ``reopen`` names an earlier step to begin again. ``leaves``:
    whether the organization that acts is no party any more, once what it did is written (``departures``).
    """

    summary: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    state: StepState = StepState.DONE
    reopen: str = ""
    happened_at: dt.datetime | None = None
    leaves: bool = False


@dataclass(frozen=True)
class VerifierRule:
    """Who may be the n-th person of a step: in which organizations and sites, with which capability."""

    organization_ids: frozenset[UUID]
    capability: str
    site_ids: frozenset[UUID] = frozenset()
    meaning: str = "verified"


@dataclass
class StepContext:
    """Everything a kind may look at. ``performer_id`` is the person who performs (the signer, when a key acts).

    ``late_reason``: it has happened already. What would have refused it is then noted in ``findings``, not refused.
    """

    actor: Actor
    order: Order
    step: OrderStep
    flow_step: FlowStep
    parameters: dict[str, Any]
    event: OpenEvent | None = None
    performer_id: UUID | None = None
    late_reason: str = ""
    findings: list[MissingFact] = field(default_factory=list)
    at_hand: dict[Any, Any] = field(default_factory=dict)  # what a kind reads once for all that it is asked

    @property
    def late(self) -> bool:
        return bool(self.late_reason)

    @property
    def stream(self) -> Stream:
        return self.order.stream

    @property
    def limits(self) -> dict[str, Any]:
        """The limits of the specification version that the order keeps."""
        return dict(self.order.specification.limits)


@dataclass(frozen=True)
class Noted:
    """What is recorded was noted before, elsewhere: when it happened, by which clock, and what is written with it.

    ``beside`` runs once the step is recorded, inside the open event, and raises a Refusal to undo all of it.
    """

    happened_at: dt.datetime
    beside: Callable[[Any], None]  # given what has the open ``event``: a step's context, a courier's report
    device_time: dt.datetime | None = None
    clock_skew: dt.timedelta | None = None
    on_paper: bool = False  # signed there: the step's own signatures are not asked again
    words: str = ""  # added to what came of it


class StepKind:
    """Base of the step kinds. ``signatures`` is the floor: a flow may raise it, never lower it."""

    key: ClassVar[str]
    title: ClassVar[str]
    capability: ClassVar[Capability]
    signatures: ClassVar[int] = 0
    meaning: ClassVar[str] = "performed"
    second_scan: ClassVar[str] = ""  # what each verifier scans for themselves, as the field's label says it
    warnings: ClassVar[tuple[str, ...]] = ()  # labels of what is shown as a warning, so that nobody overlooks it
    scans_many: ClassVar[bool] = False  # a verifier scans one code after the other, with commas between them
    scans_identity: ClassVar[bool] = False  # another patient's code among all scans of it stops the line: see at_hand
    differs: ClassVar[tuple[str, str]] = ("", "")  # the field that asks, and what is said when DIFFERS stops the line
    binds_shown: ClassVar[bool] = False  # who sends a version says with it what was shown, and that must still be so
    physical: ClassVar[bool] = False  # material is moved: what has happened already can always be recorded, as late
    photo: ClassVar[bool] = False  # a photo of the box may be a part of it (``orders.photos``)
    without_network: ClassVar[WithoutNetwork] = WithoutNetwork.NO
    decides_under_query: ClassVar[bool] = False  # it weighs an identity under query itself (to reject stays possible)
    needs: ClassVar[tuple[str, ...]] = ()  # kinds that come before it in every flow: what they verify is a floor too
    audience: ClassVar[tuple[str, ...]] = (Role.TREATMENT_CENTER, Role.MANUFACTURER, Role.CMO)
    Inputs: ClassVar[type[serializers.Serializer[Any]]] = Nothing
    Parameters: ClassVar[type[serializers.Serializer[Any]]] = Nothing

    def missing(self, ctx: StepContext) -> list[MissingFact]:
        """Return the facts that must be in place first; empty when the step may be done now."""
        return []

    def indispensable(self, ctx: StepContext) -> list[MissingFact]:
        """Return what even a late record cannot do without: the thing itself that it is about."""
        return []

    def do(self, ctx: StepContext, inputs: dict[str, Any]) -> Outcome:
        """Change what the step changes, inside the open event."""
        raise NotImplementedError

    def begins_again(self, ctx: StepContext) -> bool:
        """Whether it may be done once more by hand even in a flow that does not let it repeat."""
        return False

    def follow(self, ctx: StepContext) -> None:
        """Do what follows in the flow once the step is recorded, beyond what the flow says itself."""

    def check_scan(self, ctx: StepContext, scan: str, inputs: dict[str, Any]) -> None:
        """Raise Mismatch or InvalidInput unless a verifier's own scan names what the step is about."""

    def at_hand(self, ctx: StepContext) -> list[Any]:
        """Return the containers beside the people who scan: those that another patient's code puts into quarantine."""
        return []

    def verifier_rule(self, ctx: StepContext) -> VerifierRule:
        """Who may verify: by default a colleague with the same right at the same place."""
        sites = frozenset({ctx.step.site_id}) if ctx.step.site_id else frozenset()
        return VerifierRule(frozenset({ctx.actor.organization_id}), ctx.flow_step.capability, sites)

    def initial(self, ctx: StepContext) -> dict[str, Any]:
        """Values a form starts with (rows of tests, bags …)."""
        return {}

    def shown(self, ctx: StepContext) -> list[tuple[str, str]]:
        """What the person must see before acting, as (label, value); never another organization's patient data."""
        return []


_kinds: dict[str, StepKind] = {}


def step_kind(cls: type[StepKind]) -> type[StepKind]:
    """Class decorator: register a kind under its key."""
    if cls.key in _kinds:
        raise LookupError(f"step kind {cls.key!r} is declared twice")
    _kinds[cls.key] = cls()
    return cls


def kind_of(key: str) -> StepKind:
    """Return the kind; raise LookupError for an unknown key."""
    try:
        return _kinds[key]
    except KeyError:
        raise LookupError(f"unknown step kind {key!r}") from None


def all_kinds() -> dict[str, StepKind]:
    return dict(sorted(_kinds.items()))
