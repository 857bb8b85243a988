"""How lists come over REST: the envelopes of a page of rows, and of a list that comes whole."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

Shape = serializers.Serializer[Any]


def page(row: type[Shape], name: str) -> Shape:
    """Return the envelope of one page of rows."""
    return inline_serializer(
        name,
        {
            "next": serializers.URLField(allow_null=True, help_text="the next page; null on the last"),
            "previous": serializers.URLField(allow_null=True),
            "results": row(many=True),
        },
    )


def whole(row: type[Shape], name: str) -> Shape:
    """Return the envelope of a list that comes whole."""
    return inline_serializer(name, {"results": row(many=True)})
