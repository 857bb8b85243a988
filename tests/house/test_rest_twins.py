"""What a page can do, a partner system can do: every page that takes a POST has a REST address, or an excuse."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.house.test_urls import filled

# page -> the REST address that does the same, by their names
TWINS = {
    "notifications:acknowledge": "api:acknowledge",
    "notifications:add_webhook": "api:webhooks",
    "notifications:away": "api:away",
    "notifications:back": "api:back",
    "notifications:change_webhook": "api:webhook",
    "notifications:claim": "api:claim",
    "notifications:pause_webhook": "api:webhook",
    "notifications:preferences": "api:preferences",
    "notifications:read": "api:read-notices",
    "notifications:replay_webhook": "api:replay-webhook",
    "notifications:rotate_webhook": "api:rotate-secret",
    "notifications:set_escalation": "api:escalation",
    "notifications:test_webhook": "api:test-webhook",
    "orders:add_waiting": "api:waiting-list",
    "orders:answer_offer": "api:answer-offer",
    "orders:appeal_rank": "api:appeal-rank",
    "orders:change_quota": "api:quota",
    "orders:codes": "api:aliases",
    "orders:import_codes": "api:import-codes",
    "orders:committee": "api:rank-decisions",
    "orders:publish_criteria": "api:publish-criteria",
    "orders:quotas": "api:quotas",
    "orders:lane": "api:lane-plan",
    "orders:lanes": "api:alert-default",
    "orders:report_way": "api:report-way",
    "orders:clean_shipper": "api:clean-shipper",
    "orders:expect_empty": "api:expect-empty",
    "orders:hand_over_empty": "api:hand-over-empty",
    "orders:receive_empty": "api:receive-empty",
    "orders:book_return": "api:book-return",
    "orders:kit": "api:send-kit",
    "orders:fetch_job": "api:fetch-job",
    "orders:deliver_job": "api:deliver-job",
    "orders:fail_job": "api:fail-job",
    "orders:cancel_job": "api:cancel-job",
    "orders:set_store_limits": "api:store-limits",
    "orders:store_readings": "api:store-readings",
    "orders:raise_store_alarm": "api:raise-store-alarm",
    "orders:acknowledge_store_alarm": "api:acknowledge-store-alarm",
    "orders:close_store_alarm": "api:close-store-alarm",
    "orders:box_photos": "api:box-photos",
    "orders:refuse_box": "api:refuse-box",
    "orders:swap_shipper": "api:swap-shipper",
    "orders:stop_units": "api:stops",
    "orders:lift_stop": "api:lift-stop",
    "orders:score_waiting": "api:score-waiting",
    "orders:waiting_criteria": "api:waiting-criteria",
    "orders:withdraw_waiting": "api:withdraw-waiting",
    "orders:answer_request": "api:confirm-chain",
    "orders:answer_date_request": "api:answer-date-request",
    "orders:answer_dates": "api:answer-change",
    "orders:answer_swap": "api:answer-swap",
    "orders:answer_move": "api:answer-move",
    "orders:approve_flow": "api:approve-flow",
    "orders:authorize_site": "api:site-authorizations",
    "orders:cancel": "api:cancel",
    "orders:cancel_repair": "api:cancel-repair",
    "orders:close_deviation": "api:close-deviation",
    "orders:date_request": "api:date-request",
    "orders:date_wishes": "api:date-wishes",
    "orders:dates": "api:move-dates",
    "orders:delete_what_if": "api:delete-what-if",
    "orders:delay": "api:delay",
    "orders:dispose": "api:decide-quarantine",
    "orders:downtime": "api:downtime-packs",
    "orders:downtime_day": "api:downtime-day",
    "orders:transcribe": "api:transcribe",
    "orders:keep_epcis_query": "api:epcis-queries",
    "orders:drop_epcis_query": "api:epcis-query",
    "orders:begin_epcis_subscription": "api:epcis-subscriptions",
    "orders:end_epcis_subscription": "api:epcis-subscription",
    "orders:correct_donation": "api:correct-donation",
    "orders:settle_label": "api:settle-label",
    "orders:scan_back_labels": "api:scan-back-labels",
    "orders:reprint_label": "api:reprint-label",
    "orders:edit_repair": "api:edit-repair",
    "orders:end_disruption": "api:end-disruption",
    "orders:enter_results": "api:step",
    "orders:evidence": "api:step",
    "orders:find": "api:find-patient",
    "orders:flows": "api:flows",
    "orders:hold": "api:hold",
    "orders:destroy": "api:destroy",
    "orders:take_back": "api:take-back",
    "orders:identity": "api:lift-identity-query",
    "orders:invalidate_result": "api:invalidate-result",
    "orders:lift": "api:lift-hold",
    "orders:lineage": "api:lineage",
    "orders:new": "api:orders",
    "orders:open_disruption": "api:disruptions",
    "orders:open_deviation": "api:deviations",
    "orders:pickup_failed": "api:failed-pickup",
    "orders:remanufacture": "api:remanufacture",
    "orders:renew": "api:renew-chain",
    "orders:repeat": "api:repeat",
    "orders:retire_flow": "api:retire-flow",
    "orders:revoke_release": "api:revoke-release",
    "orders:set_lymphodepletion": "api:set-lymphodepletion-policy",
    "orders:station": "api:step",
    "orders:store": "api:store-units",
    "orders:move_material": "api:place",
    "orders:retire_store_unit": "api:retire-store-unit",
    "orders:sign_repair": "api:sign-repair",
    "orders:start_repair": "api:start-repair",
    "orders:step": "api:step",
    "orders:suspend_site": "api:suspend-site",
    "orders:swap": "api:swaps",
    "orders:label_templates": "api:label-templates",
    "orders:approve_label_template": "api:approve-label-template",
    "orders:retire_label_template": "api:retire-label-template",
    "orders:equipment": "api:equipment",
    "orders:logger_layouts": "api:logger-layouts",
    "orders:shipment": "api:condition",
    "orders:charge_shipper": "api:charge-shipper",
    "orders:renew_equipment": "api:renew-equipment",
    "orders:retire_equipment": "api:retire-equipment",
    "orders:numbering": "api:numbering",
    "orders:approve_numbering": "api:approve-numbering",
    "orders:retire_numbering": "api:retire-numbering",
    "orders:what_is": "api:read-code",
    "orders:withdraw_code": "api:withdraw-alias",
    "orders:withdraw_date_request": "api:withdraw-date-request",
    "orders:withdraw_dates": "api:withdraw-change",
    "orders:withdraw_swap": "api:withdraw-swap",
    "orders:what_if": "api:what-ifs",
    "personas:change_site": "api:change-site",
    "personas:end_membership": "api:end-membership",
    "personas:invite": "api:people",
    "personas:issue_key": "api:keys",
    "personas:revoke_key": "api:revoke-key",
    "personas:rights": "api:persona",
    "scheduling:closures": "api:closures",
    "scheduling:day": "api:capacity",
    "scheduling:end_rule": "api:end-rule",
    "scheduling:end_lead_time": "api:end-lead-time",
    "scheduling:feeds": "api:feeds",
    "scheduling:hours": "api:rules",
    "scheduling:lead_times": "api:lead-times",
    "scheduling:lift_closure": "api:lift-closure",
    "scheduling:new_resource": "api:resources",
    "scheduling:prices": "api:change-prices",
    "scheduling:revoke_feed": "api:revoke-feed",
    "scheduling:set_priority": "api:priority-classes",
    "scheduling:teams": "api:teams",
}
# pages that take a POST and need no twin, or have none yet: why
EXCUSED = {
    "notifications:open": "marks a notice as read and leads to its page; over REST: read-notices",
    "orders:verify": "checks an uploaded copy and writes nothing; a copy is verified without the server",
    "orders:try_tampered": "a demonstration's forgery",
    "personas:switch": "chooses the membership of a browser's session; a key has exactly one persona",
    "health": "answers whatever the method, and writes nothing",
}


def pages(patterns: list[URLPattern | URLResolver], prefix: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{pattern.namespace}:" if pattern.namespace else space
            yield from pages(pattern.url_patterns, route, inner)
        elif pattern.name:
            yield space + pattern.name, route


OURS = {
    name: route
    for name, route in pages(get_resolver().url_patterns)
    if not route.startswith(("api/", "accounts/")) and "static" not in route
}


@pytest.fixture
def writing(db: None) -> set[str]:
    """The pages that do not refuse a POST as a method they do not know."""
    flow = "00000000-0000-7000-8000-000000000000"
    stranger = Client()
    return {
        name for name, route in OURS.items() if stranger.post(filled(route, "CT-0000-0000", flow)).status_code != 405
    }


def test_every_page_that_writes_has_a_rest_address_or_an_excuse(writing: set[str]) -> None:
    assert len(writing) > 20
    assert sorted(writing - set(TWINS) - set(EXCUSED)) == []


def test_no_twin_and_no_excuse_is_stale(writing: set[str]) -> None:
    assert sorted((set(TWINS) | set(EXCUSED)) - writing) == []
    assert sorted(set(TWINS) & set(EXCUSED)) == []


@pytest.mark.parametrize("twin", sorted(set(TWINS.values())))
def test_each_twin_is_a_rest_address(twin: str) -> None:
    found = dict(pages(get_resolver().url_patterns))
    assert found[twin].startswith("api/v1/")
