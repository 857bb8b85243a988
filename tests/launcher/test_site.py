"""The bare site: health, strict headers, lock-out, and that browser tests have a site to drive."""

from typing import TYPE_CHECKING

import pytest
from django.test import Client

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.mark.django_db
def test_health_says_ok_and_nothing_else(client: Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_strict_headers(client: Client) -> None:
    answer = client.get("/accounts/login/")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy.replace("'wasm-unsafe-eval'", "")  # the camera's decoder; no script is evaluated
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert client.cookies["cgt_csrf"]["httponly"]
    assert client.cookies["cgt_csrf"]["samesite"] == "Lax"


@pytest.mark.django_db
def test_nobody_signs_up(client: Client) -> None:
    answer = client.post(
        "/accounts/signup/", {"username": "new", "password1": "Long-enough-1", "password2": "Long-enough-1"}
    )
    assert answer.status_code == 200
    from django.contrib.auth import get_user_model

    assert not get_user_model()._default_manager.filter(username="new").exists()


@pytest.mark.django_db
def test_five_failures_lock_a_name_out(client: Client) -> None:
    guess = {"login": "somebody-who-guesses", "password": "wrong"}
    for _ in range(4):
        assert client.post("/accounts/login/", guess).status_code == 200
    assert client.post("/accounts/login/", guess).status_code == 429
    assert client.post("/accounts/login/", guess).status_code == 429
    other = client.post("/accounts/login/", {"login": "somebody-else", "password": "wrong"})
    assert other.status_code == 200


@pytest.mark.browser
def test_the_sign_in_page_opens_without_a_policy_violation(page: "Page") -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "Security" in message.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    answer = page.goto("/accounts/login/")
    assert answer is not None
    assert answer.status == 200
    assert page.locator("input[type=password]").count() == 1
    assert complaints == []
