"""Pages of flow versions: read by partners, proposed from a file with all faults named, approved by a second person."""

from __future__ import annotations

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from ledger.context import reading
from ledger.models import Event
from ledger.queries import events_of
from orders import flow_files
from orders.flow import order_named
from orders.notices import next_owners
from personas.queries import organization_actor
from tests.orders.conftest import Browse
from tests.orders.factories import World

pytestmark = pytest.mark.usefixtures("committed_db")


def propose(client: Client, world: World, content: bytes) -> object:
    return client.post("/flows/", {"therapy": world.therapy.code, "file": SimpleUploadedFile("flow.yaml", content)})


def text_of(response: object) -> str:
    return response.content.decode()  # type: ignore[attr-defined]


@pytest.mark.story("PC2")
def test_a_version_is_proposed_by_one_and_approved_by_another(world: World, browse: Browse) -> None:
    definition = flow_files.shipped("autologous_car_t")
    definition["steps"][4]["due"] = {"step": "order", "hours": 96, "escalate_hours": 1.5}
    author, approver = browse("maker", "product_owner"), browse("maker", "flow_approver")
    answer = propose(author, world, yaml.safe_dump(definition).encode())
    assert answer.status_code == 303  # type: ignore[attr-defined]
    address = answer["Location"]  # type: ignore[index]
    page = text_of(author.get(address))
    assert "step “prescribe”: due was" in page
    assert "96 h after order; escalates 1.5 h later" in page and "escalates 4 h later" in page
    assert "Approve: make it live" not in page
    assert author.post(f"{address}approve/").status_code == 403
    assert "Approve: make it live" in text_of(approver.get(address))
    assert "waiting for your approval" in text_of(approver.get("/")) and address in text_of(approver.get("/"))
    assert "waiting for your approval" not in text_of(author.get("/"))
    assert approver.post(f"{address}approve/").status_code == 303
    assert approver.post(f"{address}approve/").status_code == 409
    assert address not in text_of(approver.get("/"))
    exported = author.get(f"{address}file.yaml")
    assert yaml.safe_load(exported.content)["steps"][4]["due"] == definition["steps"][4]["due"]
    assert browse("center", "coordinator").get(address).status_code == 200
    assert browse("courier", "courier_driver").get(address).status_code == 404


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"steps: [", "not valid YAML"),
        (b"just words", "not a flow"),
        (b"x" * 300_000, "at most 256 KB"),
        (
            b"name: x\ntitle: X\nsteps:\n  - {key: a, kind: nothing, title: A, actor: nobody, phase: enrolment}",
            "unknown kind",
        ),
    ],
)
def test_a_bad_file_is_refused_with_what_is_wrong(world: World, browse: Browse, content: bytes, words: str) -> None:
    answer = propose(browse("maker", "product_owner"), world, content)
    assert answer.status_code == 400  # type: ignore[attr-defined]
    assert words in text_of(answer)


def test_all_faults_are_listed_at_once(world: World, browse: Browse) -> None:
    definition = flow_files.shipped("autologous_car_t")
    definition["steps"][3]["kind"] = "dance"
    definition["steps"][5]["actor"] = "nobody"
    page = text_of(propose(browse("maker", "product_owner"), world, yaml.safe_dump(definition).encode()))
    assert "unknown kind" in page and "unknown actor" in page


def test_nobody_proposes_for_another_manufacturer(world: World, browse: Browse) -> None:
    content = yaml.safe_dump(flow_files.shipped("autologous_car_t")).encode()
    answer = propose(browse("center", "coordinator"), world, content)
    assert answer.status_code in (403, 404)  # type: ignore[attr-defined]
    assert "Propose a version" not in text_of(browse("center", "coordinator").get("/flows/"))


def told(world: World, organization: str, event: Event) -> dict[str, str]:
    actor = organization_actor(getattr(world, organization).pk, "notification-relay")
    with reading(actor):
        return {one.user.username: one.title for one in next_owners(actor, event)}


@pytest.mark.story("CO8")
def test_whoever_may_do_what_became_ready_is_told_without_patient_data(world: World) -> None:
    colleague = world.username("center", "coordinator", 2)
    planner = world.username("maker", "planner")
    code = world.enrol(mrn="MRN-TOLD", family_name="Unmentioned", given_name="Somebody")
    coordinator = world.actor("center", "coordinator")
    with reading(coordinator):
        event = events_of(coordinator, order_named(coordinator, code).stream_id).get()
    names = told(world, "center", event)
    assert names[colleague] == f"Activate the chain of identity · {code}"
    assert not any("Unmentioned" in title for title in names.values())
    assert planner not in told(world, "maker", event)
