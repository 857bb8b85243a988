"""One run: the fictional network by its own actions, more centers, template orders in every phase, then the copies."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from django.utils import timezone

from cgt.demo import clock, network
from cgt.demo.journey import Journey
from cgt.launcher.messages import LauncherError
from cgt.launcher.roles import BENCHMARK_MARK, DEMO_MARK, Server, connected, mark_of
from cgt.load import centers, writing
from cgt.load.copies import Task
from cgt.load.phases import Tell, beside, phase
from cgt.load.templates import Reader, Template, UnfitTemplate
from ledger.context import reading
from ledger.signals import outbox_filled
from orders.queries import FlowStep
from personas.states import Capability
from scheduling.signals import places_freed

ACTING = "linden"  # the center whose orders are copied
THERAPIES = ("auralcel", "borocel")
MARKS = (BENCHMARK_MARK, DEMO_MARK)
LONGEST_AGO = 700  # days; a copy of an order that is still open is at most 20 days old
OPEN_AT_MOST = 20


@dataclass
class Filled:
    """What was made."""

    network: network.DemoNetwork
    organizations: int
    orders: int = 0


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
        made = network.build(password, now)
    return Filled(made, len(made.organizations))


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
    auditor, owner = server.url("auditor", database), server.url("owner", database)
    codes = centers.further(organizations - made.organizations)
    parts = [codes[start::processes] for start in range(processes)]
    works = [partial(centers.open_centers, made.network, part, password, tell) for part in parts]
    with phase("templates, further centers beside them", tell), beside(works):
        templates = _templates(made.network, auditor, seed, tell)
    places = centers.in_place_of(_acting_words(auditor), centers.words_of(auditor, codes))
    tasks = plan(templates, len(places), orders - len(THERAPIES), seed, _last_row(owner))
    writing.write(owner, templates, places, tasks, processes, tell)
    _set_counter(owner, tasks)
    with phase("statistics", tell):
        writing.analyze(owner)
    made.organizations += len(codes)
    made.orders = len(THERAPIES) + len(tasks)
    return made


def require_empty(server: Server, database: str) -> None:
    """Raise LauncherError when the database holds organizations already."""
    with connected(server.url("auditor", database)) as cursor:
        cursor.execute("select exists (select 1 from personas_organization)")
        if cursor.fetchone()[0]:
            raise LauncherError(f"The database {database} holds organizations already: load into an empty one.", code=2)


def _acting_words(auditor_url: str) -> list[str]:
    return centers.words_of(auditor_url, [ACTING])[0]


def _templates(made: network.DemoNetwork, auditor_url: str, seed: int, tell: Tell) -> list[Template]:
    """Take one order of each therapy through its flow; read it when a phase begins, and at its end."""
    chance, found = random.Random(seed), []
    player = made.cast.of(made.organizations[ACTING].pk, Capability.ENROL_PATIENT)[0]
    with connected(auditor_url) as cursor:
        reader = Reader(cursor, _acting_words(auditor_url))
        for therapy in THERAPIES:
            journey = Journey(made.cast, chance)
            code = journey.enrol(player, therapy, f"{ACTING}-main", _template_patient(chance.randrange(10**8)))
            for where in _phases(journey, _phase_of(made, therapy)):
                try:
                    found.append(reader.read(code))
                except UnfitTemplate as error:
                    tell(f"not copied: {error}")
                tell(f"template: {therapy}, {where}")
    return found


def _phases(journey: Journey, phase_of: Mapping[str, str]) -> Iterator[str]:
    """Perform step by step; yield before the first step of each phase, and when nothing is left to do."""
    begun = set()
    while step := journey.next_step():
        if phase_of[step.key] not in begun:
            begun.add(phase_of[step.key])
            yield f"before {step.key}"
        journey.perform(step.key)
    yield "closed"


def _phase_of(made: network.DemoNetwork, therapy: str) -> dict[str, str]:
    """Return the phase of each step of the therapy's flow."""
    with reading(made.operator(ACTING)):
        return dict(FlowStep.unwalled.filter(flow__therapy=made.therapies[therapy]).values_list("key", "phase"))


def _template_patient(number: int) -> dict[str, str]:
    name = {"family_name": f"Template{number}", "given_name": "T", "birth_date": "1970-01-01"}
    return name | {"mrn": f"T{number}", "sex": "unknown", "phone": ""}


def plan(templates: list[Template], places: int, orders: int, seed: int, last_row: int) -> list[Task]:
    """Return the copies to make: every phase, the short ones more often; recent if open, over two years if closed.

    The oldest come first, as they would have: ids begin with their time, so that indexes grow at their end.
    """
    chance = random.Random(f"{seed} plan")
    weights = [template.history_rows**-2.0 for template in templates]
    drawn = []
    for _ in range(orders):
        chosen = chance.choices(range(len(templates)), weights)[0]
        is_open = templates[chosen].state == "open"
        drawn.append((chance.randrange(OPEN_AT_MOST if is_open else LONGEST_AGO), chosen, chance.randrange(places)))
    drawn.sort(reverse=True)
    tasks, row, year = [], last_row + 1, timezone.now().year % 100
    for number, (days, chosen, place) in enumerate(drawn, start=1):
        tasks.append(Task(number, chosen, place, days, f"CHA9999{year:02d}{999_999 - number:06d}", row))
        row += templates[chosen].history_rows
    return tasks


def _last_row(owner_url: str) -> int:
    with connected(owner_url) as cursor:
        cursor.execute("select last_value from ledger_row_seq")
        return int(cursor.fetchone()[0])


def _set_counter(owner_url: str, tasks: list[Task]) -> None:
    """Let history go on after the copies' rows."""
    if tasks:
        with connected(owner_url) as cursor:
            cursor.execute("select setval('ledger_row_seq', %s)", [tasks[-1].first_row + 10_000])
