"""`manage.py traceability`: which user story is claimed by which tests; writes the report from the tests' own marks.

A test claims stories with ``@pytest.mark.story("CO4")``; ``tests/house/stories.csv`` lists every story there is. The
command brings the list's last column up to date and writes ``docs/traceability.md``; neither is edited by hand.
"""

from __future__ import annotations

import ast
import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

CLAIMED, OPEN = "claimed", "open"
COLUMNS = ("id", "persona", "title", "state")
Claims = Mapping[str, list[str]]


@dataclass(frozen=True)
class Story:
    """One user story: its ID, whose it is, what it asks in a few words, and whether a test claims it."""

    id: str
    persona: str
    title: str
    state: str


class Command(BaseCommand):
    help = "Writes docs/traceability.md: user stories, and the tests that claim them."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        root = Path(settings.BASE_DIR)
        found = claims(root / "tests")
        stories = with_states(read(root), found)
        stories_file(root).write_text(as_csv(stories))
        report_file(root).write_text(report(stories, found))
        claimed = sum(story.state == CLAIMED for story in stories)
        self.stdout.write(f"{claimed} of {len(stories)} stories are claimed by a test")


def stories_file(root: Path) -> Path:
    return root / "tests" / "house" / "stories.csv"


def report_file(root: Path) -> Path:
    return root / "docs" / "traceability.md"


def read(root: Path) -> list[Story]:
    """Return the listed stories in their order."""
    with stories_file(root).open(newline="") as lines:
        return [Story(**row) for row in csv.DictReader(lines)]


def claims(tests: Path) -> dict[str, list[str]]:
    """Return the tests that claim each story, as ``tests/custody/test_scans.py::test_name``, sorted."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(tests.rglob("test_*.py")):
        module = path.relative_to(tests.parent).as_posix()
        for name, story in _claims_in(ast.parse(path.read_text())):
            found[story].add(f"{module}::{name}")
    return {story: sorted(names) for story, names in found.items()}


def _claims_in(tree: ast.Module | ast.ClassDef, within: str = "") -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                yield from ((within + node.name, story) for story in _stories(decorator))
        if isinstance(node, ast.ClassDef):
            yield from _claims_in(node, f"{within}{node.name}::")


def _stories(decorator: ast.expr) -> list[str]:
    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.story":
        return [ast.literal_eval(argument) for argument in decorator.args]
    return []


def with_states(stories: list[Story], found: Claims) -> list[Story]:
    """Return the stories, each claimed or open as the tests say."""
    return [replace(story, state=CLAIMED if story.id in found else OPEN) for story in stories]


def as_csv(stories: list[Story]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows((story.id, story.persona, story.title, story.state) for story in stories)
    return text.getvalue()


def report(stories: list[Story], found: Claims) -> str:
    """Return the report as Markdown: a table per persona, then what it cannot say."""
    claimed = sum(story.id in found for story in stories)
    lines = [
        "# Traceability of user stories",
        "",
        "Written by `python3 manage.py traceability` from the marks on the tests; do not edit. A claimed story has at",
        "least one test that proves a substantial part of it, not necessarily every detail; an open one has none.",
        "",
        f"{claimed} of {len(stories)} stories are claimed, {len(stories) - claimed} are open.",
    ]
    personas = list(dict.fromkeys(story.persona for story in stories))
    for persona in personas:
        lines += ["", f"## {persona}", "", "| Story | Asks | Proved by |", "|---|---|---|"]
        lines += [_row(story, found.get(story.id, [])) for story in stories if story.persona == persona]
    return "\n".join(lines) + "\n"


def _row(story: Story, names: list[str]) -> str:
    proof = "<br>".join(f"`{name}`" for name in names) or "open"
    return f"| {story.id} | {story.title} | {proof} |"
