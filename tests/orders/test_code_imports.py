"""A list of codes from a spreadsheet: all or nothing, every fault by its row, what was brought stays in the form."""

from __future__ import annotations

import io
import json
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook

from custody.models import Alias
from ledger.context import reading
from ledger.queries import events_of
from orders import code_files
from orders.code_files import read_file, read_text
from tests.api.conftest import make_partner
from tests.factories import make_member, make_organization
from tests.orders.conftest import Browse, text_of
from tests.orders.factories import World
from tests.orders.test_codes import DRIVER, NURSE, Packed
from tests.personas.conftest import signed_in

PAGE = "/codes/import/"


@pytest.fixture
def order(world: World, committed_db: None) -> Packed:
    return Packed(world)


@pytest.fixture
def other(world: World, committed_db: None) -> Packed:
    return Packed(world)


def csv(*rows: tuple[str, ...], header: str = "names;system;code;scope") -> SimpleUploadedFile:
    text = "\n".join([header, *(";".join(row) for row in rows)])
    return SimpleUploadedFile("codes.csv", text.encode("utf-8-sig"), "text/csv")


def book(*rows: tuple[Any, ...]) -> SimpleUploadedFile:
    made, data = Workbook(), io.BytesIO()
    for row in rows:
        made.active.append(row)
    made.save(data)
    return SimpleUploadedFile("codes.xlsx", data.getvalue())


def number() -> str:
    return f"EX{uuid4().hex[:10]}".upper()


def values(world: World, order: Packed) -> dict[str, str]:
    with reading(world.actor(*NURSE)):
        rows = Alias.unwalled.filter(stream_id=order.order.stream_id, withdrawn_at__isnull=True)
        return {row.value: row.target_code for row in rows}


def said_by(answer: Any) -> str:
    return text_of(answer).split("<main")[-1]


@pytest.mark.story("AP2")
def test_a_list_names_things_of_several_orders(world: World, browse: Browse, order: Packed, other: Packed) -> None:
    nurse, (bag, box, chain) = browse(*NURSE), (number(), number(), number())
    assert 'name="file"' in text_of(nurse.get(PAGE)) and PAGE in text_of(nurse.get("/codes/"))
    rows = [(order.bag.code, "Courier's waybill", bag, ""), (other.box.code, "waybill", box, "own")]
    sent = {"file": csv(*rows, (other.code, "other", chain, "order")), "once": str(uuid4())}
    assert nurse.post(PAGE, sent).status_code == 303
    assert values(world, order) == {bag: order.bag.code}
    assert values(world, other) == {box: other.box.code, chain: other.order.identity_code}
    actor = world.actor(*NURSE)
    with reading(actor):
        told = [
            row
            for one in (order, other)
            for row in events_of(actor, one.order.stream_id).filter(kind="custody.aliases_imported")
        ]
    assert [row.payload["count"] for row in told] == [1, 2] and len({row.correlation_id for row in told}) == 1
    assert order.bag.code in told[0].payload["names"] and other.box.code not in told[0].payload["names"]


def test_a_list_may_come_again_when_it_has_grown(world: World, browse: Browse, order: Packed) -> None:
    nurse, one, more = browse(*NURSE), number(), number()
    assert nurse.post(PAGE, {"file": csv((order.bag.code, "lot", one, ""))}).status_code == 303
    rows = book(("Names", "System", "Code"), (order.bag.code, "lot", one), (), (order.box.code, "waybill", more))
    done = nurse.post(PAGE, {"file": rows}, follow=True)
    assert "1 codes are registered. 1 named just this before." in text_of(done)
    assert values(world, order) == {one: order.bag.code, more: order.box.code}


def test_one_bad_row_and_nothing_is_registered_and_nothing_is_lost(world: World, browse: Browse, order: Packed) -> None:
    nurse, good = browse(*NURSE), number()
    rows = [
        (order.bag.code, "waybill", good, ""),
        (order.bag.code, "sscc", "106141412345678909", ""),
        ("CHA999926000001-SM1-K", "waybill", "EX-77", ""),
        (order.box.code, "waybill", good, ""),
        (order.box.code, "telex", "EX-78", "everybody"),
        (order.box.code, "waybill", "", ""),
    ]
    first = nurse.post(PAGE, {"file": csv(*rows), "once": "x"})
    assert first.status_code == 400 and values(world, order) == {}
    said = said_by(first)
    for words in ("telex", "everybody", good, "106141412345678909", "EX-77"):
        assert words in said, words
    kept = [row for row in rows if row[1] != "telex" and row[2]]
    second = nurse.post(PAGE, {"file": csv(*kept), "once": "y"})
    said = said_by(second)
    assert second.status_code == 400 and values(world, order) == {}
    assert "3 of 4 rows need attention" in said and "check digit" in said and order.bag.code in said
    assert f"uses this code for {order.bag.code} already" in said
    assert ">3</th>" in said and ">4</th>" in said and ">5</th>" in said, "rows as the file counts them"
    pasted = "\n".join(["names\tsystem\tcode", f"{order.bag.code}\twaybill\t{good}"])
    assert nurse.post(PAGE, {"rows": pasted, "once": "z"}).status_code == 303
    assert values(world, order) == {good: order.bag.code}


def test_nobody_names_what_is_not_theirs_to_name(world: World, browse: Browse, order: Packed) -> None:
    bag, box = number(), number()
    driver = browse(*DRIVER)
    refused = driver.post(PAGE, {"file": csv((order.bag.code, "waybill", bag, ""), (order.code, "waybill", box, ""))})
    assert refused.status_code == 400 and "Give the code of a box" in said_by(refused)
    assert driver.post(PAGE, {"file": csv((order.box.code, "waybill", box, ""))}).status_code == 303
    stranger = signed_in(make_member(make_organization("treatment_center"), "apheresis_nurse"))
    refused = stranger.post(PAGE, {"file": csv((order.bag.code, "waybill", bag, ""))})
    assert refused.status_code == 400 and "an order of yours" in said_by(refused)
    assert browse("center", "treating_physician").post(PAGE, {"file": csv()}).status_code in (403, 404)
    theirs = "names;system;code;issuer"
    nurse = browse(*NURSE)
    refused = nurse.post(PAGE, {"file": csv((order.bag.code, "waybill", bag, "Another Clinic"), header=theirs)})
    assert refused.status_code == 400 and "your own organization" in said_by(refused)
    mixed = csv((order.code, order.box.code, "waybill", box), header="order;names;system;code")
    assert nurse.post(PAGE, {"file": mixed}).status_code == 303, "another firm's same number is its own"


def test_the_same_over_rest(world: World, order: Packed) -> None:
    lab = make_partner(world.center, NURSE[1])
    code, rows = number(), [{"names": order.bag.code, "system": "waybill", "code": ""}]
    rows.append({"names": order.bag.code, "system": "waybill", "code": code, "order": "CT-0000-0000"})
    answer = lab.post("codes/import", {"rows": rows})
    assert answer.status_code == 400 and "code" in answer.json()["fields"]["rows"]["0"]
    rows[0]["code"] = number()
    answer = lab.post("codes/import", {"rows": rows}, **{"Idempotency-Key": "a"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (400, "rows_refused")
    assert list(problem["fields"]["rows"]) == ["1"] and "order" in problem["fields"]["rows"]["1"]
    rows[1]["order"] = order.code
    for _ in range(2):
        answer = lab.post("codes/import", {"rows": rows}, **{"Idempotency-Key": "b"})
        assert (answer.status_code, answer.json()) == (201, {"registered": 2, "known": 0}), answer.content
    assert lab.post("codes/import", {"rows": rows}).json() == {"registered": 0, "known": 2}
    own = [dict(rows[0], scope="own")]
    assert "scope" in lab.post("codes/import", {"rows": own}).json()["fields"]["rows"]["0"]
    assert lab.post("codes/import", {"rows": []}).status_code == 400
    assert make_partner(world.center, "treating_physician").post("codes/import", {"rows": rows}).status_code == 403


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("x.pdf", b"%PDF", "neither"),
        ("x.xlsx", b"PK no", "not an .xlsx workbook"),
        ("x.csv", b"", "nothing in it"),
        ("x.csv", b"names;system\n", "“code” is missing"),
        ("x.csv", b"names;system;code;color\n", "“color” is not known"),
        ("x.csv", b"names;names;system;code\n", "twice"),
        ("x.csv", b"names;system;code\n", "no row below"),
        ("x.csv", b"names;system;code\na;lot;b;c\n", "Row 2: there are more cells"),
        ("x.csv", b"names;system;code\n\xff\xfe", "not UTF-8"),
        ("x.csv", b'names;system;code\n"a;lot;b', "not a proper CSV"),
        ("x.csv", b"x" * (code_files.LARGEST + 1), "larger than"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(name: str, data: bytes, words: str) -> None:
    with pytest.raises(code_files.InvalidInput) as refused:
        read_file(name, data)
    assert words in " ".join(refused.value.fields["file"])


def test_what_a_spreadsheet_changed_is_refused_and_what_it_kept_is_read() -> None:
    import datetime as dt

    made = book(("names", "system", "code"), ("A", "lot", 106141412345678908), ("B", "lot", dt.date(2026, 3, 1)))
    with pytest.raises(code_files.InvalidInput) as refused:
        read_file("x.xlsx", made.read())
    first, second = refused.value.fields["file"]
    assert "Row 2, code" in first and "rounded" in first and "Row 3, code" in second and "date" in second
    made = book(("names", "system", "code"), ("A", "lot", "=1+1"))
    with pytest.raises(code_files.InvalidInput, match="cannot be read"):
        read_file("x.xlsx", made.read())
    read = read_file("x.xlsx", book((), ("Names", "SYSTEM", "code"), ("A", "Waybill", 4711), ()).read())
    assert read.rows == [{"names": "A", "system": "waybill", "code": "4711"}] and read.lines == [3]
    donation = read_text("names,system,code\nA,donation,=A999926000001000\n")
    assert donation.rows[0]["code"] == "=A999926000001000", "no formula: ISBT 128 begins so"
    assert read_text(donation.text).rows == donation.rows
    with pytest.raises(code_files.InvalidInput) as refused:
        read_text("names,system,code\n" + "A,lot,b\n" * (code_files.MOST_ROWS + 1))
    assert json.dumps(refused.value.fields["rows"]).count("Split the list") == 1
