"""What a dossier holds besides the events: lists of plain rows as the reader may see them, no patient data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from custody import label_prints
from custody import queries as custody
from ledger import queries as record
from ledger.canonical import plain
from ledger.context import Actor
from ledger.events import kind_named
from orders import dossier_identity, dossier_material, dossier_photos
from orders.models import Order, OrderStep
from personas.queries import Organization
from quality import queries as quality

# What was put right, taken back or done again: the events whose reason explains a correction (RG6).
CORRECTIONS = (
    "orders.step_failed",
    "orders.step_repeated",
    "orders.booking_reopened",
    "orders.error_declared",
    "orders.quarantine_decided",
    "custody.query_lifted",
    "quality.result_invalidated",
    "quality.release_revoked",
    "quality.units_stopped",
    "quality.stop_lifted",
)

Rows = list[dict[str, Any]]


def parts_of(
    actor: Actor, order: Order, steps: Iterable[OrderStep], parties: Iterable[tuple[Any, Organization | None]]
) -> dict[str, Rows]:
    """Return every part of an order's dossier. Call inside ``reading(actor)``."""
    found = {
        "order": [_order(order)],
        "parties": [_party(party, organization) for party, organization in parties],
        "timeline": [_step(step) for step in steps],
        "signatures": signatures(actor, order),
        **_material(actor, order),
        **dossier_material.parts_of(actor, order),
        **dossier_photos.parts_of(dossier_photos.listed(actor, order)),
        **_quality(actor, order),
        "identity_queries": dossier_identity.queries_in_full(actor, order),
        "corrections": corrections(actor, order),
        "refused_attempts": refused(actor, order),
    }
    cleaned: dict[str, Rows] = plain(found)
    return cleaned


def _order(order: Order) -> dict[str, Any]:
    return {
        "order": order.code,
        "chain_of_identity": order.identity_code,
        "therapy": order.therapy.name,
        "flow": f"{order.flow.title}, version {order.flow.version}",
        "specification": f"version {order.specification.version}",
        "treatment_center": order.center_site.name,
        "manufacturer": order.manufacturer.name,
        "plant": order.plant_site.name if order.plant_site else "",
        "state": order.get_state_display(),
        "phase": order.phase_label,
        "on_hold": order.hold_reason if order.on_hold else "",
        "ended_because": order.end_reason,
        "opened_at": order.opened_at,
        "closed_at": order.closed_at,
        "fictional": order.synthetic,
    }


def _party(party: Any, organization: Organization | None) -> dict[str, Any]:
    return {
        "organization": organization.name if organization else "Another organization",
        "as": party.get_role_display(),
        "since": party.since,
        "until": party.until,
    }


def _step(step: OrderStep) -> dict[str, Any]:
    return {
        "step": step.flow_step.title,
        "attempt": step.attempt,
        "state": step.get_state_display(),
        "organization": step.responsible.name if step.responsible else "",
        "done_by": step.done_by,
        "planned_at": step.planned_at,
        "done_at": step.done_at,
        "what_came_of_it": step.summary,
    }


def signatures(actor: Actor, order: Order) -> Rows:
    """Return who signed what, with which meaning, bound to which content (T1, RG3)."""
    found = record.signatures_of(actor, order.stream_id).select_related("event")
    return [
        {
            "event": row.event.seq,
            "what": row.event.payload.get("title") or kind_named(row.event.kind).label,
            "printed_name": row.person_name,
            "organization": row.organization_name,
            "persona": row.persona,
            "meaning": row.meaning,
            "signed_at": row.signed_at,
            "zone": row.zone,
            "method": row.method,
            "content_hash": row.content_hash,
        }
        for row in found
    ]


def _material(actor: Actor, order: Order) -> dict[str, Rows]:
    stream_id = order.stream_id
    boxes = list(custody.shipments_of(actor, stream_id))
    return {
        "material": [
            {
                "code": row.code,
                "kind": row.kind_label,
                "number": row.k_of_n,
                "state": row.state_label,
                "with": row.custodian.name if row.custodian else "",
                "volume_ml": row.volume_ml,
                "donation_number": row.donation_number,
                "lot": row.lot,
                "collection_ended_at": row.ended_at,
                "expires_at": row.expires_at,
                "quarantined_because": row.quarantine_reason,
            }
            for row in custody.containers_of(actor, stream_id)
        ],
        "labels": [
            {
                "serial": row.serial,
                "container": row.container.code if row.container else "",
                "label": row.get_template_display(),
                "state": row.get_state_display(),
                "printed_at": row.printed_at,
                "ended_at": row.ended_at,
                "printed_again_because": row.reason,
                "what_stood_on_it": label_prints.said(row),
                "sha256_of_content": kept.digest if (kept := label_prints.kept_of(row)) else "",
                "drawn_by_renderer": label_prints.renderer_of(row),
            }
            for row in custody.labels_of(actor, stream_id).select_related("kept")
        ],
        "custody": custody_rows(actor, order),
        "shipments": [
            {
                "box": row.code,
                "direction": row.get_direction_display(),
                "from": row.from_site.name,
                "to": row.to_site.name,
                "courier": row.courier.name,
                "shipper": row.shipper_code,
                "seal": row.seal_code,
                "logger": row.logger_code,
                "state": row.state_label,
                "packed_at": row.packed_at,
                "picked_up_at": row.picked_up_at,
                "delivered_at": row.delivered_at,
                "opened_at": row.opened_at,
            }
            for row in boxes
        ],
        "shippers_changed": [
            {
                "box": box.code,
                "moved_at": swap.swapped_at,
                "by": swap.organization.name,
                "place": swap.place,
                "from_shipper": swap.was_shipper_code,
                "from_seal": swap.was_seal_code,
                "from_logger": swap.was_logger_code,
                "into_shipper": swap.shipper_code,
                "new_seal": swap.seal_code,
                "logger": swap.logger_code,
                "units": swap.units,
                "because": swap.reason,
            }
            for box in boxes
            for swap in box.swaps.all()
        ],
        "on_the_way": [
            {
                "box": box.code,
                "happened_at": row.happened_at,
                "what": row.get_kind_display(),
                "route": row.route or "as planned",
                "leg": row.leg or "",
                "because": row.reason,
                "by": row.organization.name,
            }
            for box in boxes
            for row in box.way_reports.all()
        ],
        "seals_seen": [
            {
                "box": box.code,
                "stage": seen.get_stage_display(),
                "seal_seen": seen.seal_seen,
                "fits": seen.matches,
                "seen_at": seen.seen_at,
            }
            for box in boxes
            for seen in box.seal_checks.all()
        ],
    }


def custody_rows(actor: Actor, order: Order) -> Rows:
    """Return who had which container, from when to when; ``gap`` says when nobody is known to have had it (I2)."""
    rows: Rows = []
    ended: dict[Any, Any] = {}
    for row in custody.custody_of(actor, order.stream_id):
        before = ended.get(row.container_id)
        rows.append(
            {
                "container": row.container.code,
                "organization": row.organization.name,
                "site": row.site.name if row.site else "On the way",
                "since": row.since,
                "until": row.until,
                "gap": "" if before is None or before == row.since else f"nobody from {before:%F %H:%M} UTC",
            }
        )
        ended[row.container_id] = row.until
    return rows


def _quality(actor: Actor, order: Order) -> dict[str, Rows]:
    stream_id = order.stream_id
    tests = {test["key"]: test["label"] for test in order.specification.tests}
    return {
        "batches": [
            {
                "batch": row.number,
                "record": row.record_reference,
                "state": row.get_state_display(),
                "started_at": row.started_at,
                "finished_at": row.finished_at,
                "reviewed_at": row.reviewed_at,
            }
            for row in quality.batches_of(actor, stream_id)
        ],
        "results": [
            {
                "test": tests.get(row.test_key, row.test_key),
                "result": row.outcome,
                "verdict": row.get_verdict_display(),
                "recorded_at": row.recorded_at,
                "replaces_an_earlier_one": row.supersedes_id is not None,
            }
            for row in quality.all_results_of(actor, stream_id)
        ],
        "deviations": [
            {
                "number": row.number,
                "kind": row.kind,
                "severity": row.get_severity_display(),
                "state": row.get_state_display(),
                "text": row.text,
                "opened_at": row.opened_at,
                "by_the_software": row.automatic,
                "closed_at": row.closed_at,
                "conclusion": row.conclusion,
            }
            for row in quality.deviations_of(actor, stream_id)
        ],
        "decisions": [
            {
                "decision": row.get_decision_display(),
                "certificate": row.certificate_number or "",
                "decided_at": row.decided_at,
                "revoked_at": row.revoked_at,
                "reason": row.reason,
                "content_hash": row.content_hash,
            }
            for row in quality.decisions_of(actor, stream_id)
        ],
    }


def corrections(actor: Actor, order: Order) -> Rows:
    """Return what was put right, taken back or done again: old facts stay, the reason says why (RG6)."""
    found = record.events_of(actor, order.stream_id).filter(kind__in=CORRECTIONS)
    return [
        {
            "event": row.seq,
            "what": kind_named(row.kind).say(row.payload, actor.organization_role),
            "reason": row.reason,
            "who": row.actor_name,
            "organization": row.organization_name,
            "occurred_at": row.occurred_at,
        }
        for row in found
    ]


def refused(actor: Actor, order: Order) -> Rows:
    """Return the attempts of the reader's own organization on this order that were refused, newest first."""
    found = record.refusals_about(actor, [order.code, str(order.stream_id)], order.opened_at)
    return [
        {
            "attempted": row.subject_id,
            "refused_because": row.payload.get("code", ""),
            "missing": ", ".join(row.payload.get("facts", [])),
            "scanned_instead": row.payload.get("read", ""),
            "who": row.actor_name,
            "persona": row.persona,
            "occurred_at": row.occurred_at,
        }
        for row in found
    ]
