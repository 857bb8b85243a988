from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from ledger.context import reading
from ledger.models import Event
from ledger.recording import acting
from ledger.refusals import FactsMissing, InvalidInput, NotAllowed, NotFound
from network import queries
from network.actions.therapies import add_therapy, publish_specification, set_disclosure
from network.models import Specification, Therapy
from tests.factories import connect, make_actor, make_organization, operator, unique
from tests.network.factories import LIMITS, TESTS, make_specification, make_therapy

pytestmark = pytest.mark.django_db


@pytest.fixture
def manufacturer() -> Any:
    return make_organization("manufacturer")


@pytest.mark.story("PC1")
def test_the_product_owner_adds_a_therapy_and_the_record_says_so(manufacturer: Any) -> None:
    owner = make_actor(manufacturer, "product_owner")
    code = unique("therapy")
    therapy = add_therapy(owner, code=code, name="Fictional", modality="in_vivo")
    with reading(owner):
        event = Event.unwalled.get(kind="network.therapy_added", subject_id=code)
        assert queries.therapy(owner, code) == queries.therapy(owner, therapy.pk) == therapy
    assert event.payload == {"therapy": code, "modality": "in_vivo"}
    assert event.person_id == owner.person_id
    assert therapy.synthetic


def test_another_persona_may_not_configure_therapies(manufacturer: Any) -> None:
    planner = make_actor(manufacturer, "planner")
    with pytest.raises(NotAllowed):
        add_therapy(planner, code=unique("therapy"), name="Fictional", modality="in_vivo")
    therapy = make_therapy(manufacturer)
    with pytest.raises(NotAllowed):
        publish_specification(planner, therapy, tests=TESTS, limits=LIMITS)
    with pytest.raises(NotAllowed):
        set_disclosure(planner, therapy, "DE", ["birth_date"])


@pytest.mark.parametrize(
    ("field", "value"),
    [("code", "Upper Case"), ("code", ""), ("name", "  "), ("name", "x" * 201), ("modality", "magic"), ("code", None)],
)
def test_a_bad_therapy_names_its_field(manufacturer: Any, field: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        make_therapy(manufacturer, **{field: value})
    assert set(caught.value.fields) == {field}


def test_a_code_is_taken_once(manufacturer: Any) -> None:
    therapy = make_therapy(manufacturer)
    with pytest.raises(InvalidInput) as caught:
        make_therapy(manufacturer, code=therapy.code)
    assert "code" in caught.value.fields


def test_partners_see_a_therapy_and_strangers_do_not(manufacturer: Any) -> None:
    therapy = make_therapy(manufacturer)
    center, stranger = make_organization(), make_organization()
    connect(manufacturer, center)
    partner = make_actor(center, "treating_physician")
    with reading(partner):
        assert list(queries.therapies(partner)) == [therapy]
    outside = make_actor(stranger, "treating_physician")
    with reading(outside):
        assert not queries.therapies(outside).exists()
        assert not Therapy.unwalled.filter(pk=therapy.pk).exists()
        with pytest.raises(NotFound):
            queries.therapy(outside, therapy.code)


def test_another_manufacturer_can_change_nothing(manufacturer: Any) -> None:
    therapy = make_therapy(manufacturer)
    other = make_organization("manufacturer")
    connect(manufacturer, other)
    owner = make_actor(other, "product_owner")
    with pytest.raises(NotFound):
        publish_specification(owner, therapy, tests=TESTS, limits=LIMITS)
    with pytest.raises(NotFound):
        set_disclosure(owner, therapy, "DE", [])


@pytest.mark.story("PC2")
def test_a_new_version_comes_into_force_at_its_time_and_the_old_one_stays_readable(manufacturer: Any) -> None:
    therapy = make_therapy(manufacturer)
    now = timezone.now()
    first = make_specification(manufacturer, therapy, effective_from=now - dt.timedelta(days=90))
    second = make_specification(manufacturer, therapy, effective_from=now + dt.timedelta(days=7))
    owner = make_actor(manufacturer, "product_owner")
    with reading(owner):
        assert (first.version, second.version) == (1, 2)
        assert queries.specification_in_force(therapy.pk) == first
        assert queries.specification_in_force(therapy.pk, now + dt.timedelta(days=8)) == second
        assert queries.specification(first.pk).tests == first.tests
        assert list(queries.specifications(owner, therapy.pk)) == [second, first]


def test_before_the_first_version_nothing_is_in_force(manufacturer: Any) -> None:
    therapy = make_therapy(manufacturer)
    with reading(operator(manufacturer)), pytest.raises(FactsMissing) as caught:
        queries.specification_in_force(therapy.pk)
    assert caught.value.facts[0].code == "no_specification"


@pytest.mark.story("PC2")
def test_nobody_rewrites_what_was_in_force(manufacturer: Any) -> None:
    therapy = make_therapy(manufacturer)
    specification = make_specification(manufacturer, therapy)
    with pytest.raises(InvalidInput) as caught:
        make_specification(manufacturer, therapy, effective_from=timezone.now() - dt.timedelta(hours=1))
    assert "effective_from" in caught.value.fields
    actor = operator(manufacturer)
    with (
        pytest.raises(DatabaseError, match="append-only|permission denied"),
        acting(actor, "network.specification_published"),
        transaction.atomic(),
    ):
        Specification.unwalled.filter(pk=specification.pk).update(limits={})


def test_nothing_is_disclosed_unless_a_policy_of_the_market_says_so(manufacturer: Any) -> None:
    therapy = make_therapy(manufacturer)
    actor = operator(manufacturer)
    set_disclosure(actor, therapy, "DE", ["birth_date", "mrn"])
    with reading(actor):
        assert queries.disclosed_fields(therapy.pk, "DE") == {"birth_date", "mrn"}
        assert queries.disclosed_fields(therapy.pk, "US") == frozenset()
    set_disclosure(actor, therapy, "DE", [])
    with reading(actor):
        assert queries.disclosed_fields(therapy.pk, "DE") == frozenset()
        last = Event.unwalled.filter(kind="network.disclosure_set").order_by("-seq").first()
        assert last is not None and last.payload["before"] == ["birth_date", "mrn"]
    with pytest.raises(InvalidInput):
        set_disclosure(actor, therapy, "DE", ["diagnosis"])
    with pytest.raises(InvalidInput):
        set_disclosure(actor, therapy, "Germany", [])


def test_publishing_refuses_what_the_rules_refuse(manufacturer: Any) -> None:
    therapy = make_therapy(manufacturer)
    for tests, limits in (([{"key": "x"}], {}), (TESTS, {"bags": 0})):
        with pytest.raises(InvalidInput):
            publish_specification(operator(manufacturer), therapy, tests=tests, limits=limits)
    with reading(operator(manufacturer)):
        assert not Specification.unwalled.filter(therapy=therapy).exists()
