"""The interactive page in a real browser, under the site's own content policy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import PASSWORD, make_member, make_organization


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
    page.wait_for_selector("#operations-orders-list_orders", timeout=30_000)

    assert page.locator(".opblock").count() >= 30
    assert [text for text in complaints if "Content Security Policy" in text] == []
