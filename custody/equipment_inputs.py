"""What is asked about a shipper or a logger, on pages and over REST alike."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from custody.states import EquipmentKind

HOLD: dict[str, Any] = {"max_digits": 6, "decimal_places": 2, "min_value": Decimal("0.01")}


class HoldField(serializers.DecimalField):
    """Hours that a charge holds, as the qualification measured it."""

    def __init__(self, **options: Any) -> None:
        text = "Shippers only: how long a charge holds, as this very shipper was qualified, not its model."
        super().__init__(**HOLD, label="Hold time (hours)", help_text=text, **options)


class EquipmentInputs(serializers.Serializer[Any]):
    """A shipper or a logger that goes into service."""

    kind = serializers.ChoiceField(choices=EquipmentKind.choices, label="What it is")
    serial = serializers.CharField(max_length=40, label="Serial number", help_text="As it is scanned or read on it.")
    model = serializers.CharField(max_length=80, label="Model")
    valid_until = serializers.DateTimeField(
        label="Valid until", help_text="End of the shipper's qualification, of the logger's calibration."
    )
    hold_hours = HoldField(required=False, allow_null=True)
    each_trip = serializers.BooleanField(
        required=False, default=False, label="Shippers only: qualified again after each journey"
    )
    return_days = serializers.IntegerField(
        min_value=1,
        max_value=180,
        required=False,
        default=7,
        label="Shippers only: expected back after (days)",
        help_text="Counted from the opening of its box.",
    )


class CleanInputs(serializers.Serializer[Any]):
    """When a shipper was cleaned and decontaminated."""

    cleaned_at = serializers.DateTimeField(label="Cleaned at")


class ChargeInputs(serializers.Serializer[Any]):
    """When a shipper was charged or conditioned."""

    charged_at = serializers.DateTimeField(label="Charged at")


class RenewInputs(serializers.Serializer[Any]):
    """What a new qualification or calibration found."""

    valid_until = serializers.DateTimeField(label="Valid until")
    hold_hours = HoldField(required=False, allow_null=True)


class RetireEquipmentInputs(serializers.Serializer[Any]):
    """Why a piece goes out of service."""

    reason = serializers.CharField(max_length=300, label="Why")
