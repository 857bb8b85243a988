"""Databases for tests: a template migrated as the owner, cloned for each process and used as `cgt_app`.

TRUNCATE is refused by the record's triggers, so tests never flush: a wrapping transaction rolls back, or the test makes
its own organizations in its own clone.
"""

import contextlib
import os
import subprocess
import sys

from cgt.launcher.locks import only_one
from cgt.launcher.messages import LauncherError
from cgt.launcher.paths import ROOT, VAR, checkout_id
from cgt.launcher.roles import DEMO_MARK, connected, drop_database, make_database
from cgt.launcher.schema import schema_digest
from cgt.launcher.stack import Stack

LOCK = VAR / "test-databases.lock"


def own_name(worker: str) -> str:
    """The database name of this process."""
    return f"cgt_test_{checkout_id()}_{os.getpid()}_{worker}"


def make_own(stack: Stack, name: str) -> None:
    """Clone this process's database; build the template first when the schema's sources have changed."""
    template = f"cgt_tpl_{checkout_id()}_{schema_digest()}"
    with only_one(LOCK):
        known = _names(stack)
        if template not in known:
            _build(stack, template)
        for stale in known - {template}:
            if _is_stale(stale):
                drop_database(stack.server, stale)
        make_database(stack.server, name, DEMO_MARK, template)


def _build(stack: Stack, template: str) -> None:
    draft = f"{template}_draft"
    drop_database(stack.server, draft)
    make_database(stack.server, draft, DEMO_MARK)
    command = [sys.executable, str(ROOT / "manage.py"), "migrate", "--verbosity", "0"]
    environment = os.environ | stack.environment("owner", draft)
    answer = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if answer.returncode:
        raise LauncherError(f"The test database could not be migrated:\n{(answer.stderr or answer.stdout)[-3000:]}")
    with connected(stack.server.url("owner", "postgres")) as cursor:
        cursor.execute(f'ALTER DATABASE "{draft}" RENAME TO "{template}"')


def _names(stack: Stack) -> set[str]:
    """Databases of this checkout's tests."""
    with connected(stack.server.url("owner", "postgres")) as cursor:
        cursor.execute("select datname from pg_database where datname ~ %s", [f"^cgt_(tpl|test)_{checkout_id()}_"])
        return {row[0] for row in cursor.fetchall()}


def _is_stale(name: str) -> bool:
    """An older template, or a clone whose process is gone."""
    if name.startswith("cgt_tpl_"):
        return True
    with contextlib.suppress(ProcessLookupError, ValueError):
        os.kill(int(name.split("_")[3]), 0)
        return False
    return True
