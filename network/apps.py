from django.apps import AppConfig


class NetworkConfig(AppConfig):
    """Therapy products, markets, site authorizations, lanes, disclosure policy, training requirements."""

    name = "network"

    def ready(self) -> None:
        from network import events  # noqa: F401
