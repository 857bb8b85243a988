from django.apps import AppConfig


class CustodyConfig(AppConfig):
    """Patient and material identity, labels, hand-overs, shipments."""

    name = "custody"
