"""What a refusal says to do: what its facts know, and the general word only where none of them knows anything."""

from __future__ import annotations

from ledger.refusals import FactsMissing, Mismatch, MissingFact

CONSENT = MissingFact("consent", "Consent is missing.", "The physician records it.")
BAG = MissingFact("bag", "No bag is there.", "Register it first.")
BARE = MissingFact("bare", "Something is missing.")


def test_the_remedies_of_the_facts_are_the_remedy_each_once() -> None:
    refusal = FactsMissing(facts=[CONSENT, BARE, BAG, CONSENT])
    assert refusal.as_problem()["remedy"] == "The physician records it. Register it first."
    assert refusal.further == ""


def test_the_general_word_is_said_where_no_fact_knows_better() -> None:
    for refusal in (FactsMissing(), FactsMissing(facts=[BARE])):
        assert refusal.remedy == refusal.further == FactsMissing.remedy


def test_a_remedy_of_its_own_stands() -> None:
    refusal = FactsMissing(remedy="Call the planner.", facts=[CONSENT])
    assert refusal.remedy == refusal.further == "Call the planner."
    assert Mismatch(facts=[CONSENT]).remedy == Mismatch.remedy


def test_what_is_added_to_the_remedies_of_the_facts_is_said_beyond_them() -> None:
    refusal = FactsMissing(facts=[CONSENT])
    refusal.remedy = f"{refusal.remedy} Or record it as late."
    assert refusal.further == "Or record it as late."
