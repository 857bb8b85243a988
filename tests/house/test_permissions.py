"""Who may do what: each step of the shipped flows against each shipped persona, compared with a reviewed baseline.

Asked of the very policy that refuses (`orders.policies`), with the capabilities as they are declared. When a change is
meant, write the baseline anew with ``PERMISSIONS=write`` and review the difference line by line.
"""

from __future__ import annotations

import csv
import io
import itertools
import os
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from ledger.context import Actor
from ledger.refusals import NotAllowed, WrongState
from orders import flow_files
from orders.flow import require_ready
from orders.models import FlowStep, Order, OrderStep
from orders.policies import may_perform, require_may_perform, why_not
from orders.states import PLANT, OrderState, StepState
from orders.step_kinds import StepKind, all_kinds
from personas.catalog import ACTORS
from personas.declarations import PersonaDeclaration
from personas.policies import require, separation_conflicts
from personas.states import SEPARATED, SIGNING, Capability

BASELINE = Path(__file__).parent / "permission_matrix.csv"
FLOWS = sorted(path.stem for path in flow_files.SHIPPED.glob("*.yaml"))
OF_ROLE: dict[str, UUID] = {role: uuid4() for role in ACTORS}
MAY, MAY_NOT = "may", ""
HOW = (
    "The matrix differs from its reviewed baseline. If that is meant: "
    "PERMISSIONS=write .venv/bin/python -m pytest tests/house/test_permissions.py, and review the difference."
)


def acting_as(role: str, persona: PersonaDeclaration, *more: str) -> Actor:
    return Actor(
        organization_id=OF_ROLE[role],
        organization_name=f"Fictional {role}",
        organization_role=role,
        persona=persona.key,
        persona_title=persona.title,
        capabilities=frozenset({*map(str, persona.capabilities), *more}),
        channel="browser",
        person_id=uuid4(),
    )


EVERYBODY = {
    f"{role}.{persona.key}": acting_as(role, persona)
    for role, declaration in ACTORS.items()
    for persona in declaration.personas
}


def steps_of(flow: str) -> list[tuple[str, str, str]]:
    """Return (key, role, capability) of a flow's steps; a step of the plant once for each role that may run one."""
    found = []
    for step in flow_files.shipped(flow)["steps"]:
        roles = ("manufacturer", "cmo") if step["actor"] == PLANT else (step["actor"],)
        capability = str(step.get("capability", all_kinds()[step["kind"]].capability))
        found += [(step["key"], role, capability) for role in roles]
    return found


def opened(role: str, capability: str) -> OrderStep:
    """A ready step of an organization of that role."""
    return OrderStep(responsible_id=OF_ROLE[role], capability=capability, state=StepState.READY)


def matrix() -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["flow", "step", "of", "capability", *EVERYBODY])
    for flow in FLOWS:
        for key, role, capability in steps_of(flow):
            step = opened(role, capability)
            cells = [MAY if may_perform(actor, step) else MAY_NOT for actor in EVERYBODY.values()]
            writer.writerow([flow, key, role, capability, *cells])
    return text.getvalue()


def test_the_matrix_is_the_reviewed_one() -> None:
    found = matrix()
    if os.environ.get("PERMISSIONS") == "write":
        BASELINE.write_text(found)
    if not BASELINE.exists() or BASELINE.read_text() != found:
        known = BASELINE.read_text().splitlines() if BASELINE.exists() else []
        changed = [line for line in found.splitlines() if line not in known]
        pytest.fail("\n".join([HOW, *changed]))


def test_the_matrix_says_yes_and_no() -> None:
    rows = list(csv.DictReader(io.StringIO(matrix())))
    assert len(rows) > 40
    for row in rows:
        allowed = {name for name in EVERYBODY if row[name] == MAY}
        assert allowed, row
        assert {name.split(".")[0] for name in allowed} == {row["of"]}
        assert not {name for name in allowed if name.endswith((".inspector", ".administrator"))}


@pytest.mark.parametrize("name", sorted(EVERYBODY))
@pytest.mark.parametrize("unknown", ["fly", "", "*", "collect "])
def test_an_unknown_capability_is_denied(name: str, unknown: str) -> None:
    actor = EVERYBODY[name]
    step = opened(actor.organization_role, unknown)
    assert not actor.can(unknown)
    assert why_not(actor, step)
    with pytest.raises(NotAllowed):
        require_may_perform(actor, step)
    with pytest.raises((NotAllowed, ValueError)):
        require(actor, unknown)


def test_a_step_without_an_owner_or_of_another_organization_is_nobodys() -> None:
    for actor in EVERYBODY.values():
        for capability in actor.capabilities:
            assert why_not(actor, OrderStep(responsible_id=None, capability=capability))
            assert why_not(actor, OrderStep(responsible_id=uuid4(), capability=capability))


def test_a_person_of_one_site_acts_at_no_other() -> None:
    declared = ACTORS["treatment_center"].personas[0]
    here, elsewhere = uuid4(), uuid4()
    actor = Actor(**{**acting_as("treatment_center", declared).__dict__, "site_id": here})
    step = opened("treatment_center", next(iter(actor.capabilities)))
    step.site_id = elsewhere
    assert why_not(actor, step)
    step.site_id = here
    assert not why_not(actor, step)


# ---- states ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", all_kinds().values(), ids=lambda kind: kind.key)
def test_only_a_ready_step_of_an_open_order_is_performed(kind: StepKind) -> None:
    """A hold stops every kind; what has happened already is recorded as late (tests/journeys/test_late.py)."""
    for order_state, on_hold, state in itertools.product(OrderState, (False, True), StepState):
        order = Order(state=order_state, on_hold=on_hold, hold_reason="a reason" if on_hold else "")
        step = OrderStep(state=state, flow_step=FlowStep(title=kind.title))
        allowed = order_state == OrderState.OPEN and state == StepState.READY and not on_hold
        actor = acting_as("treatment_center", ACTORS["treatment_center"].personas[0])
        if allowed:
            require_ready(actor, order, step)
        else:
            with pytest.raises(WrongState):
                require_ready(actor, order, step)


def test_what_happens_physically_is_the_reviewed_list() -> None:
    physical = sorted(kind.key for kind in all_kinds().values() if kind.physical)
    assert physical == [
        "collect",
        "finish_manufacture",
        "hand_over",
        "infuse",
        "pack",
        "prepare_product",
        "receive_material",
        "receive_product",
        "start_collection",
        "start_manufacture",
        "store_product",
    ]


# ---- separation of duty ---------------------------------------------------------------------------------------------


@pytest.mark.story("TA2")
@pytest.mark.parametrize("name", sorted(EVERYBODY))
def test_no_shipped_persona_holds_what_needs_two_people(name: str) -> None:
    assert separation_conflicts(EVERYBODY[name].capabilities) == []


@pytest.mark.story("TA2")
@pytest.mark.parametrize(("one", "other"), SEPARATED)
def test_performer_and_reviewer_are_never_one_persona(one: Capability, other: Capability) -> None:
    assert separation_conflicts(frozenset({one.value, other.value}))
    assert separation_conflicts(frozenset({one.value})) == separation_conflicts(frozenset({other.value})) == []


@pytest.mark.story("TA2")
@pytest.mark.parametrize("capability", sorted(SIGNING))
def test_an_administrator_never_signs(capability: Capability) -> None:
    assert separation_conflicts(frozenset({Capability.ADMINISTER.value, capability.value}))


def test_every_step_with_a_signature_is_out_of_an_administrators_reach() -> None:
    signed = {str(kind.capability) for kind in all_kinds().values() if kind.signatures}
    assert signed - {capability.value for capability in SIGNING} == set()


def test_every_capability_is_used() -> None:
    held = {capability for actor in EVERYBODY.values() for capability in actor.capabilities}
    assert held == set(Capability.values)
