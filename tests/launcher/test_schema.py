"""Whether a database is one that today's sources can work with."""

from collections.abc import Iterator

import pytest

from cgt.launcher.messages import LauncherError
from cgt.launcher.roles import DEMO_MARK, connected, drop_database, make_database
from cgt.launcher.schema import left_behind, refuse_other_sources
from cgt.launcher.throwaway import own_name
from tests.conftest import STACK

RECORDED = [("auth", "0001_initial"), ("orders", "0001_initial"), ("orders", "0099_of_another_version")]


@pytest.fixture
def bare_database() -> Iterator[str]:
    name = own_name("bare")
    make_database(STACK.server, name, DEMO_MARK)
    yield name
    drop_database(STACK.server, name)


def test_only_our_own_migrations_can_be_left_behind() -> None:
    assert left_behind(RECORDED[:2]) == []
    assert left_behind(RECORDED) == ["orders.0099_of_another_version"]


def test_a_database_of_another_version_is_refused_with_what_to_do(bare_database: str) -> None:
    refuse_other_sources(STACK.server, bare_database)  # nothing was migrated yet
    with connected(STACK.server.url("owner", bare_database)) as cursor:
        cursor.execute("create table django_migrations (app text, name text)")
        cursor.executemany("insert into django_migrations values (%s, %s)", RECORDED[:2])
    refuse_other_sources(STACK.server, bare_database)
    with connected(STACK.server.url("owner", bare_database)) as cursor:
        cursor.execute("insert into django_migrations values (%s, %s)", RECORDED[2])
    with pytest.raises(LauncherError, match="--fresh"):
        refuse_other_sources(STACK.server, bare_database)
