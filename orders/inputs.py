"""One declaration of inputs serves the HTML form, the REST schema and the engine: the kind's, plus its signatures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from django.utils import timezone
from rest_framework import serializers
from rest_framework.utils import html

from ledger.present import is_to_come
from ledger.refusals import InvalidInput
from orders import foreign_scans
from orders.photos import PHOTO as PHOTO
from orders.photos import PhotoField as PhotoField
from orders.step_kinds import LATE as LATE
from orders.step_kinds import StepKind


class SignatureInput(serializers.Serializer[Any]):
    """The performer's own credentials, entered again for this signature."""

    username = serializers.CharField(
        max_length=150,
        required=False,
        allow_blank=True,
        label="User name",
        help_text="Leave empty to sign as the person who is signed in.",
    )
    password = serializers.CharField(
        max_length=128, trim_whitespace=False, label="Your password", style={"input_type": "password"}
    )


class VerifierInput(serializers.Serializer[Any]):
    """A second person on the same screen, with their own credentials."""

    username = serializers.CharField(max_length=150, label="User name of the second person")
    password = serializers.CharField(
        max_length=128, trim_whitespace=False, label="Password of the second person", style={"input_type": "password"}
    )


class ScanningVerifierInput(VerifierInput):
    """A second person who scans for themselves."""

    scan = serializers.CharField(max_length=400, label="Scan by the second person", style={"input_type": "scan"})


class DecisionInputs(serializers.Serializer[Any]):
    """A ``decision``, and its ``reason``. ``needs_reason``: by decision, what is said when the reason is missing."""

    needs_reason: ClassVar[Mapping[str, str]] = {}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        words = self.needs_reason.get(attrs["decision"])
        if words and not attrs["reason"].strip():
            raise serializers.ValidationError({"reason": [words]})
        return attrs


def _late_reason() -> serializers.CharField:
    return serializers.CharField(
        max_length=300,
        required=False,
        allow_blank=True,
        default="",
        label="It has happened already: why is it recorded late?",
        help_text="Part of the record. No patient data. A deviation is opened; quality and the physician are told.",
    )


@cache
def inputs_class(kind: StepKind, signatures: int) -> type[serializers.Serializer[Any]]:
    """Return the serializer of a step: the kind's inputs, then ``signature`` and ``verifiers`` where people sign.

    Where nobody has to sign, a partner's system may still send the credentials of the person who performs the step.
    What moves material can also be recorded late: see ``orders.late``.
    """
    extra: dict[str, Any] = {LATE: _late_reason()} if kind.physical else {}
    if kind.photo and signatures:  # neither on paper nor on a device without network, where nobody signs
        extra[PHOTO] = PhotoField(
            label="Photo of the box",
            help_text="Seal, damage, place; never a person or a name. JPEG or PNG.",
        )
    extra["signature"] = SignatureInput(label="Signature", required=signatures >= 1)
    if signatures >= 2:
        verifier = ScanningVerifierInput if kind.second_scan else VerifierInput
        extra["verifiers"] = serializers.ListSerializer[Any](
            child=verifier(),
            label="Second person" if signatures == 2 else "Verifiers",
            min_length=signatures - 1,
            max_length=signatures - 1,
        )
    name = "".join(part.title() for part in kind.key.split("_")) + f"Inputs{signatures or ''}"
    return type(name, (kind.Inputs,), {**extra, "__doc__": kind.Inputs.__doc__})


def parse(kind: StepKind, signatures: int, raw: Mapping[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    """Return a step's validated inputs; raise InvalidInput with every field's errors.

    Mismatch instead, when another patient's code is among what was scanned (``foreign_scans``).
    """
    try:
        return read(inputs_class(kind, signatures), raw, context)
    except InvalidInput:
        foreign_scans.refuse_unread(kind, context["step_context"], raw)
        raise


def read(
    inputs: type[serializers.Serializer[Any]], raw: Mapping[str, Any], context: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the validated inputs of an act; raise InvalidInput with every field's errors."""
    serializer = inputs(data=raw, context=dict(context or {}))
    if not serializer.is_valid():
        raise InvalidInput(fields=dict(serializer.errors))
    return dict(serializer.validated_data)


WEEKDAYS = frozenset("1234567")


class WeekdaysField(serializers.ListField):
    """ISO numbers of weekdays: a list, what the boxes of a form send, or one text with commas between them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=serializers.IntegerField(min_value=1, max_value=7), **options)

    def get_value(self, dictionary: Any) -> Any:
        """Of a form, every box that is ticked."""
        if html.is_html_input(dictionary) and self.field_name in dictionary:
            return dictionary.getlist(self.field_name)
        return super().get_value(dictionary)

    def to_internal_value(self, data: Any) -> list[int]:
        """Return the numbers, each once; blanks mean nothing. Raises one error for whatever is no weekday."""
        given = data if isinstance(data, list | tuple | set | frozenset) else [data]
        words = [word.strip() for one in given for word in str(one).split(",") if word.strip()]
        if not all(word in WEEKDAYS for word in words):
            raise serializers.ValidationError("Number the weekdays 1 (Monday) to 7 (Sunday).")
        return sorted({int(word) for word in words})


class PastTime(serializers.DateTimeField):
    """When something happened, typed by a person: never in the future. Without an offset it is local time."""

    default_error_messages = {"future": "That time has not come yet. Enter when it really happened."}

    def enforce_timezone(self, value: dt.datetime) -> dt.datetime:
        zone = self.context.get("zone")
        if zone is not None and timezone.is_naive(value):
            return value.replace(tzinfo=zone)
        return super().enforce_timezone(value)

    def to_internal_value(self, value: Any) -> dt.datetime:
        moment = super().to_internal_value(value)
        if is_to_come(moment):
            self.fail("future")
        return moment


class ScanField(serializers.CharField):
    """A code read by a scanner (or typed when the scanner fails)."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", 200)
        options.setdefault("style", {"input_type": "scan"})
        super().__init__(**options)


class NumberScanField(serializers.CharField):
    """The number of a shipper, seal, logger or kit, scanned or typed: no code of an order, and names no patient."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("style", {"input_type": "scan_number"})
        super().__init__(**options)


class NotOneWeekday(serializers.Serializer[Any]):
    """Refuses the former key ``weekday``, so that nobody's wish is ignored in silence."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the inputs that were read; raise every field's errors, with those of the former key beside it."""
        faults: dict[str, Any] = {}
        if isinstance(data, Mapping) and "weekday" in data:
            faults["weekday"] = ["Send weekdays instead: a list of the days of collection, 1 (Monday) to 7 (Sunday)."]
        try:
            found = super().to_internal_value(data)
        except serializers.ValidationError as error:
            if not faults:
                raise
            raise serializers.ValidationError({**error.detail, **faults}) from error  # type: ignore[dict-item]
        if faults:
            raise serializers.ValidationError(faults)
        return found
