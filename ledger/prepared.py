"""Reads whose SQL is put together once per process, not once per call.

Building and compiling a queryset costs several times what PostgreSQL needs to answer it. A prepared read is an ordinary
queryset, walls and all, built once from stand-ins; later calls put the real values in their place.
"""

from __future__ import annotations

import datetime as dt
import inspect
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.utils import timezone

from ledger.context import Actor, current
from ledger.postgresql.statements import Kept, written_on

NOW = ("", "now")
JUST_NOW = dt.timedelta(seconds=30)
LONG_AGO = dt.datetime(1901, 1, 1, tzinfo=dt.UTC)

M = TypeVar("M", bound=models.Model)
Ids = tuple[UUID, ...]
Given = Actor | UUID | str | dt.datetime | Ids | None


class Among(models.Expression):
    """Whether a column (as SQL names it) is one of some ids: one parameter, however many they are."""

    output_field = models.BooleanField()
    conditional = True

    def __init__(self, column: str, ids: Ids) -> None:
        super().__init__()
        self.column, self.ids = column, ids

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return f"({self.column} = any(%s::uuid[]))", (self.ids,)


class Prepared(Generic[M]):
    """``Prepared(build)(**values)`` returns the rows of ``build(**values)`` as a list.

    A parameter of ``build`` is an id (or None, which then equals nothing, as in SQL) or an ``Actor``, of whom the belt
    takes the ids; text is annotated ``str``, a time ``dt.datetime``, and ``Ids`` is a tuple for ``Among``. ``build``
    may only compare them: it never decides by their values. Any other time in it is now (a grant's end is compared
    with it): each call asks the clock anew.
    Within one transaction that only reads, the same question has one answer: the rows are shared, treat them so. In one
    that writes, the database is asked again once something was written, and each call has rows of its own.
    """

    def __init__(self, build: Callable[..., models.QuerySet[M]]) -> None:
        self._build = build
        self._plan: _Plan | None = None

    def __call__(self, **values: Given) -> list[M]:
        acting = current()
        if acting is None or not acting.read_only:
            return self._run(values)
        asked = (self, frozenset(values.items()))
        if asked not in acting.answers:
            acting.answers[asked] = self._run(values)
        return list(acting.answers[asked])

    def _run(self, values: dict[str, Any]) -> list[M]:
        if self._plan is None:
            self._plan = _Plan(self._build)
        return self._plan.run(values)


class PreparedValues:
    """As ``Prepared``, for a queryset of ``values_list``: returns its tuples, and asks anew each time."""

    def __init__(self, build: Callable[..., models.QuerySet[Any, Any]]) -> None:
        self._build = build
        self._plan: _Plan | None = None

    def __call__(self, **values: Given) -> list[tuple[Any, ...]]:
        if self._plan is None:
            self._plan = _Plan(self._build)
        return self._plan.cells(values)


class _Plan:
    def __init__(self, build: Callable[..., models.QuerySet[Any]]) -> None:
        parameters = inspect.signature(build).parameters
        stand_ins = {name: _stand_in(parameter.annotation) for name, parameter in parameters.items()}
        queryset = build(**stand_ins)
        self.model = queryset.model
        self.compiler = queryset.query.get_compiler(connection=connection)
        sql, found = self.compiler.as_sql()
        self.sql = self._kept(sql, found, stand_ins)
        unused = set(stand_ins) - {source[0] for source in self.sources}
        if unused:
            raise TypeError(f"a prepared read only compares its parameters; {', '.join(sorted(unused))} went elsewhere")
        klass_info: dict[str, Any] = self.compiler.klass_info or {}
        if klass_info.get("related_klass_infos"):
            raise TypeError("a prepared read takes rows of one table: relations come from the directory")
        fields: list[int] = klass_info.get("select_fields", [])
        self.start = fields[0] if fields else 0
        self.end = fields[-1] + 1 if fields else 0
        self.names = [self.compiler.select[place][0].target.attname for place in fields]
        columns = [expression for expression, _, _ in self.compiler.select]
        self.converters = [
            (place, [*connection.ops.get_db_converters(column), *column.get_db_converters(connection)], column)
            for place, column in enumerate(columns)
        ]
        self.converters = [entry for entry in self.converters if entry[1]]
        self.arrays = [place for place, column in enumerate(columns) if isinstance(column.output_field, ArrayField)]

    def _kept(self, sql: str, found: Sequence[Any], stand_ins: dict[str, Any]) -> Kept:
        """Return the SQL with what never changes written out: a parameter is what each call compares anew."""
        pieces, sources, types = sql.split("%s"), [], []
        given = {value: source for name, stand_in in stand_ins.items() for value, source in _sources(name, stand_in)}
        text = pieces[0]
        with connection.cursor() as cursor:
            for value, piece in zip(found, pieces[1:], strict=True):
                source = _source(given, value)
                text += ("%s" if source else cursor.mogrify("%s", [value]).decode().replace("%", "%%")) + piece
                if source:
                    sources.append(source)
                    types.append(_type(value))
        self.sources = sources
        return Kept(text, types)

    def run(self, values: dict[str, Any]) -> list[Any]:
        rows = self._converted(self._known(values))
        return [self.model.from_db(DEFAULT_DB_ALIAS, self.names, row[self.start : self.end]) for row in rows]

    def cells(self, values: dict[str, Any]) -> list[Any]:
        """Return the rows as they are selected, each column converted."""
        return self._converted(self._asked(values))

    def _known(self, values: dict[str, Any]) -> list[Any]:
        """Return the rows as the database sent them; within an act, as it sent them before anything was written."""
        acting, wrapper = current(), connections[DEFAULT_DB_ALIAS]
        if acting is None or acting.event_id is None or not wrapper.in_atomic_block or NOW in self.sources:
            return self._asked(values)
        question, written = (self, frozenset(values.items())), written_on(wrapper)
        known = acting.answers.get(question)
        if known is None or known[0] != written:
            known = acting.answers[question] = [written, self._asked(values)]
        return [self._own(row) for row in known[1]] if self.arrays else list(known[1])

    def _own(self, row: Sequence[Any]) -> list[Any]:
        """Return a row whose arrays are the caller's own."""
        cells = list(row)
        for place in self.arrays:
            cells[place] = cells[place] and list(cells[place])
        return cells

    def _asked(self, values: dict[str, Any]) -> list[Any]:
        given = [_value(values, source) for source in self.sources]
        found: list[Any] = connections[DEFAULT_DB_ALIAS].ask(self.sql, given)  # type: ignore[attr-defined]
        return found

    def _converted(self, rows: list[Any]) -> list[Any]:
        if not self.converters:
            return rows
        found, wrapper = [], connections[DEFAULT_DB_ALIAS]
        for row in rows:
            cells = list(row)
            for place, converters, column in self.converters:
                for convert in converters:
                    cells[place] = convert(cells[place], column, wrapper)
            found.append(cells)
        return found


@dataclass(frozen=True)
class _SomeActor:
    organization_id: UUID
    person_id: UUID


def _stand_in(annotation: Any) -> Any:
    if annotation in (Actor, "Actor"):
        return _SomeActor(uuid4(), uuid4())
    if annotation in (dt.datetime, "dt.datetime"):
        return LONG_AGO + dt.timedelta(microseconds=random.randrange(10**15))  # noqa: S311 - told apart, no secret
    if annotation in (Ids, "Ids"):
        return (uuid4(),)
    return uuid4().hex if annotation in (str, "str") else uuid4()


def _sources(name: str, stand_in: Any) -> list[tuple[Any, tuple[str, ...]]]:
    """Return which value stands for which parameter, or attribute of one."""
    if isinstance(stand_in, _SomeActor):
        return [(getattr(stand_in, part), (name, part)) for part in ("organization_id", "person_id")]
    return [(stand_in, (name, ""))]


def _source(sources: dict[Any, tuple[str, ...]], value: Any) -> tuple[str, ...] | None:
    if isinstance(value, list) and len(value) == 1:  # an array of one, as ``contains`` writes it
        one = _source(sources, value[0])
        return (*one, "list") if one else None
    if isinstance(value, dt.datetime) and value not in sources:
        if abs(timezone.now() - value) > JUST_NOW:
            raise TypeError("a prepared read compares with no time but now")
        return NOW
    return sources.get(value) if isinstance(value, UUID | str | tuple | dt.datetime) else None


def _type(stand_in: Any) -> str:
    """Return PostgreSQL's type of a parameter; text has that of the column which it is compared with."""
    if isinstance(stand_in, dt.datetime):
        return "timestamptz"
    if isinstance(stand_in, list | tuple):
        return f"{_type(stand_in[0])}[]" if isinstance(stand_in[0], UUID) else "unknown"
    return "uuid" if isinstance(stand_in, UUID) else "unknown"


def _value(values: dict[str, Any], source: tuple[str, ...]) -> Any:
    if source == NOW:
        return timezone.now()
    name, part, *shape = source
    value = getattr(values[name], part) if part else values[name]
    return [value] if shape else list(value) if isinstance(value, tuple) else value


def attach(parent: models.Model, relation: str, children: list[Any]) -> None:
    """Let ``parent.relation.all()`` answer with rows that were read apart (what ``prefetch_related`` does)."""
    rows = getattr(parent, relation).get_queryset()
    rows._result_cache, rows._prefetch_done = children, True
    cache: dict[str, Any] = parent.__dict__.setdefault("_prefetched_objects_cache", {})
    cache[relation] = rows
