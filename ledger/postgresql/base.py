"""PostgreSQL backend that tells the database who is acting whenever a transaction opens.

The row policies read transaction-local settings; with none set nothing is visible, so code that forgets to say
who reads sees nothing. Works behind transaction pooling: no session-level value is ever set.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.postgresql import base

from ledger import context


class DatabaseWrapper(base.DatabaseWrapper):
    def set_autocommit(self, autocommit: bool, force_begin_transaction_with_broken_autocommit: bool = False) -> Any:
        result = super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)
        if not autocommit:
            context.announce(self)
        return result
