"""Who may speak about the whole record: only a role that sees every row of it."""

from __future__ import annotations

from django.db import connections


class CannotVerify(RuntimeError):
    """The role would not see everything, so that a green answer would prove nothing."""


def require_auditor(using: str) -> None:
    """Raise CannotVerify unless the connection's role sees past the walls."""
    with connections[using].cursor() as cursor:
        cursor.execute("select rolname, rolsuper or rolbypassrls from pg_roles where rolname = current_user")
        name, sees_everything = cursor.fetchone()
    if not sees_everything:
        raise CannotVerify(f"{name} sees only one organization's rows: run this as the auditor role (cgt_auditor).")
