"""Patient and material identity, labels, hand-overs, shipments."""

from django.apps import AppConfig


class CustodyConfig(AppConfig):
    """Patient and material identity, labels, hand-overs, shipments."""

    name = "custody"

    def ready(self) -> None:
        """Register the kinds of event of this app."""
        from custody import events  # noqa: F401
