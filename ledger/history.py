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


class RowHistory(HistoricalRecords):
    """History whose only indexes are those that are asked: of a row (its id) and of an event.

    Those of the table itself, fed a second time by each row that is written, serve no question about the past.
    """

    _date_indexing = False

    def copy_fields(self, model: type[models.Model]) -> dict[str, models.Field[Any, Any]]:
        fields: dict[str, models.Field[Any, Any]] = super().copy_fields(model)
        for name, field in fields.items():
            field.db_index = name == model._meta.pk.name  # type: ignore[attr-defined]
        return fields


def track() -> HistoricalRecords:
    """Declare a model's row history (``history = track()``); its trigger is installed after ``migrate``."""
    return RowHistory(
        bases=[StampedRow, models.Model],
        history_user_id_field=models.UUIDField(null=True),
        history_user_getter=lambda row: row.history_user_id,
        history_user_setter=_no_user,
        custom_model_name=None,
        cascade_delete_history=False,
    )
