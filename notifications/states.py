from django.db import models


class Medium(models.TextChoices):
    """Through what somebody is told besides the inbox."""

    EMAIL = "email", "E-mail"
    WEBHOOK = "webhook", "Webhook"


class NoticeClass(models.TextChoices):
    """What a notice is about: a person switches e-mail on or off per class; critical ones are always sent."""

    TASK = "task", "A step waits for me"
    NEWS = "news", "An order of mine was stopped, changed or ended"
