from django.apps import AppConfig


class QualityConfig(AppConfig):
    """Batches, quality-control results, deviations, release."""

    name = "quality"
