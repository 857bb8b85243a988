"""Nothing is written from the boundary: views, forms, API and tasks parse, call one action or query, and answer."""

from __future__ import annotations

import ast

import pytest

from tests.house.source import calls, modules, name_of

BOUNDARY = {
    "views",
    "forms",
    "api",
    "admin",
    "tasks",
    "urls",
    "consumers",
    "context_processors",
    "templatetags",
    "management",
    "queries",
    "policies",
}
WRITES = {
    "save",
    "create",
    "bulk_create",
    "update",
    "bulk_update",
    "delete",
    "get_or_create",
    "update_or_create",
    "execute",
    "executemany",
}

# Calls of that name which write no row of the house, or may: why. A line that fits nothing fails.
EXCUSED = {
    "cgt/celery.py: app.conf.update": "settings of the task queue",
    "cgt/settings.py: globals().update": "settings",
    "cgt/demo/advancing.py: cache.delete": "a lock in Redis while the demonstration's clock moves",
    "cgt/kept_forms.py: cache.delete": "what was typed, held in Redis for minutes: no row and no fact",
    "cgt/health.py: cursor.execute": "asks the database for 1",
    "cgt/management/commands/seed_demo.py: cursor.execute": "reads whether the database is marked as a demonstration's",
    "cgt/network_files/template.py: workbook.save": "a spreadsheet, into memory",
    "personas/views.py: form.save": "the sign-in library's form: sends an e-mail with a link, writes no row",
    "cgt/demo/network.py: twin.save": "a demonstration's second account of one person; people get theirs by invitation",
}


def is_boundary(name: str) -> bool:
    """Whether a module is one of the boundary's rooms; the composition root has no other, but for launcher and load."""
    app, second, *_ = name.removesuffix(".py").split("/")
    return second not in ("launcher", "load") if app == "cgt" else second in BOUNDARY


def writes() -> set[str]:
    return {
        f"{name_of(path)}: {called}"
        for path in modules()
        if is_boundary(name_of(path))
        for called, _ in calls(path)
        if "." in called and called.rsplit(".", 1)[1] in WRITES
    }


def test_the_boundary_is_looked_at() -> None:
    looked_at = [name_of(path) for path in modules() if is_boundary(name_of(path))]
    assert len(looked_at) > 40
    assert {"orders/views/step.py", "orders/api/steps.py", "personas/forms.py", "scheduling/tasks.py"} <= set(looked_at)


def test_the_boundary_writes_nothing() -> None:
    found = sorted(writes() - set(EXCUSED))
    assert found == [], "write in an action (or a concept module that one calls), and call that"


def test_no_excuse_is_stale() -> None:
    assert sorted(set(EXCUSED) - writes()) == []


ROW_SIGNALS = ("pre_save", "post_save", "pre_delete", "post_delete", "m2m_changed")


@pytest.mark.parametrize("name", ROW_SIGNALS)
def test_no_rule_hides_in_row_signals(name: str) -> None:
    assert [name_of(path) for path in modules() if name in path.read_text()] == []


def test_no_rule_hides_in_saving() -> None:
    """A model that overrides saving or deleting would be a door that nobody sees."""
    found = [
        f"{name_of(path)}: {node.name}.{part.name}"
        for path in modules()
        if "/api/" not in name_of(path)  # there ``delete`` is a method of HTTP
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        for part in node.body
        if isinstance(part, ast.FunctionDef) and part.name in ("save", "delete", "clean", "full_clean")
    ]
    assert found == []
