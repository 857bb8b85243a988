import logging
from typing import Any

from django.apps import AppConfig

logger = logging.getLogger(__name__)


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        from ledger.signals import outbox_filled
        from notifications import events, queries  # noqa: F401
        from personas import navigation
        from personas.states import Capability

        outbox_filled.connect(nudge, dispatch_uid="notifications.nudge")
        navigation.register(
            navigation.Entry("notifications:inbox", "Inbox", "inbox", rank=20, count=queries.unread, exact=True),
            navigation.Entry(
                "notifications:webhooks", "Webhooks", "link", Capability.ADMINISTER, 91, count=queries.dead_webhooks
            ),
        )


def nudge(sender: Any, **_: Any) -> None:
    """Wake the relay; without a broker the next sweep does it, and what was recorded stays recorded."""
    from notifications.tasks import relay_outbox

    try:
        relay_outbox.apply_async(retry=False)
    except Exception as error:  # the request must not fail because of the broker
        logger.warning("the relay could not be nudged (%s); the next sweep tells", type(error).__name__)
