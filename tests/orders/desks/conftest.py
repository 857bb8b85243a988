"""Orders at the stages that the desks of a treatment center show, made once per module."""

from tests.orders.conftest import browse, code, world

__all__ = ["browse", "code", "world"]
