"""Reads of quality: actor first, narrowed querysets out. Call them inside ``reading(actor)``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from django.db.models import Case, QuerySet, When

from ledger.context import Actor
from ledger.refusals import NotFound
from ledger.walls import visible
from quality.models import Batch, Deviation, QCResult, Release, Stop, StoppedOrder, StoppedUnit
from quality.policies import visible_batches, visible_decisions, visible_deviations, visible_results
from quality.states import Decision, DeviationState, Severity


def batches_of(actor: Actor, stream_id: UUID) -> QuerySet[Batch]:
    """Return all batches of an order, newest first (each remanufacture is one more)."""
    return visible_batches(actor, stream_id).order_by("-started_at", "-pk")


def batch_of(actor: Actor, stream_id: UUID) -> Batch | None:
    """Return the order's newest batch, or None."""
    return batches_of(actor, stream_id).first()


def batch_numbered(actor: Actor, number: str) -> Batch | None:
    """Return the batch with this number, None when there is none the actor may see."""
    return visible_batches(actor).filter(number=number.upper()).first()


def batches_in(actor: Actor, states: Iterable[str]) -> QuerySet[Batch]:
    """Return the batches in these states on every order of the actor, oldest first, each with its specification."""
    found = visible_batches(actor).filter(state__in=list(states)).order_by("started_at", "pk")
    return found.prefetch_related("specification")


def results_of(actor: Actor, stream_id: UUID) -> QuerySet[QCResult]:
    """Return the order's results that count (nothing supersedes them), in the order of recording."""
    counting = visible_results(actor, stream_id).filter(superseded_by__isnull=True)
    return counting.order_by("recorded_at", "pk")


def all_results_of(actor: Actor, stream_id: UUID) -> QuerySet[QCResult]:
    """Return every result ever recorded for the order, the superseded ones too."""
    return visible_results(actor, stream_id).order_by("recorded_at", "pk")


def deviations_of(actor: Actor, stream_id: UUID) -> QuerySet[Deviation]:
    """Return the order's deviations, oldest first."""
    return visible_deviations(actor, stream_id).order_by("opened_at", "pk")


def blocking_deviations(actor: Actor, stream_ids: Iterable[UUID]) -> QuerySet[Deviation]:
    """Return the open major and critical deviations of these orders: nothing is released before they are closed."""
    severe = (Severity.MAJOR, Severity.CRITICAL)
    found = visible_deviations(actor).filter(stream_id__in=list(stream_ids), severity__in=severe)
    return found.filter(state=DeviationState.OPEN).order_by("opened_at", "pk")


def open_cases(actor: Actor, first: str) -> QuerySet[Deviation]:
    """Return the open major and critical deviations of all the actor's orders: of kind ``first`` first, by age."""
    severe = (Severity.MAJOR, Severity.CRITICAL)
    found = visible_deviations(actor).filter(state=DeviationState.OPEN, severity__in=severe)
    of_first = Case(When(kind=first, then=0), default=1)
    return found.order_by(of_first, "opened_at", "pk")


def open_numbers(stream_id: UUID, kind: str) -> list[str]:
    """Return the numbers of the open deviations of a kind on an order, inside a system's reading."""
    rows = Deviation.unwalled.filter(stream_id=stream_id, kind=kind, state=DeviationState.OPEN)
    return list(rows.values_list("number", flat=True))


def decisions_of(actor: Actor, stream_id: UUID) -> QuerySet[Release]:
    """Return every decision on the order's batches, revocations included, oldest first."""
    return visible_decisions(actor, stream_id).order_by("decided_at", "pk")


def releases_since(actor: Actor, since: dt.datetime) -> QuerySet[Release]:
    """Return the releases decided since then on every order of the actor, newest first, revoked ones included."""
    found = visible_decisions(actor).filter(decision=Decision.RELEASE, decided_at__gte=since)
    return found.order_by("-decided_at", "-pk")


def batches_named(actor: Actor, batch_ids: Iterable[UUID]) -> dict[UUID, Batch]:
    """Return batches by id, as far as the actor may see them."""
    return visible_batches(actor).in_bulk(list(batch_ids))


def release_of(actor: Actor, stream_id: UUID) -> Release | None:
    """Return the decision in force (release or rejection) on the order's newest decided batch, or None."""
    live = visible_decisions(actor, stream_id).filter(revoked_at__isnull=True)
    return live.exclude(decision=Decision.REVOKE).order_by("-decided_at", "-pk").first()


def deviation(actor: Actor, deviation_id: UUID) -> Deviation:
    """Return one deviation; raise NotFound when there is none the actor may see."""
    found = visible_deviations(actor).filter(pk=deviation_id).first()
    if found is None:
        raise NotFound()
    return found


def batch(actor: Actor, batch_id: UUID) -> Batch:
    """Return one batch; raise NotFound when there is none the actor may see."""
    found = visible_batches(actor).filter(pk=batch_id).first()
    if found is None:
        raise NotFound()
    return found


def result(actor: Actor, result_id: UUID) -> QCResult:
    """Return one result; raise NotFound when there is none the actor may see."""
    found = visible_results(actor).filter(pk=result_id).first()
    if found is None:
        raise NotFound()
    return found


def stops_of(actor: Actor) -> QuerySet[Stop]:
    """Return the stops of the actor's own organization, the newest first."""
    return visible(Stop, actor).order_by("-opened_at", "-pk")


def stop(actor: Actor, number: str) -> Stop:
    """Return one stop; raise NotFound when the actor's organization has none with this number."""
    found = visible(Stop, actor).filter(number=number.strip().upper()[:24]).first()
    if found is None:
        raise NotFound()
    return found


def stopped_units(actor: Actor, found: Stop) -> QuerySet[StoppedUnit]:
    """Return the units as a stop found them: those that a patient has first, then by code."""
    return visible(StoppedUnit, actor).filter(stop=found).order_by("-given", "code", "pk")


def stopped_orders(actor: Actor, found: Stop) -> QuerySet[StoppedOrder]:
    """Return the orders that a stop concerns, also those that came to it afterwards."""
    return visible(StoppedOrder, actor).filter(stop_id=found.pk).order_by("stopped_at", "pk")


def streams_with_open_cases(stream_ids: Iterable[UUID]) -> set[UUID]:
    """Return those of these streams on which a major or critical deviation is open, inside an act."""
    severe = (Severity.MAJOR, Severity.CRITICAL)
    found = Deviation.unwalled.filter(stream_id__in=list(stream_ids), state=DeviationState.OPEN, severity__in=severe)
    return set(found.values_list("stream_id", flat=True))
