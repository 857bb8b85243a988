"""The embedded stack for every test process: own database (cloned, used as `cgt_app`), own Redis prefix and queue.

`db` and `@pytest.mark.django_db` roll back. `committed_db` commits for real and never flushes: make your own
organizations. `live_site` serves the site over HTTP, `page` drives Chromium.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import django
import pytest

from cgt.launcher import throwaway
from cgt.launcher.paths import checkout_id
from cgt.launcher.roles import connected
from cgt.launcher.stack import open_stack

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
DATABASE = throwaway.own_name(WORKER)

os.environ["CGT_ENV"] = "test"
os.environ["CGT_NAMESPACE"] = f"cgt-test-{checkout_id()}-{os.getpid()}-{WORKER}"
os.environ["DJANGO_SETTINGS_MODULE"] = "cgt.settings"
STACK = open_stack()
os.environ.update(STACK.environment("app", DATABASE))
django.setup()

pytest_plugins = ["tests.browsing"]


def pytest_xdist_setupnodes() -> None:
    """A worker must not read the settings before this file has given it a database and a prefix of its own."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: object) -> Iterator[None]:
    """Replaces pytest-django's: this process's clone of the template, dropped at the end."""
    from django.core.cache import cache
    from django.db import connections

    from tests.own_keys import forget_own_keys

    throwaway.make_own(STACK, DATABASE)
    with connected(STACK.server.url("owner", DATABASE)) as cursor:  # nobody needs it after a crash
        cursor.execute(f'ALTER DATABASE "{DATABASE}" SET synchronous_commit = off')
    yield
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        connections.close_all()
        throwaway.drop_database(STACK.server, DATABASE)
        cache.close()
        forget_own_keys()


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: object) -> Iterator[None]:
    """The database without a wrapping transaction and without any cleaning up afterwards.

    Only what earlier tests left to be told counts as told: a relay takes up so many messages at once.
    """
    from django.db import connections
    from django.utils import timezone

    from ledger.models import OutboxMessage

    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        OutboxMessage.unwalled.filter(sent_at__isnull=True).update(sent_at=timezone.now())
        yield
        connections.close_all()


@pytest.fixture
def transactional_db() -> None:
    """Refused: it would flush, and the record's tables refuse TRUNCATE."""
    pytest.fail("Use committed_db: the record refuses TRUNCATE, so no test may flush.")


@pytest.fixture(scope="session")
def owner_url(django_db_setup: None) -> str:
    """Address of this process's database as `cgt_owner` (what only a migration may do)."""
    return STACK.server.url("owner", DATABASE)


@pytest.fixture(scope="session")
def auditor_url(django_db_setup: None) -> str:
    """Address of this process's database as `cgt_auditor` (reads everything)."""
    return STACK.server.url("auditor", DATABASE)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parent.parent
