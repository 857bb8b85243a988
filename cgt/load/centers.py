"""Further centers of a database for benchmarks, opened by the real actions, and what names a center in a record."""

from __future__ import annotations

from collections.abc import Sequence

from cgt.demo.network import DemoNetwork
from cgt.launcher.roles import connected
from cgt.load.copies import Center
from cgt.load.phases import Tell
from network.actions.places import authorize_site
from personas.actions.organizations import add_organization, add_site, connect_partners
from personas.actions.people import add_member

STAFF = ("coordinator", "treating_physician")


def further(count: int) -> list[str]:
    """Return the codes of so many further centers."""
    return [f"center-{number:03d}" for number in range(1, count + 1)]


def open_centers(network: DemoNetwork, codes: Sequence[str], password: str, tell: Tell) -> None:
    """Open centers: partners of everybody, authorized for all therapies, two people each."""
    partners = [row for row in network.organizations.values() if row.role in ("cmo", "courier")]
    for nth, code in enumerate(codes, start=1):
        number = code.rpartition("-")[2]
        name = f"Center {number} (fictional)"
        network.organizations[code] = add_organization(
            code=code, name=name, role="treatment_center", country="DE", synthetic=True
        )
        operator = network.operator(code)
        site = add_site(operator, code=f"{code}-main", name=f"Clinic {number}", country="DE", zone="Europe/Berlin")
        for partner in partners:
            connect_partners(operator, partner)
        for key, therapy in network.therapies.items():
            maker = network.operator(network.maker_of(key))
            authorize_site(maker, therapy, site, partner=network.organizations[code])
        for persona in STAFF:
            username = f"{persona.replace('_', '.')}@{code}.example"
            add_member(operator, username=username, name=f"Person {number}", persona_key=persona, password=password)
        if nth % 25 == 0:
            tell(f"{nth} of {len(codes)} further centers")


NAMED = """
    select o.id::text, o.name, s.id::text, s.name from personas_organization o
    join personas_site s on s.organization_id = o.id and s.code = o.code || '-main'
    where o.code = any(%s) order by o.code
"""


def words_of(auditor_url: str, codes: list[str]) -> list[list[str]]:
    """Return what names each center in the record of an order: ids and names of organization and site."""
    with connected(auditor_url) as cursor:
        cursor.execute(NAMED, [codes])
        return [list(row) for row in cursor.fetchall()]


def in_place_of(acting: list[str], others: list[list[str]]) -> list[Center]:
    """Return the acting center and the others, each with its own words for those of the acting one."""
    return [Center(words[0], dict(zip(acting, words, strict=True))) for words in (acting, *others)]
