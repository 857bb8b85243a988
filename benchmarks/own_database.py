"""A benchmark's own database on the stack, with Django set up against it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from cgt.launcher import throwaway
from cgt.launcher.roles import Server
from cgt.launcher.stack import open_stack


@contextmanager
def own_database() -> Iterator[tuple[Server, str]]:
    """Yield the server and the name of a fresh, migrated database; it is dropped at the end, whatever happened."""
    stack, name = open_stack(), throwaway.own_name("bench")
    os.environ |= {"CGT_ENV": "test", "CGT_NAMESPACE": name, "LOG_LEVEL": "ERROR"}
    os.environ |= stack.environment("app", name) | {"DJANGO_SETTINGS_MODULE": "cgt.settings"}
    throwaway.make_own(stack, name)
    try:
        import django

        django.setup()
        logging.disable(logging.WARNING)  # refusals are answered on purpose
        yield stack.server, name
    finally:
        from django.db import connections

        connections.close_all()
        throwaway.drop_database(stack.server, name)
