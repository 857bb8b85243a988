"""The inputs of every step kind in the OpenAPI document: one component per kind, from the engine's own declaration."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.drainage import set_override
from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from orders.inputs import inputs_class
from orders.step_kinds import StepKind, all_kinds


def inputs_component(kind: StepKind) -> str:
    """Return the name of the component that describes a kind's inputs."""
    return f"{_camel(kind.key)}Inputs"


def _camel(key: str) -> str:
    return "".join(part.title() for part in key.split("_"))


@cache
def documented_inputs(key: str) -> type[serializers.Serializer[Any]]:
    """Return the inputs of a kind with as many signatures as its floor asks for (a flow may ask for more)."""
    kind = all_kinds()[key]
    cls = inputs_class(kind, kind.signatures)
    set_override(cls, "component_name", inputs_component(kind))
    for name, field in cls().fields.items():
        inner = getattr(field, "child", field)
        if isinstance(inner, serializers.Serializer) and name not in ("signature", "verifiers"):
            set_override(type(inner), "component_name", f"{_camel(key)}{type(inner).__name__}")
    return cls


def any_step_inputs() -> PolymorphicProxySerializer:
    """Return the request body of performing a step: the inputs of the step's kind."""
    return PolymorphicProxySerializer(
        component_name="StepInputs",
        serializers=[documented_inputs(key) for key in all_kinds()],
        resource_type_field_name=None,
    )
