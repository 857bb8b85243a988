"""Passwords and keys of this checkout: generated once, kept in `var/secrets.json`, readable by its owner only."""

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any

from cgt.launcher.messages import LauncherError
from cgt.launcher.paths import VAR, write_private

FILE = VAR / "secrets.json"
ROLES = ("owner", "app", "relay", "auditor")


def load_secrets() -> Mapping[str, Any]:
    """`{superuser, redis, secret_key, master_key, roles: {owner, app, relay, auditor}}`; made at the first call."""
    if not FILE.exists():
        write_private(FILE, json.dumps(_generate(), indent=1))
    try:
        return json.loads(FILE.read_text())
    except (ValueError, PermissionError) as error:
        raise LauncherError(f"{FILE} cannot be read ({error}). Remove var/ to start from nothing.") from error


def _generate() -> dict[str, Any]:
    return {
        "superuser": secrets.token_urlsafe(24),
        "redis": secrets.token_urlsafe(24),
        "secret_key": secrets.token_urlsafe(60),
        "master_key": base64.b64encode(secrets.token_bytes(32)).decode(),
        "roles": {role: secrets.token_urlsafe(24) for role in ROLES},
    }
