from django.db import models


class Medium(models.TextChoices):
    """Through what somebody is told besides the inbox."""

    EMAIL = "email", "E-mail"
