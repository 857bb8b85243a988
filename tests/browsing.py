"""Fixtures of browser tests: the site on a real port, and Chromium."""

import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

PLACES = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
MISSING = "NO CHROMIUM: browser tests do not run. Install it (Debian: apt install chromium) or set CHROMIUM_PATH."


def chromium() -> str | None:
    """Path of a Chromium, from CHROMIUM_PATH or a usual place."""
    named = os.environ.get("CHROMIUM_PATH")
    return next((path for path in ([named] if named else PLACES) if shutil.which(path)), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without Chromium browser tests are skipped by name; on CI they fail instead."""
    if chromium():
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=MISSING) if os.environ.get("CI") != "true" else _refused)


def pytest_terminal_summary(terminalreporter: object) -> None:
    """Say it again at the end, where it is seen."""
    skipped = terminalreporter.stats.get("skipped", [])  # type: ignore[attr-defined]
    if any(MISSING in str(report.longrepr) for report in skipped):
        terminalreporter.write_line(MISSING, yellow=True, bold=True)  # type: ignore[attr-defined]


_refused = pytest.mark.usefixtures("chromium_is_required")


@pytest.fixture
def chromium_is_required() -> None:
    """CI must not be green without the browser tests."""
    pytest.fail(MISSING)


@pytest.fixture(scope="session")
def live_site(django_db_setup: None, django_db_blocker: object) -> Iterator[str]:
    """Base URL of the site, served by threads of this process from this process's database."""
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.test.testcases import LiveServerThread

    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        server = LiveServerThread("127.0.0.1", StaticFilesHandler)
        server.daemon = True
        server.start()
        server.is_ready.wait()
        if server.error:
            raise server.error
        yield f"http://127.0.0.1:{server.port}"
        server.terminate()


def profile(browser: "Browser", base_url: str, **options: object) -> "BrowserContext":
    """A browser profile of its own. Nothing fades: what is looked at is what the page ends as."""
    context = browser.new_context(base_url=base_url, reduced_motion="reduce", **options)  # type: ignore[arg-type]
    context.set_default_timeout(30_000)
    return context


def sign_in(page: "Page", username: str) -> None:
    """Sign in through the form and arrive at the desk."""
    from tests.factories import PASSWORD

    page.goto("/accounts/login/")
    page.fill("[name=login]", username)
    page.fill("[name=password]", PASSWORD)
    page.click("main [type=submit]")
    page.wait_for_url("**/")


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """One headless Chromium per test process."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)  # a busy machine is slow, not wrong
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"  # Playwright keeps an event loop in the thread of the test
    with sync_playwright() as playwright:
        flags = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")
        browser = playwright.chromium.launch(executable_path=chromium(), args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: "Browser", live_site: str, committed_db: None) -> Iterator["Page"]:
    """A fresh browser profile on the running site; relative addresses work."""
    context = profile(browser, live_site)
    yield context.new_page()
    context.close()
