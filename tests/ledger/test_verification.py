"""`ledger verify` names what was tampered with: each way to change the record behind its back, on committed data."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ledger.auditor import CannotVerify
from ledger.context import Actor, reading
from ledger.faults import Fault
from ledger.models import Event
from ledger.recording import acting
from ledger.verification import Verification
from personas import signing
from personas.models import Organization, Site
from tests.factories import make_actor, make_organization, make_site, operator
from tests.ledger.conftest import Intruder

Find = Callable[..., list[Fault]]


class Record:
    """An organization's stream: founded, two sites, a person, one signed event without rows."""

    def __init__(self) -> None:
        self.organization: Organization = make_organization()
        self.stream = self.organization.pk
        self.site: Site = make_site(self.organization)
        self.other_site: Site = make_site(self.organization)
        self.person: Actor = make_actor(self.organization, "treating_physician")
        with acting(self.person, "personas.site_added", subject=("site", "signed")) as event:
            event.signatures.append(
                signing.sign(self.person, capability="prescribe", meaning="I agree", content_hash="0" * 64, zone="UTC")
            )

    def event(self, kind: str) -> Event:
        with reading(operator(self.organization)):
            found = Event.unwalled.filter(stream_id=self.stream, kind=kind).order_by("seq").first()
        assert found is not None
        return found

    def last(self) -> Event:
        with reading(operator(self.organization)):
            found = Event.unwalled.filter(stream_id=self.stream).order_by("seq").last()
        assert found is not None
        return found


@pytest.fixture
def record(committed_db: None) -> Record:
    return Record()


def only(faults: list[Fault], kind: str) -> Fault:
    found = [fault for fault in faults if fault.kind == kind]
    assert len(found) == 1, faults
    return found[0]


def test_what_was_written_is_intact(record: Record, auditor: str) -> None:
    run = Verification(using=auditor, stream_id=record.stream)
    assert list(run.faults()) == []
    assert run.streams == 1
    assert run.events == record.last().seq == 5
    assert run.rows > 10


def test_everything_is_intact(record: Record, find: Find) -> None:
    assert find() == []


def test_a_role_behind_the_walls_proves_nothing(record: Record) -> None:
    with pytest.raises(CannotVerify, match="cgt_app"):
        list(Verification(using="default").faults())


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("reason", "another reason"),
        ("person_name", "Somebody Else"),
        ("occurred_at", "2020-01-01T00:00:00Z"),
        ("payload", '{"site": "elsewhere"}'),
        ("audience", "{courier}"),
        ("synthetic", "false"),
        ("recorded_at", "2020-01-01T00:00:00Z"),
    ],
)
def test_a_changed_event_is_named_with_its_column(
    record: Record, find: Find, intruder: Intruder, column: str, value: str
) -> None:
    event = record.event("personas.site_added")
    with intruder.tampering(
        "ledger_event",
        f"id = '{event.pk}'",
        f"update ledger_event set {column} = %s where id = %s",
        value,
        str(event.pk),
    ):
        fault = only(find(record.stream), "event_changed")
    assert (fault.stream_id, fault.seq, fault.event_kind) == (str(record.stream), event.seq, "personas.site_added")
    assert fault.column == column


def test_a_changed_event_with_a_matching_new_hash_breaks_the_link_after_it(
    record: Record, find: Find, intruder: Intruder
) -> None:
    event = record.event("personas.site_added")
    rewrite = (
        'update ledger_event set reason = \'new\', canonical = replace(canonical, \'"reason":""\', \'"reason":"new"\'),'
        " hash = encode(sha256(convert_to(replace(canonical, '\"reason\":\"\"', '\"reason\":\"new\"'), 'UTF8')), 'hex')"
        " where id = %s"
    )
    with intruder.tampering("ledger_event", f"id = '{event.pk}'", rewrite, str(event.pk)):
        faults = find(record.stream)
    assert [(fault.kind, fault.seq) for fault in faults] == [("link_broken", event.seq + 1)]


def test_a_changed_text_is_named(record: Record, find: Find, intruder: Intruder) -> None:
    event = record.event("personas.site_added")
    for text in ('{"seq":2}', "no JSON"):
        with intruder.tampering(
            "ledger_event",
            f"id = '{event.pk}'",
            "update ledger_event set canonical = %s where id = %s",
            text,
            str(event.pk),
        ):
            assert only(find(record.stream), "hash_wrong").seq == event.seq


def test_a_missing_event_is_named(record: Record, find: Find, intruder: Intruder) -> None:
    """Event and history rows removed together, chain left with a hole."""
    event = record.event("personas.site_added")
    with intruder.tampering(
        "ledger_event", f"id = '{event.pk}'", "update ledger_event set seq = 500 where id = %s", str(event.pk)
    ):
        faults = find(record.stream)
    assert {fault.kind for fault in faults} >= {"event_missing", "event_changed", "head_wrong"}
    assert any(fault.kind == "event_missing" and fault.seq == event.seq + 1 for fault in faults)


def test_a_head_that_is_not_the_last_event_is_named(record: Record, find: Find, intruder: Intruder) -> None:
    with intruder.tampering(
        "ledger_stream",
        f"id = '{record.stream}'",
        "update ledger_stream set head_seq = head_seq + 1 where id = %s",
        str(record.stream),
    ):
        fault = only(find(record.stream), "head_wrong")
    assert fault.table == "ledger_stream"


def test_the_newest_event_cannot_vanish_alone(record: Record, find: Find, intruder: Intruder) -> None:
    with acting(record.person, "ledger.refused") as opened:
        opened.note(code="x")
    event = record.last()
    with intruder.tampering(
        "ledger_event", f"id = '{event.pk}'", "delete from ledger_event where id = %s", str(event.pk)
    ):
        fault = only(find(record.stream), "head_wrong")
    assert fault.seq == event.seq - 1


@pytest.mark.parametrize(
    ("column", "value"), [("meaning", "I reviewed"), ("person_name", "Forged"), ("content_hash", "f" * 64)]
)
def test_a_changed_signature_is_named(record: Record, find: Find, intruder: Intruder, column: str, value: str) -> None:
    event = record.last()
    with intruder.tampering(
        "ledger_signature",
        f"event_id = '{event.pk}'",
        f"update ledger_signature set {column} = %s where event_id = %s",
        value,
        str(event.pk),
    ):
        fault = only(find(record.stream), "signature_changed")
    assert (fault.seq, fault.table) == (event.seq, "ledger_signature")


def test_an_added_and_a_removed_signature_are_named(record: Record, find: Find, intruder: Intruder) -> None:
    event = record.last()
    copy = (
        "insert into ledger_signature select (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(),"
        " 'position', 1))).* from ledger_signature s where event_id = %s"
    )
    for statement in (copy, "delete from ledger_signature where event_id = %s"):
        with intruder.tampering("ledger_signature", f"event_id = '{event.pk}'", statement, str(event.pk)):
            assert only(find(record.stream), "signature_changed").seq == event.seq


def test_a_changed_history_column_is_named(record: Record, find: Find, intruder: Intruder) -> None:
    event = record.event("personas.site_added")
    with intruder.tampering(
        "personas_historicalsite",
        f"event_id = '{event.pk}'",
        "update personas_historicalsite set zone = 'Asia/Tokyo' where event_id = %s",
        str(event.pk),
    ):
        fault = only(find(record.stream), "history_columns")
    assert (fault.seq, fault.table, fault.row, fault.column) == (
        event.seq,
        "personas_site",
        str(record.site.pk),
        "zone",
    )


@pytest.mark.parametrize(
    "statement",
    [
        "update personas_historicalsite set row_text = replace(row_text, 'Berlin', 'Tokyo') where event_id = %s",
        "update personas_historicalsite set row_text = 'no JSON' where event_id = %s",
        "update personas_historicalsite set history_type = '~' where event_id = %s",
        "delete from personas_historicalsite where event_id = %s",
        "insert into personas_historicalsite select (jsonb_populate_record(h, jsonb_build_object('history_id',"
        " nextval('ledger_row_seq')))).* from personas_historicalsite h where event_id = %s",
    ],
)
def test_changed_removed_and_added_history_rows_are_named(
    record: Record, find: Find, intruder: Intruder, statement: str
) -> None:
    event = record.event("personas.site_added")
    with intruder.tampering("personas_historicalsite", f"event_id = '{event.pk}'", statement, str(event.pk)):
        fault = only(find(record.stream), "history_changed")
    assert (fault.seq, fault.event_kind) == (event.seq, "personas.site_added")


def test_a_history_row_moved_to_another_event_is_named_at_both(record: Record, find: Find, intruder: Intruder) -> None:
    event, elsewhere = record.event("personas.site_added"), record.event("personas.member_added")
    with intruder.tampering(
        "personas_historicalsite",
        f"id = '{record.site.pk}'",
        "update personas_historicalsite set event_id = %s where event_id = %s",
        str(elsewhere.pk),
        str(event.pk),
    ):
        faults = find(record.stream)
    assert {fault.seq for fault in faults if fault.kind == "history_changed"} == {event.seq, elsewhere.seq}


def test_a_history_row_without_an_event_is_named(
    record: Record, find: Find, intruder: Intruder, owner_url: str
) -> None:
    """The foreign key holds this; whoever drops it is found all the same."""
    with intruder.connection, intruder.connection.cursor() as cursor:
        cursor.execute(
            "select conname, pg_get_constraintdef(oid) from pg_constraint"
            " where conrelid = 'personas_historicalsite'::regclass and contype = 'f'"
        )
        ((name, definition),) = cursor.fetchall()
        cursor.execute(f"alter table personas_historicalsite drop constraint {name}")
    event = record.event("personas.site_added")
    with intruder.tampering(
        "personas_historicalsite",
        f"id = '{record.site.pk}'",
        "update personas_historicalsite set event_id = gen_random_uuid() where event_id = %s",
        str(event.pk),
    ):
        faults = find()
    with intruder.connection, intruder.connection.cursor() as cursor:
        cursor.execute(f"alter table personas_historicalsite add constraint {name} {definition}")
    orphan = only(faults, "history_orphaned")
    assert (orphan.table, orphan.row) == ("personas_site", str(record.site.pk))
    assert only(faults, "history_changed").seq == event.seq


def test_a_live_row_changed_behind_the_record_is_named(record: Record, find: Find, intruder: Intruder) -> None:
    with intruder.tampering(
        "personas_site",
        f"id = '{record.site.pk}'",
        "update personas_site set door = 'back door' where id = %s",
        str(record.site.pk),
    ):
        fault = only(find(record.stream), "row_changed")
    assert (fault.table, fault.row, fault.column) == ("personas_site", str(record.site.pk), "door")
    assert (fault.seq, fault.event_kind) == (record.event("personas.site_added").seq, "personas.site_added")


def test_a_live_row_that_vanished_is_named(record: Record, find: Find, intruder: Intruder) -> None:
    with intruder.tampering(
        "personas_site",
        f"id = '{record.site.pk}'",
        "delete from personas_site where id = %s",
        str(record.site.pk),
    ):
        fault = only(find(record.stream), "row_missing")
    assert (fault.table, fault.row) == ("personas_site", str(record.site.pk))


def test_a_live_row_that_nobody_wrote_is_named(record: Record, find: Find, intruder: Intruder) -> None:
    planted = (
        "insert into personas_site select (jsonb_populate_record(s, jsonb_build_object('id', gen_random_uuid(),"
        " 'code', 'planted'))).* from personas_site s where id = %s"
    )
    with intruder.tampering(
        "personas_site", f"organization_id = '{record.organization.pk}'", planted, str(record.site.pk)
    ):
        faults = find()
    assert only(faults, "row_unrecorded").table == "personas_site"


def test_a_party_planted_into_the_wall_is_named(record: Record, find: Find, intruder: Intruder) -> None:
    with intruder.tampering(
        "ledger_stream",
        f"id = '{record.stream}'",
        "update ledger_stream set party_ids = party_ids || gen_random_uuid() where id = %s",
        str(record.stream),
    ):
        assert only(find(record.stream), "parties_wrong").table == "ledger_stream"


def test_other_streams_stay_out_of_it(record: Record, find: Find, intruder: Intruder) -> None:
    other = Record()
    with intruder.tampering(
        "personas_site",
        f"id = '{other.site.pk}'",
        "update personas_site set door = 'x' where id = %s",
        str(other.site.pk),
    ):
        assert find(record.stream) == []
        assert only(find(other.stream), "row_changed").row == str(other.site.pk)


def test_the_command_says_what_is_wrong_and_fails(record: Record, auditor: str, intruder: Intruder) -> None:
    out = io.StringIO()
    call_command("ledger", "--database", auditor, "verify", "--stream", str(record.stream), stdout=out)
    assert out.getvalue().startswith("Intact: 1 streams, 5 events")
    event = record.event("personas.site_added")
    with intruder.tampering(
        "ledger_event", f"id = '{event.pk}'", "update ledger_event set reason = 'x' where id = %s", str(event.pk)
    ):
        said: dict[str, Any] = {}
        for arguments in ((), ("--json",)):
            out = io.StringIO()
            with pytest.raises(SystemExit) as left:
                call_command(
                    "ledger", "--database", auditor, "verify", "--stream", str(record.stream), *arguments, stdout=out
                )
            assert left.value.code == 1
            said[" ".join(arguments)] = out.getvalue()
    assert f"event_changed: stream {record.stream}, event {event.seq} (personas.site_added), column reason" in said[""]
    document = json.loads(said["--json"])
    assert document["intact"] is False
    assert document["faults"][0]["column"] == "reason"


def test_the_command_knows_no_such_order(record: Record, auditor: str) -> None:
    with pytest.raises(CommandError, match="no order"):
        call_command("ledger", "--database", auditor, "verify", "--order", "NO-SUCH-ORDER")
