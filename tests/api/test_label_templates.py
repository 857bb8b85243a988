"""Label templates over REST: proposed, previewed, approved by another, retired; each answer as documented."""

from __future__ import annotations

from uuid import UUID

import pytest

from custody.actions.label_templates import approve_template
from tests.api.conftest import PartnerOf, problem
from tests.orders.factories import World

LEAST = "patient, collected, expires, volume, donation, storage, site"


@pytest.mark.story("PC1")
def test_a_version_is_proposed_once_previewed_approved_by_another_and_retired(world: World, partner: PartnerOf) -> None:
    owner, approver, nurse = (
        partner("maker", "product_owner"),
        partner("maker", "flow_approver"),
        partner("center", "apheresis_nurse"),
    )
    body = {"therapy": world.therapy.code, "country": "DE", "kind": "collection", "language": "de", "elements": LEAST}
    once = {"Idempotency_Key": "template-1"}
    told = owner.post("label-templates", body, **once)
    assert told.status_code == 201
    (row,) = told.json()["versions"]
    assert row["elements"] == LEAST.split(", ") and row["languages"] == ["de"] and row["state"] == "proposed"
    assert owner.post("label-templates", body, **once).json() == told.json()
    problem(owner.post(f"label-templates/{row['id']}/approve", Idempotency_Key="t-2"), 403, "not_allowed")
    assert owner.get(f"label-templates/{row['id']}/preview.pdf").content.startswith(b"%PDF")
    assert nurse.get("label-templates").json()["versions"] == []
    problem(nurse.get(f"label-templates/{row['id']}/preview.pdf"), 404, "not_found")
    nobody = problem(
        approver.post(f"label-templates/{row['id']}/approve", Idempotency_Key="t-3"), 422, "second_person_needed"
    )
    assert "colleague" in str(nobody), "a key is no person"
    approve_template(world.actor("maker", "flow_approver"), UUID(row["id"]))
    assert [version["id"] for version in nurse.get("label-templates").json()["versions"]] == [row["id"]]
    problem(owner.post("label-templates", body | {"elements": "patient"}, Idempotency_Key="t-4"), 400, "invalid_input")
    gone = approver.post(f"label-templates/{row['id']}/retire", {"reason": "test"}, Idempotency_Key="t-5")
    assert [version["state"] for version in gone.json()["versions"]] == ["retired"]
    problem(partner("courier", "courier_driver").get("label-templates"), 404, "not_found")
