"""`manage.py export_network THERAPY`: a manufacturer's own network as the file of ``simulate_network``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from cgt.network_files.designing import design_of
from cgt.network_files.live import network_of
from ledger.context import Actor, reading
from ledger.refusals import Refusal
from ledger.states import Channel
from personas.queries import account_in, actor_of_membership, current_memberships
from personas.states import Capability
from scheduling.simulation import network_file
from scheduling.simulation.network import Network


class Command(BaseCommand):
    help = "Writes the network of a therapy as its manufacturer's planner sees it, without orders and patients."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("therapy", help="code of a therapy")
        parser.add_argument("--organization", required=True, metavar="CODE", help="the manufacturer")
        parser.add_argument("--as", required=True, dest="username", metavar="USERNAME", help="a planner of it")
        parser.add_argument("--out", type=Path, metavar="FILE", help="write it there instead of printing it")
        parser.add_argument("--design", action="store_true", help="the file of plan_network instead; its costs are 0")

    def handle(
        self, *args: Any, therapy: str, organization: str, username: str, out: Path | None, design: bool, **_: Any
    ) -> None:
        try:
            actor = _planner(username, organization)
            with reading(actor):
                network = network_of(actor, therapy)
        except Refusal as refusal:
            raise CommandError(" ".join(filter(None, [refusal.detail, refusal.remedy]))) from refusal
        text = design_of(network) if design else network_file.as_json(network)
        if out is None:
            self.stdout.write(text)
        else:
            try:
                out.write_text(text, encoding="utf-8")
            except OSError as error:
                raise CommandError(f"{out} cannot be written: {error.strerror}. Name another file.") from None
            self.stdout.write(f"{network.title}\nWritten to {out}.")
        for line in _gaps(network):
            self.stderr.write(line)


def _planner(username: str, organization: str) -> Actor:
    """Return the person in a persona that shares capacity out; raise NotFound without such a membership."""
    user, found = account_in(username, organization)
    for membership in current_memberships(user.pk):
        if membership.organization_id == found.pk:
            actor = actor_of_membership(membership, Channel.COMMAND)
            if actor.can(Capability.CONFIRM_SLOTS) and actor.can(Capability.SET_QUOTAS):
                return actor
    raise CommandError(f"{username} is no planner of {organization}. Name one who confirms slots and sets quotas.")


def _gaps(network: Network) -> list[str]:
    """Return what a simulation of the network would stumble over."""
    found = [
        f"{plant.id}: it offers no manufacturing starts; lines are 0." for plant in network.plants if not plant.lines
    ]
    found += [f"{center.id}: it publishes no chairs; chairs are 0." for center in network.centers if not center.chairs]
    reached = {lane.center for lane in network.lanes}
    found += [f"{center.id}: no courier leads from there." for center in network.centers if center.id not in reached]
    if not network.orders_per_year:
        found.append("No order was opened in the last year: give orders_per_year.")
    return found
