"""Rows written by statements made once, and statements of an act that wait for the next: what is read, refused, undone.

Each statement is met often enough before that it is prepared: only such a one waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from ledger.bulk import update_each
from ledger.context import reading
from ledger.inserts import insert
from ledger.models import Event
from ledger.postgresql.statements import AFTER
from ledger.recording import acting
from personas.models import Organization, Site
from tests.factories import make_organization, operator, unique

pytestmark = pytest.mark.django_db


class Undone(Exception):
    pass


@pytest.fixture
def organization() -> Iterator[Organization]:
    """An organization for which sites were inserted often enough, one by one and in pairs."""
    made = make_organization()
    with acting(operator(made), "personas.site_added"):
        for _ in range(AFTER):
            insert([site(made)])
            insert([site(made), site(made)])
            update_each([site(made), site(made)], ["name"])
    yield made
    connection.unsent.clear()  # type: ignore[attr-defined]


def site(organization: Organization, **values: object) -> Site:
    return Site(
        **{"organization_id": organization.pk, "code": unique("s"), "name": "x", "country": "DE", "zone": "UTC"}
        | values
    )


def waiting() -> int:
    return len(connection.unsent)  # type: ignore[attr-defined]


def names(*sites: Site) -> list[str]:
    return sorted(Site.unwalled.filter(pk__in=[one.pk for one in sites]).values_list("name", flat=True))


def test_a_write_waits_and_every_later_read_sees_it(organization: Organization) -> None:
    one = site(organization, name="Ward 100 %s %")
    with acting(operator(organization), "personas.site_added"):
        insert([one])
        assert waiting() == 1
        assert names(one) == ["Ward 100 %s %"]
        assert waiting() == 0
        one.name = "Renamed"
        update_each([one, site(organization)], ["name"])
        assert (waiting(), names(one)) == (1, ["Renamed"])
    assert not one._state.adding


def test_what_waits_is_written_with_the_commit(organization: Organization) -> None:
    pair = [site(organization, name="A"), site(organization, name="B")]
    with acting(operator(organization), "personas.site_added"):
        insert(pair)
    assert waiting() == 0
    with reading(operator(organization)):
        assert names(*pair) == ["A", "B"]


def test_whoever_looks_at_statements_sees_each(organization: Organization) -> None:
    with acting(operator(organization), "personas.site_added"), CaptureQueriesContext(connection) as seen:
        insert([site(organization)])
        assert (waiting(), len(seen)) == (0, 1)


def test_a_constraint_is_told_where_its_savepoint_ends(organization: Organization) -> None:
    taken = site(organization)
    with acting(operator(organization), "personas.site_added"):
        insert([taken])
        with pytest.raises(IntegrityError), transaction.atomic():
            insert([site(organization, code=taken.code)])
        kept = site(organization, name="After it")
        insert([kept])
        assert names(taken, kept) == ["After it", "x"]


def test_a_constraint_met_at_the_end_leaves_nothing_of_the_act(organization: Organization) -> None:
    taken, before = site(organization), Event.unwalled.filter(stream_id=organization.pk).count
    with reading(operator(organization)):
        events = before()
    with pytest.raises(IntegrityError), transaction.atomic(), acting(operator(organization), "personas.site_added"):
        insert([taken])
        insert([site(organization, code=taken.code)])
    with reading(operator(organization)):
        assert (names(taken), before()) == ([], events)


@pytest.mark.parametrize("heard", [False, True])
def test_undone_to_a_savepoint_only_what_came_after_it_is_gone(organization: Organization, heard: bool) -> None:
    """``heard``: the server was asked something inside, so it knows of the savepoint."""
    first, inside, last = (site(organization, name=name) for name in ("first", "inside", "last"))
    with acting(operator(organization), "personas.site_added"):
        insert([first])
        with pytest.raises(Undone), transaction.atomic():
            insert([inside])
            if heard:
                assert names(first, inside) == ["first", "inside"]
                insert([site(organization)])
            raise Undone
        insert([last])
        assert names(first, inside, last) == ["first", "last"]


def test_a_savepoint_in_which_nothing_is_asked_costs_nothing(organization: Organization) -> None:
    with acting(operator(organization), "personas.site_added"):
        with transaction.atomic():
            pass
        with pytest.raises(Undone), transaction.atomic():
            raise Undone
        assert waiting() == 0


def test_savepoints_within_each_other(organization: Organization) -> None:
    outer, inner, other = (site(organization, name=name) for name in ("outer", "inner", "other"))
    with acting(operator(organization), "personas.site_added"):
        with transaction.atomic():
            insert([outer])
            with pytest.raises(Undone), transaction.atomic():
                insert([inner])
                raise Undone
            with transaction.atomic():
                insert([other])
        assert names(outer, inner, other) == ["other", "outer"]


def test_an_act_that_fails_leaves_nothing_waiting(organization: Organization) -> None:
    gone = site(organization)
    with pytest.raises(Undone), acting(operator(organization), "personas.site_added"):
        insert([gone])
        raise Undone
    assert waiting() == 0
    with reading(operator(organization)):
        assert names(gone) == []


def test_the_wall_refuses_what_waited(organization: Organization) -> None:
    stranger = make_organization()
    with pytest.raises(DatabaseError), transaction.atomic(), acting(operator(organization), "personas.site_added"):
        insert([site(stranger)])


def test_without_an_open_event_nothing_waits_and_nothing_is_written(organization: Organization) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        insert([site(organization)])


def test_a_text_that_is_too_long_is_refused_not_cut_off(organization: Organization) -> None:
    longest = Site._meta.get_field("zone").max_length
    pair = [site(organization), site(organization)]
    with acting(operator(organization), "personas.site_added"):
        insert(pair)
        pair[0].zone = "z" * (longest + 1)
        with pytest.raises(DatabaseError, match="too long"), transaction.atomic():
            update_each(pair, ["zone"])
        with pytest.raises(DatabaseError, match="too long"), transaction.atomic():
            insert([site(organization, zone="z" * (longest + 1)), site(organization)])


def test_saving_fields_of_a_row_that_is_not_mine_is_an_error(organization: Organization) -> None:
    stranger = make_organization()
    theirs = site(stranger)
    with acting(operator(stranger), "personas.site_added"):
        insert([theirs])
    theirs.name = "Mine now"
    with (
        acting(operator(organization), "personas.site_added"),
        pytest.raises(DatabaseError, match="did not affect any rows"),
        transaction.atomic(),
    ):
        theirs.save(update_fields=["name"])
    with reading(operator(stranger)):
        assert names(theirs) == ["x"]


def test_a_row_is_written_only_as_it_was_known(organization: Organization) -> None:
    one = site(organization, name="Old")
    with acting(operator(organization), "personas.site_added"):
        insert([one])
        (stale,) = Site.unwalled.filter(pk=one.pk)
        assert one.change_if({"name": "Old"}, name="New", zone="Europe/Berlin")
        assert not stale.change_if({"name": "Old"}, name="Mine", zone="Asia/Tokyo")
        (found,) = Site.unwalled.filter(pk=one.pk)
    assert (one.name, one.zone) == (found.name, found.zone) == ("New", "Europe/Berlin")
    assert (stale.name, stale.zone) == ("Old", "UTC")


def test_expressions_go_the_way_of_the_orm(organization: Organization) -> None:
    one = site(organization, name="Old")
    with acting(operator(organization), "personas.site_added"):
        insert([one])
        one.name = F("code")
        one.save(update_fields=["name"])
        assert names(one) == [one.code]


def test_a_row_read_is_the_row_written(organization: Organization) -> None:
    one = site(organization, name="Read again")
    with acting(operator(organization), "personas.site_added"):
        insert([one])
        (found,) = Site.unwalled.filter(pk=one.pk)
        (part,) = Site.unwalled.filter(pk=one.pk).only("name")
    values = {field.attname: getattr(found, field.attname) for field in Site._meta.concrete_fields}
    assert values == {field.attname: getattr(one, field.attname) for field in Site._meta.concrete_fields}
    assert (found == one, found._state.adding, found._state.db) == (True, False, "default")
    assert part.get_deferred_fields() >= {"code", "zone"}


def kept_of(sites: list[Site], kind: str) -> list[UUID]:
    rows = Site.history.filter(id__in=[one.pk for one in sites], history_type=kind)  # type: ignore[attr-defined]
    return sorted(rows.values_list("id", flat=True))


def test_each_row_of_a_statement_has_its_own_row_of_history(organization: Organization) -> None:
    several = [site(organization) for _ in range(3)]
    with acting(operator(organization), "personas.site_added"):
        insert(several)
        several[0].name, several[2].name = "changed", "changed too"
        update_each(several, ["name"])
        every = sorted(one.pk for one in several)
        changed = sorted([several[0].pk, several[2].pk])
        assert (kept_of(several, "+"), kept_of(several, "~")) == (every, changed)
