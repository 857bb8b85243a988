"""Writes copies into the tables, as the owner, with COPY, in several processes.

Only here does anything write around the record, and only in a database that is marked as a demo or a benchmark:
row triggers are off (they would write the history that is copied in), and so is the force of row policies on the owner.
Both are as they were when ``opened`` ends; foreign keys, checks and unique constraints hold all the time.
"""

from __future__ import annotations

import datetime as dt
import io
import multiprocessing
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg2

from cgt.launcher.roles import connected
from cgt.load.copies import Center, Task, hash_again, lines_of, words_of
from cgt.load.templates import VAULT, Template
from custody import vault

BATCH = 200
FAMILIES = ("Arnsfeld", "Brockmoor", "Cranleigh", "Dahlberg", "Ettwein", "Fjellstad", "Grunewald", "Hasselt", "Ilmenau")
GIVEN = ("Alva", "Bela", "Cleo", "Dario", "Elin", "Falk", "Gesa", "Henk", "Ilka", "Jaro", "Kolja", "Lotte", "Marek")


_COLUMNS: dict[str, str] = {}  # of the vault's tables, whose rows are no template's


@contextmanager
def opened(owner_url: str, tables: Sequence[str]) -> Iterator[None]:
    """Let the owner copy rows into ``tables`` while the block runs."""
    doors = (
        ("disable trigger user", "no force row level security"),
        ("enable trigger user", "force row level security"),
    )
    walled = _forced(owner_url, tables)
    _alter(owner_url, tables, walled, doors[0])
    try:
        yield
    finally:
        _alter(owner_url, tables, walled, doors[1])


def _forced(owner_url: str, tables: Sequence[str]) -> set[str]:
    with connected(owner_url) as cursor:
        question = "select relname from pg_class where relname = any(%s) and relforcerowsecurity"
        cursor.execute(question, [list(tables)])
        return {row[0] for row in cursor.fetchall()}


def _alter(owner_url: str, tables: Sequence[str], walled: set[str], door: tuple[str, str]) -> None:
    with connected(owner_url) as cursor:
        for table in tables:
            cursor.execute(f"alter table {table} {door[0]}")
            if table in walled:
                cursor.execute(f"alter table {table} {door[1]}")


def write(
    owner_url: str,
    templates: Sequence[Template],
    centers: Sequence[Center],
    tasks: Sequence[Task],
    processes: int,
    tell: Callable[[str], None],
) -> None:
    """Make every task's copy and copy it in; raises RuntimeError when a process could not."""
    tables = sorted({table for template in templates for table in template.tables} | VAULT)
    with opened(owner_url, tables):
        context = multiprocessing.get_context("fork")
        done = context.Value("i", 0)
        workers = [
            context.Process(target=_work, args=(owner_url, templates, centers, tasks[start::processes], done))
            for start in range(processes)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            while worker.is_alive():
                worker.join(5)
                tell(f"{done.value} of {len(tasks)} orders")
        if any(worker.exitcode for worker in workers):
            raise RuntimeError("some copies could not be written; the lines above say why")


def _work(
    owner_url: str, templates: Sequence[Template], centers: Sequence[Center], tasks: Sequence[Task], done: Any
) -> None:
    connection = psycopg2.connect(owner_url)
    for start in range(0, len(tasks), BATCH):
        batch = tasks[start : start + BATCH]
        lines: dict[str, list[str]] = defaultdict(list)
        for task in batch:
            for table, line in copy_of(templates[task.template], centers[task.center], task):
                lines[table].append(line)
        with connection, connection.cursor() as cursor:
            cursor.execute("set local statement_timeout = 0; set local synchronous_commit = off")
            for table, rows in lines.items():
                cursor.copy_expert(
                    f"copy {table}{_COLUMNS.get(table, '')} from stdin", io.StringIO("\n".join(rows) + "\n")
                )
        with done.get_lock():
            done.value += len(batch)
    connection.close()


def copy_of(template: Template, center: Center, task: Task) -> Iterator[tuple[str, str]]:
    """Yield (table, line) of every row of one copy, its patient's sealed identity included."""
    words = words_of(template, center, task, random.Random(f"{task.number} codes"))
    hash_again(template, words)
    yield from lines_of(template, words, task.first_row)
    patient, organization = UUID(words[template.patient_id]), UUID(center.organization_id)
    for row in vault.sealed_rows(patient, organization, _identity(task.number)):
        columns = [field.column for field in row._meta.concrete_fields]
        _COLUMNS[row._meta.db_table] = f" ({', '.join(columns)})"
        yield row._meta.db_table, "\t".join(_cell(getattr(row, name)) for name in columns)


def _cell(value: Any) -> str:
    return f"\\\\x{value.hex()}" if isinstance(value, bytes) else str(value)


def _identity(number: int) -> vault.PatientIdentity:
    """Return an invented person, another one for each number."""
    family = f"{FAMILIES[number % len(FAMILIES)]} {number}"
    born = dt.date(1940, 1, 1) + dt.timedelta(days=number % 24_000)
    return vault.PatientIdentity(
        family_name=family, given_name=GIVEN[number % len(GIVEN)], birth_date=born, mrn=f"M{number:07d}", sex="unknown"
    )
