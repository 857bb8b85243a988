from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Who hears what, through which channel; consumes the outbox."""

    name = "notifications"
