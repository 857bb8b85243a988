"""A million units as rows: orders of fifty treatment centers over four years, with lots, donors, boxes and descent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cgt.launcher.roles import connected

CENTERS = 50
PER_ORDER = 8  # two bags of starting material, of which six of product are made
PER_LOT = 500  # orders whose product one vector lot is in
SHIPPERS = 400
MANY = 20_000  # orders that one statement writes


@dataclass(frozen=True)
class World:
    """Who asks, and what the rows refer to. ``parameters`` of the statements that write them."""

    maker: Any
    center: Any
    clinic: str
    plant: str
    parameters: Mapping[str, Any]


def stage() -> World:
    """Make a small network by its own actions, and further centers that are partners of its manufacturer."""
    from ledger.context import reading
    from network.queries import Specification
    from orders.queries import Flow
    from tests.factories import connect, make_actor, make_organization, make_site
    from tests.orders.factories import make_world

    world = make_world()
    centers, sites = [str(world.center.pk)], [str(world.clinic.pk)]
    for _ in range(CENTERS - 1):
        center = make_organization("treatment_center")
        connect(center, world.maker)
        centers.append(str(center.pk))
        sites.append(str(make_site(center).pk))
    maker = make_actor(world.maker, "qa_reviewer")
    with reading(maker):
        flow = Flow.unwalled.get(therapy=world.therapy)
        specification = Specification.unwalled.get(therapy=world.therapy)
    return World(
        maker,
        make_actor(world.center, "site_quality"),
        world.clinic.code,
        world.plant.code,
        {
            "maker": str(world.maker.pk),
            "plant": str(world.plant.pk),
            "courier": str(world.courier.pk),
            "centers": centers,
            "sites": sites,
            "therapy": str(world.therapy.pk),
            "flow": str(flow.pk),
            "specification": str(specification.pk),
        },
    )


def fill(url: str, orders: int, world: World) -> None:
    """Write the rows, as the owner; the constraint that no two hold one unit is made again over all of them."""
    from cgt.load.writing import opened

    with opened(url, TABLES), connected(url) as cursor:
        cursor.execute("set statement_timeout = 0")
        cursor.execute("select pg_get_constraintdef(oid) from pg_constraint where conname = %s", [ONE_CUSTODIAN])
        constraint = cursor.fetchone()[0]
        cursor.execute(f"alter table custody_custodyperiod drop constraint {ONE_CUSTODIAN}")
        for first in range(0, orders, MANY):
            numbers = {"first": first, "last": min(first + MANY, orders) - 1, "orders": orders}
            for statement in statements():
                cursor.execute(statement, {**world.parameters, **numbers})
        cursor.execute(f"alter table custody_custodyperiod add constraint {ONE_CUSTODIAN} {constraint}")
    with connected(url) as cursor:
        cursor.execute("set statement_timeout = 0")
        for table in TABLES:
            cursor.execute(f"vacuum (analyze) {table}")


ONE_CUSTODIAN = "custody_one_custodian"
TABLES = (
    "ledger_stream",
    "ledger_party",
    "custody_chainofidentity",
    "orders_order",
    "custody_container",
    "custody_custodyperiod",
    "custody_genealogy",
    "custody_usedlot",
    "custody_shipment",
    "custody_shipmentitem",
)
_ID = "('{}0000000-0000-7000-8000-' || lpad(to_hex({}), 12, '0'))::uuid"
_STREAM, _COI, _UNIT = _ID.format(1, "n"), _ID.format(3, "n"), _ID.format(5, "n * 100 + k")
_CENTER, _SITE = "(%(centers)s::uuid[])[n %% 50 + 1]", "(%(sites)s::uuid[])[n %% 50 + 1]"
_CODE = "'CHA9999' || lpad(n::text, 8, '0')"
_EACH = "from generate_series(%(first)s::bigint, %(last)s::bigint) n"
_MATERIAL, _PRODUCT = "generate_series(1, 2) k", "generate_series(3, 8) k"
_BEGIN = "now() - interval '4 years' + (interval '1420 days') * (n / %(orders)s::float)"
_NEW = f"{_BEGIN} > now() - interval '100 days'"  # product of the last months still lies at its center
NOBODY = "null::uuid"


def statements() -> Iterator[str]:
    yield (
        "insert into ledger_stream (id, kind, organization_id, party_ids, head_seq, head_hash, synthetic)"
        f" select {_STREAM}, 'order', {_CENTER}, array[{_CENTER}, %(maker)s::uuid], 0, '', true {_EACH}"
    )
    for number, (whose, role) in enumerate(((_CENTER, "treatment_center"), ("%(maker)s::uuid", "manufacturer"))):
        yield (
            "insert into ledger_party (id, stream_id, organization_id, role, since)"
            f" select {_ID.format(2, f'n * 10 + {number}')}, {_STREAM}, {whose}, '{role}', now() {_EACH}"
        )
    yield (
        "insert into custody_chainofidentity"
        " (id, stream_id, patient_id, code, scheme, state, issuer_id, manufacturer_id, issued_at, query_reason)"
        f" select {_COI}, {_STREAM}, {_ID.format(4, 'n')}, {_CODE}, 'bench', 'active', {_CENTER},"
        f" %(maker)s::uuid, now(), '' {_EACH}"
    )
    yield (
        "insert into orders_order (id, stream_id, party_ids, code, therapy_id, specification_id, flow_id, center_id,"
        " center_site_id, manufacturer_id, plant_site_id, patient_id, identity_code, state, phase, on_hold,"
        " hold_reason, end_reason, plan, opened_at, synthetic, version, infectious_tests)"
        f" select {_ID.format(6, 'n')}, {_STREAM}, array[{_CENTER}, %(maker)s::uuid], 'O' || lpad(n::text, 8, '0'),"
        f" %(therapy)s, %(specification)s, %(flow)s, {_CENTER}, {_SITE}, %(maker)s, %(plant)s, {_ID.format(4, 'n')},"
        f" {_CODE}, 'open', 'manufacture', false, '', '', '{{}}', {_BEGIN}, true, 1, '' {_EACH}"
    )
    unit = (
        "insert into custody_container (id, stream_id, coi_id, code, kind, position, count, state, custodian_id,"
        " custodian_site_id, storage_location, donation_number, lot, serial, quarantine_reason,"
        f" state_before_quarantine, vessel) select {_UNIT}, {_STREAM}, {_COI}, {_CODE}"
    )
    yield (
        f"{unit} || '-SM0' || k, 'starting_material', k, 2, 'consumed', %(maker)s, %(plant)s, '',"
        f" 'A9999' || lpad((n * 2 + k - 1)::text, 8, '0'), '', '', '', '', '' {_EACH}, {_MATERIAL}"
    )
    yield (
        f"{unit} || '-DP0' || (k - 2), 'drug_product', k - 2, 6,"
        f" case when k = 8 or {_NEW} then 'stored' else 'infused' end,"
        f" case when k = 8 then %(maker)s else {_CENTER} end, case when k = 8 then %(plant)s else {_SITE} end, '', '',"
        f" 'B-' || lpad(n::text, 8, '0'), '', '', '', '' {_EACH}, {_PRODUCT}"
    )
    for number, (whose, site, since, until, which) in enumerate(
        (
            (_CENTER, _SITE, "0 hours", "4 hours", _MATERIAL),
            ("%(courier)s::uuid", NOBODY, "4 hours", "1 day", _MATERIAL),
            ("%(maker)s::uuid", "%(plant)s::uuid", "1 day", "2 days", _MATERIAL),
            ("%(maker)s::uuid", "%(plant)s::uuid", "10 days", "20 days", _PRODUCT),
            (_CENTER, _SITE, "21 days", "30 days", _PRODUCT),
        )
    ):
        ends = f"{_BEGIN} + interval '{until}'"
        if since == "10 days":  # one of six is kept at the plant
            ends = f"case when k = 8 then null else {ends} end"
        elif since == "21 days":
            ends, which = f"case when {_NEW} then null else {ends} end", "generate_series(3, 7) k"
        yield (
            "insert into custody_custodyperiod (id, stream_id, container_id, organization_id, site_id, since, until)"
            f" select {_ID.format(7, f'(n * 100 + k) * 10 + {number}')}, {_STREAM}, {_UNIT}, {whose}, {site},"
            f" {_BEGIN} + interval '{since}', {ends} {_EACH}, {which}"
        )
    yield (
        "insert into custody_genealogy (id, stream_id, parent_id, child_id, kind)"
        f" select {_ID.format(8, '(n * 100 + k) * 10 + c')}, {_STREAM}, {_UNIT}, {_ID.format(5, 'n * 100 + c')},"
        f" 'transformed' {_EACH}, {_MATERIAL}, generate_series(3, 8) c"
    )
    yield (
        "insert into custody_usedlot (id, stream_id, container_id, name, lot, used_at, recorded_at)"
        f" select {_ID.format(9, 'n * 100 + k')}, {_STREAM}, {_UNIT}, 'Viral vector', 'VL-' || n / {PER_LOT},"
        f" {_BEGIN} + interval '1 day', now() {_EACH}, {_MATERIAL}"
    )
    for number, (direction, start, end, days, shift) in enumerate(
        (("inbound", _SITE, "%(plant)s::uuid", 0, 0), ("outbound", "%(plant)s::uuid", _SITE, 20, 7))
    ):
        box = _ID.format("a", f"n * 10 + {number}")
        yield (
            "insert into custody_shipment (id, stream_id, code, direction, from_site_id, to_site_id, courier_id,"
            " shipper_code, seal_code, logger_code, state, packed_at, opened_at)"
            f" select {box}, {_STREAM}, 'X' || n || '-{number}', '{direction}', {start}, {end}, %(courier)s,"
            f" 'SH-' || (n + {shift}) %% {SHIPPERS}, 'S', '', 'opened', {_BEGIN} + interval '{days} days 4 hours',"
            f" {_BEGIN} + interval '{days + 1} days' {_EACH}"
        )
        yield (
            "insert into custody_shipmentitem (id, stream_id, shipment_id, container_id)"
            f" select {_ID.format('b', f'(n * 100 + k) * 10 + {number}')}, {_STREAM}, {box}, {_UNIT}"
            f" {_EACH}, {_MATERIAL if number == 0 else 'generate_series(3, 7) k'}"
        )
