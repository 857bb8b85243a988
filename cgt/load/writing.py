"""Writes copies into the tables, as the owner, with COPY, in several processes.

Only here does anything write around the record, and only in a database that is marked as a demo or a benchmark:
row triggers are off (they would write the history that is copied in), and so is the force of row policies on the owner.
Foreign keys and plain indexes are taken away and made again at the end, each in one sweep instead of row by row: a row
that refers to nothing fails there. Checks and unique constraints hold all the time. All is as it was when ``opened``
ends; a run that was killed leaves a database to drop.
"""

from __future__ import annotations

import datetime as dt
import io
import multiprocessing
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import psycopg2

from cgt.launcher.roles import connected
from cgt.load.copies import Center, Task, hash_again, rows_of, words_of
from cgt.load.phases import Tell, beside, phase
from cgt.load.templates import VAULT, Template
from custody import vault

BATCH = 50
MEGABYTE = 1_000_000  # read at once, where psycopg2 would ask for 8 kB
FAMILIES = ("Arnsfeld", "Brockmoor", "Cranleigh", "Dahlberg", "Ettwein", "Fjellstad", "Grunewald", "Hasselt", "Ilmenau")
GIVEN = ("Alva", "Bela", "Cleo", "Dario", "Elin", "Falk", "Gesa", "Henk", "Ilka", "Jaro", "Kolja", "Lotte", "Marek")


_COLUMNS: dict[str, str] = {}  # of the vault's tables, whose rows are no template's


@contextmanager
def opened(owner_url: str, tables: Sequence[str], tell: Tell = lambda line: None) -> Iterator[None]:
    """Let the owner copy rows into ``tables`` while the block runs."""
    walled, sweeps = _forced(owner_url, tables), _sweeps(owner_url, tables)
    _run_all(owner_url, [f"alter table {table} disable trigger user" for table in tables])
    _run_all(owner_url, [f"alter table {table} set ({UNATTENDED})" for table in tables])
    _run_all(owner_url, [f"alter table {table} no force row level security" for table in walled])
    _run_all(owner_url, [sweep.away for sweep in sweeps])
    try:
        yield
    finally:
        with phase("indexes and foreign keys", tell):
            _side_by_side(owner_url, [sweep.again for sweep in sweeps if not sweep.check])
            _run_all(owner_url, [sweep.again for sweep in sweeps if sweep.check])
            _side_by_side(owner_url, [sweep.check for sweep in sweeps if sweep.check])
        _run_all(owner_url, [f"alter table {table} force row level security" for table in walled])
        _run_all(owner_url, [f"alter table {table} enable trigger user" for table in tables])
        _run_all(owner_url, [f"alter table {table} reset ({ATTENDED})" for table in tables])


# Autovacuum would go over the tables again and again while they grow, and write as much as the copies do.
UNATTENDED = "autovacuum_enabled = false, toast.autovacuum_enabled = false"
ATTENDED = "autovacuum_enabled, toast.autovacuum_enabled"


def _forced(owner_url: str, tables: Sequence[str]) -> list[str]:
    """Return which of the tables, and of those that they refer to, force their policies on the owner."""
    with connected(owner_url) as cursor:
        cursor.execute(FORCED, [list(tables), list(tables)])
        return [row[0] for row in cursor.fetchall()]


FORCED = """
    select relname from pg_class where relforcerowsecurity and (
        oid = any(%s::regclass[])
        or oid in (select confrelid from pg_constraint where contype = 'f' and conrelid = any(%s::regclass[])))
"""


@dataclass(frozen=True)
class Sweep:
    """An index or a foreign key: how it goes away, how it is made again, and how a key's rows are checked."""

    away: str
    again: str
    check: str = ""


INDEXES = """
    select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i
    where i.indrelid = any(%s::regclass[]) and not i.indisunique
      and not exists (select 1 from pg_constraint c where c.conindid = i.indexrelid)
      and not exists (select 1 from pg_inherits h where h.inhrelid = i.indexrelid)
"""
FOREIGN_KEYS = """
    select conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) from pg_constraint
    where contype = 'f' and conparentid = 0 and conrelid = any(%s::regclass[])
"""


def _sweeps(owner_url: str, tables: Sequence[str]) -> list[Sweep]:
    """Return the plain indexes and the foreign keys of the tables (of a partitioned table the parent's)."""
    with connected(owner_url) as cursor:
        cursor.execute(FOREIGN_KEYS, [list(tables)])
        keys = [
            Sweep(
                f"alter table {table} drop constraint {name}",
                f"alter table {table} add constraint {name} {what} not valid",
                f"alter table {table} validate constraint {name}",
            )
            for table, name, what in cursor.fetchall()
        ]
        cursor.execute(INDEXES, [list(tables)])
        return keys + [Sweep(f"drop index {name}", made) for name, made in cursor.fetchall()]


def _run_all(owner_url: str, statements: Iterable[str]) -> None:
    with connected(owner_url) as cursor:
        cursor.execute("set statement_timeout = 0; set lock_timeout = 0; set maintenance_work_mem = '256MB'")
        for statement in statements:
            cursor.execute(statement)


def analyze(owner_url: str) -> None:
    """Let the planner know what there is."""
    with connected(owner_url) as cursor:
        cursor.execute(OWN_TABLES)
        _side_by_side(owner_url, [f"analyze {table}" for (table,) in cursor.fetchall()])


OWN_TABLES = "select oid::regclass::text from pg_class where relkind = 'r' and relowner = current_user::regrole"


def _side_by_side(owner_url: str, statements: Iterable[str]) -> None:
    """Run statements over two connections, each taking the next one; a failure is raised when both have ended."""
    left = iter(statements)
    with ThreadPoolExecutor(max_workers=2) as pool:
        for done in [pool.submit(_run_all, owner_url, left) for _ in range(2)]:
            done.result()


def write(
    owner_url: str,
    templates: Sequence[Template],
    centers: Sequence[Center],
    tasks: Sequence[Task],
    processes: int,
    tell: Tell,
) -> None:
    """Make every task's copy and copy it in; raises RuntimeError when a process could not."""
    tables = sorted({table for template in templates for table in template.tables} | VAULT)
    done = multiprocessing.get_context("fork").Value("i", 0)
    works = [partial(_work, owner_url, templates, centers, tasks[start::processes], done) for start in range(processes)]
    with opened(owner_url, tables, tell), phase("copies", tell), beside(works) as running:
        while any(process.is_alive() for process in running):
            running[0].join(5)
            running[-1].join(5)
            tell(f"{done.value} of {len(tasks)} orders")


def _work(
    owner_url: str, templates: Sequence[Template], centers: Sequence[Center], tasks: Sequence[Task], done: Any
) -> None:
    connection = psycopg2.connect(owner_url)
    for start in range(0, len(tasks), BATCH):
        batch = tasks[start : start + BATCH]
        texts: dict[str, list[str]] = defaultdict(list)
        for task in batch:
            for table, rows in copy_of(templates[task.template], centers[task.center], task):
                texts[table].append(rows)
        with connection, connection.cursor() as cursor:
            cursor.execute("set local statement_timeout = 0; set local synchronous_commit = off")
            for table, parts in texts.items():
                statement = f"copy {table}{_COLUMNS.get(table, '')} from stdin"
                cursor.copy_expert(statement, io.BytesIO("".join(parts).encode()), size=MEGABYTE)
        with done.get_lock():
            done.value += len(batch)
    connection.close()


def copy_of(template: Template, center: Center, task: Task) -> Iterator[tuple[str, str]]:
    """Yield (table, rows for COPY) of one copy, its patient's sealed identity included."""
    words = words_of(template, center, task, random.Random(f"{task.number} codes"))
    hash_again(template, words)
    yield from rows_of(template, words, task.first_row)
    patient, organization = UUID(words[template.patient_id]), UUID(center.organization_id)
    for row in vault.sealed_rows(patient, organization, _identity(task.number)):
        columns = [field.column for field in row._meta.concrete_fields]
        _COLUMNS[row._meta.db_table] = f" ({', '.join(columns)})"
        yield row._meta.db_table, "\t".join(_cell(getattr(row, name)) for name in columns) + "\n"


def _cell(value: Any) -> str:
    return f"\\\\x{value.hex()}" if isinstance(value, bytes) else str(value)


def _identity(number: int) -> vault.PatientIdentity:
    """Return an invented person, another one for each number."""
    family = f"{FAMILIES[number % len(FAMILIES)]} {number}"
    born = dt.date(1940, 1, 1) + dt.timedelta(days=number % 24_000)
    return vault.PatientIdentity(
        family_name=family, given_name=GIVEN[number % len(GIVEN)], birth_date=born, mrn=f"M{number:07d}", sex="unknown"
    )
