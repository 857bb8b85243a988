"""Runs manage.py as a person would: in a process of its own, with a state folder of its own."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = (
    "CGT_",
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "DJANGO_SETTINGS_MODULE",
    "DJANGO_ALLOW_ASYNC_UNSAFE",
    "EMAIL_URL",
    "PYTEST_",
)


def environment(var: Path, **extra: str) -> dict[str, str]:
    """The person's environment: none of the variables under which this test process itself works."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return plain | {"CGT_VAR": str(var)} | extra


def manage(var: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        cwd=ROOT,
        env=environment(var, **extra),
        capture_output=True,
        text=True,
        timeout=180,
    )


def forget(var: Path) -> None:
    """Remove what root's servers kept outside the state folder."""
    name = hashlib.sha256(str(var).encode()).hexdigest()[:12]
    shutil.rmtree(f"/var/tmp/cgt-{name}", ignore_errors=True)  # noqa: S108  (the launcher's own choice)


def assert_refused(answer: subprocess.CompletedProcess[str], *words: str, code: int) -> None:
    """One clear message, no traceback, the agreed status."""
    said = answer.stdout + answer.stderr
    assert "Traceback" not in said
    assert answer.returncode == code, said
    for word in words:
        assert word in said
