from django.apps import AppConfig


class SchedulingConfig(AppConfig):
    """Calendars, capacity, slot chains."""

    name = "scheduling"
    verbose_name = "Scheduling"

    def ready(self) -> None:
        from personas import navigation
        from scheduling import events  # noqa: F401

        navigation.register(
            navigation.Entry("scheduling:board", "Calendar", "calendar", "publish_capacity", 30),
            navigation.Entry("scheduling:prices", "Prices of changes", "table", "configure_therapy", 41),
            navigation.Entry("scheduling:lead_times", "Lead times", "hourglass", "set_lead_times", 33),
            navigation.Entry("scheduling:feeds", "Calendar feeds", "calendar-event", "view_orders", 75),
        )
