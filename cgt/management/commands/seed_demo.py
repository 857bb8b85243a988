"""`manage.py seed_demo --seed N`: loads the fictional network into a database that was made as a demo."""

from __future__ import annotations

import datetime as dt
import multiprocessing
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, connections
from django.utils import timezone

from cgt.demo import (
    advancing,
    allocation,
    chores,
    clock,
    fictional_time,
    network,
    oddities,
    plant_stop,
    seeding,
    sign_ins,
)
from ledger.signals import outbox_filled
from personas.queries import Membership
from scheduling.signals import places_freed, repair_wanted

MARK = "cgt-demo"
PROCESSES = 2


class Command(BaseCommand):
    help = "Loads the fictional network and its orders; does nothing more when they are there already."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, seed: int, **options: Any) -> None:
        _refuse_other_databases()
        fictional_time.begin_at(advancing.seconds_recorded(_organization_ids()))
        if not _organization_ids():
            self._seed(seed)
        content = sign_ins.write(settings.BASE_URL, _organization_ids())
        if not content["orders"]:
            raise CommandError("An earlier run loaded this demo only in part. Start again with --fresh.")
        self.stdout.write(f"{len(content['sign_ins'])} sign-ins, {sum(map(len, content['orders'].values()))} orders")

    def _seed(self, seed: int) -> None:
        places_freed.receivers = []
        repair_wanted.receivers = []  # it is worked out here
        outbox_filled.receivers = []  # nobody is nudged about the past; the relay's sweep tells what is current
        now = timezone.now()
        with clock.at(now - dt.timedelta(days=network.PAST_DAYS - 1)):
            made = network.build(settings.DEMO_PASSWORD, now)
            network.add_stores(made)
            allocation.publish(made, now)
        for show in (oddities.override_lead_time, oddities.price_changes, oddities.share_for_one_center):
            show(made, now)
        self.stdout.write(f"network: {len(made.organizations)} organizations, {len(made.cast.players)} roles of people")
        self.stdout.flush()
        self._orders_side_by_side(made, seed, now)
        allocation.decide(made)
        plant_stop.stop_the_line(made, timezone.now())
        chores.charge_shippers()
        seeding.quiet_the_past()

    def _orders_side_by_side(self, made: network.DemoNetwork, seed: int, now: dt.datetime) -> None:
        """Two processes: the orders know nothing of each other but the slots they compete for."""
        numbered = list(enumerate(seeding.plots()))
        parts = [numbered[start::PROCESSES] for start in range(PROCESSES)]
        connections.close_all()
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=self._orders, args=(made, seed, now, part)) for part in parts]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if any(worker.exitcode for worker in workers):
            raise CommandError("Some orders could not be made; the lines above say why. Start again with --fresh.")

    def _orders(self, made: network.DemoNetwork, seed: int, now: dt.datetime, part: list[Any]) -> None:
        seeding.seed_orders(made, seed, now, self._tell, part)

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _organization_ids() -> list[Any]:
    return sorted(set(Membership.unwalled.values_list("organization_id", flat=True)))


def _refuse_other_databases() -> None:
    if not settings.DEMO:
        raise CommandError("Seeding runs in demo mode only (CGT_ENV=demo).")
    with connection.cursor() as cursor:
        cursor.execute(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = current_database()"
        )
        mark = cursor.fetchone()[0]
    if mark != MARK:
        raise CommandError("This database was not made as a demo: nothing is loaded into it.")
