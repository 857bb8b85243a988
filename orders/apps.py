from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"
    verbose_name = "Orders"

    def ready(self) -> None:
        from custody import equipment_register, return_register
        from custody.policies import concerns_label_templates, concerns_numbering
        from orders import (  # noqa: F401
            consumers,
            days_notices,
            events,
            job_notices,
            material_events,
            notices,
            offline_events,
            return_notices,
            steps,
            store_notices,
            subscription_events,
            transport_events,
            waiting_notices,
        )
        from orders.actions.stops import may_stop
        from orders.booked_names import order_names
        from orders.views import desks, lanes, quotas
        from orders.views.worklist import count_at_home, has_own_desk, waiting_count
        from personas import navigation
        from scheduling import booked
        from scheduling.waiting import is_concerned

        booked.register(order_names)
        everywhere = ("treatment_center", "manufacturer", "cmo")
        desks.load()
        navigation.register(
            navigation.Entry("orders:home", "My desk", "home-2", "view_orders", 10, count_at_home),
            navigation.Entry(
                "orders:worklist", "My work", "list-check", "view_orders", 15, waiting_count, applies=has_own_desk
            ),
            navigation.Entry("orders:list", "Orders", "heart-handshake", "view_orders", 20),
            navigation.Entry("orders:store", "Storage map", "snowflake", "view_orders", 29, roles=everywhere),
            navigation.Entry("orders:quarantine", "Quarantine", "barrier-block", "view_orders", 28, roles=everywhere),
            navigation.Entry("orders:units", "Find units", "search", "find_units", 27, roles=everywhere),
            navigation.Entry(
                "orders:stops", "Stops", "barrier-block", "find_units", 27, roles=("manufacturer",), applies=may_stop
            ),
            navigation.Entry("orders:what_is", "What is this code?", "scan", "view_orders", 65),
            navigation.Entry("orders:numbering", "Numbering", "table", "view_orders", 62, applies=concerns_numbering),
            navigation.Entry(
                "orders:label_templates",
                "Label templates",
                "barcode",
                "view_orders",
                63,
                applies=concerns_label_templates,
            ),
            navigation.Entry(
                "orders:equipment",
                "Shippers and loggers",
                "package",
                "view_orders",
                64,
                applies=equipment_register.concerns,
            ),
            navigation.Entry(
                "orders:returns", "Empty shippers", "package", "view_orders", 65, applies=return_register.concerns
            ),
            navigation.Entry(
                "orders:jobs", "Kit and return pickups", "truck", "view_orders", 65, applies=return_register.concerns
            ),
            navigation.Entry("orders:epcis", "EPCIS", "link", "administer", 92),
            navigation.Entry("orders:lanes", "Lanes", "truck", "view_orders", 66, applies=lanes.concerns),
            navigation.Entry("orders:verify", "Verify a copy", "shield-check", "view_record", 70, roles=everywhere),
            navigation.Entry("orders:waiting", "Waiting list", "hourglass", "view_orders", 25, applies=is_concerned),
            navigation.Entry("orders:quotas", "Quotas", "table", "view_orders", 32, applies=quotas.concerns),
            navigation.Entry("orders:flows", "Flows", "git-branch", "view_orders", 60, roles=everywhere),
        )
