"""Names, sizes and spelling: what a file may be called, how long it may be, which English it speaks."""

from __future__ import annotations

import re

import pytest

from tests.house.source import modules, name_of, texts

FORBIDDEN = {"utils", "helpers", "common", "core", "manager", "handle", "process", "data"}
MOST_LINES = 500
LONG = {
    "docs/traceability.md": "written by a command, a line per story",
    "docs/api/openapi.yaml": "written by a command, compared by a test",
}

# In two halves, so that the test does not find itself.
BRITISH = [
    first + second
    for first, second in (
        ("organ", "isa"),
        ("organ", "ise"),
        ("cent", "re"),
        ("author", "is"),
        ("theat", "re"),
        ("colo", "ur"),
        ("behavio", "ur"),
        ("catalo", "gue"),
    )
]
SPELLING = re.compile(rf"\b\w*(?:{'|'.join(BRITISH)})\w*", re.IGNORECASE)
# "path: word" -> why it must be spelled so (a standard's name, another party's key)
SPELLED = dict.fromkeys(
    (
        "docs/api/openapi.yaml: Behaviour",
        "docs/integrators/epcis.md: Behaviour",
        "orders/actions/captures.py: Behaviour",
        "orders/api/epcis/captures.py: Behaviour",
        "orders/api/epcis/captures.py: captureErrorBehaviour",
        "tests/house/test_names.py: Behaviour",
        "tests/house/test_names.py: captureErrorBehaviour",
        "tests/journeys/test_captures.py: Behaviour",
    ),
    "GS1-Capture-Error-Behaviour is a header of EPCIS 2.0",
)


def test_no_module_has_a_name_that_says_nothing() -> None:
    parts = {(name_of(path), part) for path in modules() for part in name_of(path).removesuffix(".py").split("/")}
    assert sorted(name for name, part in parts if part in FORBIDDEN) == []


def test_no_file_is_longer_than_it_may_be() -> None:
    lengths = {name_of(path): path.read_text().count("\n") for path in texts()}
    assert len(lengths) > 300
    too_long = {name for name, lines in lengths.items() if lines > MOST_LINES}
    assert sorted(too_long - set(LONG)) == []
    assert sorted(name for name in LONG if name not in lengths) == []


def test_modules_are_small_as_a_rule() -> None:
    lengths = sorted(path.read_text().count("\n") for path in modules() if path.name != "__init__.py")
    assert lengths[len(lengths) // 2] < 100


def british() -> set[str]:
    return {f"{name_of(path)}: {word}" for path in texts() for word in SPELLING.findall(path.read_text())}


def test_the_spelling_is_american() -> None:
    assert sorted(british() - set(SPELLED)) == []
    assert sorted(set(SPELLED) - british()) == []


@pytest.mark.parametrize("word", BRITISH)
def test_the_spelling_test_sees_what_it_looks_for(word: str) -> None:
    assert SPELLING.findall(f"one re{word.title()}s two") == [f"re{word.title()}s"]


# Addresses that a text may name: nothing of these is loaded by a page.
NAMED_ADDRESSES = ("http://www.w3.org/", "https://json-schema.org/", "http://127.0.0.1", "http://localhost")


ADDRESS = re.compile(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}[^\s\"']*")


def test_no_template_script_or_style_names_an_outside_address() -> None:
    looked_at = [path for path in texts() if name_of(path).startswith(("templates/", "static/"))]
    found = {(name_of(path), url) for path in looked_at for url in ADDRESS.findall(path.read_text())}
    assert len(looked_at) > 50
    assert sorted(entry for entry in found if not entry[1].startswith(NAMED_ADDRESSES)) == []
