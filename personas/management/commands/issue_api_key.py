"""`manage.py issue_api_key`: a partner system's key, for operators without a browser."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from ledger.context import Actor
from ledger.refusals import Refusal
from ledger.states import Channel
from personas.actions.people import issue_api_key
from personas.queries import account_in, system_actor


class Command(BaseCommand):
    help = "Issue an API key for a persona of an organization; prints the token, which is shown only this once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, metavar="CODE")
        parser.add_argument("--persona", required=True, metavar="KEY", help="e.g. coordinator")
        parser.add_argument("--name", required=True, help="the partner system that will use it")
        parser.add_argument("--scopes", required=True, metavar="a,b", help="capabilities, a subset of the persona's")
        parser.add_argument("--responsible", required=True, metavar="USERNAME", help="member who answers for the key")
        parser.add_argument("--expires", metavar="YYYY-MM-DD", type=dt.date.fromisoformat, help="last day, in UTC")

    def handle(self, *args: Any, **options: Any) -> None:
        expires = options["expires"]
        ends = dt.datetime.combine(expires, dt.time.max, dt.UTC) if expires else None
        if ends is not None and ends < timezone.now():
            raise CommandError("--expires has passed.")
        try:
            user, organization = account_in(options["responsible"], options["organization"])
            operator: Actor = system_actor(
                organization.pk,
                "network-operator",
                name=organization.name,
                role=organization.role,
                synthetic=organization.synthetic,
                channel=Channel.COMMAND,
            )
            _, token = issue_api_key(
                operator,
                name=options["name"],
                persona_key=options["persona"],
                scopes=[scope.strip() for scope in options["scopes"].split(",") if scope.strip()],
                responsible=user,
                expires_at=ends,
            )
        except Refusal as refusal:
            words = [str(word) for messages in refusal.fields.values() for word in messages]
            raise CommandError(" ".join([refusal.detail, *words])) from refusal
        self.stdout.write(token)
