"""What is needed to open an order: a therapy, a site, and the patient's minimum data (CO3), or a known patient."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils import timezone
from rest_framework import serializers


class PatientInput(serializers.Serializer[Any]):
    """Identifying data: sealed at the treatment center, never shown to anybody else."""

    family_name = serializers.CharField(max_length=100, label="Family name")
    given_name = serializers.CharField(max_length=100, label="Given name")
    birth_date = serializers.DateField(label="Date of birth")
    mrn = serializers.CharField(max_length=40, label="Medical record number")
    sex = serializers.ChoiceField(
        choices=[("female", "Female"), ("male", "Male"), ("other", "Other"), ("unknown", "Unknown")],
        required=False,
        default="unknown",
        label="Sex",
    )
    phone = serializers.CharField(max_length=40, required=False, allow_blank=True, default="", label="Phone")

    def validate_birth_date(self, value: dt.date) -> dt.date:
        today = timezone.now().date()
        if value > today or value.year < today.year - 130:
            raise serializers.ValidationError("This is not a date of birth. Enter it as YYYY-MM-DD.")
        return value


class EnrolmentInputs(serializers.Serializer[Any]):
    """Opens an order for a new or a known patient of the acting treatment center."""

    therapy = serializers.SlugField(max_length=64, label="Therapy")
    site = serializers.SlugField(max_length=40, label="Site")
    patient = serializers.UUIDField(required=False, allow_null=True, label="Known patient")
    identity = PatientInput(required=False, label="Patient")
    confirmed_distinct = serializers.BooleanField(
        required=False, default=False, label="I checked: this is a different patient with similar data"
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("patient") and not attrs.get("identity"):
            raise serializers.ValidationError({"identity": ["Enter the patient's data, or choose a known patient."]})
        return attrs
