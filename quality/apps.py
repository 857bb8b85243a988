from django.apps import AppConfig


class QualityConfig(AppConfig):
    """Batches, quality-control results, deviations, release."""

    name = "quality"

    def ready(self) -> None:
        from quality import events  # noqa: F401
