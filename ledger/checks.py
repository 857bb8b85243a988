"""Start-up check: the running role must not be able to step over the walls."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.signals import connection_created

from ledger.installation import AUDITOR_ROLE

_checked: set[str] = set()


def refuse_a_mighty_role(sender: Any, connection: Any, **_: Any) -> None:
    """Refuse to work as a superuser, or with a role that bypasses row security (unless it is the read-only auditor)."""
    role = connection.settings_dict.get("USER", "")
    if connection.vendor != "postgresql" or role in _checked:
        return
    with connection.cursor() as cursor:
        cursor.execute("select rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user")
        name, is_super, bypasses = cursor.fetchone()
    if is_super or (bypasses and name != AUDITOR_ROLE):
        raise ImproperlyConfigured(
            f"database role {name!r} is a superuser or bypasses row security: run the product as a plain role"
        )
    _checked.add(role)


connection_created.connect(refuse_a_mighty_role, dispatch_uid="ledger.role")
