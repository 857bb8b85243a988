"""A Python client generated from the committed document, driven against the running site."""

from __future__ import annotations

import datetime as dt
import importlib
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.api.conftest import make_partner
from tests.factories import PASSWORD
from tests.orders.factories import World, make_world

NAME = "cgt_client"
IDENTITY = {"mrn": "MRN-C1", "family_name": "Generated", "birth_date": "1961-04-05"}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The package, generated as the guide for integrators says, without a warning."""
    checkout = Path(__file__).resolve().parents[2]
    folder = tmp_path_factory.mktemp("client")
    command = [
        str(Path(sys.executable).parent / "openapi-python-client"),
        *("generate", "--path", str(checkout / "docs/api/openapi.yaml")),
        *("--config", str(checkout / "docs/api/client.yaml")),
        *("--meta", "none", "--output-path", str(folder / NAME), "--fail-on-warning"),
    ]
    made = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    yield importlib.import_module(NAME)
    sys.path.remove(str(folder))
    for module in [name for name in sys.modules if name.split(".")[0] == NAME]:
        del sys.modules[module]


def module(name: str) -> Any:
    return importlib.import_module(f"{NAME}.{name}")


@pytest.fixture(scope="module")
def network(django_db_setup: None, django_db_blocker: Any) -> World:
    with django_db_blocker.unblock():
        return make_world()


@pytest.fixture
def order(network: World, committed_db: None) -> str:
    return network.enrol(**IDENTITY)


def client_of(generated: Any, site: str, network: World, persona: str) -> Any:
    token = make_partner(network.center, persona).token
    return generated.AuthenticatedClient(base_url=site, token=token, raise_on_unexpected_status=True)


@pytest.mark.slow
def test_every_operation_has_its_module(generated: ModuleType) -> None:
    modules = list(Path(str(generated.__file__)).parent.glob("api/*/*.py"))
    assert len([path for path in modules if path.stem != "__init__"]) > 60


@pytest.mark.slow
def test_it_lists_reads_signs_and_tells_refusals_apart(
    generated: Any, live_site: str, network: World, order: str
) -> None:
    problem = module("models").Problem
    physician = client_of(generated, live_site, network, "treating_physician")

    rows = module("api.steps.read_worklist").sync(client=physician).results
    assert order in {row.order.code for row in rows}
    found = module("api.orders.read_order").sync(order, client=physician)
    assert found.code == order and found.patient.mrn == "MRN-C1"

    key = "activate_coi"
    step = module("api.steps.read_step").sync(order, key, client=physician)
    signed = module("models").ActivateIdentityInputs(
        scan=f"{found.identity_code}{found.identity_check}",
        birth_date=dt.date(1961, 4, 5),
        mrn="MRN-C1",
        signature=module("models").SignatureInput(
            username=network.username("center", "treating_physician"), password=PASSWORD
        ),
    )
    perform, once = module("api.steps.perform_step").sync_detailed, str(uuid.uuid4())
    done = perform(order, key, client=physician, body=signed, if_match=step.etag, idempotency_key=once)
    assert done.status_code == 200, done.content
    assert done.parsed.result.state.value == "done" and done.headers["ETag"]
    again = perform(order, key, client=physician, body=signed, if_match=step.etag, idempotency_key=once)
    assert again.parsed.result == done.parsed.result

    conflict = perform(order, key, client=physician, body=signed)
    assert (conflict.status_code, conflict.parsed.code) == (409, "step_not_ready")
    stale = perform(order, key, client=physician, body=signed, if_match=step.etag)
    missing = module("api.orders.read_order").sync_detailed("CT-0000-0000", client=physician)
    assert (missing.status_code, missing.parsed.code) == (404, "not_found")
    assert all(isinstance(answer.parsed, problem) for answer in (conflict, stale, missing))
    assert stale.status_code in (409, 412)
