"""The OpenAPI document is committed, complete, and served with its page under the site's own content policy."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command

from orders.step_kinds import all_kinds
from tests.api import conformance
from tests.api.conftest import PartnerOf
from tests.orders.factories import World
from tests.personas.conftest import signed_in

REGENERATE = "python manage.py spectacular --file docs/api/openapi.yaml"


def test_the_committed_document_is_the_one_that_is_served(checkout: Path, tmp_path: Path) -> None:
    call_command("spectacular", file=str(tmp_path / "now.yaml"), fail_on_warn=True)
    committed = (checkout / "docs/api/openapi.yaml").read_text()
    assert committed == (tmp_path / "now.yaml").read_text(), f"Look at the difference, then: {REGENERATE}"


def test_every_step_kind_has_its_inputs_in_the_document() -> None:
    document = conformance.document()
    named = {ref["$ref"].rsplit("/", 1)[1] for ref in document["components"]["schemas"]["StepInputs"]["anyOf"]}
    assert len(named) == len(all_kinds())
    assert named <= set(document["components"]["schemas"])
    schemas = document["components"]["schemas"]
    assert {"wristband", "bags", "signature", "verifiers"} <= set(schemas["ApplyLabelsInputs"]["required"])
    assert {"bags", "ended_at", "signature"} <= set(schemas["CollectInputs"]["required"])


def test_every_operation_says_who_may_and_how_it_refuses() -> None:
    document = conformance.document()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["security"] == [{"partnerKey": []}, {"browserSession": []}], path
            assert {"400", "401", "403", "404", "429"} <= set(operation["responses"]), path
            assert operation.get("summary") or operation["description"], f"{method} {path}"


def test_the_document_is_openapi_3_1(partner: PartnerOf) -> None:
    answer: Any = partner().get("/api/v1/schema/")
    assert yaml.safe_load(answer.content)["openapi"].startswith("3.1")


def test_the_interactive_page_loads_nothing_from_elsewhere_and_needs_no_inline_script(world: World) -> None:
    browser = signed_in(world.member("center", "coordinator"))
    page = browser.get("/api/v1/docs/")
    text = page.content.decode()

    assert page.status_code == 200 and "script-src 'self' 'wasm-unsafe-eval';" in page["Content-Security-Policy"] + ";"
    assert not re.search(r"<script(?![^>]*src=)|<style|style=|onclick", text)
    for address in re.findall(r'(?:src|href)="([^"]+)"', text):
        assert address.startswith("/"), address
        served = browser.get(address.replace("&amp;", "&"))
        assert served.status_code == 200, address
    script = browser.get(re.findall(r'src="([^"]+script[^"]*)"', text)[-1].replace("&amp;", "&"))
    assert script["Content-Type"].startswith("application/javascript") and b"/api/v1/schema/" in script.content


@pytest.mark.parametrize("kind", ["hold", "lift-hold", "cancel"])
def test_what_is_done_to_an_order_has_an_address(kind: str) -> None:
    assert f"/api/v1/orders/{{code}}/{kind}" in conformance.document()["paths"]
