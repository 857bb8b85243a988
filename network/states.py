"""Vocabulary of the network: how a therapy is made, what a specification may limit, which fields may be disclosed."""

from django.db import models


class Modality(models.TextChoices):
    AUTOLOGOUS_FRESH = "autologous_fresh", "Autologous, fresh starting material"
    AUTOLOGOUS_CRYOPRESERVED = "autologous_cryopreserved", "Autologous, cryopreserved starting material"
    ALLOGENEIC = "allogeneic", "Allogeneic, from stock"
    IN_VIVO = "in_vivo", "In-vivo gene therapy"
    TIL = "til", "Tumor-infiltrating lymphocytes"
    HSC = "hsc", "Hematopoietic stem cells"


NO_LYMPHODEPLETION = frozenset({Modality.IN_VIVO})  # nothing is infused that the patient's own cells would crowd out


class AuthorizationState(models.TextChoices):
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"


class Direction(models.TextChoices):
    INBOUND = "inbound", "To the plant"
    OUTBOUND = "outbound", "To the treatment center"


class Milestone(models.TextChoices):
    """Points on the way of a box before which whoever must act is told (F54)."""

    PACKED = "packed", "Packed and sealed"
    PICKED_UP = "picked_up", "Picked up"
    DELIVERED = "delivered", "Delivered"
    OPENED = "opened", "Received and opened"
    LEG_DEPARTED = "leg_departed", "A leg begins"
    LEG_ARRIVED = "leg_arrived", "A leg ends"
    KIT_CHECKED = "kit_checked", "Collection kit checked"


class LegMode(models.TextChoices):
    ROAD = "road", "Road"
    AIR = "air", "Air"
    RAIL = "rail", "Rail"
    SEA = "sea", "Sea"
    HAND = "hand", "Hand-carried by a courier on board"


class CredentialKind(models.TextChoices):
    PRESCRIBER = "prescriber", "Prescriber"


class DisclosedField(models.TextChoices):
    """Identifying fields that a therapy may disclose beyond the chain of identity, per market (T39)."""

    FAMILY_NAME = "family_name", "Family name"
    GIVEN_NAME = "given_name", "Given name"
    BIRTH_DATE = "birth_date", "Date of birth"
    MRN = "mrn", "Medical record number"


# What a specification's ``limits`` may say. Whole numbers: counts. The others: hours, minutes, days, degrees Celsius.
COUNTS = frozenset({"bags", "dose_bags"})
DURATIONS = frozenset(
    {
        "max_age_hours",
        "age_buffer_hours",
        "thaw_minutes",
        "manufacture_days",
        "release_days",
        "collection_hours",
        "pack_minutes",
        "shelf_days",
        "change_free_days",
        "change_frozen_days",
        "hold_buffer_hours",
        "inbound_minutes_outside",
        "outbound_minutes_outside",
    }
)
WAYS = {"inbound_min_c", "inbound_max_c", "outbound_min_c", "outbound_max_c"}
TEMPERATURES = frozenset({"receipt_min_c", "receipt_max_c", "storage_max_c"} | WAYS)
LIMITS = COUNTS | DURATIONS | TEMPERATURES
