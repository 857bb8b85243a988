"""The import contract of the rooms says yes and no where the house does."""

import pytest

from cgt.launcher.rooms import covers, is_allowed, room


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("orders.views", "orders.actions.prescribing"),
        ("orders.actions.prescribing", "orders.guards"),
        ("orders.steps.collect", "custody.labels"),
        ("orders.flow", "orders.models.order"),
        ("orders.api.steps", "orders.flow"),
        ("orders.consumers", "orders.actions.bookings"),
        ("orders.queries", "orders.policies"),
        ("orders.policies", "personas.queries"),
        ("orders.events", "ledger.events"),
        ("orders.apps", "orders.views"),
        ("orders.admin", "orders.models"),
        ("orders.parties", "ledger.models"),
        ("orders.api.steps", "orders.inputs"),
        ("cgt.urls", "orders.views"),
    ],
)
def test_doors_there_are(importer: str, imported: str) -> None:
    assert is_allowed(importer, imported)


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("orders.views", "orders.models"),
        ("orders.views", "ledger.models"),
        ("orders.views", "orders.guards"),
        ("orders.events", "ledger.models"),
        ("orders.api.orders", "orders.models.order"),
        ("orders.tasks", "orders.policies"),
        ("orders.states", "orders.events"),
        ("orders.events", "orders.models"),
        ("orders.models", "orders.guards"),
        ("orders.guards", "orders.actions.prescribing"),
        ("orders.guards", "orders.flow"),
        ("orders.actions.prescribing", "orders.steps.collect"),
        ("orders.actions.prescribing", "custody.models"),
        ("orders.actions.prescribing", "custody.policies"),
        ("orders.models", "personas.models"),
        ("quality.views", "custody.views"),
        ("cgt.middleware", "personas.models"),
    ],
)
def test_doors_there_are_not(importer: str, imported: str) -> None:
    assert not is_allowed(importer, imported)


def test_rooms_are_told_by_their_second_name() -> None:
    assert room("orders.actions.prescribing") == "actions"
    assert room("scheduling.slot_chains") == "concept"
    assert room("orders") == ""


def test_exceptions_cover_what_they_name() -> None:
    assert covers("*.models.** -> ledger.models", "orders.models.order -> ledger.models")
    assert covers("*.models.** -> ledger.models", "orders.models -> ledger.models")
    assert not covers("*.models.** -> ledger.models", "orders.views -> ledger.models")
    assert not covers("nonsense", "orders.views -> ledger.models")
