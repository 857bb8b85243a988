"""Components say what assistive technology and people without color need: labels, descriptions, words, zones."""

import datetime as dt
from html.parser import HTMLParser
from typing import Any

import pytest
from django.template import engines
from django_cotton.compiler_regex import CottonCompiler

from ledger.refusals import FactsMissing, MissingFact


class Tags(HTMLParser):
    """Every start tag of a fragment with its attributes, and the words of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.found if tag in names]

    def ids(self) -> list[str | None]:
        return [attributes["id"] for _, attributes in self.found if "id" in attributes]


def render(source: str, **context: Any) -> Tags:
    return Tags(engines["django"].from_string(CottonCompiler().process(source)).render(context))


def field(**given: Any) -> dict[str, Any]:
    whole = {"name": "part", "label": "Part", "required": True, "help": "Help.", "errors": ["Wrong."], "value": ""}
    return {**whole, **given}


SIMPLE = ["text", "textarea", "number", "datetime", "date", "select", "checkbox", "password", "scan", "file", "email"]


@pytest.mark.parametrize("kind", SIMPLE)
def test_a_field_is_labeled_and_described_by_help_and_error(kind: str) -> None:
    page = render('<c-field :field="field" />', field=field(type=kind, choices=[["a", "A"]], zone="Europe/Berlin"))
    [control] = page.all("input", "textarea", "select")
    assert control["id"] in [label["for"] for label in page.all("label")]
    assert control["aria-invalid"] == "true"
    described = (control["aria-describedby"] or "").split()
    assert {"id_part-help", "id_part-error"} <= set(described)
    assert set(described) <= set(page.ids()) | {"id_part-zone"}
    assert "Wrong." in page.words


def test_a_select_says_once_what_no_choice_means() -> None:
    legs = field(type="select", required=False, choices=[("", "No leg"), ("1", "Leg 1")])
    assert [one["value"] for one in render('<c-field :field="field" />', field=legs).all("option")] == ["", "1"]
    bare = field(type="select", required=False, choices=[("1", "Leg 1")])
    assert [one["value"] for one in render('<c-field :field="field" />', field=bare).all("option")] == ["", "1"]


@pytest.mark.parametrize("kind", ["radio", "checkboxes"])
def test_a_choice_is_a_fieldset_with_a_label_for_each(kind: str) -> None:
    chosen = "b" if kind == "radio" else ["b"]
    page = render('<c-field :field="field" />', field=field(type=kind, choices=[["a", "A"], ["b", "B"]], value=chosen))
    assert len(page.all("legend")) == 1
    inputs = page.all("input")
    assert [one["id"] for one in inputs] == [label["for"] for label in page.all("label")]
    assert ["checked" in one for one in inputs] == [False, True]


def test_what_was_typed_is_kept_and_escaped_but_a_password_is_not_shown_again() -> None:
    typed = '"><script>alert(1)</script>'
    for kind in ("text", "scan", "textarea"):
        page = render('<c-field :field="field" />', field=field(type=kind, value=typed))
        assert page.all("script") == []
        assert typed in (page.words if kind == "textarea" else str(page.all("input")[0]["value"]))
    page = render('<c-field :field="field" />', field=field(type="password", value="secret"))
    assert "value" not in page.all("input")[0]


def test_a_list_repeats_its_fields_under_a_legend() -> None:
    entries = [{"legend": f"Bag {n}", "fields": [field(name=f"bags-{n}-code", type="scan")]} for n in (1, 2)]
    bags = {"name": "bags", "label": "Bags", "type": "list", "entries": entries}
    page = render('<c-field :field="field" />', field=bags)
    assert [one["name"] for one in page.all("input")] == ["bags-1-code", "bags-2-code"]
    assert "Bag 1" in page.words and "Bag 2" in page.words
    assert len(page.ids()) == len(set(page.ids()))


@pytest.mark.parametrize(("status", "word"), [("on_hold", "On hold"), ("quarantined", "Quarantined"), ("odd", "odd")])
def test_a_status_is_a_word_and_an_icon(status: str, word: str) -> None:
    page = render('<c-badge :status="status" />', status=status)
    assert page.words == word
    assert len(page.all("use")) == 1


def test_a_time_shows_its_zone_and_utc_and_the_other_place() -> None:
    at = dt.datetime(2026, 11, 24, 23, 30, tzinfo=dt.UTC)
    page = render('<c-due :at="at" zone="Europe/Berlin" other_zone="America/Chicago" />', at=at)
    assert page.all("time")[0]["datetime"] == "2026-11-24T23:30:00Z"
    assert "Wed 25 Nov 2026, 00:30" in page.words
    assert "24 Nov, 23:30 UTC" in page.words
    assert "24 Nov, 17:30 America/Chicago" in page.words


def test_no_time_is_said_in_words() -> None:
    assert render('<c-due :at="at" />', at=None).words == "Not set"


def test_a_refusal_says_what_is_missing_and_what_to_do() -> None:
    consent = MissingFact("consent", "Consent is missing.", "The physician records it.")
    refusal = FactsMissing("Not yet.", facts=[consent])
    page = render('<c-refusal :refusal="refusal" />', refusal=refusal)
    for words in (refusal.title, "Not yet.", "Consent is missing.", "The physician records it."):
        assert page.words.count(words) == 1
    assert FactsMissing.remedy not in page.words  # the fact says it better
    assert any(one.get("role") == "alert" for one in page.all("div"))


def test_a_refusal_whose_facts_know_no_remedy_says_the_general_one_and_its_only_fact_once() -> None:
    refusal = FactsMissing("Consent is missing.", facts=[MissingFact("consent", "Consent is missing.")])
    words = render('<c-refusal :refusal="refusal" />', refusal=refusal).words
    assert words.count("Consent is missing.") == 1 and refusal.remedy in words


def test_a_component_inside_another_does_not_inherit_its_attributes() -> None:
    page = render('<c-card title="Outer"><c-panel><p>Inner</p></c-panel></c-card>')
    assert page.words == "Outer Inner" or page.words == "OuterInner"


def test_two_people_sign_with_separate_fields() -> None:
    page = render(
        '<c-signature meaning="I did." username="a" /><c-second-person meaning="I checked." scan_label="Box" />'
    )
    names = [one["name"] for one in page.all("input")]
    assert names == ["signature_username", "signature_password", "second_username", "second_password", "second_scan"]
    assert {one["id"] for one in page.all("input")} <= {label["for"] for label in page.all("label")}
    assert "I did." in page.words and "I checked." in page.words
