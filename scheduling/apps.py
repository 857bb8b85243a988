from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    """Calendars, capacity, slot chains."""

    name = "scheduling"
