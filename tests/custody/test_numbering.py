"""Numbering as data: two people, own prefixes only, issued once, never edited; the database holds it too."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from custody import codes, decoding, identity, schemes
from custody.actions import numbering as action
from custody.models import ChainOfIdentity, NumberingScheme, NumberPrefix
from custody.states import ContainerKind
from ledger.context import Actor, reading
from ledger.recording import acting
from ledger.refusals import Conflict, FactsMissing, InvalidInput, NotAllowed, NotFound, WrongState
from personas.models import Organization
from tests.custody.factories import World, make_world
from tests.factories import make_actor, make_organization, operator

pytestmark = pytest.mark.story("CO3")
LOOK_ALIKES = set("01ILOU")


@pytest.fixture
def world(db: None) -> World:
    return make_world()


def letters(organization: Organization) -> str:
    """Three letters that nobody else in this database has."""
    number = int(organization.pk.hex[-6:], 16)
    size = len(schemes.LETTERS)
    return "".join(schemes.LETTERS[number // size**place % size] for place in range(3))


def facility_of(organization: Organization) -> str:
    text = f"W{int(organization.pk.hex[-6:], 16) % 10_000:04d}"
    action.enter_facility_number(operator(organization), text, "ICCBBA, certificate 1 (fictional)")
    return text


def live(organization: Organization, **given: str) -> NumberingScheme:
    """A scheme that one person proposed and another approved."""
    author, approver = people(organization)
    found = action.propose_scheme(author, given)
    action.approve_scheme(approver, found)
    with reading(author):
        return NumberingScheme.unwalled.get(pk=found)


def people(organization: Organization) -> tuple[Actor, Actor]:
    maker = organization.role == "manufacturer"
    author, approver = ("product_owner", "flow_approver") if maker else ("coordinator", "site_quality")
    return make_actor(organization, author), make_actor(organization, approver)


def issued(world: World) -> ChainOfIdentity:
    """A new chain of identity on the world's order, whose former one is closed."""
    with world.step():
        open_now = identity.identity_of_stream(world.stream.pk)
        if open_now.state != "closed":
            identity.close(open_now)
        return identity.issue(world.stream, world.patient, world.center, world.manufacturer)


def test_without_a_scheme_fictional_orders_get_the_fictional_facility(world: World) -> None:
    assert world.coi.code.startswith("CHA9999") and world.coi.scheme == schemes.ISBT_040_FICTIONAL.name


def test_a_real_patient_is_never_numbered_under_the_fictional_facility(world: World) -> None:
    with world.step():
        identity.close(world.coi)
    real = replace(world.nurse, synthetic=False)
    with world.step(real), pytest.raises(FactsMissing) as refusal:
        identity.issue(world.stream, world.patient, world.center, world.manufacturer)
    assert refusal.value.code == "no_numbering_scheme" and "Numbering" in refusal.value.facts[0].remedy


@pytest.mark.parametrize(
    ("kind", "pattern", "shape"),
    [
        ("isbt_040", "", r"CH{prefix}\d\d\d{{6}}"),
        ("sequential", "", r"CX{prefix}\d\d0000000[12]"),
        ("drawn", "LLDDXLLDDX", r"CX{prefix}[A-Z]{{2}}[2-9]{{2}}[A-Z2-9][A-Z]{{2}}[2-9]{{2}}[A-Z2-9]"),
    ],
)
def test_each_scheme_numbers_orders_and_its_codes_lead_home(world: World, kind: str, pattern: str, shape: str) -> None:
    own = facility_of(world.manufacturer) if kind == "isbt_040" else letters(world.manufacturer)
    row = live(world.manufacturer, kind=kind, prefix=own, pattern=pattern)
    first, second = issued(world), issued(world)
    for coi in (first, second):
        assert re.fullmatch(shape.format(prefix=own), coi.code)
        assert coi.scheme == f"{kind}:{own}:v{row.version}"
        check = identity.check_of(coi)
        for written in (coi.code, coi.code + check, f"{coi.code[:7]} {coi.code[7:]}-{check}".lower()):
            assert decoding.decode(written).reading.coi == coi.code
        bag = codes.container_code(coi.code, ContainerKind.STARTING_MATERIAL, 1)
        assert decoding.decode(bag).reading == decoding.Reading(coi=coi.code, container=bag)
    assert first.code != second.code
    if kind == "drawn":
        assert not LOOK_ALIKES & set(first.code + second.code)


def test_the_manufacturer_s_scheme_comes_before_the_center_s(world: World) -> None:
    live(world.center, kind="sequential", prefix=letters(world.center))
    assert issued(world).code.startswith(f"CX{letters(world.center)}")
    row = live(world.manufacturer, kind="sequential", prefix=letters(world.manufacturer))
    assert issued(world).code.startswith(f"CX{letters(world.manufacturer)}")
    action.retire_scheme(people(world.manufacturer)[1], row.pk, {"reason": "test"})
    assert issued(world).code.startswith(f"CX{letters(world.center)}")


def test_another_tenants_scheme_numbers_nothing_here_and_is_not_seen(world: World) -> None:
    stranger = make_organization("manufacturer")
    row = live(stranger, kind="sequential", prefix=letters(stranger))
    assert issued(world).code.startswith("CHA9999")
    author, approver = people(world.manufacturer)
    with reading(author):
        assert not NumberingScheme.unwalled.filter(pk=row.pk).exists()
        assert not NumberPrefix.unwalled.filter(text=letters(stranger)).exists()
    with pytest.raises(NotFound):
        action.approve_scheme(approver, row.pk)
    with pytest.raises(NotFound):
        action.retire_scheme(approver, row.pk, {"reason": "mine now"})
    with pytest.raises(InvalidInput) as refusal:
        action.propose_scheme(author, {"kind": "sequential", "prefix": letters(stranger)})
    assert refusal.value.code == "prefix_taken" and stranger.name not in str(refusal.value.fields)


def test_a_facility_number_of_somebody_else_is_refused_with_what_to_do(world: World) -> None:
    theirs = facility_of(make_organization("manufacturer"))
    author, _ = people(world.manufacturer)
    for text in (theirs, "A9999", "W0000"):
        with pytest.raises(InvalidInput) as refusal:
            action.propose_scheme(author, {"kind": "isbt_040", "prefix": text})
        assert refusal.value.code == "not_your_facility"
        assert "operator" in str(refusal.value.fields["prefix"])
    own = facility_of(world.manufacturer)
    with pytest.raises(InvalidInput) as refusal:
        action.propose_scheme(author, {"kind": "isbt_040", "prefix": theirs})
    assert own in str(refusal.value.fields["prefix"])  # which one it is


def test_the_database_refuses_a_code_under_a_prefix_of_nobody_here(world: World) -> None:
    theirs = make_organization("manufacturer")
    foreign = facility_of(theirs)
    live(theirs, kind="sequential", prefix=letters(theirs))
    with world.step():
        identity.close(world.coi)
    for code in (f"CH{foreign}26000001", "CHW999826000001", f"CX{letters(theirs)}2600000001", "ANYTHING-ELSE"):
        with world.step(), pytest.raises(IntegrityError, match="prefix"), transaction.atomic():
            ChainOfIdentity.objects.create(
                stream=world.stream,
                patient_id=world.patient.pk,
                code=code,
                scheme="forged",
                issuer=world.center,
                manufacturer=world.manufacturer,
            )


def test_an_issued_identifier_is_never_edited_nor_deleted(world: World) -> None:
    rows = ChainOfIdentity.unwalled.filter(pk=world.coi.pk)
    for change in ({"code": "CHA999926999999"}, {"scheme": "other"}, {"stream_id": make_world().stream.pk}):
        with world.step(), pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)
    with world.step():
        rows.delete()
        assert rows.get().code == world.coi.code  # no policy lets a row go


def test_a_trigger_stands_where_no_row_policy_does(world: World) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select count(*) from pg_trigger where tgrelid = 'custody_chainofidentity'::regclass"
            " and tgname = 'custody_identity_stays' and tgenabled = 'O'"
        )
        assert cursor.fetchone() == (1,)


def test_the_database_ties_a_scheme_to_its_own_organizations_prefix(world: World) -> None:
    theirs = make_organization("manufacturer")
    row = live(theirs, kind="sequential", prefix=letters(theirs))
    author, _ = people(world.manufacturer)
    with acting(author, "tests.custody_step"), pytest.raises(IntegrityError, match="owns_prefix"), transaction.atomic():
        NumberingScheme.objects.create(
            organization=world.manufacturer, version=1, kind="sequential", prefix_id=row.prefix_id
        )
        with connection.cursor() as cursor:
            cursor.execute("set constraints all immediate")


def test_who_proposed_does_not_approve(world: World) -> None:
    author, approver = people(world.manufacturer)
    found = action.propose_scheme(author, {"kind": "sequential", "prefix": letters(world.manufacturer)})
    with pytest.raises(NotAllowed):
        action.approve_scheme(author, found)
    with acting(approver, "tests.custody_step"), pytest.raises(IntegrityError), transaction.atomic():
        NumberingScheme.unwalled.filter(pk=found).update(state="live")  # nobody approved it
    with acting(approver, "tests.custody_step"), pytest.raises(IntegrityError), transaction.atomic():
        NumberingScheme.unwalled.filter(pk=found).update(approved_by_id=author.person_id)
    assert issued(world).code.startswith("CHA9999")  # a proposal numbers nothing
    action.approve_scheme(approver, found)
    with pytest.raises(WrongState):
        action.approve_scheme(approver, found)


def test_one_version_is_live_and_the_former_one_retires(world: World) -> None:
    first = live(world.center, kind="sequential", prefix=letters(world.center))
    second = live(world.center, kind="drawn", prefix=letters(world.center), pattern="DDDDDDDDDD")
    with reading(world.nurse):
        states = dict(NumberingScheme.unwalled.filter(organization=world.center).values_list("version", "state"))
    assert states == {first.version: "retired", second.version: "live"}
    with world.step(), pytest.raises(IntegrityError, match="custody_one_live_scheme"), transaction.atomic():
        NumberingScheme.unwalled.filter(pk=first.pk).update(state="live")


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({"kind": "sequential", "prefix": "AIR"}, "prefix"),
        ({"kind": "sequential", "prefix": "AB"}, "prefix"),
        ({"kind": "drawn", "prefix": "ABC", "pattern": "LLD"}, "pattern"),
        ({"kind": "drawn", "prefix": "ABC", "pattern": "LLDDDLLDDZ"}, "pattern"),
        ({"kind": "sequential", "prefix": "ABC", "pattern": "LLDDDLLDDD"}, "pattern"),
        ({"kind": "roman", "prefix": "ABC"}, "kind"),
        ({"kind": "drawn"}, "prefix"),
    ],
)
def test_what_is_no_scheme_is_told_beside_its_field(world: World, given_: dict[str, str], field: str) -> None:
    author, _ = people(world.manufacturer)
    with pytest.raises(InvalidInput) as refusal:
        action.propose_scheme(author, given_)
    assert field in refusal.value.fields


def test_only_the_operator_enters_facility_numbers_and_each_once(world: World) -> None:
    with pytest.raises(NotAllowed):
        action.enter_facility_number(people(world.manufacturer)[0], "W1234", "mine")
    for text, reference in (("A9999", "x"), ("WO123", "x"), ("W1234", " ")):
        with pytest.raises(InvalidInput):
            action.enter_facility_number(operator(world.manufacturer), text, reference)
    with pytest.raises(InvalidInput):
        action.enter_facility_number(operator(world.courier), "W1234", "x")
    text = facility_of(world.manufacturer)
    with pytest.raises(Conflict):
        action.enter_facility_number(operator(make_organization("manufacturer")), text, "also mine")


def test_couriers_number_nothing(world: World) -> None:
    with pytest.raises(NotFound):
        action.propose_scheme(make_actor(world.courier, "courier_dispatcher"), {"kind": "sequential", "prefix": "ABC"})


def test_a_code_that_is_drawn_twice_is_drawn_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    live(world.manufacturer, kind="drawn", prefix=letters(world.manufacturer), pattern="DDDDDDDDDD")
    drawn = iter("2" * 10 + "2" * 10 + "3" * 10)
    monkeypatch.setattr(schemes.secrets, "choice", lambda _: next(drawn))
    assert (issued(world).code[-1], issued(world).code[-1]) == ("2", "3")
    monkeypatch.setattr(schemes.secrets, "choice", lambda _: "2")
    with pytest.raises(Conflict) as refusal:
        issued(world)
    assert refusal.value.code == "identifiers_exhausted"


any_code: Any = st.one_of(
    st.from_regex(r"CX[A-HJKMNP-TV-Z]{3}[0-9]{10}", fullmatch=True),
    st.from_regex(r"CX[A-HJKMNP-TV-Z]{3}[A-HJKMNP-TV-Z2-9]{10}", fullmatch=True),
    st.from_regex(r"CH[A-NP-Z1-9][A-NP-Z0-9]{2}[0-9]{4}[A-Z0-9]{6}", fullmatch=True),
)


@given(any_code, st.integers(0, 14), st.sampled_from(string.ascii_uppercase + string.digits))
def test_one_wrong_character_is_noticed(code: str, place: int, other: str) -> None:
    """The check character finds every single wrong character: it never reads as another chain of identity."""
    wrong = code[:place] + other + code[place + 1 :] + schemes.check(code)
    try:
        found = decoding.decode(wrong).reading.coi
    except decoding.Unreadable:
        found = ""
    assert found == (code if other == code[place] else "")


@given(any_code, st.integers(0, 13))
def test_two_neighbors_that_changed_places_are_noticed(code: str, place: int) -> None:
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    try:
        found = decoding.decode(swapped + schemes.check(code)).reading.coi
    except decoding.Unreadable:
        found = ""
    assert found == (code if swapped == code else "")


@given(st.from_regex(r"[LDX]{10}", fullmatch=True))
def test_drawn_codes_follow_their_pattern_without_look_alikes(pattern: str) -> None:
    code = schemes.Drawn("test", "ABC", pattern).next_code(2026)
    assert len(code) == codes.COI_LENGTH and schemes.is_any_code(code) and not LOOK_ALIKES & set(code)
    for sort, drawn in zip(pattern, code[5:], strict=True):
        assert drawn in schemes.DRAWN_FROM[sort]


@given(any_code)
def test_no_code_reads_as_anything_else(code: str) -> None:
    for text in (code, code + schemes.check(code)):
        assert decoding.decode(text).reading == decoding.Reading(coi=code)
