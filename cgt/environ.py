"""Reads settings from environment variables (12-factor) and refuses, by name, what is missing or unreadable."""

import base64
import binascii
import os
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str | None = None) -> str:
    """A variable that must be set unless it has a default."""
    value = os.environ.get(name, "") or default
    if value is None:
        raise ImproperlyConfigured(f"The environment variable {name} must be set.")
    return value


def flag(name: str, *, default: bool = False) -> bool:
    """1/0, true/false, yes/no, on/off."""
    value = os.environ.get(name, "").strip().lower()
    if value in {"", "1", "true", "yes", "on", "0", "false", "no", "off"}:
        return default if value == "" else value in {"1", "true", "yes", "on"}
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def key_of_32_bytes(name: str) -> bytes:
    """A base64 key of exactly 32 bytes."""
    try:
        key = base64.b64decode(text(name), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImproperlyConfigured(f"{name} must be base64.") from error
    if len(key) != 32:
        raise ImproperlyConfigured(f"{name} must hold 32 bytes, not {len(key)}.")
    return key


def database(name: str, role: str) -> dict[str, Any]:
    """Django's connection settings from `postgresql://…`; time limits for all but the owner, who migrates."""
    parts = urlsplit(text(name))
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(f"{name} must look like postgresql://user:password@host:5432/database.")
    limits = {"lock_timeout": "5s"}
    if role != "owner":
        limits |= {"statement_timeout": "30s", "idle_in_transaction_session_timeout": "60s"}
    options: dict[str, Any] = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    given = options.pop("options", "")
    options["options"] = " ".join([*(f"-c {key}={value}" for key, value in limits.items()), given]).strip()
    return {
        "ENGINE": "ledger.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or 5432),
        "OPTIONS": options,
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
    }


def mail(name: str) -> dict[str, Any]:
    """Django's mail settings from `smtp://user:password@host:587?tls=1` (or `smtps://`); `console:` prints instead."""
    url = text(name, "console:")
    parts = urlsplit(url)
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ImproperlyConfigured(f"{name} must look like smtp://user:password@host:587?tls=1.")
    implicit = parts.scheme == "smtps"
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if implicit else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": implicit,
        "EMAIL_USE_TLS": parse_qs(parts.query).get("tls") == ["1"],
        "EMAIL_TIMEOUT": 20,
    }
