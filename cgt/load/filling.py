"""One run: the fictional network by its own actions, more centers, template orders in every phase, then the copies."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import connections
from django.utils import timezone

from cgt.demo import clock, network
from cgt.demo.journey import Journey
from cgt.launcher.messages import LauncherError
from cgt.launcher.roles import BENCHMARK_MARK, DEMO_MARK, Server, connected, mark_of
from cgt.load import writing
from cgt.load.copies import Center, Task
from cgt.load.templates import Reader, Template, UnfitTemplate
from ledger.context import reading
from ledger.signals import outbox_filled
from network.actions.places import authorize_site
from orders.queries import FlowStep
from personas.actions.organizations import add_organization, add_site, connect_partners
from personas.actions.people import add_member
from personas.states import Capability
from scheduling.signals import places_freed

ACTING = "linden"  # the center whose orders are copied
THERAPIES = ("auralcel", "borocel")
STAFF = ("coordinator", "treating_physician")
MARKS = (BENCHMARK_MARK, DEMO_MARK)
LONGEST_AGO = 700  # days; a copy of an order that is still open is at most 20 days old
OPEN_AT_MOST = 20
Tell = Callable[[str], None]


@dataclass
class Filled:
    """What was made."""

    network: network.DemoNetwork
    centers: list[str] = field(default_factory=list)  # codes
    orders: int = 0
    templates: list[str] = field(default_factory=list)  # codes, made by the actions


def require_marked(server: Server, database: str) -> None:
    """Raise LauncherError unless the database was made as a demo or for benchmarks."""
    if mark_of(server, database) not in MARKS:
        raise LauncherError(
            f"The database {database} was not made as a demo or for benchmarks: nothing is loaded into it.", code=2
        )


def begin(password: str) -> Filled:
    """Build the fictional network by its own actions, in an empty database to which Django is connected as app role."""
    places_freed.receivers = []
    outbox_filled.receivers = []  # nobody is told about the past
    now = timezone.now()
    with clock.at(now - dt.timedelta(days=network.PAST_DAYS - 1)):
        return Filled(network.build(password, now))


def fill(
    server: Server,
    database: str,
    made: Filled,
    *,
    orders: int,
    organizations: int,
    seed: int,
    password: str,
    tell: Tell,
    processes: int = 2,
) -> Filled:
    """Add ``orders`` to the network that ``begin`` made in a marked database."""
    require_marked(server, database)
    tell(f"network: {len(made.network.organizations)} organizations")
    _add_centers(made, organizations - len(made.network.organizations), password, tell)
    templates = _templates(made, server, database, seed, tell)
    centers = _centers(made)
    tasks = plan(templates, len(centers), orders - len(made.templates), seed, _last_row(server, database))
    connections.close_all()
    writing.write(server.url("owner", database), templates, centers, tasks, processes, tell)
    _set_counters(server, database, tasks)
    made.orders = len(made.templates) + len(tasks)
    return made


def require_empty(server: Server, database: str) -> None:
    """Raise LauncherError when the database holds organizations already."""
    with connected(server.url("auditor", database)) as cursor:
        cursor.execute("select exists (select 1 from personas_organization)")
        if cursor.fetchone()[0]:
            raise LauncherError(f"The database {database} holds organizations already: load into an empty one.", code=2)


def _add_centers(made: Filled, count: int, password: str, tell: Tell) -> None:
    """Open further centers with the real actions: partners of everybody, authorized for all therapies, two people."""
    partners = [row for row in made.network.organizations.values() if row.role != "treatment_center"]
    for number in range(1, count + 1):
        code = f"center-{number:03d}"
        name = f"Center {number:03d} (fictional)"
        organization = add_organization(code=code, name=name, role="treatment_center", country="DE", synthetic=True)
        made.network.organizations[code] = organization
        made.centers.append(code)
        operator = made.network.operator(code)
        site = add_site(operator, code=f"{code}-main", name=f"Clinic {number:03d}", country="DE", zone="Europe/Berlin")
        made.network.sites[f"{code}-main"] = site
        for partner in partners:
            connect_partners(operator, partner)
        for therapy in made.network.therapies.values():
            authorize_site(_maker(made, therapy), therapy, site)
        for persona in STAFF:
            username = f"{persona.replace('_', '.')}@{code}.example"
            add_member(operator, username=username, name=f"Person {number:03d}", persona_key=persona, password=password)
        if number % 25 == 0:
            tell(f"{number} of {count} further centers")


def _maker(made: Filled, therapy: Any) -> Any:
    code = next(code for code, row in made.network.organizations.items() if row.pk == therapy.manufacturer_id)
    return made.network.operator(code)


def _templates(made: Filled, server: Server, database: str, seed: int, tell: Tell) -> list[Template]:
    """Take one order of each therapy to the beginning of each phase of its flow, and one to its end; read them."""
    chance = random.Random(seed)
    player = made.network.cast.of(made.network.organizations[ACTING].pk, Capability.ENROL_PATIENT)[0]
    for therapy in THERAPIES:
        for stop in (*_phase_starts(made, therapy), ""):
            journey = Journey(made.network.cast, chance)
            number = chance.randrange(10**8)
            person = {"family_name": f"Template{number}", "given_name": "T", "birth_date": "1970-01-01"}
            person |= {"mrn": f"T{number}", "sex": "unknown", "phone": ""}
            code = journey.enrol(player, therapy, f"{ACTING}-main", person)
            journey.run(before=stop)
            made.templates.append(code)
            tell(f"template {len(made.templates)}: {therapy}, {f'before {stop}' if stop else 'closed'}")
    with connected(server.url("auditor", database)) as cursor:
        reader, found = Reader(cursor, _words_of(made, ACTING)), []
        for code in made.templates:
            try:
                found.append(reader.read(code))
            except UnfitTemplate as error:
                tell(f"not copied: {error}")
    return found


def _phase_starts(made: Filled, therapy: str) -> list[str]:
    """Return the first step of each phase of the therapy's flow; the first phase begins with its second step."""
    with reading(made.network.operator(ACTING)):
        steps = list(FlowStep.unwalled.filter(flow__therapy=made.network.therapies[therapy]).order_by("position"))
    first: dict[str, str] = {}
    for step in steps[1:]:
        first.setdefault(step.phase, step.key)
    return list(first.values())


def _words_of(made: Filled, code: str) -> list[str]:
    """Return what names a center in the record of an order: ids and names of organization and site."""
    organization, site = made.network.organizations[code], made.network.sites[f"{code}-main"]
    return [str(organization.pk), organization.name, str(site.pk), site.name]


def _centers(made: Filled) -> list[Center]:
    acting = _words_of(made, ACTING)
    codes = [ACTING, *made.centers]
    return [
        Center(str(made.network.organizations[code].pk), dict(zip(acting, _words_of(made, code), strict=True)))
        for code in codes
    ]


def plan(templates: list[Template], centers: int, orders: int, seed: int, last_row: int) -> list[Task]:
    """Return the copies to make: every phase, the short ones more often; recent if open, over two years if closed."""
    chance = random.Random(f"{seed} plan")
    weights = [template.history_rows**-2.0 for template in templates]
    tasks, row, year = [], last_row + 1, timezone.now().year % 100
    for number in range(1, orders + 1):
        chosen = chance.choices(range(len(templates)), weights)[0]
        is_open = templates[chosen].state == "open"
        days = chance.randrange(OPEN_AT_MOST if is_open else LONGEST_AGO)
        coi_code = f"CHA9999{year:02d}{999_999 - number:06d}"
        tasks.append(Task(number, chosen, chance.randrange(centers), days, coi_code, row))
        row += templates[chosen].history_rows
    return tasks


def _last_row(server: Server, database: str) -> int:
    with connected(server.url("owner", database)) as cursor:
        cursor.execute("select last_value from ledger_row_seq")
        return int(cursor.fetchone()[0])


def _set_counters(server: Server, database: str, tasks: list[Task]) -> None:
    """Let history go on after the copies' rows, and let the planner know what there is."""
    with connected(server.url("owner", database)) as cursor:
        cursor.execute("set statement_timeout = 0")
        if tasks:
            cursor.execute("select setval('ledger_row_seq', %s)", [tasks[-1].first_row + 10_000])
        cursor.execute("analyze")
