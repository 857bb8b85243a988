"""In manufacture starting material becomes an intermediate, and the product is made of that."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from custody.queries import lineage_of
from custody.states import ContainerKind, ContainerState
from ledger.context import reading
from ledger.refusals import FactsMissing
from orders.actions.conversions import convert_material
from orders.epcis import documents
from tests.journeys.labeling import scan_all_back
from tests.journeys.test_epcis import told
from tests.journeys.watching import bags, order_of
from tests.journeys.world import World
from tests.orders.epcis.validation import faults

pytestmark = [pytest.mark.django_db, pytest.mark.story("MO3")]


def test_product_descends_from_the_collection_through_the_intermediate(world: World) -> None:
    journey, operator = world.journey(), world.player("maker", "operator")
    journey.run("start")
    used = [code for code, state in bags(operator, journey, "starting_material").items() if state == "in_process"]
    sent: dict[str, Any] = {"kind": "processed", "bags": [{"scan": code} for code in used], "vessel": "culture_bag"}
    sent |= {"volumes": [{"volume_ml": "900"}], "at": timezone.now().isoformat()}
    (culture,) = convert_material(operator.actor, journey.code, sent)
    assert bags(operator, journey, "intermediate") == {culture: ContainerState.IN_PROCESS}
    with pytest.raises(FactsMissing, match=f"The label of {culture} was not scanned back"):
        journey.perform("finish")
    scan_all_back(journey, operator, world.player("maker", "operator", 2))
    journey.run("finish")
    assert bags(operator, journey, "intermediate") == {culture: ContainerState.CONSUMED}
    with reading(operator.actor):
        nodes = lineage_of(operator.actor, order_of(operator, journey).stream_id).nodes()
        generation = {node.container.code: node.generation for node in nodes}
        product = [node for node in nodes if node.container.kind == ContainerKind.DRUG_PRODUCT]
        assert product and all([parent.code for parent in node.parents] == [culture] for node in product)
        assert {node.container.kind_label for node in product} == {"Drug-product bag"}
    assert (generation[used[0]], generation[culture]) == (0, 1)
    events = told(world.player("center", "coordinator"), journey)
    assert faults(documents.document(events)) == []
    turned = [event for event in events if event["type"] == "TransformationEvent"]
    assert any(culture in str(event.get("outputEPCList")) for event in turned)
    assert journey.run() == ""
    assert order_of(operator, journey).state == "closed"
