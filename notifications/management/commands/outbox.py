"""`manage.py outbox list` and `outbox retry`: what could not be told, and trying again."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications import queries
from notifications.actions.relay import retry
from notifications.states import Medium

WHAT: dict[str, str] = {Medium.EMAIL: "e-mail", Medium.WEBHOOK: "webhook"}


class Command(BaseCommand):
    help = "List messages, e-mails and webhooks that failed or are dead; make them due again."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="what failed at least once and is not sent")
        listing.add_argument("--json", action="store_true")
        again = actions.add_parser("retry", help="make it due now, with all attempts")
        which = again.add_mutually_exclusive_group(required=True)
        which.add_argument("--id", type=UUID)
        which.add_argument("--all", action="store_true")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if action == "retry":
            revived = retry(str(options["id"]) if options["id"] else None)
            if options["id"] and not revived:
                raise CommandError(f"Nothing that failed has the id {options['id']}.")
            self.stdout.write(f"{revived} due now.")
            return
        rows = [_row("message", row) for row in queries.troubled_messages()[:500]]
        rows += [_row(WHAT[row.medium], row) for row in queries.troubled_deliveries()[:500]]
        messages, deliveries = queries.waiting()
        if options["json"]:
            waiting = {"messages": messages, "deliveries": deliveries}
            self.stdout.write(json.dumps({"waiting": waiting, "troubled": rows}, indent=1))
            return
        self.stdout.write(f"Waiting: {messages} messages, {deliveries} e-mails and webhooks. Troubled: {len(rows)}.")
        for row in rows:
            state = f"dead since {row['dead_at']}" if row["dead_at"] else f"next try {row['due_at']}"
            self.stdout.write(f"{row['what']} {row['id']} {state}, {row['attempts']} attempts: {row['last_error']}")


def _row(what: str, row: Any) -> dict[str, Any]:
    return {
        "what": what,
        "id": str(row.pk),
        "organization": str(row.organization_id),
        "event": str(row.event_id),
        "attempts": row.attempts,
        "due_at": row.due_at.isoformat(timespec="seconds"),
        "dead_at": row.dead_at.isoformat(timespec="seconds") if row.dead_at else None,
        "last_error": row.last_error,
    }
