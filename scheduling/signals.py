from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

# Sent after a slot hold has expired and the transaction has committed: stream_id, organization_id (of the center).
hold_expired = Signal()

# Sent after places may have become free and the transaction has committed: waiting lists may be looked at.
places_freed = Signal()

# Sent after a repair was asked for and the transaction has committed: run_id.
repair_wanted = Signal()


def tell_after_commit(signal: Signal, **facts: Any) -> None:
    """Send a signal once the open transaction has committed; a listener that fails undoes nothing."""
    transaction.on_commit(partial(signal.send_robust, sender=None, **facts), robust=True)
