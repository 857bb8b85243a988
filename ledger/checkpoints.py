"""Signed checkpoints over the heads of all hash chains, so that cutting the end off a chain is noticed.

A checkpoint holds the heads of the streams written to since the one before and the digest of that one, signed with
HMAC-SHA-256 under a key derived from the master key: who owns only the database cannot forge one. A copy kept outside
(``--output``) also shows that the newest checkpoints themselves were removed.
"""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import connections
from django.utils import timezone

from ledger.auditor import require_auditor
from ledger.canonical import canonical_text, digest
from ledger.faults import Fault
from ledger.models import Checkpoint

OVERLAP = dt.timedelta(hours=1)  # longer than any transaction may stay open, so that none slips between two checkpoints
HEADS_AT_ONCE = 1000


def _key() -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=b"cgt ledger checkpoint").derive(settings.MASTER_KEY)


def _digest(made_at: dt.datetime, heads: dict[str, list[Any]], previous: str) -> str:
    return digest(canonical_text({"made_at": made_at, "heads": heads, "previous": previous}))


def _signature(of_digest: str) -> str:
    return hmac.new(_key(), of_digest.encode(), "sha256").hexdigest()


def make_checkpoint(using: str = "default") -> Checkpoint:
    """Sign the heads of all streams written to since the last checkpoint; raises CannotVerify behind the walls."""
    require_auditor(using)
    made_at = timezone.now()
    last = Checkpoint.unwalled.using(using).order_by("made_at", "pk").defer("heads").last()
    heads = _heads(using, last.made_at - OVERLAP if last else None)
    previous = last.digest if last else ""
    of_digest = _digest(made_at, heads, previous)
    checkpoint = Checkpoint(
        made_at=made_at, heads=heads, previous=previous, digest=of_digest, signature=_signature(of_digest)
    )
    checkpoint.save(using=using, force_insert=True)
    return checkpoint


def _heads(using: str, since: dt.datetime | None) -> dict[str, list[Any]]:
    """Return ``{stream id: [seq, hash]}`` as told by the events themselves, not by the stream's own columns."""
    query = (
        "select distinct on (stream_id) stream_id::text, seq, hash from ledger_event"
        " where %s::timestamptz is null or stream_id in (select stream_id from ledger_event where recorded_at > %s)"
        " order by stream_id, seq desc"
    )
    with connections[using].cursor() as cursor:
        cursor.execute(query, [since, since])
        return {stream_id: [seq, of_event] for stream_id, seq, of_event in cursor.fetchall()}


def as_document(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return a checkpoint as it is kept outside."""
    return {
        "made_at": checkpoint.made_at.isoformat(),
        "heads": checkpoint.heads,
        "previous": checkpoint.previous,
        "digest": checkpoint.digest,
        "signature": checkpoint.signature,
    }


def from_document(document: dict[str, Any]) -> Checkpoint:
    """Read a checkpoint that was kept outside; raises KeyError, ValueError or TypeError when it is none."""
    return Checkpoint(**{**document, "made_at": dt.datetime.fromisoformat(document["made_at"])})


def faults(using: str = "default", kept_outside: Checkpoint | None = None) -> Iterator[Fault]:
    """Yield what is wrong with the checkpoints, and what they saw that is no longer so."""
    previous = ""
    kept_is_known = kept_outside is None
    for checkpoint in Checkpoint.unwalled.using(using).order_by("made_at", "pk").iterator(chunk_size=1):
        if checkpoint.previous != previous:
            yield Fault("checkpoint_missing", f"A checkpoint before the one of {checkpoint.made_at:%F %T} UTC is gone.")
        previous = checkpoint.digest
        kept_is_known = kept_is_known or (kept_outside is not None and kept_outside.digest == checkpoint.digest)
        yield from _faults_of(checkpoint, using)
    if kept_outside is not None:
        if not kept_is_known:
            yield Fault(
                "checkpoint_missing", f"The checkpoint of {kept_outside.made_at:%F %T} UTC kept outside is gone."
            )
        yield from _faults_of(kept_outside, using)


def _faults_of(checkpoint: Checkpoint, using: str) -> Iterator[Fault]:
    when = f"{checkpoint.made_at:%F %T} UTC"
    genuine = hmac.compare_digest(_signature(checkpoint.digest), checkpoint.signature)
    if not genuine or _digest(checkpoint.made_at, checkpoint.heads, checkpoint.previous) != checkpoint.digest:
        yield Fault("checkpoint_forged", f"The checkpoint of {when} was changed or not signed with this system's key.")
        return
    heads = list(checkpoint.heads.items())
    for start in range(0, len(heads), HEADS_AT_ONCE):
        part = heads[start : start + HEADS_AT_ONCE]
        found = _hashes(using, part)
        for stream_id, (seq, of_event) in part:
            now = found.get((stream_id, seq))
            if now is None:
                yield Fault("chain_shortened", f"The checkpoint of {when} saw this event; it is gone.", stream_id, seq)
            elif now != of_event:
                yield Fault(
                    "chain_rewritten",
                    f"The checkpoint of {when} saw another event here.",
                    stream_id,
                    seq,
                    column="hash",
                )


def _hashes(using: str, heads: list[tuple[str, list[Any]]]) -> dict[tuple[str, int], str]:
    query = (
        "select e.stream_id::text, e.seq, e.hash from ledger_event e"
        " join unnest(%s::uuid[], %s::bigint[]) as h(stream_id, seq) on h.stream_id = e.stream_id and h.seq = e.seq"
    )
    with connections[using].cursor() as cursor:
        cursor.execute(query, [[stream_id for stream_id, _ in heads], [seq for _, (seq, _) in heads]])
        return {(stream_id, seq): of_event for stream_id, seq, of_event in cursor.fetchall()}
