"""Every user story is claimed by a test or listed as open, and the report says the same as the tests."""

from __future__ import annotations

import re

import pytest

from cgt.management.commands import traceability
from personas.catalog import ACTORS
from tests.house.source import ROOT

HOW = "run: python3 manage.py traceability"
STORIES = traceability.read(ROOT)
CLAIMS = traceability.claims(ROOT / "tests")


def test_stories_are_listed_once_with_persona_and_a_short_title() -> None:
    ids = [story.id for story in STORIES]
    assert len(set(ids)) == len(ids) > 200
    for story in STORIES:
        assert re.fullmatch(r"[A-Z]{2}[1-9]\d?", story.id)
        assert story.persona
        assert 1 <= len(story.title.split()) <= 8, story
        assert story.state in (traceability.CLAIMED, traceability.OPEN)


def test_no_test_claims_a_story_that_is_not_listed() -> None:
    assert set(CLAIMS) - {story.id for story in STORIES} == set()


def test_every_story_is_claimed_or_listed_as_open() -> None:
    assert traceability.with_states(STORIES, CLAIMS) == STORIES, HOW


def test_the_report_is_current() -> None:
    assert traceability.report_file(ROOT).read_text() == traceability.report(STORIES, CLAIMS), HOW


def test_stories_that_personas_name_are_listed() -> None:
    named = {story for actor in ACTORS.values() for persona in actor.personas for story in persona.stories}
    assert named - {story.id for story in STORIES} == set()


@pytest.mark.parametrize("story", sorted(CLAIMS))
def test_each_claim_names_a_test_that_is_there(story: str) -> None:
    for claim in CLAIMS[story]:
        path, _, name = claim.partition("::")
        assert re.search(rf"(def|class) {name.rpartition('::')[2]}\b", (ROOT / path).read_text())


def test_marks_are_read_from_functions_methods_and_classes(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_it.py").write_text(
        "import pytest\n\n"
        "@pytest.mark.story('AA1', 'AA2')\ndef test_one():\n    pass\n\n"
        "@pytest.mark.story('AA1')\nclass TestMore:\n"
        "    @pytest.mark.slow\n    @pytest.mark.story('AA3')\n    def test_two(self):\n        pass\n"
    )
    assert traceability.claims(tmp_path / "tests") == {
        "AA1": ["tests/test_it.py::TestMore", "tests/test_it.py::test_one"],
        "AA2": ["tests/test_it.py::test_one"],
        "AA3": ["tests/test_it.py::TestMore::test_two"],
    }
