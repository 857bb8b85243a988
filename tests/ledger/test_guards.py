"""The database refuses, by every road: writing without an author, changing the record, reading as nobody."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from ledger import installation
from ledger.context import reading
from ledger.identifiers import new_id
from ledger.models import Event, OutboxMessage, Stream
from ledger.recording import acting
from ledger.walls import ReadThroughTheWall
from personas.models import Membership, Organization, Person, Site
from tests.factories import make_member, make_organization, make_site, operator, unique

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization(db: None) -> Organization:
    return make_organization()


def site_of(organization: Organization) -> Site:
    return Site(organization_id=organization.pk, code=unique("s"), name="F", country="DE", zone="UTC")


def refused(match: str) -> object:
    return pytest.raises(DatabaseError, match=match)


def test_nobody_reads_anything(organization: Organization) -> None:
    make_site(organization)
    for model in (Organization, Site, Stream, Event):
        assert not model.unwalled.exists()
    with transaction.atomic():
        assert not Site.unwalled.exists()
    with reading(operator(organization)):
        assert Site.unwalled.filter(organization_id=organization.pk).exists()


def test_objects_never_reads() -> None:
    with pytest.raises(ReadThroughTheWall):
        Site.objects.all()
    with pytest.raises(ReadThroughTheWall):
        Site.objects.filter(code="x")


def test_reading_never_writes(organization: Organization) -> None:
    for statement in (
        "insert into django_session values ('x', 'x', now())",
        "update ledger_outboxmessage set attempts = 1",
    ):
        with refused("read-only"), transaction.atomic(), reading(operator(organization)), connection.cursor() as cursor:
            cursor.execute(statement)


def test_after_reading_the_transaction_writes_again(organization: Organization) -> None:
    with reading(operator(organization)):
        pass
    OutboxMessage.objects.create(event_id=new_id(), organization_id=organization.pk)


class TestWithoutAnAuthor:
    """No open event: no road writes to a tracked table, inside the wall or outside it."""

    def test_save(self, organization: Organization) -> None:
        with refused("row-level security|no write without an author"), transaction.atomic():
            site_of(organization).save(force_insert=True)

    def test_bulk_create(self, organization: Organization) -> None:
        with refused("row-level security|no write without an author"), transaction.atomic():
            Site.objects.bulk_create([site_of(organization)])

    def test_tables_outside_the_wall_too(self, organization: Organization) -> None:
        member = make_member(organization, "administrator")
        with refused("no write without an author"), transaction.atomic():
            Person.objects.create(name="Nobody's")
        with refused("no write without an author"), transaction.atomic():
            Person.objects.bulk_create([Person(name="Nobody's")])
        with refused("no write without an author"), transaction.atomic():
            Membership.unwalled.filter(pk=member.pk).update(until=None, since="2020-01-01T00:00:00Z")
        with refused("no write without an author"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("update personas_membership set until = now() where id = %s", [member.pk])
        with refused("no write without an author"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("delete from personas_membership where id = %s", [member.pk])

    def test_update_sees_no_row(self, organization: Organization) -> None:
        site = make_site(organization)
        with transaction.atomic():
            assert Site.unwalled.filter(pk=site.pk).update(door="x") == 0

    def test_an_organization_named_by_hand_is_no_author(self, organization: Organization) -> None:
        site = make_site(organization)
        with refused("row-level security|no write without an author"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("select set_config('cgt.organization', %s, true)", [str(organization.pk)])
            Site.unwalled.filter(pk=site.pk).update(door="x")


class TestTheRecordIsAppendOnly:
    """The application's role has no right, and the triggers would refuse anyway."""

    @pytest.mark.parametrize(
        "table", ["ledger_event", "ledger_signature", "ledger_checkpoint", "personas_historicalsite"]
    )
    @pytest.mark.parametrize("statement", ["update {} set id = id", "delete from {}", "truncate {}"])
    def test_for_the_application(self, organization: Organization, table: str, statement: str) -> None:
        with (
            refused("permission denied"),
            acting(operator(organization), "personas.site_added"),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement.format(table))

    def test_history_is_not_written_by_hand(self, organization: Organization) -> None:
        with (
            refused("permission denied"),
            acting(operator(organization), "personas.site_added"),
            connection.cursor() as cursor,
        ):
            cursor.execute("insert into personas_historicalsite select * from personas_historicalsite")

    @pytest.mark.parametrize(
        "table", ["ledger_event", "ledger_signature", "ledger_checkpoint", "personas_historicalsite"]
    )
    @pytest.mark.parametrize("statement", ["truncate {} cascade"])
    def test_for_the_owner_too(self, committed_db: None, owner_url: str, table: str, statement: str) -> None:
        import psycopg2

        owner = psycopg2.connect(owner_url)
        with pytest.raises(psycopg2.Error, match="append-only"), owner, owner.cursor() as cursor:
            cursor.execute(statement.format(table))
        owner.close()

    def test_tracked_rows_are_never_truncated(self, committed_db: None, owner_url: str) -> None:
        import psycopg2

        owner = psycopg2.connect(owner_url)
        with pytest.raises(psycopg2.Error, match="append-only"), owner, owner.cursor() as cursor:
            cursor.execute("truncate personas_site cascade")
        owner.close()


class TestEveryRoadIsTracked:
    """With an open event each road leaves its history rows, stamped with that event."""

    def test_the_trigger_of_each_table_runs(self, committed_db: None, owner_url: str) -> None:
        """A statement that meets no row plans the whole function all the same: a name that clashes is found here."""
        import psycopg2

        tables = [one._meta.db_table for one in installation.walled_models() if installation.history_model(one)]
        owner = psycopg2.connect(owner_url)
        with owner, owner.cursor() as cursor:
            cursor.execute("select set_config('cgt.event', %s, true)", [str(new_id())])
            for table in tables:
                cursor.execute(f"insert into {table} (id) select id from {table} where false")  # noqa: S608
                cursor.execute(f"update {table} set id = id where false")  # noqa: S608
                cursor.execute(f"delete from {table} where false")  # noqa: S608
        owner.close()
        assert len(tables) > 50

    def test_save_update_bulk_and_raw(self, organization: Organization) -> None:
        actor = operator(organization)
        with acting(actor, "personas.site_added") as event:
            first, second = site_of(organization), site_of(organization)
            first.save(force_insert=True)
            Site.objects.bulk_create([second])
            Site.unwalled.filter(pk=first.pk).update(door="one")
            second.door = "two"
            Site.unwalled.bulk_update([second], ["door"])
            with connection.cursor() as cursor:
                cursor.execute("update personas_site set door = 'three' where id = %s", [first.pk])
        with reading(actor):
            rows = Site.history.filter(event_id=event.id).order_by("history_id")
            assert [(row.id == first.pk, row.history_type, row.door) for row in rows] == [
                (True, "+", ""),
                (False, "+", ""),
                (True, "~", "one"),
                (False, "~", "two"),
                (True, "~", "three"),
            ]

    def test_an_update_that_changes_nothing_leaves_nothing(self, organization: Organization) -> None:
        site = make_site(organization)
        with acting(operator(organization), "personas.site_added") as event:
            Site.unwalled.filter(pk=site.pk).update(door=site.door)
        with reading(operator(organization)):
            assert not Site.history.filter(event_id=event.id).exists()

    def test_another_organizations_row_is_not_changed(self, organization: Organization) -> None:
        other = make_organization()
        site = make_site(other)
        with acting(operator(organization), "personas.site_added"):
            assert Site.unwalled.filter(pk=site.pk).update(door="x") == 0
        with (
            refused("row-level security"),
            acting(operator(organization), "personas.site_added"),
        ):
            site_of(other).save(force_insert=True)
