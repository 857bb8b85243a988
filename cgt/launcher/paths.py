"""Where the checkout keeps what it makes: below `.venv/` and `var/` (or the folder CGT_VAR names), nowhere else."""

import hashlib
import os
from pathlib import Path

from cgt.launcher.messages import LauncherError

ROOT = Path(__file__).resolve().parent.parent.parent
VENV = ROOT / ".venv"
VAR = Path(os.environ.get("CGT_VAR") or ROOT / "var").resolve()
LOGS = VAR / "log"
STATIC = VAR / "static"
DEV_LOCK = ROOT / "requirements" / "dev.txt"


def checkout_id() -> str:
    """Twelve hex digits that differ between two checkouts (more exactly: state folders) on one machine."""
    return hashlib.sha256(str(VAR).encode()).hexdigest()[:12]


def make_var() -> None:
    """Create `var/` and its plain folders; refuse when an earlier run by somebody else left them unwritable."""
    try:
        LOGS.mkdir(parents=True, exist_ok=True)
        STATIC.mkdir(exist_ok=True)
    except PermissionError as error:
        raise LauncherError(f"{VAR} cannot be made by this user ({error.strerror}).") from error
    if not os.access(VAR, os.W_OK):
        raise LauncherError(
            f"{VAR} belongs to another user: run as that user, or remove the folder to start from nothing."
        )


def write_private(path: Path, text: str) -> None:
    """Replace a file at once; only its owner can ever read it (mode 0600)."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
