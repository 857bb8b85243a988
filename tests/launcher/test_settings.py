"""Production settings are strict, silent under `check --deploy`, and refuse what a demo may do."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from cgt import environ
from tests.conftest import STACK
from tests.launcher.isolated import ROOT
from tests.launcher.isolated import environment as person

PRODUCTION = {
    "CGT_LAUNCHER": "off",
    "CGT_ENV": "production",
    "SECRET_KEY": "k" * 20 + "0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "CGT_MASTER_KEY": base64.b64encode(bytes(range(32))).decode(),
    "DATABASE_URL": STACK.server.url("app"),
    "REDIS_URL": STACK.redis_url,
    "ALLOWED_HOSTS": "cgt.example.org",
    "CGT_BASE_URL": "https://cgt.example.org",
}


def check(tmp_path: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """`check --deploy` in the production environment; a variable set to '' is taken away."""
    variables = {name: value for name, value in (PRODUCTION | changes).items() if value}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "check", "--deploy", "--fail-level", "DEBUG"],
        cwd=ROOT,
        env=person(tmp_path, **variables),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_check_deploy_is_silent(tmp_path: Path) -> None:
    answer = check(tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "no issues" in answer.stdout


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"CGT_DEMO": "1"}, "CGT_DEMO"),
        ({"DEBUG": "1"}, "DEBUG"),
        ({"DEBUG": "perhaps"}, "DEBUG must be 1 or 0"),
        ({"CGT_ENV": "staging"}, "CGT_ENV"),
        ({"SECRET_KEY": ""}, "SECRET_KEY must be set"),
        ({"CGT_MASTER_KEY": ""}, "CGT_MASTER_KEY must be set"),
        ({"CGT_MASTER_KEY": "c2hvcnQ="}, "must hold 32 bytes"),
        ({"REDIS_URL": ""}, "REDIS_URL must be set"),
        ({"DATABASE_URL": "sqlite:///x"}, "DATABASE_URL must look like"),
        ({"EMAIL_URL": "https://mail"}, "EMAIL_URL must look like"),
    ],
)
def test_what_production_refuses(tmp_path: Path, changes: dict[str, str], complaint: str) -> None:
    answer = check(tmp_path, **changes)
    assert answer.returncode != 0
    assert complaint in answer.stderr


def test_a_forgotten_environment_name_is_production(tmp_path: Path) -> None:
    assert "CGT_DEMO" in check(tmp_path, CGT_ENV="", CGT_DEMO="1").stderr


def test_an_image_has_no_launcher(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "demo"],
        env=person(tmp_path, **PRODUCTION),
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 2
    assert "needs a checkout" in answer.stderr


def test_time_limits_by_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_URL", "postgresql://me:p%40ss@db:6000/name?sslmode=require")
    app, owner = environ.database("SOME_URL", "app"), environ.database("SOME_URL", "owner")
    assert (app["PASSWORD"], app["PORT"], app["OPTIONS"]["sslmode"]) == ("p@ss", "6000", "require")
    assert "statement_timeout=30s" in app["OPTIONS"]["options"]
    assert "idle_in_transaction_session_timeout=60s" in app["OPTIONS"]["options"]
    assert owner["OPTIONS"]["options"] == "-c lock_timeout=5s"
    assert app["ATOMIC_REQUESTS"] is False


def test_mail_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL", "smtp://me:p%3Ass@mail.example:587?tls=1")
    mail = environ.mail("MAIL")
    assert (mail["EMAIL_HOST"], mail["EMAIL_PORT"], mail["EMAIL_HOST_PASSWORD"]) == ("mail.example", 587, "p:ss")
    assert mail["EMAIL_USE_TLS"]
    assert not mail["EMAIL_USE_SSL"]
    monkeypatch.setenv("MAIL", "ftp://x")
    with pytest.raises(ImproperlyConfigured):
        environ.mail("MAIL")


def test_this_test_process_is_in_the_test_environment() -> None:
    from django.conf import settings

    assert settings.ENVIRONMENT == "test"
    assert not settings.DEMO
    assert os.environ["CGT_NAMESPACE"] == settings.NAMESPACE
    assert settings.DATABASES["default"]["USER"] == "cgt_app"
