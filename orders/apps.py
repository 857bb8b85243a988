from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = "Orders"

    def ready(self) -> None:
        from orders import consumers, events, notices, steps  # noqa: F401
        from orders.views.worklist import waiting_count
        from personas import navigation

        everywhere = ("treatment_center", "manufacturer", "cmo")
        navigation.register(
            navigation.Entry("orders:worklist", "My work", "list-check", "view_orders", 10, waiting_count),
            navigation.Entry("orders:list", "Orders", "heart-handshake", "view_orders", 20),
            navigation.Entry("orders:flows", "Flows", "git-branch", "view_orders", 60, roles=everywhere),
        )
