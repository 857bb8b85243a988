"""Every kind of step is complete, and the shipped flows are valid and use each of them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework import serializers

from ledger.states import Role
from orders import flow_files
from orders.flow_validation import faults
from orders.inputs import inputs_class
from orders.step_kinds import Nothing, StepKind, all_kinds
from personas.states import Capability

KINDS = list(all_kinds().values())
SHIPPED = sorted(path.stem for path in flow_files.SHIPPED.glob("*.yaml"))


def by_key(kind: StepKind) -> str:
    return kind.key


def fields(declared: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every field of a serializer with its path, through lists and nested serializers."""
    for name, field in declared.fields.items():
        yield f"{path}{name}", field
        inner = field.child if isinstance(field, serializers.ListSerializer) else field
        if isinstance(inner, serializers.Serializer):
            yield from fields(inner, f"{path}{name}.")


def has_label_of_its_own(field: Any) -> bool:
    """Whether somebody wrote the label; REST framework makes one of the name otherwise."""
    return bool(field._kwargs.get("label"))


def test_there_are_kinds_and_flows() -> None:
    assert len(KINDS) > 20
    assert SHIPPED == ["autologous_car_t", "in_vivo"]


@pytest.mark.parametrize("kind", KINDS, ids=by_key)
def test_a_kind_says_what_it_is(kind: StepKind) -> None:
    module = inspect.getmodule(type(kind))
    assert module is not None
    assert module.__name__ == f"orders.steps.{kind.key}", "one module per kind, named by its key"
    assert inspect.getdoc(module)
    assert kind.title[0].isupper()
    assert kind.capability in Capability
    assert 0 <= kind.signatures <= 5
    assert kind.meaning.strip()
    assert set(kind.audience) <= set(Role)
    assert kind.audience
    assert type(kind).do is not StepKind.do
    assert not kind.second_scan or (kind.signatures >= 2 and type(kind).check_scan is not StepKind.check_scan)


@pytest.mark.parametrize("kind", KINDS, ids=by_key)
def test_every_input_has_a_label(kind: StepKind) -> None:
    declared = inputs_class(kind, max(kind.signatures, 2))()
    unlabeled = [path for path, field in fields(declared) if not has_label_of_its_own(field)]
    assert unlabeled == []


@pytest.mark.parametrize("kind", KINDS, ids=by_key)
def test_inputs_and_parameters_are_described(kind: StepKind) -> None:
    for declared in (kind.Inputs, kind.Parameters):
        assert declared is Nothing or declared.__doc__, f"{kind.key}: {declared.__name__}"
        assert declared is Nothing or declared().fields
    texts = [field for _, field in fields(kind.Inputs()) if type(field) is serializers.CharField]
    assert all(field.max_length for field in texts), "a text without a limit"


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_flow_has_no_fault(name: str) -> None:
    assert faults(flow_files.shipped(name)) == []


def test_every_kind_is_used_by_a_shipped_flow() -> None:
    used = {step["kind"] for name in SHIPPED for step in flow_files.shipped(name)["steps"]}
    assert used == set(all_kinds())


@pytest.mark.parametrize("name", SHIPPED)
def test_some_shipped_persona_can_do_each_step(name: str) -> None:
    from personas.catalog import ACTORS

    for step in flow_files.shipped(name)["steps"]:
        roles = ("manufacturer", "cmo") if step["actor"] == "plant" else (step["actor"],)
        capability = step.get("capability", all_kinds()[step["kind"]].capability)
        for role in roles:
            able = [persona.key for persona in ACTORS[role].personas if capability in persona.capabilities]
            assert able, f"nobody at a {role} may do {step['key']}"
