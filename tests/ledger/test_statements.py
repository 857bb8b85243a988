"""Statements prepared by the server: the same rows as without, each organization its own, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet, Value
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from ledger.context import reading
from ledger.identifiers import new_id
from ledger.postgresql import statements
from ledger.postgresql.statements import AFTER, Kept, Statements
from ledger.prepared import Among, Ids, Prepared
from ledger.recording import acting
from personas.models import Organization, Site
from tests.factories import make_organization, make_site, operator, unique

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh(db: None) -> Iterator[None]:
    """A connection that has prepared nothing, before and after."""
    connection.ensure_connection()
    was, connection.prepared = connection.prepared, Statements()
    with connection.cursor() as cursor:
        cursor.execute("deallocate all")
    yield
    with connection.cursor() as cursor:
        cursor.execute("deallocate all")
    was._calls.clear()
    connection.prepared = was


def prepared_now() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("select statement from pg_prepared_statements")
        return [statement for (statement,) in cursor.fetchall()]


def asked(sql: str, *values: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return list(cursor.fetchall())


def test_what_is_met_again_is_prepared_and_answers_alike() -> None:
    sql = Kept("select %s::int + 1, '100 %%' where %s = any(%s::uuid[])", ("int", "uuid"))
    key = new_id()
    answers = [asked(sql, number, key, [key]) for number in range(AFTER + 2)]
    assert answers == [[(number + 1, "100 %")] for number in range(AFTER + 2)]
    assert [text for text in prepared_now() if "+ 1" in text]
    assert asked(sql, 1, key, []) == asked(sql, 1, None, [key]) == []


def test_what_is_not_marked_stays_as_it_is() -> None:
    for number in range(AFTER + 2):
        assert asked("select %s + 2", number) == [(number + 2,)]
    assert not [text for text in prepared_now() if "+ 2" in text]


def sites_of(ids: list[UUID]) -> list[UUID]:
    return [row.pk for row in _sites(ids=tuple(ids))]


@Prepared
def _sites(ids: Ids) -> QuerySet[Site]:
    return Site.unwalled.filter(Among("personas_site.id", ids))


def test_a_plan_made_for_one_organization_shows_the_next_one_its_own_rows_only() -> None:
    mine, theirs = make_organization(), make_organization()
    own, other = make_site(mine), make_site(theirs)
    for _ in range(AFTER + 2):
        with reading(operator(mine)):
            assert sites_of([own.pk, other.pk]) == [own.pk]
        with reading(operator(theirs)):
            assert sites_of([own.pk, other.pk]) == [other.pk]
    assert [text for text in prepared_now() if "personas_site" in text and "$1" in text]
    assert sites_of([own.pk, other.pk]) == []  # and nobody nothing


def written(organization: Organization, name: str) -> Site:
    with acting(operator(organization), "personas.site_added"):
        site: Site = Site.objects.create(
            organization_id=organization.pk, code=unique("s"), name=name, country="DE", zone="UTC"
        )
    return site


def test_plain_writes_are_prepared_and_write_what_was_given() -> None:
    organization = make_organization()
    sites = [written(organization, f"Site {number} 100 %s %") for number in range(AFTER + 2)]
    with reading(operator(organization)):
        names = dict(Site.unwalled.filter(organization_id=organization.pk).values_list("pk", "name"))
    assert {site.pk: site.name for site in sites}.items() <= names.items()
    assert [text for text in prepared_now() if text.startswith("prepare") and 'INSERT INTO "personas_site"' in text]


def test_a_prepared_write_without_an_author_is_refused_like_any_other() -> None:
    organization = make_organization()
    for number in range(AFTER + 1):
        written(organization, f"Site {number}")
    with pytest.raises(DatabaseError), transaction.atomic(), reading(operator(organization)):
        Site.objects.create(organization_id=organization.pk, code=unique("s"), name="x", country="DE", zone="UTC")


def test_what_a_rolled_back_transaction_prepared_is_still_there() -> None:
    sql = Kept("select %s::int + 3")
    for _ in range(AFTER):
        with transaction.atomic():
            asked(sql, 1)
            transaction.set_rollback(True)
    assert asked(sql, 4) == [(7,)]


def test_within_an_act_a_question_is_answered_once_until_something_is_written() -> None:
    organization = make_organization()
    site = make_site(organization)
    with acting(operator(organization), "personas.site_added"):
        (before,) = _sites(ids=(site.pk,))
        before.name = "Only in memory"
        (again,) = _sites(ids=(site.pk,))
        assert (again.name, again is before) == (site.name, False)
        Site.unwalled.filter(pk=site.pk).update(name="Written")
        (after,) = _sites(ids=(site.pk,))
        assert after.name == "Written"


@pytest.mark.parametrize(
    "waits",
    [
        "select pg_advisory_xact_lock(4711)",
        "SELECT id FROM personas_organization LIMIT 1 FOR UPDATE",
        "SELECT id FROM personas_organization LIMIT 1 FOR NO KEY UPDATE",
    ],
)
def test_who_waited_for_a_lock_asks_again(waits: str) -> None:
    """Others may have committed meanwhile: a stop and the use of a lot meet at such a lock."""
    organization = make_organization()
    site = make_site(organization)
    with acting(operator(organization), "personas.site_added"):
        _sites(ids=(site.pk,))
        asked(waits)
        with CaptureQueriesContext(connection) as queries:
            _sites(ids=(site.pk,))
        assert len(queries) == 1


def test_a_question_asked_again_within_an_act_is_no_statement(django_assert_num_queries: object) -> None:
    organization = make_organization()
    site = make_site(organization)
    with acting(operator(organization), "personas.site_added"):
        _sites(ids=(site.pk,))
        with django_assert_num_queries(0):  # type: ignore[operator]
            assert sites_of([site.pk]) == [site.pk]


def test_within_an_act_reads_by_key_are_prepared_and_see_what_was_written() -> None:
    organization = make_organization()
    site = make_site(organization)
    rows = Site.unwalled.filter(organization_id=organization.pk, code__in=[site.code, "none"])
    with acting(operator(organization), "personas.site_added"):
        for number in range(AFTER + 2):
            Site.unwalled.filter(pk=site.pk).update(name=f"Name {number}")
            assert rows.get().name == f"Name {number}"
            assert rows.select_for_update().get().name == f"Name {number}"
    kept = [text for text in prepared_now() if 'FROM "personas_site"' in text]
    assert sorted("FOR UPDATE" in text for text in kept) == [False, True]


@pytest.mark.parametrize(
    "asking",
    [
        lambda rows: rows.filter(name__startswith="S"),
        lambda rows: rows.annotate(said=Value("x")),
        lambda rows: rows.filter(code__in=["a", "b", "c", "d", "e"]),
    ],
)
def test_a_read_whose_parameters_are_more_than_compared_stays_as_it_is(asking: Callable[[Any], Any]) -> None:
    organization = make_organization()
    make_site(organization)
    with acting(operator(organization), "personas.site_added"):
        for _ in range(AFTER + 2):
            list(asking(Site.unwalled.filter(organization_id=organization.pk)))
            list(Site.unwalled.filter(name="S"))  # no key: a plan of its own values may be a better one
    assert not [text for text in prepared_now() if 'FROM "personas_site"' in text]


def test_outside_an_act_the_reads_of_pages_are_not_kept() -> None:
    organization = make_organization()
    site = make_site(organization)
    for _ in range(AFTER + 2):
        with reading(operator(organization)):
            assert Site.unwalled.get(pk=site.pk) == site
    assert not [text for text in prepared_now() if 'FROM "personas_site"' in text]


def test_beyond_the_most_the_one_not_used_for_longest_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "MOST", 2)
    first, second, third = (Kept(f"select %s::int + {number}") for number in (11, 12, 13))
    for sql in (first, second, first, second, first, third, third):
        asked(sql, 1)
    kept = {text[-2:] for text in prepared_now() if "::int + 1" in text}
    assert kept == {"11", "13"}
    assert [asked(sql, 1) for sql in (first, second, third, second)] == [[(12,)], [(13,)], [(14,)], [(13,)]]


def test_ids_are_read_as_ids_and_nothing_as_none() -> None:
    key = new_id()
    assert asked("select %s::uuid, null::uuid, %s::uuid[]", key, [key, None]) == [(key, None, [key, None])]


@override_settings(PREPARED_STATEMENTS=False)
def test_nothing_is_prepared_behind_a_pooler_of_transactions() -> None:
    for number in range(AFTER + 2):
        assert asked(Kept("select %s::int + 4"), number) == [(number + 4,)]
    assert not [text for text in prepared_now() if "+ 4" in text]


def test_a_lost_statement_switches_preparing_off(monkeypatch: pytest.MonkeyPatch, caplog: object) -> None:
    monkeypatch.setattr(statements, "_switch", statements._Switch())
    sql = Kept("select %s::int + 5")
    for _ in range(AFTER + 1):
        asked(sql, 1)
    asked("deallocate all; select 1")  # another server connection, as a pooler would give
    with pytest.raises(DatabaseError), transaction.atomic():
        asked(sql, 1)
    assert not statements.wanted()
    assert asked(sql, 1) == [(6,)]
    assert "CGT_PREPARED_STATEMENTS=0" in caplog.text  # type: ignore[attr-defined]
