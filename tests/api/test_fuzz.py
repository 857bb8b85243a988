"""Generated requests against the document: nothing answers 5xx, and every answer is described."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounded
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cgt.wsgi import application
from personas.states import Capability
from tests.api import conformance
from tests.api.conftest import make_partner
from tests.factories import unique
from tests.orders.factories import World, make_world

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
STEPS = ("consent", "eligibility", "prescribe", "book", "request", "collect", "no-such-step")
EXAMPLES = 4  # per operation and mode: every operation within a minute and a half on an idle machine
KINDS = {
    "coordinator": ("center", "coordinator"),
    "owner": ("maker", "product_owner"),
    "admin": ("center", "administrator"),
}

schema = schemathesis.openapi.from_dict(conformance.document())
schema.app = application
OPERATIONS = [found.ok() for found in schema.get_all_operations()]


@pytest.fixture(scope="module")
def network(django_db_setup: None, django_db_blocker: Any) -> World:
    with django_db_blocker.unblock():
        return make_world()


@pytest.fixture
def targets(network: World, committed_db: None) -> dict[str, Any]:
    """Keys with every scope, and an order that the requests may ruin."""
    tokens = {
        name: make_partner(getattr(network, organization), persona, Capability.values).token
        for name, (organization, persona) in KINDS.items()
    }
    center = make_partner(network.center, "coordinator")
    identity = {"mrn": unique("MRN"), "family_name": unique("Name"), "birth_date": "1950-01-02"}
    answer = center.post("orders", network.enrolment(**identity, given_name="Fuzz") | {"confirmed_distinct": True})
    assert answer.status_code == 201, answer.content
    therapy, site = network.therapy.code, network.clinic.code
    return {"tokens": tokens, "code": answer.json()["code"], "therapy": therapy, "site": site}


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["as described", "otherwise"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda found: found.label)
def test_no_request_breaks_the_server(operation: Any, mode: GenerationMode, targets: dict[str, Any]) -> None:
    seen = []

    @bounded(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(generation_mode=mode),
        key=st.sampled_from(STEPS),
        who=st.sampled_from(sorted(KINDS)),
        known=st.booleans(),
    )
    def send(case: Any, key: str, who: str, known: bool) -> None:
        if known or mode is GenerationMode.POSITIVE:
            aim(case, targets, key)
        response = case.call(headers={"Authorization": f"Bearer {targets['tokens'][who]}"})
        seen.append(response.status_code)
        case.validate_response(response, checks=CHECKS)

    send()
    assert seen and max(seen) < 500


def aim(case: Any, targets: dict[str, Any], key: str) -> None:
    """Let the request meet what exists: an order, its steps, a therapy, a site."""
    code = targets["therapy"] if "/therapies/" in case.operation.path else targets["code"]
    real = {"code": code, "key": key}
    case.path_parameters.update({name: value for name, value in real.items() if name in case.path_parameters})
    if isinstance(case.body, dict):
        case.body.update({name: targets[name] for name in ("therapy", "site") if name in case.body})
