"""Copies of an order are what the actions would have written: verified, walled, and alike column by column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import psycopg2
import pytest
from django.db import connections

from cgt.launcher.messages import LauncherError
from cgt.launcher.roles import drop_database, make_database
from cgt.load import writing
from cgt.load.copies import Center, Task
from cgt.load.filling import require_marked
from cgt.load.templates import Reader, Template
from ledger.context import reading
from ledger.faults import Fault
from ledger.installation import history_model, walled_models
from orders import queries
from tests.conftest import DATABASE, STACK
from tests.factories import make_actor, make_organization
from tests.ledger.conftest import Intruder, auditor, find  # noqa: F401 - fixtures
from tests.orders.conftest import prescribed
from tests.orders.factories import World, make_world
from tests.personas.conftest import signed_in

Find = Callable[..., list[Fault]]
COPIES = 3
ID, MOMENT = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", r"\d{4}-\d\d-\d\d(T[\d:.]+(\+00:00)?)?"
CODES = r"CT-\w{4}-\w{4}|CHA9999\d{8}|[0-9a-f]{64}"


class Copied:
    """An order that was acted, another one, and copies of the first: streams and codes."""

    def __init__(self, auditor_url: str, owner_url: str) -> None:
        self.world: World = make_world()
        acted = [prescribed(self.world, mrn=f"MRN-L{n}", family_name=f"Loaded{'xy'[n]}") for n in range(2)]
        with psycopg2.connect(auditor_url) as connection, connection.cursor() as cursor:
            self.template: Template = Reader(cursor, []).read(acted[0])
        with psycopg2.connect(owner_url) as connection, connection.cursor() as cursor:
            cursor.execute("select last_value from ledger_row_seq")
            rows = int(cursor.fetchone()[0]) + 1
        center = Center(str(self.world.center.pk), {})
        size = self.template.history_rows
        tasks = [Task(n, 0, 0, 3 * n, f"CHA999926{990_000 + n:06d}", rows + n * size) for n in range(COPIES)]
        connections.close_all()
        writing.write(owner_url, [self.template], [center], tasks, 2, lambda line: None)
        with psycopg2.connect(owner_url) as connection, connection.cursor() as cursor:
            cursor.execute("select setval('ledger_row_seq', %s)", [rows + COPIES * size])
        actor = self.world.actor("center", "coordinator")
        with reading(actor):
            found = {order.code: order.stream_id for order in queries.orders(actor)}
        self.other_stream = found[acted[1]]
        self.copies = {code: stream for code, stream in found.items() if code not in acted}


@pytest.fixture(scope="module")
def copied(django_db_setup: None, django_db_blocker: object, auditor_url: str, owner_url: str) -> Iterator[Copied]:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield Copied(auditor_url, owner_url)


def test_each_copy_verifies(copied: Copied, find: Find) -> None:  # noqa: F811
    assert len(copied.copies) == COPIES
    for stream in copied.copies.values():
        assert find(stream) == []


def test_a_changed_copy_is_noticed(copied: Copied, find: Find, owner_url: str) -> None:  # noqa: F811
    code, stream = next(iter(copied.copies.items()))
    with Intruder(owner_url).tampering(
        "orders_order", f"code = '{code}'", "update orders_order set phase = 'closed' where code = %s", code
    ):
        assert [fault.kind for fault in find(stream)] == ["row_changed"]
    assert find(stream) == []


def alike(text: str) -> str:
    """Return a row without what two orders never share: ids, codes, hashes, moments."""
    for shape, name in ((ID, "id"), (MOMENT, "moment"), (CODES, "code")):
        text = re.sub(shape, f"<{name}>", text)
    return text


def rows_of(auditor_url: str, stream: object) -> list[str]:
    parts = [
        f"select '{history._meta.db_table}' || row_text from {history._meta.db_table} h"
        f" join ledger_event e on e.id = h.event_id where e.stream_id = '{stream}'"
        for history in map(history_model, walled_models())
        if history is not None
    ]
    with psycopg2.connect(auditor_url) as connection, connection.cursor() as cursor:
        cursor.execute(" union all ".join(parts))
        return sorted(alike(row[0]) for row in cursor.fetchall())


def test_a_copy_is_like_an_order_that_was_acted(copied: Copied, auditor_url: str, committed_db: None) -> None:
    acted = rows_of(auditor_url, copied.other_stream)
    assert len(acted) > 40
    for stream in copied.copies.values():
        assert rows_of(auditor_url, stream) == acted


def test_its_center_reads_a_copy_and_nobody_else(copied: Copied, committed_db: None) -> None:
    stranger = make_actor(make_organization(), "coordinator")
    with reading(stranger):
        assert not queries.orders(stranger).exists()
    browser = signed_in(copied.world.member("center", "coordinator"))
    for code in copied.copies:
        answer = browser.get(f"/api/v1/orders/{code}").json()
        assert answer["patient"]["family_name"].split()[0] in writing.FAMILIES
        assert answer["identity_code"].startswith("CHA99992699")


def test_walls_and_triggers_stand_again(copied: Copied, owner_url: str) -> None:
    tables = [*copied.template.tables, *writing.VAULT]
    with psycopg2.connect(owner_url) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_trigger where tgenabled <> 'O' and not tgisinternal")
        assert cursor.fetchone() == (0,)
        question = "select count(*) from pg_class where relname = any(%s) and relrowsecurity <> relforcerowsecurity"
        cursor.execute(question, [tables])
        assert cursor.fetchone() == (0,)
        cursor.execute("select count(*) from pg_class where array_to_string(reloptions, ' ') like '%autovacuum%'")
        assert cursor.fetchone() == (0,)
        cursor.execute("select count(*) from pg_constraint where not convalidated")
        assert cursor.fetchone() == (0,)


def test_a_database_without_the_mark_is_refused() -> None:
    name = f"{DATABASE}_real"
    make_database(STACK.server, name, "a hospital's own")
    try:
        with pytest.raises(LauncherError, match="nothing is loaded"):
            require_marked(STACK.server, name)
    finally:
        drop_database(STACK.server, name)
    require_marked(STACK.server, DATABASE)
