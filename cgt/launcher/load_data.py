"""`manage.py load_data`: fills a database of its own with many orders, for benchmarks."""

import argparse
import os
import subprocess
import sys
import time

from cgt.launcher.messages import LauncherError
from cgt.launcher.paths import ROOT
from cgt.launcher.roles import BENCHMARK_MARK, connected, make_database, unhurried
from cgt.launcher.stack import Stack, open_stack

DATABASE = "cgt_benchmark"


def run(arguments: list[str]) -> int:
    """Make, migrate and fill the database; one that was not made as a demo or for benchmarks is refused."""
    parser = argparse.ArgumentParser(prog="manage.py load_data", description=__doc__)
    parser.add_argument("--orders", type=int, default=1000, help="how many orders (1000)")
    parser.add_argument("--organizations", type=int, default=20, help="how many organizations (20; 8 are the network)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same choices")
    parser.add_argument("--database", default=DATABASE, help=f"made when there is none of this name ({DATABASE})")
    chosen = parser.parse_args(arguments)
    stack, began = open_stack(), time.monotonic()

    def tell(line: str) -> None:
        print(f"  {time.monotonic() - began:6.1f} s  {line}", flush=True)

    prepare(stack, chosen.database)
    tell("database migrated")
    os.environ["CGT_ENV"] = "demo"  # fictional people with the demonstration's password
    os.environ |= stack.environment("app", chosen.database) | {"DJANGO_SETTINGS_MODULE": "cgt.settings"}
    import django

    django.setup()
    from django.conf import settings

    from cgt.load import filling

    filling.require_marked(stack.server, chosen.database)
    filling.require_empty(stack.server, chosen.database)
    with unhurried(stack.server, chosen.database):
        made = filling.begin(settings.DEMO_PASSWORD)
        tell(f"network of {made.organizations} organizations")
        filling.fill(
            stack.server,
            chosen.database,
            made,
            orders=chosen.orders,
            organizations=chosen.organizations,
            seed=chosen.seed,
            password=settings.DEMO_PASSWORD,
            tell=tell,
        )
    print(f"{made.orders} orders of {made.organizations} organizations in {chosen.database}")
    return 0


def prepare(stack: Stack, database: str) -> None:
    """Make and migrate the database if there is none; leave an existing one to the check of its mark."""
    with connected(stack.server.url("owner", "postgres")) as cursor:
        cursor.execute("select 1 from pg_database where datname = %s", [database])
        if cursor.fetchone():
            return
    make_database(stack.server, database, BENCHMARK_MARK)
    environment = os.environ | stack.environment("owner", database)
    command = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
    if subprocess.run(command, cwd=ROOT, env=environment).returncode:
        raise LauncherError(f"The database {database} could not be migrated; the lines above say why.")
