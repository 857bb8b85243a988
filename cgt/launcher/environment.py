"""The virtual environment: made from the hashed lock, repaired when half-finished, entered by re-executing.

Standard library only.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from cgt.launcher.locks import only_one
from cgt.launcher.messages import LauncherError, say, stage
from cgt.launcher.paths import DEV_LOCK, LOGS, ROOT, VAR, VENV, make_var

MARKER = VENV / "installed-from.sha256"
PYTHON = VENV / "bin" / "python"


def inside() -> bool:
    """Whether this interpreter is the checkout's own environment."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def ready() -> bool:
    """Whether the environment exists and was installed to the end from today's lock file."""
    return PYTHON.exists() and MARKER.exists() and MARKER.read_text().strip() == _lock_digest()


def enter(argv: list[str]) -> None:
    """Continue the same command in the environment; make or mend it first. Returns only when already inside."""
    if not ready():
        make_var()
        with only_one(VAR / "environment.lock"):
            if not ready():
                _make()
    elif inside():
        return
    sys.stdout.flush()
    os.execv(PYTHON, [str(PYTHON), str(ROOT / "manage.py"), *argv[1:]])


def _lock_digest() -> str:
    return hashlib.sha256(DEV_LOCK.read_bytes()).hexdigest()


def _make() -> None:
    say(f"Making the environment in {VENV.relative_to(ROOT)}/ (once; later runs start in seconds)")
    MARKER.unlink(missing_ok=True)
    if VENV.exists() and not _works():
        shutil.rmtree(VENV)
    uv = shutil.which("uv")
    if not VENV.exists():
        with stage("virtual environment"):
            _create(uv)
    with stage("packages from requirements/dev.txt, checked by hash"):
        _install(uv)
    MARKER.write_text(_lock_digest() + "\n")


def _works() -> bool:
    if not PYTHON.exists():
        return False
    try:
        answer = subprocess.run([PYTHON, "-c", "import sys; print(sys.version_info >= (3, 11))"], capture_output=True)
    except OSError:
        return False
    return answer.stdout.strip() == b"True"


def _create(uv: str | None) -> None:
    if uv:
        _run([uv, "venv", "--quiet", "--no-config", "--python", sys.executable, str(VENV)])
    elif importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        _run([sys.executable, "-m", "venv", str(VENV)])
    elif importlib.util.find_spec("virtualenv"):
        _run([sys.executable, "-m", "virtualenv", "--quiet", str(VENV)])
    elif importlib.util.find_spec("pip") and importlib.util.find_spec("venv"):
        _run([sys.executable, "-m", "venv", "--without-pip", str(VENV)])
    else:
        raise LauncherError(
            "This Python can make no virtual environment: it has neither ensurepip nor pip.\n"
            "Install it (Debian, Ubuntu: apt install python3-venv), or put `uv` on the PATH, and start again.",
            code=2,
        )


def _install(uv: str | None) -> None:
    lock = str(DEV_LOCK)
    if uv:
        _run([uv, "pip", "install", "--quiet", "--python", str(PYTHON), "--require-hashes", "--no-deps", "-r", lock])
        return
    pip = [str(PYTHON), "-m", "pip"]
    if not _has_pip():
        pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    quick = ["--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:", "--no-compile"]
    _run([*pip, "install", *quick, "--disable-pip-version-check", "--no-input", "-r", lock])


def _has_pip() -> bool:
    return subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True).returncode == 0


def _run(command: list[str]) -> None:
    """Run a tool; on failure show the last of what it said and where the rest is."""
    log = LOGS / "environment.log"
    with log.open("a") as file:
        file.write(f"\n$ {' '.join(command)}\n")
        file.flush()
        try:
            code = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, cwd=ROOT).returncode
        except OSError as error:
            raise LauncherError(f"{command[0]} could not be started: {error.strerror}") from error
    if code:
        raise LauncherError(_explain(log), code=2)


def _explain(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.lstrip().lower().startswith(("error", "×", "╰", "│"))][-4:] or lines[-4:]
    text = "\n".join(errors)
    hint = "The step above failed; correct it and start again, what is complete is kept."
    if "No matching distribution" in text or "no wheels" in text or "has no usable wheels" in text:
        hint = (
            "A package has no ready-built wheel for this machine "
            f"({sys.platform}, {os.uname().machine}, Python {sys.version_info[0]}.{sys.version_info[1]}), "
            "or the package index cannot be reached.\nTried and supported: Linux x86_64, Python 3.11 to 3.13. "
            "Elsewhere use docker compose."
        )
    return f"{text}\n{hint}\nEverything that was said: {log}"
