"""A network from a spreadsheet: the template imports as it is, every fault is named at once, nothing is half stored."""

from __future__ import annotations

import datetime as dt
import io
import uuid
import zipfile
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from openpyxl import Workbook, load_workbook

from cgt.network_files import sheets
from cgt.network_files.calendar_sections import NEXT_MONDAY
from cgt.network_files.directory import operator_of, present
from cgt.network_files.sections import BY_NAME, SECTIONS
from custody.models import NumberPrefix
from ledger.context import reading
from network.lane_plans import routes_of
from network.queries import lane_between, specification_in_force, therapies
from orders import tables
from orders.actions.flows import approve_flow
from orders.models import Flow
from personas.models import Membership, User
from personas.queries import actor_of_membership
from scheduling.queries import slots
from tests.factories import unique

pytestmark = pytest.mark.django_db


def run(*arguments: Any) -> tuple[str, list[str]]:
    """Run the command; return what it said and which faults it told. A refused file raises CommandError."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("import_network", *map(str, arguments), stdout=out, stderr=err)
    except CommandError as error:
        return str(error), err.getvalue().splitlines()
    return out.getvalue(), err.getvalue().splitlines()


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "network.xlsx"
    run("--template", path)
    return path


def renamed(path: Path) -> str:
    """Give the template's examples codes of their own, so that tests do not meet each other's; return the new stem."""
    stem = f"x{uuid.uuid4().hex[:8]}"
    workbook = load_workbook(path)
    for sheet in workbook.worksheets:
        for cell in (cell for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)):
            cell.value = cell.value.replace("example-", f"{stem}-").replace(".example", f".{stem}.example")
    workbook.save(path)
    return stem


def change(path: Path, sheet: str, row: int, **values: Any) -> None:
    workbook = load_workbook(path)
    columns = [cell.value for cell in workbook[sheet][1]]
    for name, value in values.items():
        workbook[sheet].cell(row=row, column=columns.index(name) + 1, value=value)
    workbook.save(path)


def test_the_template_has_every_column_and_says_what_it_holds(template: Path) -> None:
    workbook = load_workbook(template)
    assert workbook.sheetnames == ["notes", *BY_NAME]
    notes = [[str(cell or "") for cell in row] for row in workbook["notes"].iter_rows(values_only=True)]
    for section in SECTIONS:
        header, *rows = workbook[section.name].iter_rows(values_only=True)
        assert list(header) == [column.name for column in section.columns]
        assert rows
        for column in section.columns:
            assert any(line[:2] == [section.name, column.name] for line in notes)
    assert any("--check" in line[0] for line in notes)
    assert "is there already" in run("--template", template)[0]
    assert "such a name" in run("--template", template.with_suffix(".doc"))[0]


def test_the_template_imports_as_it_is_and_its_therapy_waits_for_a_person(template: Path) -> None:
    stem = renamed(template)
    said, faults = run(template)
    assert faults == [], faults
    assert said.startswith("Imported: 3 organizations, 2 sites, 3 people, 1 facilities, 3 partnerships, 1 therapies")
    assert "proposed, not live" in said and "approve" in said

    known = present()
    hospital, maker = known.organizations[f"{stem}-hospital"], known.organizations[f"{stem}-cells"]
    assert (hospital.role, hospital.synthetic) == ("treatment_center", True)
    assert known.sites[f"{stem}-campus"].zone == "Europe/Berlin"
    operator = operator_of(hospital)
    with reading(operator):
        assert [therapy.code for therapy in therapies(operator)] == [f"{stem}-cel"], "its partner's therapy"
        chairs = list(slots(operator, kind="apheresis_chair", organization_id=hospital.pk))
    assert [(slot.starts_at.isoformat(), slot.capacity) for slot in chairs][0] == ("2030-01-07T06:00:00+00:00", 1)
    assert len(chairs) == 5, "Monday to Friday"
    with reading(operator_of(maker)):
        specification = specification_in_force(known.therapies[f"{stem}-cel"].pk)
        flow = Flow.unwalled.get(therapy_id=known.therapies[f"{stem}-cel"].pk)
    assert (specification.limits["max_age_hours"], specification.tests[0]["minimum"]) == (72, 70)
    assert flow.state == "proposed" and flow.proposed_by_id is None
    approver = User.objects.get(username=f"approver@cells.{stem}.example")
    assert not approver.has_usable_password()
    actor = actor_of_membership(Membership.unwalled.get(user=approver), "browser")  # type: ignore[arg-type]
    assert approve_flow(actor, flow.pk).state == "live"


def test_routes_papers_and_alerts_of_a_lane_come_with_the_file(template: Path) -> None:
    stem = renamed(template)
    said, faults = run(template)
    assert faults == [] and "5 legs" in said, faults
    known = present()
    maker = operator_of(known.organizations[f"{stem}-cells"])
    with reading(maker):
        there = lane_between(maker.organization_id, *(known.sites[f"{stem}-{end}"].pk for end in ("campus", "plant")))
        back = lane_between(maker.organization_id, *(known.sites[f"{stem}-{end}"].pk for end in ("plant", "campus")))
    assert there is not None and back is not None and back.routes == []
    assert [(one.name, len(one.legs), one.hours) for one in routes_of(there)] == [
        ("", 3, 14.0),
        ("By way of Amsterdam", 2, 20.0),
    ]
    assert there.papers == ["Commercial invoice", "Declaration of contents"]
    assert there.alert_minutes == {"delivered": 120, "leg_arrived": 30}


@pytest.mark.parametrize(
    ("row", "changes", "place", "words"),
    [
        (3, {"from": "Elsewhere"}, "sheet legs, row 3, column from", "The leg before ends at Frankfurt (FRA)"),
        (4, {"starts_after": 10}, "sheet legs, row 4, column starts_after", "Begins before"),
        (4, {"hours": 40}, "sheet legs, row 4, column starts_after", "later than the 14 h"),
        (2, {"mode": "rocket"}, "sheet legs, row 2, column mode", "Use one of road"),
        (4, {"hours": "long"}, "sheet legs, row 4, column hours", "number"),
        (6, {"direction": "outbound"}, "sheet legs, row 6, column origin", "No lane of this courier"),
        (5, {"courier": "nobody-here"}, "sheet legs, row 5, column courier", "neither the sheet organizations"),
    ],
)
def test_a_leg_at_fault_is_told_by_its_cell_and_nothing_is_kept(
    template: Path, row: int, changes: dict[str, Any], place: str, words: str
) -> None:
    stem = renamed(template)
    change(template, "legs", row, **changes)
    _, faults = run(template)
    assert any(fault.startswith(place) and words in fault for fault in faults), faults
    assert f"{stem}-cells" not in present().organizations


def test_alerts_and_papers_are_read_strictly(template: Path) -> None:
    renamed(template)
    change(template, "lanes", 2, alerts="delivered=soon")
    change(template, "lanes", 3, alerts="landing=20", papers="x" * 121)
    _, faults = run(template)
    assert any("row 2, column alerts" in fault and "name=minutes" in fault for fault in faults)
    assert any("row 3, column alerts" in fault for fault in faults) and any(
        "column papers" in fault for fault in faults
    )


def test_a_check_tries_everything_and_keeps_nothing(template: Path) -> None:
    stem = renamed(template)
    said, faults = run(template, "--check")
    assert said.startswith("In order: 3 organizations") and "Nothing was stored" in said and faults == []
    assert not User.objects.filter(username__contains=stem).exists()
    assert not [code for code in present().organizations if code.startswith(stem)]


def test_every_fault_is_told_at_once_with_its_place_and_nothing_is_stored(template: Path) -> None:
    stem = renamed(template)
    change(template, "organizations", 2, role="clinic", country="Germany")
    change(template, "sites", 3, zone="Mars/Olympus", organization="nobody")
    change(template, "people", 2, username="no address", persona="wizard")
    change(template, "people", 4, persona="wizard")
    change(template, "therapies", 2, tests="[", limits='{"bags": 0, "mood": 1}', flow="autologous_car_t")
    change(template, "lanes", 2, weekdays="Fri-Mon", cutoff="noon")
    change(template, "lanes", 3, transit_hours=500, qualified_hours=10)
    change(template, "resources", 5, kind="oven")
    change(template, "capacity", 3, places="many", first_date="tomorrow")
    said, faults = run(template)
    assert "Nothing was imported." in said and said.startswith(f"{len(faults)} entries")
    told = "\n".join(faults)
    for place in (
        "sheet organizations, row 2, column role: Use one of",
        "sheet organizations, row 2, column country: Use two capital letters",
        "sheet sites, row 3, column zone: Unknown time zone.",
        "sheet people, row 2, column username: Enter the person's e-mail address.",
        "sheet people, row 4, column persona: ",
        "sheet therapies, row 2, column tests: Enter a JSON list",
        "sheet lanes, row 2, column weekdays: ",
        "sheet lanes, row 2, column cutoff: ",
        "sheet resources, row 5, column kind: Use one of",
        "sheet capacity, row 3, column places: Enter a whole number.",
        "sheet capacity, row 3, column first_date: ",
    ):
        assert place in told, told
    assert "row 2, column organization" not in told, "what refers to a row at fault is not told again"
    assert not [code for code in present().organizations if code.startswith(stem)]
    assert not User.objects.filter(username__contains=stem).exists()


@pytest.mark.parametrize(
    ("sheet", "row", "values", "told"),
    [
        ("therapies", 2, {"limits": '{"bags": 0}'}, "column limits: limits.bags: Enter a whole number of at least 1."),
        ("therapies", 2, {"tests": '[{"key": "A B"}]'}, "column tests: tests[0].key: Use lower-case letters"),
        ("therapies", 2, {"flow": "../secrets"}, "column flow: Use one of autologous_car_t, in_vivo"),
        ("sites", 2, {"organization": "nobody"}, "column organization: “nobody” is in neither"),
        ("people", 2, {"site": "STEM-plant"}, "column site: This site belongs to another organization."),
        ("people", 2, {"name": "Kim\nExample"}, "column name: Line breaks"),
        ("people", 3, {"username": "coordinator@hospital.STEM.example"}, "belongs to somebody of another name"),
        ("organizations", 3, {"code": "STEM-hospital"}, "The same code as in row 2."),
        ("plants", 2, {"markets": "Germany"}, "column markets: Use two capital letters"),
        ("lanes", 3, {"transit_hours": 500}, "column qualified_hours: The shipper must hold at least as long"),
        ("resources", 3, {"transit_hours": "long"}, "column transit_hours: "),
        ("resources", 4, {"site": "STEM-campus"}, "column site: Not a site of your organization."),
        ("capacity", 2, {"places": 5000}, "row 2, column places: Give a whole number from 0 to 1000."),
        ("capacity", 2, {"resource": "STEM-chair-9"}, "column resource: This organization has no such resource."),
        ("capacity", 2, {"last_date": dt.date(2029, 1, 1)}, "column last_date: From the first date on"),
        ("capacity", 2, {"first_date": "=TODAY()"}, "column first_date: Formulas are not read"),
        ("partnerships", 2, {"partner": "STEM-hospital"}, "column partner: An organization is no partner of itself."),
    ],
)
def test_one_fault_is_told_alone(template: Path, sheet: str, row: int, values: dict[str, Any], told: str) -> None:
    stem = renamed(template)
    given = {k: v.replace("STEM", stem) if isinstance(v, str) else v for k, v in values.items()}
    change(template, sheet, row, **given)
    said, faults = run(template)
    assert "Nothing was imported." in said
    assert any(f"sheet {sheet}, row {row}" in fault and told in fault for fault in faults), faults
    assert not [code for code in present().organizations if code.startswith(stem)]


NEVER = "2020-01-01"
# What cannot be, by sheet: ends before beginnings, overlaps, fewer than none, unknown clocks, ways in a circle.
IMPOSSIBLE: list[tuple[str, int, dict[str, Any], str]] = [
    ("closures", 2, {"last_date": NEXT_MONDAY}, "column last_date: The last day comes after the first"),
    ("closures", 2, {"start": "10:00", "end": "09:00"}, "column end: It ends after it begins."),
    ("closures", 2, {"start": "10:00", "end": "10:00"}, "column end: It ends after it begins."),
    ("rules", 2, {"last_date": NEVER}, "column last_date: The last day comes after the first"),
    ("rules", 2, {"start": "14:00", "end": "14:00"}, "column end: A shift that begins and ends at the same time"),
    (
        "rules",
        3,
        {"organization": "STEM-hospital", "resource": "STEM-chair", "start": "18:00", "end": "20:00"},
        "column start: Overlaps the shift afternoon (14:00–19:00)",
    ),
    ("rules", 2, {"places": -1}, "column places: Give a whole number from 0 to 1000."),
    ("rules", 2, {"people_per_place": -1}, "column people_per_place: Give a whole number from 1"),
    ("rules", 2, {"release_days": -1}, "column release_days: Give a whole number from 0"),
    ("teams", 2, {"last_date": NEVER}, "column last_date: The last day comes after the first"),
    ("teams", 2, {"people": -1}, "column people: Give a whole number from 0 to 1000."),
    ("capacity", 2, {"last_date": NEVER}, "column last_date: From the first date on"),
    ("capacity", 2, {"places": -1}, "column places: Give a whole number from 0 to 1000."),
    (
        "capacity",
        3,
        {"organization": "STEM-hospital", "resource": "STEM-chair", "start": "12:00", "end": "18:00"},
        "column start: ",
    ),
    ("sites", 2, {"zone": "Mars/Olympus"}, "column zone: Unknown time zone."),
    ("lanes", 2, {"destination": "STEM-campus"}, "column destination: A lane leads to another place"),
    ("lanes", 2, {"direction": "outbound"}, "column origin: An outbound lane begins at a plant."),
    ("lanes", 3, {"direction": "inbound"}, "column destination: An inbound lane leads to a plant."),
    ("lanes", 2, {"transit_hours": -4}, "column transit_hours: Must be more than zero."),
    ("lanes", 2, {"qualified_hours": -4}, "column qualified_hours: The shipper must hold at least"),
    ("legs", 2, {"to": "Example Hospital"}, "column to: The route has been at Example Hospital before"),
    ("legs", 4, {"to": "Example Hospital"}, "column to: The route has been at Example Hospital before"),
    ("legs", 2, {"hours": -1}, "column hours: "),
    ("legs", 2, {"starts_after": -1}, "column starts_after: "),
    ("resources", 3, {"destination": "STEM-campus"}, "column destination: A run leads to another place"),
    ("resources", 3, {"transit_hours": -2}, "column transit_hours: Give the hours on the way"),
]


@pytest.mark.parametrize(("sheet", "row", "values", "told"), IMPOSSIBLE)
def test_a_check_tells_what_cannot_be_by_row_and_column(
    template: Path, sheet: str, row: int, values: dict[str, Any], told: str
) -> None:
    stem = renamed(template)
    given = {k: v.replace("STEM", stem) if isinstance(v, str) else v for k, v in values.items()}
    change(template, sheet, row, **given)
    said, faults = run(template, "--check")
    assert "Nothing was imported." in said
    assert any(fault.startswith(f"sheet {sheet}, row {row}, {told}") for fault in faults), faults


def test_a_facility_number_is_entered_for_its_owner_alone(template: Path, tmp_path: Path) -> None:
    stem = renamed(template)
    run(template)
    with reading(operator_of(present().organizations[f"{stem}-hospital"])):
        assert NumberPrefix.unwalled.get(text="A9990").organization.code == f"{stem}-hospital"
    more, head = tmp_path / "facilities.csv", "organization;facility;reference\n"
    rows = (f"{stem}-cells;A9990;x", f"{stem}-cells;O1234;x", f"{stem}-courier;W1234;x", f"{stem}-cells;A9999;x")
    more.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    said, faults = run(more)
    assert "Nothing was imported." in said
    told = "\n".join(faults)
    for place in (
        "row 2",
        "row 3, column facility: Five",
        "row 4, column organization",
        "row 5, column facility: A9999",
    ):
        assert f"sheet facilities, {place}" in told, told
    assert f"{stem}-hospital" not in told


def test_a_second_import_says_what_is_there_already_and_capacity_may_follow(template: Path, tmp_path: Path) -> None:
    stem = renamed(template)
    run(template)
    said, faults = run(template)
    assert "Nothing was imported." in said
    assert any("sheet organizations, row 2, column code: This code is in the system already." in f for f in faults)

    later = tmp_path / "capacity.csv"
    head = "organization;resource;first_date;start;end;places\n"
    later.write_text(f"{head}{stem}-hospital;{stem}-chair;2030-02-04;07:00;13:00;1\n", encoding="utf-8-sig")
    said, faults = run(later)
    assert (said, faults) == ("Imported: 1 capacity.\n", [])
    later.write_text(f"{head}{stem}-hospital;{stem}-chair;2030-02-04;09:00;15:00;1\n")
    said, faults = run(later, "--sheet", "capacity")
    assert any("row 2, column start: Overlaps another window" in fault for fault in faults), (said, faults)


def test_one_sheet_of_a_workbook(template: Path) -> None:
    stem = renamed(template)
    said, faults = run(template, "--sheet", "organizations")
    assert (said, faults) == ("Imported: 3 organizations.\n", [])
    assert len([code for code in present().organizations if code.startswith(stem)]) == 0, (
        "nobody has a persona there yet"
    )
    said, _ = run(template, "--sheet", "horoscopes")
    assert said.startswith("There is no sheet “horoscopes”")
    assert User.objects.filter(username__contains=stem).count() == 0


def csv_file(tmp_path: Path, content: bytes | str, name: str = "organizations.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


HEAD = "code,name,role,country\n"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "sheet organizations: The sheet is empty."),
        ("\n\n", "sheet organizations: The sheet is empty."),
        (HEAD, "There is no row to import."),
        ("code,name,role\n", "column country: This column is missing."),
        ("code,name,role,country,mood\n", "column mood: This column is not known."),
        ("code,code,name,role,country\n", "column code: This column stands here twice."),
        (f"{HEAD}acme,=cmd(),courier,DE\n", "row 2, column name: Formulas are not read"),
        (f"{HEAD}acme,Acme,courier,DE,more\n", "row 2: There are more cells than columns."),
        (f"{HEAD}acme,,courier,DE\n", "row 2, column name: This cell is empty."),
        (f"{HEAD}acme,{'x' * 201},courier,DE\n", "row 2, column name: Enter at most 200 characters."),
        (f"{HEAD}Acme!,Acme,courier,DE\n", "row 2, column code: Use 2 to 40"),
    ],
)
def test_a_csv_file_with_faults(tmp_path: Path, content: str, told: str) -> None:
    said, faults = run(csv_file(tmp_path, content))
    assert "Nothing was imported." in said
    assert any(told in fault for fault in faults), faults


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        (b"code,name\xff\n", "organizations.csv", "line 1: not UTF-8"),
        (b"code\x00name\n", "organizations.csv", "is not a text file"),
        (b'code,name\n"open', "organizations.csv", "is not a proper CSV file"),
        (HEAD.encode(), "list.csv", "Say with --sheet which sheet this is"),
        (b"hello", "network.xlsx", "is not an .xlsx workbook"),
        (b"hello", "network.xls", "is neither an .xlsx workbook nor a .csv file"),
        (b"hello", "network.pdf", "is neither an .xlsx workbook nor a .csv file"),
        (b"PK\x05\x06" + b"\x00" * 18, "network.xlsx", "is not an .xlsx workbook"),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, content: bytes, name: str, told: str) -> None:
    said, faults = run(csv_file(tmp_path, content, name))
    assert told in said and faults == []


def test_what_is_no_file(tmp_path: Path) -> None:
    assert "cannot be opened" in run(tmp_path / "missing.xlsx")[0]
    folder = tmp_path / "folder.xlsx"
    folder.mkdir()
    assert "is no file" in run(folder)[0]
    assert "--template" in run()[0]


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    assert "larger than 10 MB" in run(csv_file(tmp_path, b"x" * (sheets.LARGEST_FILE + 1)))[0]


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (tables.LARGEST_UNPACKED + 1))
    assert path.stat().st_size < sheets.LARGEST_FILE
    assert "unpacks to more than 100 MB" in run(path)[0]


@pytest.mark.parametrize(
    ("part", "content", "told"),
    [
        ("xl/vbaProject.bin", b"macro", "contains macros"),
        ("xl/extra.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><x/>', "declares its own document type"),
    ],
)
def test_a_workbook_that_hides_something(template: Path, part: str, content: bytes, told: str) -> None:
    with zipfile.ZipFile(template, "a") as archive:
        archive.writestr(part, content)
    assert told in run(template)[0]


def test_a_damaged_workbook(template: Path) -> None:
    template.write_bytes(template.read_bytes()[:-300])
    assert "is not an .xlsx workbook" in run(template)[0]


def test_sheets_that_are_not_known_and_sheets_that_are_empty(tmp_path: Path) -> None:
    workbook = Workbook()
    workbook.active.title = "Organizations"  # type: ignore[union-attr]
    workbook.create_sheet("horoscopes").append(["sign"])
    path = tmp_path / f"{unique('file')}.xlsx"
    workbook.save(path)
    said, faults = run(path)
    assert "2 entries" in said
    assert any("sheet horoscopes: This sheet is not known." in fault for fault in faults)
    assert any("sheet organizations: The sheet is empty." in fault for fault in faults)


def test_an_imported_person_chooses_their_own_password(template: Path, mailoutbox: list[Any]) -> None:
    stem = renamed(template)
    run(template)
    answer = Client().post("/accounts/password/reset/", {"email": f"coordinator@hospital.{stem}.example"})
    assert answer.status_code == 302
    assert [message.to for message in mailoutbox] == [[f"coordinator@hospital.{stem}.example"]]
    assert "/accounts/password/reset/key/" in mailoutbox[0].body


@pytest.mark.story("AU1", "MP1")
def test_opening_rules_are_imported_and_make_windows(template: Path) -> None:
    stem = renamed(template)
    today = timezone.now().astimezone(ZoneInfo("Europe/Berlin")).date()
    for row in (2, 3):
        change(template, "rules", row, first_date=today)
    change(template, "rules", 2, weekdays="Mon-Sun", on_holidays="open")
    change(template, "teams", 2, first_date=today, weekdays="Mon-Sun")
    change(template, "closures", 2, first_date=today + dt.timedelta(days=30))
    assert run(template)[1] == []
    known = present()
    operator = operator_of(known.organizations[f"{stem}-hospital"])
    with reading(operator):
        found = list(slots(operator, kind="apheresis_chair"))
        made = [slot for slot in found if slot.shift == "afternoon"]
        assert len(made) > 150
        assert {slot.starts_at.astimezone(ZoneInfo("Europe/Berlin")).hour for slot in made} == {14}
        assert {slot.reserved_for for slot in made} == {"emergent"}
        assert [slot.closed_reason for slot in found if not slot.capacity] == ["Closed: Calibration."]
        assert sum(slot.shift == "early" for slot in slots(operator, kind="courier_lane")) > 100


@pytest.mark.parametrize(
    ("sheet", "cells", "told"),
    [
        ("rules", {"weekdays": "", "pattern": "FREQ=HOURLY"}, "row 2, column pattern: “FREQ=HOURLY”"),
        ("rules", {"pattern": "FREQ=DAILY"}, "row 2, column weekdays: Fill either"),
        ("rules", {"places": -1}, "row 2, column places: Give a whole number"),
        ("rules", {"region": "ZZ"}, "row 2, column region: Entity"),
        ("rules", {"end": "14:00"}, "row 2, column end: A shift that begins"),
        ("rules", {"resource": "nowhere"}, "row 2, column resource: This organization has no such resource"),
        ("rules", {"last_date": "2020-01-01"}, "row 2, column last_date: The last day"),
        ("teams", {"people": -3}, "row 2, column people: Give a whole number"),
        ("teams", {"site": "nowhere"}, "row 2, column site: “nowhere”"),
        ("closures", {"first_date": "2020-01-01"}, "row 2, column first_date: Give a day from today on"),
        ("closures", {"resource": ""}, "row 2, column resource: Say either"),
    ],
)
def test_faults_of_the_calendar_are_told_with_their_cell(
    template: Path, sheet: str, cells: dict[str, Any], told: str
) -> None:
    renamed(template)
    change(template, sheet, 2, **cells)
    _, faults = run(template)
    assert any(fault.startswith(f"sheet {sheet}, {told}") for fault in faults), faults
