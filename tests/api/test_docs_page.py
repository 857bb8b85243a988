"""The interactive page in a real browser, under the site's own content policy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import PASSWORD, make_member, make_organization

DRAWN = "[...document.querySelectorAll('.opblock')].map(one => one.id)"
AT_THE_END = "scrollY + innerHeight >= document.documentElement.scrollHeight - 2"


@pytest.mark.browser
def test_the_interactive_page_draws_every_operation_without_breaking_the_policy(live_site: str, page: Any) -> None:
    member = make_member(make_organization(), "coordinator", username="docs.reader@example.org")
    assert member.pk
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(f"{live_site}/accounts/login/")
    page.fill("input[name=login]", "docs.reader@example.org")
    page.fill("input[name=password]", PASSWORD)
    page.click("form button[type=submit]")
    page.goto(f"{live_site}/api/v1/docs/")
    page.wait_for_selector(".opblock", timeout=30_000)

    document = page.evaluate("fetch('/api/v1/schema/?format=json').then(answer => answer.json())")
    wanted = {
        f"operations-{operation['tags'][0].replace(' ', '_')}-{operation['operationId']}"
        for path in document["paths"].values()
        for operation in path.values()
    }
    assert len(wanted) >= 100
    assert wanted - read_through(page) == set()
    assert [text for text in complaints if "Content Security Policy" in text] == []


def read_through(page: Any) -> set[str]:
    """Scroll as a reader does, and return what was drawn: of a long document only what is in sight."""
    page.set_viewport_size({"width": 1280, "height": 2000})
    drawn: set[str] = set()
    for _ in range(60):
        page.wait_for_timeout(150)
        drawn |= set(page.evaluate(DRAWN))
        if page.evaluate(AT_THE_END):
            break
        page.evaluate("scrollBy(0, innerHeight * 0.8)")
    return drawn
