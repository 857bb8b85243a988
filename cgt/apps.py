from django.apps import AppConfig
from django.conf import settings


class CgtConfig(AppConfig):
    """The composition root."""

    name = "cgt"

    def ready(self) -> None:
        """Make the Celery application the current one before any shared task is called."""
        from cgt import celery  # noqa: F401  (the import itself is the purpose)

        if settings.DEMO:
            from cgt.demo import events, fictional_time  # noqa: F401

            fictional_time.follow_in_tasks()
