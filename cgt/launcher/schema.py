"""Whether a database is up to date, told from the sources that decide what a migrated database looks like."""

import hashlib
from collections.abc import Iterable

from cgt.launcher.messages import LauncherError
from cgt.launcher.paths import ROOT, VAR
from cgt.launcher.roles import Server, connected

SOURCES = (
    "requirements/dev.txt",
    "*/migrations/*.py",
    "*/models.py",
    "*/models/*.py",
    "*/apps.py",
    "ledger/**/*.py",
    "personas/*.py",
    "cgt/launcher/roles.py",
)
NOTE = VAR / "demo.migrated"


def schema_digest() -> str:
    """Ten hex digits over every such source; walls and triggers are generated from the models and the ledger."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in SOURCES for path in ROOT.glob(pattern)}):
        if path.relative_to(ROOT).parts[0] not in {".venv", "var"}:
            digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:10]


def is_migrated(server: Server, database: str) -> bool:
    """Whether this very database was migrated from today's sources."""
    return NOTE.exists() and NOTE.read_text() == _state(server, database)


def note_migrated(server: Server, database: str) -> None:
    """Remember it, so that the next start need not ask Django."""
    NOTE.write_text(_state(server, database))


def refuse_other_sources(server: Server, database: str) -> None:
    """Raise LauncherError for a database that was migrated by sources that are gone: no way leads here from it."""
    with connected(server.url("owner", database)) as cursor:
        cursor.execute("select to_regclass('public.django_migrations')")
        if cursor.fetchone() == (None,):
            return
        cursor.execute("select app, name from django_migrations order by 1, 2")
        gone = left_behind(cursor.fetchall())
    if gone:
        raise LauncherError(
            f"The database {database} was made by another version ({gone[0]} is gone). "
            "Discard it and load it anew: manage.py demo --fresh"
        )


def left_behind(recorded: Iterable[tuple[str, str]]) -> list[str]:
    """Return the recorded migrations of our apps, as ``app.name``, that no file makes any more."""
    ours = ((app, name, ROOT / app / "migrations") for app, name in recorded)
    return [f"{app}.{name}" for app, name, folder in ours if folder.is_dir() and not (folder / f"{name}.py").exists()]


def _state(server: Server, database: str) -> str:
    with connected(server.url("owner", database)) as cursor:
        cursor.execute(
            "select oid, (select system_identifier from pg_control_system()) from pg_database where datname = %s",
            [database],
        )
        return f"{schema_digest()} {cursor.fetchone()}"
