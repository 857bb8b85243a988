from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Flows, orders, their steps, worklists, desks: conducts everything below."""

    name = "orders"
