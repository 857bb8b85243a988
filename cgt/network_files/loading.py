"""From rows to a network, through the real actions: every fault is told, and nothing is stored unless there is none."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import DatabaseError, transaction

from cgt.network_files.calendar_loading import load_closure, load_rule, load_team
from cgt.network_files.directory import Directory, operator_of, present
from cgt.network_files.faults import Fault
from cgt.network_files.lane_loading import lane_in_force, leg_faults, plan_legs, run_as
from cgt.network_files.rows import Row, read_rows
from cgt.network_files.sections import LANE, SECTIONS
from cgt.network_files.sheets import read_file
from custody.actions.numbering import enter_facility_number
from ledger.refusals import InvalidInput, Refusal
from network.actions.places import add_lane, add_plant, authorize_site
from network.actions.qualifications import add_credential
from network.actions.therapies import add_therapy, publish_specification
from orders import flow_files
from orders.actions.flows import propose_flow
from personas.actions.organizations import add_organization, add_site, connect_partners
from personas.actions.people import add_member
from personas.queries import User
from scheduling.actions.capacity import CapacityRow, add_resource, publish_capacity

LONGEST_SERIES = dt.timedelta(days=400)


class Faulty(Exception):
    """The file was not loaded: ``faults`` says why."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__(f"{len(faults)} entries need attention")


class _TryOnly(Exception):
    pass


class _Skip(Exception):
    """The row refers to a row that is at fault itself: not told twice."""


def load(path: Path, *, only: str = "", check: bool = False) -> Counter[str]:
    """Load a file in one transaction; return how many rows of each sheet, and ``flows`` for those that were proposed.

    ``check``: everything is tried and nothing kept. Raises UnusableFile, or Faulty with every fault.
    """
    sheets, faults = read_file(path, only)
    counted: Counter[str] = Counter()
    try:
        with transaction.atomic():
            loader = _Loader(present(), faults)
            for section in SECTIONS:
                rows, broken = read_rows(section, sheets.get(section.name, []), faults)
                loader.broken[section.name] |= broken
                counted[section.name] = loader.load(rows)
            counted["flows"] = loader.flows
            if not faults and not sum(counted.values()):
                faults.append(Fault("", 0, "", "There is no row to import.", "Fill the template below its headers."))
            if faults:
                raise Faulty(faults)
            if check:
                raise _TryOnly
    except _TryOnly:
        pass
    return counted


class _Loader:
    def __init__(self, known: Directory, faults: list[Fault]) -> None:
        self.known, self.faults, self.flows = known, faults, 0
        self.broken: dict[str, set[str]] = defaultdict(set)

    def load(self, rows: list[Row]) -> int:
        """Load the rows of one sheet, each on its own savepoint; return how many were in order."""
        name = rows[0].section.name if rows else ""
        if name in ("capacity", "legs"):
            return self._load_capacity(rows) if name == "capacity" else self._load_legs(rows)
        return sum(self._try(row, getattr(self, f"_{row.section.name}")) for row in rows)

    def _try(self, row: Row, act: Callable[[Row], None]) -> bool:
        try:
            with transaction.atomic():
                act(row)
        except _Skip:
            pass
        except Refusal as refusal:
            self.faults.extend(_told(row, refusal))
        except DatabaseError:
            self.faults.append(row.fault("", "The database does not take this row: is it there already?"))
        else:
            return True
        self.broken[row.section.name].add(str(row.values.get("code", "")))
        return False

    def _need(self, row: Row, column: str, kind: str) -> Any:
        """Return what a cell names; raise InvalidInput when neither the file nor the system has it."""
        named, known = row[column], getattr(self.known, kind)
        if named in known:
            return known[named]
        if named in self.broken[kind]:
            raise _Skip
        raise InvalidInput(
            fields={column: [f"“{named}” is in neither the sheet {kind} nor the system."]},
            remedy="Check the code, or add its row.",
        )

    def _organizations(self, row: Row) -> None:
        _refuse_known(row, self.known.organizations)
        self.known.organizations[row["code"]] = add_organization(
            code=row["code"],
            name=row["name"],
            role=row["role"],
            country=row["country"],
            synthetic=bool(row["synthetic"]),
        )

    def _sites(self, row: Row) -> None:
        organization = self._need(row, "organization", "organizations")
        _refuse_known(row, self.known.sites)
        more = {name: row[name] or "" for name in ("address", "phone", "door")}
        self.known.sites[row["code"]] = add_site(
            operator_of(organization),
            code=row["code"],
            name=row["name"],
            country=row["country"],
            zone=row["zone"],
            **more,
        )

    def _people(self, row: Row) -> None:
        organization = self._need(row, "organization", "organizations")
        site = self._need(row, "site", "sites") if row["site"] else None
        if site is not None and site.organization_id != organization.pk:
            raise InvalidInput(fields={"site": ["This site belongs to another organization."]})
        account = User.objects.filter(username=row["username"]).select_related("person").first()
        if account is not None and account.person is not None and account.person.name != row["name"]:
            text = f"This account belongs to somebody of another name: {account.person.name}."
            raise InvalidInput(
                fields={"name": [text]}, remedy="One account, one person: correct the name or the address."
            )
        operator = operator_of(organization)
        membership = add_member(
            operator,
            username=row["username"],
            name=row["name"],
            persona_key=row["persona"],
            site=site,
            phone=row["phone"] or "",
        )
        if row["prescriber"]:
            person_id = User.objects.values_list("person_id", flat=True).get(pk=membership.user_id)
            add_credential(operator, person_id=person_id)

    def _partnerships(self, row: Row) -> None:
        one, other = (self._need(row, column, "organizations") for column in ("organization", "partner"))
        if one.pk == other.pk:
            raise InvalidInput(fields={"partner": ["An organization is no partner of itself."]})
        connect_partners(operator_of(one), other)

    def _therapies(self, row: Row) -> None:
        operator = operator_of(self._need(row, "manufacturer", "organizations"))
        _refuse_known(row, self.known.therapies)
        therapy = add_therapy(
            operator,
            code=row["code"],
            name=row["name"],
            modality=row["modality"],
            required_trainings=row["trainings"] or (),
        )
        publish_specification(operator, therapy, tests=row["tests"], limits=row["limits"])
        if row["flow"]:
            propose_flow(operator, therapy, _shipped(row["flow"]))
            self.flows += 1
        self.known.therapies[row["code"]] = therapy

    def _facilities(self, row: Row) -> None:
        organization = self._need(row, "organization", "organizations")
        enter_facility_number(operator_of(organization), row["facility"].upper(), row["reference"])

    def _plants(self, row: Row) -> None:
        therapy, site = self._need(row, "therapy", "therapies"), self._need(row, "site", "sites")
        operator, owner = operator_of(self.known.maker_of(therapy)), self.known.of_site(site)
        add_plant(operator, therapy, site, markets=row["markets"] or (), partner=owner)

    def _authorizations(self, row: Row) -> None:
        therapy, site = self._need(row, "therapy", "therapies"), self._need(row, "site", "sites")
        operator, owner = operator_of(self.known.maker_of(therapy)), self.known.of_site(site)
        early = row["ld_on_release"]
        reason = row["reason"] or ""
        authorize_site(operator, therapy, site, reason=reason, lymphodepletion_on_release=early, partner=owner)

    def _lanes(self, row: Row) -> None:
        manufacturer, courier = (self._need(row, name, "organizations") for name in ("manufacturer", "courier"))
        ends = {name: self._need(row, name, "sites") for name in ("origin", "destination")}
        numbers = {name: row[name] for name in ("transit_hours", "qualified_hours", "cutoff", "weekdays")}
        lane = add_lane(
            operator_of(manufacturer),
            manufacturer=manufacturer,
            courier=courier,
            direction=row["direction"],
            temperature=row["temperature"] or "",
            **ends,
            **numbers,
        )
        if row["papers"] or row["alerts"]:
            run_as(operator_of(manufacturer), lane, row)

    def _load_legs(self, rows: list[Row]) -> int:
        """Write the routes of each lane down at once: their legs have to follow one another."""
        by_lane: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for row in rows:
            by_lane[tuple(row[name] for name in LANE)].append(row)
        return sum(self._plan_legs(given) for given in by_lane.values())

    def _plan_legs(self, rows: list[Row]) -> int:
        found: list[Any] = []

        def lane_of(row: Row) -> None:
            manufacturer, courier = (self._need(row, name, "organizations") for name in ("manufacturer", "courier"))
            origin, destination = (self._need(row, name, "sites") for name in ("origin", "destination"))
            if any(fault.sheet == "lanes" for fault in self.faults):
                raise _Skip  # the lane may be the row at fault
            lane = lane_in_force(manufacturer, courier, origin, destination, row["direction"])
            found.append((operator_of(manufacturer), lane))

        good = [row for row in rows if self._try(row, lane_of)]
        if len(good) < len(rows):
            return 0
        try:
            with transaction.atomic():
                operator, lane = found[0]
                plan_legs(operator, lane, rows)
        except Refusal as refusal:
            self.faults.extend(leg_faults(refusal, rows))
            return 0
        return len(rows)

    def _resources(self, row: Row) -> None:
        organization = self._need(row, "organization", "organizations")
        site = self._need(row, "site", "sites") if row["site"] else None
        therapy_ids = [self._therapy_id(row, code) for code in row["therapies"] or ()]
        origin = self._need(row, "origin", "sites") if row["origin"] else None
        add_resource(
            operator_of(organization),
            code=row["code"],
            name=row["name"],
            kind=row["kind"],
            site=site,
            therapy_ids=therapy_ids,
            attributes=self._attributes(row, origin),
        )
        place = site or origin
        self.known.zones[row["organization"], row["code"]] = place.zone if place else "UTC"

    def _therapy_id(self, row: Row, code: str) -> Any:
        if code not in self.known.therapies:
            raise InvalidInput(fields={"therapies": [f"“{code}” is in neither the sheet therapies nor the system."]})
        return self.known.therapies[code].pk

    def _attributes(self, row: Row, origin: Any) -> dict[str, Any]:
        found: dict[str, Any] = {name: row[name] for name in ("transit_hours", "cutoff") if row[name] is not None}
        if origin is not None:
            found["origin_site_id"] = str(origin.pk)
        if row["destination"]:
            found["destination_site_id"] = str(self._need(row, "destination", "sites").pk)
        if row["weekdays"]:
            found["weekdays"] = [day + 1 for day in row["weekdays"]]
        return found

    def _teams(self, row: Row) -> None:
        self._need(row, "site", "sites")
        load_team(operator_of(self._need(row, "organization", "organizations")), row)

    def _rules(self, row: Row) -> None:
        organization = self._need(row, "organization", "organizations")
        self._need_resource(row)
        load_rule(operator_of(organization), row)

    def _closures(self, row: Row) -> None:
        organization = self._need(row, "organization", "organizations")
        if row["resource"]:
            self._need_resource(row)
        load_closure(operator_of(organization), row)

    def _load_capacity(self, rows: list[Row]) -> int:
        """Publish the windows of each organization at once, so that overlaps between rows are found."""
        by_organization: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            by_organization[row["organization"]].append(row)
        return sum(self._publish(given) for given in by_organization.values())

    def _publish(self, rows: list[Row]) -> int:
        sources: list[Row] = []
        windows: list[CapacityRow] = []

        def collect(row: Row) -> None:
            self._need(row, "organization", "organizations")
            found = list(self._windows(row))
            windows.extend(found)
            sources.extend([row] * len(found))

        good = [row for row in rows if self._try(row, collect)]
        if not good:
            return 0
        try:
            with transaction.atomic():
                publish_capacity(operator_of(self.known.organizations[rows[0]["organization"]]), windows)
        except Refusal as refusal:
            self.faults.extend(_capacity_faults(refusal, sources))
            return 0
        return len(good)

    def _need_resource(self, row: Row) -> str:
        """Return the time zone of the resource that the row names; raise InvalidInput when there is none."""
        zone = self.known.zones.get((row["organization"], row["resource"]))
        if zone is None:
            if row["resource"] in self.broken["resources"]:
                raise _Skip
            raise InvalidInput(
                fields={"resource": ["This organization has no such resource."]}, remedy="Check the code."
            )
        return zone

    def _windows(self, row: Row) -> Iterator[CapacityRow]:
        zone = self._need_resource(row)
        last = row["last_date"] or row["first_date"]
        if not row["first_date"] <= last <= row["first_date"] + LONGEST_SERIES:
            raise InvalidInput(fields={"last_date": [f"From the first date on, within {LONGEST_SERIES.days} days."]})
        overnight = dt.timedelta(days=row["end"] <= row["start"])
        for offset in range((last - row["first_date"]).days + 1):
            day = row["first_date"] + dt.timedelta(days=offset)
            if row["weekdays"] is None or day.weekday() in row["weekdays"]:
                starts = dt.datetime.combine(day, row["start"], ZoneInfo(zone))
                ends = dt.datetime.combine(day + overnight, row["end"], ZoneInfo(zone))
                yield CapacityRow(row["resource"], starts, ends, row["places"])


def _shipped(name: str) -> dict[str, Any]:
    known = sorted(path.stem for path in flow_files.SHIPPED.glob("*.yaml"))
    if name not in known:
        raise InvalidInput(fields={"flow": [f"Use one of {', '.join(known)}, or leave the cell empty."]})
    return flow_files.shipped(name)


def _refuse_known(row: Row, known: dict[str, Any]) -> None:
    if row["code"] in known:
        raise InvalidInput(fields={"code": ["This code is in the system already."]}, remedy="Delete the row.")


def _told(row: Row, refusal: Refusal) -> list[Fault]:
    """Return a refusal as faults of the row, beside the columns that it names."""
    if not refusal.fields:
        facts = "; ".join(fact.text for fact in refusal.facts)
        return [row.fault("", f"{refusal.detail} {facts}".strip(), refusal.remedy)]
    return [
        row.fault(
            _column(row, str(field)), f"{_place(row, str(field))}{' '.join(map(str, messages))}", _remedy(refusal)
        )
        for field, messages in refusal.fields.items()
    ]


def _remedy(refusal: Refusal) -> str:
    return "" if refusal.remedy == type(refusal).remedy else refusal.remedy


ALIASES = {
    "origin_site_id": "origin",
    "destination_site_id": "destination",
    "steps": "flow",
    "persona_key": "persona",
    "starts": "start",
    "ends": "end",
    "holiday_region": "region",
}


def _column(row: Row, field: str) -> str:
    base = field.partition("[")[0].partition(".")[0]
    name = ALIASES.get(base, base)
    return name if row.section.column(name) else ""


def _place(row: Row, field: str) -> str:
    return "" if field == _column(row, field) or field in ALIASES else f"{field}: "


WINDOW_COLUMNS = {"starts_at": "start", "ends_at": "end", "capacity": "places", "resource": "resource"}


def _capacity_faults(refusal: Refusal, sources: list[Row]) -> list[Fault]:
    """Return faults of windows as faults of the rows that they come from, each row and column once."""
    found: dict[tuple[int, str], Fault] = {}
    for field, messages in refusal.fields.items():
        number, _, name = str(field).removeprefix("rows[").partition("].")
        if not number.isdigit():
            continue
        row, column = sources[int(number)], WINDOW_COLUMNS.get(name, "")
        text = " ".join(map(str, messages)).partition(" as in row ")[0].rstrip(".") + "."
        found.setdefault((row.number, column), row.fault(column, text))
    return list(found.values()) or [sources[0].fault("", refusal.detail, refusal.remedy)]
