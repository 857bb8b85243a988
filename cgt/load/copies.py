"""Makes a copy of a template: new words for ids, codes, dates and center, then every digest and hash again."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from cgt.load.templates import Template
from cgt.load.texts import NUMBER, fill
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
    salt = f"{task.number}".encode()
    words = dict(center.words)
    words |= {old: _id(old, salt, task.days_ago) for old in template.ids}
    words |= {old: _id(old, center.organization_id.encode()[:16], 0) for old in template.persons if old not in words}
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


def _id(old: str, salt: bytes, days_ago: int) -> str:
    """Return another UUIDv7, as much earlier as the copy is, the same for the same template and salt."""
    source = UUID(old).bytes
    moment = int.from_bytes(source[:6]) - days_ago * DAY_MS
    drawn = hashlib.blake2b(source, key=salt, digest_size=10).digest()
    made = moment.to_bytes(6) + bytes([0x70 | drawn[0] & 0x0F, drawn[1], 0x80 | drawn[2] & 0x3F]) + drawn[3:]
    return str(UUID(bytes=made))


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
        for row in event.rows:
            running = digest(f"{running}{row.start}{fill(row.text, words)}")
        words[event.rows_digest] = running
        words[event.hash] = digest(fill(event.canonical, words))


def lines_of(template: Template, words: dict[str, str], first_row: int) -> Iterator[tuple[str, str]]:
    """Yield (table, line) of every row of the copy."""
    for table, lines in template.tables.items():
        for line in lines:
            if line.rank >= 0:
                words[NUMBER] = str(first_row + line.rank)
            yield table, fill(line.parts, words)
