"""Production refuses all of it: no setting, no address, no word in a page, no module in the image."""

from __future__ import annotations

import fnmatch
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client
from django.urls import get_resolver

from tests.launcher.isolated import ROOT
from tests.launcher.isolated import environment as person
from tests.launcher.test_settings import PRODUCTION
from tests.orders.conftest import patient, text_of
from tests.orders.factories import World
from tests.personas.conftest import signed_in

ADDRESSES = ["sign-in", "advance", "tour/begin", "tour/end", "tour/list"]
ONLY_THERE = ["cgt/demo/fictional_time.py", "cgt/demo/seeding.py", "cgt/management/commands/seed_demo.py",
              "templates/demo/tray.html", "static/js/demo.js", "static/css/demo.css"]  # fmt: skip
IN_PRODUCTION = """
import django, sys
from django.utils import timezone
before = timezone.now
django.setup()
from django.conf import settings
from django.urls import get_resolver
get_resolver().url_patterns
assert timezone.now is before, "the clock was replaced"
assert not [name for name in sys.modules if name.startswith("cgt.demo")], "the demonstration was imported"
assert settings.SESSION_COOKIE_AGE == 12 * 60 * 60
assert not settings.DEMO and settings.DEMO_PASSWORD == ""
assert not [name for name in settings.TEMPLATES[0]["OPTIONS"]["context_processors"] if "demo" in name]
"""


def test_production_knows_nothing_of_it(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", IN_PRODUCTION],
        cwd=ROOT,
        env=person(tmp_path, **PRODUCTION, DJANGO_SETTINGS_MODULE="cgt.settings"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr


IN_A_DEMONSTRATION = """
import django
django.setup()
from django.conf import settings
from django.utils import timezone
from cgt.demo import fictional_time
assert timezone.now is fictional_time.now
assert settings.SESSION_COOKIE_AGE > 365 * 86400, "people would be signed out when days are skipped"
assert settings.TEMPLATES[0]["OPTIONS"]["context_processors"][-1] == "cgt.demo.pages.demonstration"
"""


def test_a_demonstration_has_the_clock_and_keeps_its_people_signed_in(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", IN_A_DEMONSTRATION],
        cwd=ROOT,
        env=person(tmp_path, **PRODUCTION | {"CGT_ENV": "demo"}, DJANGO_SETTINGS_MODULE="cgt.settings"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("path", ONLY_THERE)
def test_an_image_holds_none_of_it(checkout: Path, path: str) -> None:
    left_out = (checkout / ".dockerignore").read_text().split()
    assert (checkout / path).exists(), "this list names what is there"
    assert any(fnmatch.fnmatch(path, line) or path.startswith(f"{line}/") for line in left_out), path


def test_nothing_that_an_image_holds_needs_it(checkout: Path) -> None:
    """What imports the demonstration outside of it asks first whether this is one."""
    found = [
        path.relative_to(checkout).as_posix()
        for app in (
            "cgt",
            "orders",
            "quality",
            "custody",
            "scheduling",
            "notifications",
            "network",
            "personas",
            "ledger",
        )
        for path in (checkout / app).rglob("*.py")
        if "cgt.demo" in path.read_text() and "cgt/demo/" not in path.as_posix()
    ]
    assert sorted(found) == [
        "cgt/apps.py",
        "cgt/load/centers.py",
        "cgt/load/filling.py",
        "cgt/management/commands/seed_demo.py",
        "cgt/settings.py",
        "cgt/urls.py",
    ]
    for name in ("cgt/apps.py", "cgt/settings.py", "cgt/urls.py"):
        lines = (checkout / name).read_text().splitlines()
        for number, line in enumerate(lines):
            if "cgt.demo" in line:
                assert any("DEMO" in above for above in lines[max(0, number - 3) : number]), f"{name}: {line}"


@pytest.mark.django_db
@pytest.mark.parametrize("address", ADDRESSES)
def test_there_is_no_such_address(address: str) -> None:
    assert not [pattern for pattern in get_resolver().url_patterns if str(pattern.pattern).startswith("demo")]
    assert Client().post(f"/demo/{address}", {"username": "x"}).status_code == 404


def test_no_page_shows_a_tray_a_password_or_the_way_to_be_somebody_else(world: World) -> None:
    code, other = world.enrol(**patient()), world.enrol(**patient())
    client = signed_in(world.member("center", "coordinator", 2))
    pages = [text_of(Client().get("/accounts/login/"))]
    pages += [
        text_of(client.get(address)) for address in ("/", f"/orders/{code}/", f"/orders/{code}/steps/activate_coi/")
    ]
    assert other not in pages[3] and 'name="signature.password"' in pages[3]
    for page in pages:
        for word in ("Demonstration", "demo", "Scan tray", "Tour of five minutes", "continue as"):
            assert word not in page
