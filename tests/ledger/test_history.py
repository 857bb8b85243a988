"""History tables are written at every change: they carry the indexes that somebody asks, and no others."""

import pytest
from django.db import connection

from ledger.installation import history_model, walled_models


@pytest.mark.django_db
def test_history_is_indexed_by_number_row_and_event_alone() -> None:
    tables = {h._meta.db_table for h in map(history_model, walled_models()) if h is not None}
    question = """
        select i.indrelid::regclass::text, array_agg(a.attname::text) from pg_index i
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
        where i.indrelid::regclass::text = any(%s) group by 1"""
    with connection.cursor() as cursor:
        cursor.execute(question, [sorted(tables)])
        found = {table: sorted(columns) for table, columns in cursor.fetchall()}
    assert len(tables) > 50
    assert found == dict.fromkeys(tables, ["event_id", "history_id", "id"])
