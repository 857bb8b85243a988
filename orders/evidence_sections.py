"""The evidence of a batch as sections of plain lines. The page draws exactly these, and exactly these are signed (QA1).

Every text is complete in itself, times with their zone, so that what stands on the page and what the signature is
bound to are one list.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from custody import custody_periods, findings
from custody import queries as custody
from custody.schemes import printed
from custody.states import ContainerKind, ContainerState, IdentityState, LabelState
from ledger import queries as record
from ledger.context import Actor
from ledger.events import kind_named
from network.specifications import rules_of
from orders import under_query
from orders.counts import counted
from orders.models import Order, OrderStep
from orders.states import StepState
from personas.queries import organization_names
from quality import queries as quality
from quality.states import DeviationState, Severity, Verdict

Shown = list[tuple[str, str]]


@dataclass(frozen=True)
class Line:
    """One line of evidence; ``status`` is a word for its badge (the value says it too)."""

    label: str
    value: str
    status: str = ""


@dataclass(frozen=True)
class Section:
    """Lines about one question, and what they come to; ``key`` is the anchor on the page."""

    key: str
    title: str
    finding: str
    sound: bool
    lines: tuple[Line, ...] = ()


# Where the evidence for an open item stands: the code of a missing fact, and the section's anchor.
SECTION_OF = {
    "no_batch": "batch",
    "result_missing": "results",
    "result_invalid": "results",
    "result_failed": "results",
    "deviation_open": "deviations",
    "material_quarantined": "material",
    "label_open": "labels",
    "identity_under_query": "identity",
    "custody_gap": "custody",
}


def sections(actor: Actor, order: Order) -> list[Section]:
    """Return the whole evidence of the order's newest batch, as the actor's organization may read it."""
    zone = ZoneInfo(order.plant_site.zone if order.plant_site else order.center_site.zone)
    batch = quality.batch_of(actor, order.stream_id)
    if batch is None:
        return []
    containers = findings.of_lot(custody.containers_of(actor, order.stream_id).select_related(None), batch.number)
    ours = {container.pk for container in containers}
    every = custody.custody_of(actor, order.stream_id).select_related(None)
    periods = [period for period in every if period.container_id in ours]
    return [
        _identity(actor, order),
        _custody(actor, containers, periods, zone),
        _batch(order, batch, zone),
        _material(actor, order, containers, zone),
        _results(actor, order, batch, zone),
        _deviations(actor, order, zone),
        _labels(actor, order),
        _trail(actor, order, zone),
    ]


def as_shown(found: Iterable[Section]) -> Shown:
    """Return the sections as label and value: what a signature is bound to."""
    rows: Shown = []
    for section in found:
        rows.append((section.title, section.finding))
        rows += [(f"{section.title}: {line.label}", line.value) for line in section.lines]
    return rows


def at(moment: dt.datetime | None, zone: ZoneInfo) -> str:
    """Return a time at the plant in words, with its zone; a dash for none."""
    return f"{moment.astimezone(zone):%d %b %Y %H:%M} {zone.key}" if moment else "–"


def _identity(actor: Actor, order: Order) -> Section:
    coi = custody.identity_of(actor, order.stream_id)
    sound = coi is not None and coi.state != IdentityState.UNDER_QUERY
    finding = (
        "Intact: one chain of identity, under no query." if sound else "Under query: two identities met in a scan."
    )
    lines = [
        Line("Identifier", printed(order.identity_code)),
        Line("Specification of the order", str(order.specification)),
    ]
    if coi is not None:
        lines.append(Line("State", coi.state_label, "active" if sound else "mismatch"))
        lines += [Line("Why", coi.query_reason)] if coi.query_reason else []
    return Section("identity", "Chain of identity", finding, sound, tuple(lines))


def _custody(actor: Actor, containers: list[Any], periods: list[Any], zone: ZoneInfo) -> Section:
    names = organization_names(actor, {period.organization_id for period in periods})
    by_container: dict[UUID, list[Any]] = defaultdict(list)
    for period in periods:
        by_container[period.container_id].append(period)
    lines, broken = [], 0
    for container in containers:
        own = by_container[container.pk]
        gaps = custody_periods.gaps(container, own)
        broken += len(gaps)
        way = " → ".join(
            f"{names.get(period.organization_id, 'another organization')} from {at(period.since, zone)}"
            + (f" to {at(period.until, zone)}" if period.until else "")
            for period in own
        )
        lines.append(Line(container.code, way or "Not in anybody's hands yet", "" if not gaps else "failed"))
        lines += [Line(f"{container.code}, gap", gap.words, "failed") for gap in gaps]
    within = f"{counted(len(containers), 'container')}, {counted(len(periods), 'custody period')}"
    finding = f"Broken: {counted(broken, 'gap')} in {within}." if broken else f"Unbroken: {within}, no gap."
    return Section("custody", "Chain of custody", finding, not broken, tuple(lines))


def _batch(order: Order, batch: Any, zone: ZoneInfo) -> Section:
    lines = (
        Line("Batch", batch.number),
        Line("State", batch.get_state_display()),
        Line("Batch record", batch.record_reference),
        Line("Made at", order.plant_site.name if order.plant_site else "–"),
        Line("Judged by", f"specification version {order.specification.version}"),
        Line("Started", at(batch.started_at, zone)),
        Line("Finished", at(batch.finished_at, zone)),
        Line("Reviewed", at(batch.reviewed_at, zone)),
    )
    return Section("batch", "Batch record", f"Batch record {batch.record_reference}.", True, lines)


def _material(actor: Actor, order: Order, containers: list[Any], zone: ZoneInfo) -> Section:
    lines = []
    aside = [bag for bag in containers if bag.state == ContainerState.QUARANTINED]
    for bag in containers:
        facts = [bag.kind_label, f"{bag.k_of_n}", bag.state_label.lower()]
        facts += [f"{bag.volume_ml:f} mL"] if bag.volume_ml is not None else []
        facts += [f"collection ended {at(bag.ended_at, zone)}"] if bag.ended_at else []
        facts += [f"because: {bag.quarantine_reason}"] if bag.quarantine_reason else []
        lines.append(Line(bag.code, ", ".join(facts), "quarantined" if bag in aside else ""))
    lines += _received(order, containers, zone)
    bad_seals = 0
    for shipment in custody.shipments_of(actor, order.stream_id).select_related(None):
        for check in sorted(shipment.seal_checks.all(), key=lambda row: (row.seen_at, row.pk)):
            bad_seals += not check.matches
            word = "fits" if check.matches else "does not fit the seal at packing"
            lines.append(
                Line(
                    f"Seal of {shipment.code}, {check.get_stage_display().lower()}",
                    f"{check.seal_seen} {word}, {at(check.seen_at, zone)}",
                    "passed" if check.matches else "failed",
                )
            )
    finding = f"{counted(len(containers), 'container')}, none in quarantine; every seal fits."
    if aside or bad_seals:
        finding = f"{len(aside)} in quarantine, {counted(bad_seals, 'seal')} that did not fit."
    return Section("material", "Material, receipt and transport", finding, not aside, tuple(lines))


def _received(order: Order, containers: list[Any], zone: ZoneInfo) -> list[Line]:
    """Return when the starting material was received, and how old it was then (the clock starts at collection end)."""
    steps = OrderStep.unwalled.filter(order=order, flow_step__kind="receive_material", state=StepState.DONE)
    received = steps.order_by("attempt").values_list("done_at", flat=True).last()
    ends = [bag.ended_at for bag in containers if bag.kind == ContainerKind.STARTING_MATERIAL and bag.ended_at]
    if received is None or not ends:
        return []
    age, limit = (received - min(ends)).total_seconds() / 3600, order.specification.limits["max_age_hours"]
    within = age <= float(limit)
    words = f"{age:.1f} h, limit {limit} h, received {at(received, zone)}"
    return [Line("Age at receipt", words, "passed" if within else "failed")]


VERDICT_STATUS = {Verdict.PASS: "passed", Verdict.FAIL: "failed", Verdict.INVALID: "open"}


def _results(actor: Actor, order: Order, batch: Any, zone: ZoneInfo) -> Section:
    rules = rules_of(order.specification)
    recorded = [row for row in quality.all_results_of(actor, order.stream_id) if row.batch_id == batch.pk]
    superseded = {row.supersedes_id for row in recorded}
    standing = {row.test_key: row for row in recorded if row.pk not in superseded}
    lines, bad = [], 0
    for rule in rules.values():
        label = f"{rule.label} (limit: {rule.limits_text})"
        result = standing.get(rule.key)
        if result is None:
            bad += rule.required
            lines.append(Line(label, "no result yet" if rule.required else "not done (not required)", "waiting"))
            continue
        bad += result.verdict != Verdict.PASS
        text = f"{result.outcome} – {result.get_verdict_display()}, {at(result.recorded_at, zone)}"
        lines.append(Line(label, text, VERDICT_STATUS[Verdict(result.verdict)]))
        lines += [
            Line(f"{rule.label}, earlier", f"{old.outcome} – {old.get_verdict_display()}, {at(old.recorded_at, zone)}")
            for old in recorded
            if old.test_key == rule.key and old.pk in superseded
        ]
    finding = f"{bad} of {len(rules)} tests missing, invalid or outside limits." if bad else "Every test within limits."
    return Section("results", "QC results against limits", finding, not bad, tuple(lines))


def _deviations(actor: Actor, order: Order, zone: ZoneInfo) -> Section:
    lines, still, minor = [], 0, 0
    for row in quality.deviations_of(actor, order.stream_id):
        is_open = row.state == DeviationState.OPEN
        still += is_open and row.severity != Severity.MINOR
        minor += is_open and row.severity == Severity.MINOR
        words = [f"{row.get_severity_display()}, {row.get_state_display().lower()}, opened {at(row.opened_at, zone)}"]
        words += [row.text.rstrip(".")] + ([f"Conclusion: {row.conclusion}"] if row.conclusion else [])
        lines.append(Line(f"{row.number} ({row.kind.replace('_', ' ')})", ". ".join(words), row.state))
    for case in under_query.identity_queries(actor, order):
        still += case.is_open
        words = [f"Critical, {case.state}, opened {at(case.opened_at, zone)}", case.text.rstrip(".")]
        words += [f"Conclusion: {case.conclusion}"] if case.conclusion else []
        lines.append(Line(under_query.TITLE, ". ".join(words), case.state))
    finding = f"{still} open that stop the release" if still else "None open that stops the release"
    finding += f", {minor} minor open." if minor else f", {len(lines)} in all."
    return Section("deviations", "Deviations", finding, not still, tuple(lines))


def _labels(actor: Actor, order: Order) -> Section:
    counts: dict[str, int] = defaultdict(int)
    lines = []
    for label in custody.labels_of(actor, order.stream_id).select_related(None):
        counts[label.state] += 1
        reason = f", printed again: {label.reason}" if label.reason else ""
        status = "open" if label.state == LabelState.PRINTED else ""
        lines.append(Line(label.serial, f"{label.get_state_display()}{reason}", status))
    parts = [f"{counts[state]} {state.label.lower()}" for state in LabelState if state != LabelState.PRINTED]
    still = counts[LabelState.PRINTED]
    sums = f"{sum(counts.values())} issued = {' + '.join(parts)}"
    finding = f"Not reconciled: {sums} + {still} open." if still else f"Reconciled: {sums}."
    return Section("labels", "Label reconciliation", finding, not still, tuple(lines))


def _trail(actor: Actor, order: Order, zone: ZoneInfo) -> Section:
    signed: dict[UUID, list[str]] = defaultdict(list)
    for row in record.signatures_of(actor, order.stream_id):
        signed[row.event_id].append(f"{row.person_name} ({row.organization_name}): {row.meaning}")
    lines = []
    for event in record.events_of(actor, order.stream_id):
        kind = kind_named(event.kind)
        who = f"{event.actor_name or 'System'}, {event.persona.replace('_', ' ')}, {event.organization_name}"
        words = [kind.say(event.payload, actor.organization_role)]
        words += [f"Reason: {event.reason}"] if event.reason else []
        words += [f"Signed by {'; '.join(signed[event.pk])}"] if signed[event.pk] else []
        words += ["The device's clock was off."] if event.payload.get("clock_off") else []
        lines.append(Line(f"{event.seq}. {at(event.occurred_at, zone)}, {who}", " ".join(words)))
    finding = f"{len(lines)} entries since the order was opened. A number that is missing belongs to another party."
    return Section("trail", "Who did what (audit trail of this batch)", finding, True, tuple(lines))
