from django.apps import AppConfig


class NetworkConfig(AppConfig):
    """Therapy products, markets, site authorizations, lanes, disclosure policy, training requirements."""

    name = "network"
