"""How sign-in is used: people are invited by their organization, failures are counted per name tried."""

from collections.abc import Mapping
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitedOnly(DefaultAccountAdapter):
    """Closes the sign-up page."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never: accounts are made by an organization's administrator."""
        return False


def name_tried(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """The name a lock-out counts on: from the credentials, or as typed into the sign-in form."""
    return str((credentials or {}).get("username") or request.POST.get("login", "")).strip().lower()
