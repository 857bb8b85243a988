"""Sign-ins and signatures, checked as allauth checks them."""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.base_user import AbstractBaseUser

from personas.queries import account_named


class Accounts(AuthenticationBackend):
    """Allauth's backend; the account is found by a read that is put together once, as every signature asks for one."""

    def _authenticate_by_username(self, username: str, password: str) -> AbstractBaseUser | None:
        return self._check_password(account_named(username), password)
