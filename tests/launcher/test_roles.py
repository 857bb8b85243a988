"""The database roles: nobody is a superuser, and the run-time role passes no wall and owns nothing."""

import pytest
from django.db import connection

from cgt.launcher.roles import connected, drop_database, make_database, unhurried
from tests.conftest import DATABASE, STACK

pytestmark = pytest.mark.django_db


def test_tests_run_as_the_app_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select current_user")
        assert cursor.fetchone() == ("cgt_app",)


@pytest.mark.parametrize(
    ("role", "bypasses", "creates"),
    [("cgt_owner", False, True), ("cgt_app", False, False), ("cgt_relay", False, False), ("cgt_auditor", True, False)],
)
def test_role_attributes(role: str, bypasses: bool, creates: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select rolsuper, rolcreaterole, rolreplication, rolbypassrls, rolcreatedb "
            "from pg_roles where rolname = %s",
            [role],
        )
        assert cursor.fetchone() == (False, False, False, bypasses, creates)


@pytest.mark.parametrize("role", ["cgt_app", "cgt_relay", "cgt_auditor"])
def test_run_time_roles_own_nothing_and_belong_to_nobody(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_class where relowner = %s::regrole", [role])
        assert cursor.fetchone() == (0,)
        cursor.execute("select count(*) from pg_auth_members where member = %s::regrole", [role])
        assert cursor.fetchone() == (0,)


def test_the_auditor_writes_nothing_but_checkpoints(auditor_url: str) -> None:
    with connected(auditor_url) as cursor:
        cursor.execute(
            "select table_name, privilege_type from information_schema.role_table_grants "
            "where grantee = 'cgt_auditor' and privilege_type <> 'SELECT' and table_schema = 'public'"
        )
        assert set(cursor.fetchall()) <= {("ledger_checkpoint", "INSERT")}


def test_the_app_role_may_not_create_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select has_schema_privilege('cgt_app', 'public', 'CREATE')")
        assert cursor.fetchone() == (False,)


def test_commits_do_not_wait_for_the_disk_only_while_a_database_is_filled() -> None:
    name = f"{DATABASE}_filled"

    def waits() -> str:
        with connected(STACK.server.url("app", name)) as cursor:
            cursor.execute("select setting || ' ' || source from pg_settings where name = 'synchronous_commit'")
            return str(cursor.fetchone()[0])

    make_database(STACK.server, name, "to be filled")
    try:
        with pytest.raises(ZeroDivisionError), unhurried(STACK.server, name):
            assert waits() == "off database"
            raise ZeroDivisionError
        assert waits() == "on default"
    finally:
        drop_database(STACK.server, name)
