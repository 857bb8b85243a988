"""`manage.py ledger verify` and `manage.py ledger checkpoint`; run as the auditor role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from ledger.auditor import CannotVerify
from ledger.checkpoints import as_document, from_document, make_checkpoint
from ledger.models import Event
from ledger.states import StreamKind
from ledger.verification import Verification


class Command(BaseCommand):
    help = "Verify the record (exit code 1 when anything is wrong), or sign a checkpoint over all hash chains."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--database", default="default", help="alias of the connection (default: default)")
        actions = parser.add_subparsers(dest="action", required=True)
        verify = actions.add_parser("verify", help="prove that the record is what was written")
        scope = verify.add_mutually_exclusive_group()
        scope.add_argument("--stream", type=UUID, metavar="ID", help="only this stream")
        scope.add_argument("--order", metavar="CODE", help="only this order")
        verify.add_argument("--checkpoint", type=Path, metavar="FILE", help="also prove a checkpoint kept outside")
        verify.add_argument("--json", action="store_true", help="one JSON document instead of lines")
        checkpoint = actions.add_parser("checkpoint", help="sign the heads of all hash chains")
        checkpoint.add_argument("--output", type=Path, metavar="FILE", help="also write it here, to be kept outside")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if action == "checkpoint":
            self._checkpoint(options["database"], options["output"])
        else:
            self._verify(**options)

    def _checkpoint(self, using: str, output: Path | None) -> None:
        try:
            checkpoint = make_checkpoint(using)
        except CannotVerify as refusal:
            raise CommandError(str(refusal)) from refusal
        if output is not None:
            output.write_text(json.dumps(as_document(checkpoint), indent=1) + "\n", encoding="utf-8")
        self.stdout.write(f"Checkpoint of {len(checkpoint.heads)} streams signed: {checkpoint.digest}")

    def _verify(self, *, database: str, stream: UUID | None, order: str | None, **options: Any) -> None:
        run = Verification(
            using=database,
            stream_id=_stream_of(order, database) if order else stream,
            kept_outside=_kept_outside(options["checkpoint"]),
        )
        found = 0
        listed: list[dict[str, Any]] = []
        try:
            for fault in run.faults():
                found += 1
                if options["json"]:
                    listed.append(fault.as_dict())
                else:
                    self.stdout.write(str(fault))
        except CannotVerify as refusal:
            raise CommandError(str(refusal)) from refusal
        verified = {"streams": run.streams, "events": run.events, "history_rows": run.rows}
        if options["json"]:
            self.stdout.write(json.dumps({"intact": not found, "verified": verified, "faults": listed}, indent=1))
        else:
            words = f"{run.streams} streams, {run.events} events, {run.rows} history rows"
            self.stdout.write(f"NOT INTACT: {found} faults in {words}." if found else f"Intact: {words}.")
        if found:
            raise SystemExit(1)


def _stream_of(order: str, using: str) -> UUID:
    of_order = Q(payload__order=order) | Q(subject_id=order) | Q(subject_id__startswith=f"{order}/")
    events = Event.unwalled.using(using).filter(of_order, stream__kind=StreamKind.ORDER)
    stream_ids = list(events.order_by().values_list("stream_id", flat=True).distinct()[:2])
    if len(stream_ids) != 1:
        raise CommandError(f"There is no order {order} on the record (or the role does not see it).")
    return UUID(str(stream_ids[0]))


def _kept_outside(path: Path | None) -> Any:
    if path is None:
        return None
    try:
        return from_document(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} is no checkpoint: {error}.") from error
