"""Row history: django-simple-history owns the tables, generated triggers fill them, each row stamped with its event."""

from __future__ import annotations

from typing import Any

from django.db import models
from simple_history.models import HistoricalRecords


class StampedRow(models.Model):
    """What every history row carries besides the columns of its table.

    ``row_text`` is the row as hashed into the event (so a later schema never re-hashes).
    """

    event = models.ForeignKey("ledger.Event", on_delete=models.DO_NOTHING, related_name="+", db_constraint=True)
    row_text = models.TextField()

    class Meta:
        abstract = True


STAMP_COLUMNS = (
    "event_id",
    "row_text",
    "history_id",
    "history_date",
    "history_type",
    "history_change_reason",
    "history_user_id",
)


def _no_user(**_: Any) -> None:
    return None


def track() -> HistoricalRecords:
    """Declare a model's row history (``history = track()``); its trigger is installed after ``migrate``."""
    return HistoricalRecords(
        bases=[StampedRow, models.Model],
        history_user_id_field=models.UUIDField(null=True),
        history_user_getter=lambda row: row.history_user_id,
        history_user_setter=_no_user,
        custom_model_name=None,
        cascade_delete_history=False,
    )
