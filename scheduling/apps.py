from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    """Calendars, capacity, slot chains."""

    name = "scheduling"
    verbose_name = "Scheduling"

    def ready(self) -> None:
        from scheduling import events  # noqa: F401
