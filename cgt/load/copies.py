"""Makes a copy of a template: new words for ids, codes, dates and center, then every digest and hash again."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from cgt.load.templates import BETWEEN_ROWS, Template
from cgt.load.texts import NUMBER
from custody.check_characters import check_character
from custody.codes import SAFE, container_code
from custody.states import KIND_LETTERS
from ledger.canonical import digest
from quality.numbers import ALPHABET as NUMBER_LETTERS

KIND_OF_LETTERS = {letters: kind for kind, letters in KIND_LETTERS.items()}
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Center:
    """A center whose orders are copies: what stands in the template's words in place of the acting center's."""

    organization_id: str
    words: Mapping[str, str]


@dataclass(frozen=True)
class Task:
    """One copy to make. ``coi_code`` is its chain of identity, ``first_row`` the number of its first history row."""

    number: int
    template: int
    center: int
    days_ago: int
    coi_code: str
    first_row: int


def words_of(template: Template, center: Center, task: Task, chance: random.Random) -> dict[str, str]:
    """Return what each word of the template becomes in this copy, but for the hashes."""
    words = dict(center.words)
    words |= {old: _id(old, task.days_ago, chance) for old in template.ids}
    words |= {old: _person(old, center.organization_id) for old in template.persons if old not in words}
    coi = {old: task.coi_code for old, table in template.codes.items() if table == "custody_chainofidentity"}
    derived = {*coi, *(old for old, table in template.codes.items() if table == "quality_release")}
    words |= coi | {old: _code(old, table, chance) for old, table in template.codes.items() if old not in derived}
    words |= {old: _certificate(old, words) for old in derived - set(coi)}
    words |= {date: _earlier(date, task.days_ago) for date in template.dates}
    return words | {word: _container(word, coi) for word in template.containers}


def _container(word: str, coi: Mapping[str, str]) -> str:
    old, part, _ = word.split("-")
    return container_code(coi[old], KIND_OF_LETTERS[part[:2]], int(part[2:]))


def _certificate(old: str, words: Mapping[str, str]) -> str:
    """Return the number of a certificate, which is made of its batch's (``C-7K2M9QX4-1`` of ``B-7K2M9QX4``)."""
    batch, _, nth = old[1:].rpartition("-")
    return f"C{words[f'B{batch}'][1:]}-{nth}"


def _id(old: str, days_ago: int, chance: random.Random) -> str:
    """Return another UUIDv7, as much earlier as the copy is."""
    moment = int(old[:8] + old[9:13], 16) - days_ago * DAY_MS
    made = f"{moment:012x}7{chance.getrandbits(72):018x}"
    return f"{made[:8]}-{made[8:12]}-{made[12:16]}-8{made[16:19]}-{made[19:]}"


@cache
def _person(old: str, organization_id: str) -> str:
    """Return the id of a center's person who did what ``old`` did at the acting center: the same one each time."""
    return _id(old, 0, random.Random(f"{old} of {organization_id}"))


def _code(old: str, table: str, chance: random.Random) -> str:
    if table == "custody_shipment":
        while True:
            drawn = "".join(chance.choices(SAFE, k=8))
            if check_character(drawn) in SAFE:
                return f"SHP-{drawn}-{check_character(drawn)}"
    if table == "orders_order":
        drawn = "".join(chance.choices(SAFE, k=8))
        return f"CT-{drawn[:4]}-{drawn[4:]}"
    return old.partition("-")[0] + "-" + "".join(chance.choices(NUMBER_LETTERS, k=8))


def _earlier(date: str, days: int) -> str:
    return (dt.date.fromisoformat(date) - dt.timedelta(days=days)).isoformat()


def hash_again(template: Template, words: dict[str, str]) -> None:
    """Add the copy's own digests and hashes to its words, event by event: each covers the one before."""
    words[""] = ""
    for event in template.events:
        running = ""
        if event.rows_digest:
            for row in event.rows.fill(words).split(BETWEEN_ROWS):
                running = digest(running + row)
        words[event.rows_digest] = running
        words[event.hash] = digest(event.canonical.fill(words))


def rows_of(template: Template, words: dict[str, str], first_row: int) -> Iterator[tuple[str, str]]:
    """Yield (table, its rows as COPY takes them) of the whole copy."""
    rows = template.history_rows
    words.update(zip(_numbers(rows), map(str, range(first_row, first_row + rows)), strict=True))
    for table, text in template.tables.items():
        yield table, text.fill(words)


@cache
def _numbers(rows: int) -> list[str]:
    return [NUMBER.format(rank) for rank in range(rows)]
