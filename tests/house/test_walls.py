"""The walls, kept: every table declares one, the database enforces what is declared, every event kind is complete."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from django.apps import apps
from django.db import connection, models

from ledger import installation
from ledger.events import EventKind, registered
from ledger.models import WalledModel
from ledger.states import Erasure, Role
from ledger.walls import Outside, Wall

OURS = {"ledger", "personas", "network", "notifications", "custody", "scheduling", "quality", "orders"}

# Tables that are not ours, or that Django and guardian shape, without a wall: why that is right. A stale line fails.
WITHOUT_A_WALL = {
    "admin": "Django's own log of its admin; the admin is not mounted",
    "auth": "groups and permissions: names of capabilities only",
    "contenttypes": "names of models only",
    "sessions": "needed before anybody acts; keys are random, content is signed",
    "guardian": "unused generic tables; ours have direct foreign keys",
    "account": "allauth's addresses, needed at sign-in",
    "mfa": "second factors, needed at sign-in",
    "axes": "failed sign-ins, needed before anybody acts",
    "personas.User": "needed before anybody acts: sign-in finds the account",
    "personas.User_groups": "Django's own; empty, personas have the groups",
    "personas.User_user_permissions": "Django's own; empty, personas have the rights",
    "personas.OrganizationGroupPermission": "capabilities of persona groups; read to resolve who acts",
    "personas.OrganizationUserPermission": "guardian wants the pair; stays empty",
}


def all_models() -> list[type[models.Model]]:
    return list(apps.get_models(include_auto_created=True))


def history_models() -> set[type[models.Model]]:
    found = (installation.history_model(model) for model in installation.walled_models())
    return {history for history in found if history is not None}


def excuse(model: type[models.Model]) -> str | None:
    """The line that excuses a model: its label, or its app's."""
    for name in (model._meta.label, model._meta.app_label):
        if name in WITHOUT_A_WALL:
            return name
    return None


def test_every_table_has_a_wall_or_an_excuse() -> None:
    walled = {*installation.walled_models(), *history_models()}
    naked = [model._meta.label for model in all_models() if model not in walled and excuse(model) is None]
    assert naked == []


def test_no_excuse_is_stale() -> None:
    walled = {*installation.walled_models(), *history_models()}
    used = {excuse(model) for model in all_models() if model not in walled}
    assert sorted(set(WITHOUT_A_WALL) - used) == []
    assert not OURS & set(WITHOUT_A_WALL)


@pytest.mark.parametrize("model", installation.walled_models(), ids=lambda model: model._meta.label)
def test_each_wall_is_declared_with_a_reason_where_there_is_none(model: type[WalledModel]) -> None:
    assert isinstance(model.wall, Wall)
    if isinstance(model.wall, Outside):
        assert len(model.wall.reason) > 20
    assert model._meta.base_manager_name == model._meta.default_manager_name == "unwalled"
    for column in model.untracked_columns:
        assert column in {field.column for field in model._meta.concrete_fields}
    assert not (model.append_only and model.deletable)


def guarded_tables() -> Iterator[tuple[str, Wall]]:
    for model in installation.walled_models():
        yield model._meta.db_table, model.wall
        history = installation.history_model(model)
        if history is not None:
            yield history._meta.db_table, model.wall.for_history()


@pytest.mark.django_db
def test_row_security_is_forced_on_every_walled_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select c.relname, c.relrowsecurity and c.relforcerowsecurity, count(p.polname)"
            " from pg_class c left join pg_policy p on p.polrelid = c.oid"
            " where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace group by 1, 2"
        )
        found = {table: (forced, policies) for table, forced, policies in cursor.fetchall()}
    for table, wall in guarded_tables():
        forced, policies = found[table]
        if isinstance(wall, Outside):
            assert (table, forced, policies) == (table, False, 0)
        else:
            assert (table, forced) == (table, True)
            assert policies >= 2, table


def described(cursor: Any) -> dict[str, list[tuple[Any, ...]]]:
    """What guards the tables: policies, triggers, trigger functions, rights."""
    questions = {
        "policies": "select tablename, policyname, cmd, permissive, roles::text, qual, with_check from pg_policies",
        "triggers": "select tgrelid::regclass::text, tgname, tgenabled, pg_get_triggerdef(oid) from pg_trigger"
        " where not tgisinternal",
        "functions": "select proname, prosrc, prosecdef, proconfig::text from pg_proc"
        " where pronamespace = 'public'::regnamespace and (proname like 'track\\_%' or proname like 'ledger\\_%')",
        "rights": "select table_name, grantee, privilege_type from information_schema.table_privileges"
        " where table_schema = 'public' and grantee like 'cgt\\_%' and grantee <> 'cgt_owner'",
        "row_security": "select oid::regclass::text, relrowsecurity, relforcerowsecurity from pg_class"
        " where relkind = 'r' and relnamespace = 'public'::regnamespace",
    }
    answers = {}
    for name, question in questions.items():
        cursor.execute(question)
        answers[name] = sorted(cursor.fetchall(), key=str)
    return answers


def test_the_database_guards_exactly_what_is_declared(committed_db: None, owner_url: str) -> None:
    """Installing the declarations again, in a transaction that is rolled back, changes nothing."""
    connection.close()
    owner = psycopg2.connect(owner_url)
    try:
        with owner.cursor() as cursor:
            cursor.execute("select rolname from pg_roles where rolname like 'cgt\\_%'")
            roles = {name for (name,) in cursor.fetchall()}
            before = described(cursor)
            for statement in installation.statements(roles):
                cursor.execute(statement)
            after = described(cursor)
    finally:
        owner.rollback()
        owner.close()
    for name in before:
        assert before[name] == after[name], name
    declared = {table for table, wall in guarded_tables() if not isinstance(wall, Outside)}
    assert {row[0] for row in before["policies"]} == declared


@pytest.mark.django_db
def test_the_running_role_passes_no_wall() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select rolname, rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = current_user"
        )
        assert cursor.fetchone() == ("cgt_app", False, False, False)
        cursor.execute("select count(*) from pg_tables where schemaname = 'public' and tableowner = current_user")
        assert cursor.fetchone() == (0,)
        cursor.execute("select pg_has_role(current_user, 'cgt_owner', 'member')")
        assert cursor.fetchone() == (False,)


@pytest.mark.django_db
def test_definer_functions_are_pinned_to_the_schema() -> None:
    """A function that runs with its owner's rights must not be led astray by a search path."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select proname from pg_proc where prosecdef and pronamespace = 'public'::regnamespace"
            " and coalesce(array_to_string(proconfig, ','), '') not like '%search_path=%'"
        )
        assert cursor.fetchall() == []


def shipped_kinds() -> list[EventKind]:
    return [kind for name, kind in sorted(registered().items()) if not name.startswith("tests.")]


@pytest.mark.parametrize("kind", shipped_kinds(), ids=lambda kind: kind.name)
def test_each_event_kind_is_complete(kind: EventKind) -> None:
    app, _, name = kind.name.partition(".")
    assert app in OURS | {"cgt"}
    assert name.replace("_", "").islower()
    assert kind.label.strip()
    assert kind.label[0].isupper()
    assert isinstance(kind.erasure, Erasure)
    assert set(kind.audience) <= set(Role)
    assert set(kind.text_for) <= {str(role) for role in Role}
    for text in (kind.text, *kind.text_for.values()):
        assert text.strip().endswith((".", "}", "!")), text
        placeholders = {name for _, name, _, _ in string.Formatter().parse(text) if name}
        assert placeholders <= set(kind.payload), f"{text!r} asks for what the payload does not hold"
    for key, meaning in kind.payload.items():
        assert key.isidentifier()
        assert meaning.strip(), f"{key} is not described"
    assert kind.say({}).strip()


@pytest.mark.django_db
def test_no_trigger_but_that_of_the_party_arrays_writes_where_a_nested_update_leaves_no_history() -> None:
    """Where some column is not tracked, what another trigger updates is not asked for its history."""
    quiet = [model._meta.db_table for model in installation.walled_models() if model.untracked_columns]
    with connection.cursor() as cursor:
        cursor.execute(
            "select p.proname, p.prosrc from pg_proc p"
            " where p.pronamespace = 'public'::regnamespace and p.prorettype = 'trigger'::regtype"
        )
        sources = dict(cursor.fetchall())
    assert "ledger_keep_party_arrays" in sources
    writing = {
        name
        for name, source in sources.items()
        for table in quiet
        if re.search(rf'\bupdate\s+(only\s+)?"?{table}\b', source, re.IGNORECASE)
    }
    assert writing == {"ledger_keep_party_arrays"}
