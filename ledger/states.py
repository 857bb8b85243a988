from django.db import models


class StreamKind(models.TextChoices):
    ORDER = "order", "Order"
    ORGANIZATION = "organization", "Organization"
    SYSTEM = "system", "System"


class Role(models.TextChoices):
    """The actors of the toolkit (DOMAIN 2.0) that take part in an order."""

    TREATMENT_CENTER = "treatment_center", "Treatment center"
    MANUFACTURER = "manufacturer", "Manufacturer"
    CMO = "cmo", "Contract manufacturer"
    COURIER = "courier", "Courier"


class Channel(models.TextChoices):
    BROWSER = "browser", "Browser"
    API = "api", "REST API"
    JOB = "job", "Background job"
    COMMAND = "command", "Command line"


class Erasure(models.TextChoices):
    """What the destruction of a patient key does to an event of this kind."""

    NOTHING_PERSONAL = "nothing_personal", "Holds nothing personal"
    REFERENCE_ONLY = "reference_only", "Refers to sealed data, which the key's destruction erases"
