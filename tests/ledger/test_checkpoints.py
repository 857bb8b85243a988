"""Signed checkpoints: the end of a chain cannot be cut off, a whole chain cannot be rewritten, none can be forged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections

from ledger.auditor import CannotVerify
from ledger.checkpoints import as_document, from_document, make_checkpoint
from ledger.models import Checkpoint
from ledger.recording import acting
from tests.ledger.conftest import Intruder
from tests.ledger.test_verification import Find, Record, only


@pytest.fixture
def record(committed_db: None) -> Record:
    found = Record()
    with acting(found.person, "ledger.refused") as event:
        event.note(code="last")
    return found


def cut_the_end(record: Record) -> tuple[str, str]:
    """SQL that removes the newest event and moves the head back, so that the chain alone looks whole."""
    event = record.last()
    remove = (
        f"with gone as (delete from ledger_event where id = '{event.pk}' returning previous_hash, seq)"  # noqa: S608
        f" update ledger_stream set head_seq = gone.seq - 1, head_hash = gone.previous_hash from gone"
        f" where ledger_stream.id = '{record.stream}'"
    )
    return remove, f"id = '{event.pk}'"


def test_a_shortened_chain_is_named(record: Record, find: Find, intruder: Intruder, auditor: str) -> None:
    checkpoint = make_checkpoint(auditor)
    last = record.last()
    assert checkpoint.heads[str(record.stream)] == [last.seq, last.hash]
    statement, where = cut_the_end(record)
    with intruder.also("ledger_stream"), intruder.tampering("ledger_event", where, statement):
        assert find(record.stream) == []
        faults = [fault for fault in find() if fault.stream_id == str(record.stream)]
    intruder.restore_head(str(record.stream), last.seq, last.hash)
    assert {(fault.kind, fault.seq) for fault in faults} == {("chain_shortened", last.seq)}
    assert find(record.stream) == []


def test_a_rewritten_chain_is_named(record: Record, find: Find, intruder: Intruder, auditor: str) -> None:
    make_checkpoint(auditor)
    last = record.last()
    with intruder.tampering(
        "ledger_event", f"id = '{last.pk}'", "update ledger_event set hash = %s where id = %s", "e" * 64, str(last.pk)
    ):
        assert only(find(), "chain_rewritten").seq == last.seq


@pytest.mark.parametrize(
    "change", ["heads = '{}'", "made_at = '2020-01-01'", "signature = repeat('0', 64)", "digest = repeat('0', 64)"]
)
def test_a_changed_checkpoint_is_named(
    record: Record, find: Find, intruder: Intruder, auditor: str, change: str
) -> None:
    checkpoint = make_checkpoint(auditor)
    with intruder.tampering(
        "ledger_checkpoint",
        f"id = '{checkpoint.pk}'",
        f"update ledger_checkpoint set {change} where id = %s",
        str(checkpoint.pk),
    ):
        assert "checkpoint_forged" in {fault.kind for fault in find()}


def test_a_checkpoint_of_somebody_without_the_key_is_named(
    record: Record, find: Find, intruder: Intruder, auditor: str, settings: object
) -> None:
    master = settings.MASTER_KEY  # type: ignore[attr-defined]
    settings.MASTER_KEY = b"x" * 32  # type: ignore[attr-defined]
    forged = make_checkpoint(auditor)
    settings.MASTER_KEY = master  # type: ignore[attr-defined]
    assert only(find(), "checkpoint_forged")
    intruder.forget("ledger_checkpoint", f"id = '{forged.pk}'")
    assert find() == []


def test_a_removed_checkpoint_is_named(
    record: Record, find: Find, intruder: Intruder, auditor: str, tmp_path: Path
) -> None:
    first, second = make_checkpoint(auditor), make_checkpoint(auditor)
    assert second.previous == first.digest
    remove = "delete from ledger_checkpoint where id = %s"
    with intruder.tampering("ledger_checkpoint", f"id = '{first.pk}'", remove, str(first.pk)):
        assert only(find(), "checkpoint_missing")
    with intruder.tampering("ledger_checkpoint", f"id = '{second.pk}'", remove, str(second.pk)):
        assert find() == []  # the newest one: only a copy outside knows
        kept = from_document(json.loads(json.dumps(as_document(second))))
        assert only(find(kept_outside=kept), "checkpoint_missing")
    assert find(kept_outside=second) == []


def test_the_command_writes_a_copy_and_proves_it(record: Record, auditor: str, tmp_path: Path) -> None:
    copy = tmp_path / "checkpoint.json"
    call_command("ledger", "--database", auditor, "checkpoint", "--output", str(copy))
    call_command("ledger", "--database", auditor, "verify", "--stream", str(record.stream), "--checkpoint", str(copy))
    copy.write_text("{}")
    with pytest.raises(CommandError, match="is no checkpoint"):
        call_command("ledger", "--database", auditor, "verify", "--checkpoint", str(copy))


def test_behind_the_walls_no_checkpoint_is_made(committed_db: None) -> None:
    with pytest.raises(CannotVerify):
        make_checkpoint()


def test_the_auditor_adds_checkpoints_and_changes_nothing(record: Record, auditor: str) -> None:
    checkpoint = make_checkpoint(auditor)
    for statement in (
        f"update ledger_checkpoint set digest = '' where id = '{checkpoint.pk}'",
        f"delete from ledger_checkpoint where id = '{checkpoint.pk}'",
        "truncate ledger_checkpoint",
        "update ledger_event set reason = 'x'",
        "insert into ledger_outboxmessage select * from ledger_outboxmessage",
    ):
        with pytest.raises(DatabaseError, match="permission denied"), connections[auditor].cursor() as cursor:
            cursor.execute(statement)
    assert Checkpoint.unwalled.using(auditor).get(pk=checkpoint.pk).digest == checkpoint.digest
