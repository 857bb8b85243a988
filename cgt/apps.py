from django.apps import AppConfig


class CgtConfig(AppConfig):
    """The composition root."""

    name = "cgt"

    def ready(self) -> None:
        """Make the Celery application the current one before any shared task is called."""
        from cgt import celery  # noqa: F401  (the import itself is the purpose)
