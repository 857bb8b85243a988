"""The house's own sources, as the house tests read them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APPS = ("ledger", "personas", "network", "notifications", "custody", "scheduling", "quality", "orders", "cgt")
WRITTEN = (".py", ".html", ".js", ".css", ".yaml", ".md", ".txt")
PLACES = (*APPS, "tests", "templates", "static", "docs", "benchmarks")


def modules(*apps: str) -> list[Path]:
    """Return the Python files of the apps (of all without a name), without migrations."""
    found = (path for app in apps or APPS for path in (ROOT / app).rglob("*.py"))
    return sorted(path for path in found if "migrations" not in path.parts)


def texts() -> list[Path]:
    """Return every text that somebody of the house wrote: code, templates, styles, documents."""
    found = [path for place in PLACES if (ROOT / place).exists() for path in (ROOT / place).rglob("*")]
    found += list(ROOT.glob("*.md"))
    return sorted(path for path in found if path.suffix in WRITTEN and not {"vendor", "migrations"} & set(path.parts))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield each call of a module with the text of what is called."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node
