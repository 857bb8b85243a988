"""Stop-ship: every unit that a search finds is held, in one signed act; two people lift it (QA4, DN4).

One transaction: the orders' streams are locked, then the search is asked again. What a release or a shipment did before
is found as it is now; what comes afterwards is refused by the stop. An order that came to the search meanwhile makes
the act begin anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from rest_framework import serializers

from custody import identity, material, units
from custody.states import TERMINAL_STATES
from custody.units import Search, Sought
from ledger.canonical import canonical_text, digest
from ledger.context import Actor, reading
from ledger.recording import Once, OpenEvent, acting
from ledger.refusals import Conflict, FactsMissing, InvalidInput, MissingFact, NotAllowed, NotFound, WrongState
from ledger.states import Role
from ledger.walls import visible
from orders import signers
from orders.actions.unit_searches import CRITERIA, UnitSearch, sought_of
from orders.inputs import SignatureInput, VerifierInput, read
from orders.models import Order
from orders.places import name_custodians, placed
from orders.units import Unit
from personas import signing
from personas.policies import require
from personas.states import Capability
from quality import deviations, stop_runs, stops
from quality import queries as quality
from quality.queries import Stop, StoppedUnit
from quality.signals import stop_signed
from quality.states import Severity
from scheduling.signals import tell_after_commit

MOST_TRIES = 5
AT_ONCE = 50  # orders; more are a worker's (at 40 a second at the slowest, see docs/benchmarks.md)
LISTED = 200  # codes in the text of a deviation, in full on the stop's own page


class StopUnitsInputs(UnitSearch):
    """What is searched by, why it is stopped, and the signature of quality."""

    reason = serializers.CharField(max_length=500, label="Why these units are stopped (no names)")
    signature = SignatureInput(label="Your signature")


class LiftStopInputs(serializers.Serializer[Any]):
    """Why the stop ends, for all orders or for one, and the signatures of two people in quality."""

    conclusion = serializers.CharField(max_length=500, label="What the investigation found (no names)")
    order = serializers.CharField(
        max_length=16,
        required=False,
        allow_blank=True,
        default="",
        label="For one order alone",
        help_text="Its code. Empty: the whole stop is lifted.",
    )
    signature = SignatureInput(label="Your signature")
    other = VerifierInput(label="A second person in quality")


class MoreOrders(Exception):
    """While the streams were locked another order came to what is searched for."""


@dataclass(frozen=True)
class Affected:
    """What a stop would concern: the units with their orders, and the actor's own units in stock."""

    rows: list[Unit]
    stock: list[Any]

    @property
    def orders(self) -> set[UUID]:
        return {row.order.stream_id for row in self.rows}

    @property
    def held(self) -> list[Unit]:
        """The units that are put aside."""
        return [row for row in self.rows if row.bag.state not in TERMINAL_STATES]

    @property
    def given(self) -> list[Unit]:
        return [row for row in self.rows if row.given]


def may_stop(actor: Actor) -> bool:
    """Whether the actor may stop what it finds: quality of the manufacturer, whose orders they are."""
    return actor.can(Capability.STOP_UNITS) and actor.organization_role == Role.MANUFACTURER


def affected(actor: Actor, sought: Sought) -> Affected:
    """Return what a stop would concern, of the actor's own orders. Call inside ``reading(actor)`` or an act."""
    bags = units.containers(actor, Search(actor, sought).everything())
    name_custodians(bags.values())
    own = visible(Order, actor).filter(
        stream_id__in={bag.stream_id for bag in bags.values()}, manufacturer_id=actor.organization_id
    )
    orders = {order.stream_id: order for order in placed(own)}
    found = sorted((bag for bag in bags.values() if bag.stream_id in orders), key=lambda bag: bag.code)
    stock = units.in_stock(actor, sought.lot, 10_000) if _source_of(sought) else []
    return Affected([Unit(bag, orders[bag.stream_id]) for bag in found], stock)


def stop_units(actor: Actor, raw: Mapping[str, Any], *, once: Once | None = None) -> str:
    """Hold every unit that the search finds, and what was made of it; return the stop's number. See StopUnitsInputs.

    Of many orders it stands at once, and a worker puts the units aside (``stop_runs``).
    Raises NotAllowed without STOP_UNITS, InvalidInput, Conflict ``stop_stands`` for what is stopped already, WrongState
    ``nothing_found``.
    """
    with reading(actor):
        sought = sought_of(actor, raw) if may_stop(actor) else None
    for _ in range(MOST_TRIES):
        with reading(actor):
            streams = affected(actor, sought).orders if sought else set()
        try:
            return (_sign if len(streams) > AT_ONCE else _stop)(actor, raw, streams, once)
        except MoreOrders:
            continue
    raise Conflict(
        "Units keep coming to what is searched for.", code="still_growing", remedy="Send the stop again in a moment."
    )


def _stop(actor: Actor, raw: Mapping[str, Any], streams: set[UUID], once: Once | None) -> str:
    number = stops.new_stop_number()
    with acting(
        actor,
        "quality.units_stopped",
        also=sorted(streams),
        subject=("stop", number),
        capability=Capability.STOP_UNITS,
        once=once,
    ) as event:
        stop, found = _opened(actor, event, raw, number, streams)
        hold(event, stop, found)
    return number


def _sign(actor: Actor, raw: Mapping[str, Any], streams: set[UUID], once: Once | None) -> str:
    """Let a stop stand on all of its orders now, and a worker put their units aside; return its number."""
    number = stops.new_stop_number()
    with acting(
        actor,
        "quality.stop_signed",
        also=sorted(streams),
        subject=("stop", number),
        capability=Capability.STOP_UNITS,
        once=once,
    ) as event:
        stop, found = _opened(actor, event, raw, number, streams)
        stops.stand_on(streams, stop)
        stop_runs.begin(stop)
        event.note(number=number, concerns="this order")
        concerns = f"{len(streams)} orders with {len(found.held)} units"
        event.apart[event.stream.pk] = {"concerns": concerns}
        tell_after_commit(stop_signed, stop_id=stop.pk)
    return number


def _opened(
    actor: Actor, event: OpenEvent, raw: Mapping[str, Any], number: str, streams: set[UUID]
) -> tuple[Stop, Affected]:
    """Open a stop's case, signed; return it with what it concerns. ``streams``: of orders, locked by the act."""
    sought = sought_of(actor, raw)
    told = {name: value for name, value in raw.items() if name not in CRITERIA or value not in ("", None)}
    given = read(StopUnitsInputs, told, {"zone": ZoneInfo(actor.zone)})
    _require_stopper(actor)
    stops.before_a_stop(actor.organization_id)
    found = affected(actor, sought)
    if not found.orders <= streams:
        raise MoreOrders
    _refuse_needless(actor, sought, found)
    words = _words(sought, raw)
    bound = digest(
        canonical_text(
            {
                "act": "stop units",
                "stop": number,
                "sought": words,
                "reason": given["reason"],
                "units": [row.bag.code for row in found.rows],
            }
        )
    )
    event.signatures.append(signers.sign_act(actor, given["signature"], Capability.STOP_UNITS, "units stopped", bound))
    stop = stops.open_stop(
        number, given["reason"], words, _fingerprint(sought), event.signatures[0].person_id, _source_of(sought)
    )
    event.result = {"stop": number}
    return stop, found


def _require_stopper(actor: Actor) -> None:
    require(actor, Capability.STOP_UNITS)
    if actor.organization_role != Role.MANUFACTURER:
        raise NotAllowed("The manufacturer whose product it is stops its units.", code="not_manufacturer")


def _refuse_needless(actor: Actor, sought: Sought, found: Affected) -> None:
    standing = quality.stops_of(actor).filter(fingerprint=_fingerprint(sought), state="standing").first()
    if standing is not None:
        raise Conflict(
            f"Stop {standing.number} stands on exactly this.",
            code="stop_stands",
            remedy="Look at that stop. What came to the search since is found by a search with a time.",
        )
    if not found.rows and _source_of(sought) is None:
        raise WrongState(
            "No unit is found, so there is nothing to stop.",
            code="nothing_found",
            remedy="A lot, a shipper or a donor alone can be stopped before anything comes of it.",
        )


def hold(
    event: OpenEvent,
    stop: Stop,
    found: Affected,
    standing: Iterable[UUID] = (),
    tell: Callable[[str], object] = lambda words: None,
) -> None:
    """Put the units aside, open the case on each order, and list everything on the stop. Inside its act.

    ``standing``: orders that it stands on already, whatever is found. ``tell`` takes words of how far it is.
    """
    tell(f"Putting {len(found.held)} units aside")
    aside = {bag.pk for bag in material.quarantine_all([row.bag for row in found.held], stops.reason_of(stop.number))}
    by_order: dict[UUID, list[Unit]] = {stream_id: [] for stream_id in standing}
    for row in found.rows:
        by_order.setdefault(row.order.stream_id, []).append(row)
    for done, (stream_id, rows) in enumerate(by_order.items()):
        tell(f"Opening the case on each order: {done} of {len(by_order)}")
        put = [row.bag.code for row in rows if row.bag.pk in aside]
        given = [row.bag.code for row in rows if row.given]
        text = _text(stop, put, given)
        case = deviations.open_deviation(stream_id, "stop", Severity.CRITICAL, text, by=stop.opened_by_id)
        stops.stop_order(stream_id, stop, case)
        event.apart[stream_id] = {"units": _listed(put), "given": _listed(given), "deviation": case.number}
    tell("Writing it on the record of each order")
    StoppedUnit.objects.bulk_create(_unit(stop, row, row.bag.pk in aside) for row in found.rows)
    given_to = sum(row.given for row in found.rows)
    event.note(number=stop.number)
    event.apart[event.stream.pk] = {
        "units": f"{len(aside)}",
        "given": f"{given_to}",
        "orders": len(by_order),
        "found": len(found.rows),
    }


def _unit(stop: Stop, row: Unit, put_aside: bool) -> StoppedUnit:
    return StoppedUnit(
        stop=stop,
        organization_id=stop.organization_id,
        stream_id=row.order.stream_id,
        container_id=row.bag.pk,
        code=row.bag.code,
        kind=row.bag.kind,
        order=row.order.code,
        identity_code=row.order.identity_code,
        center=row.order.center_site.name,
        state=row.bag.state,
        held_by=row.holder,
        place=row.place[:200],
        given=row.given,
        put_aside=put_aside,
    )


def _text(stop: Stop, put: Sequence[str], given: Sequence[str]) -> str:
    lines = [f"Stop {stop.number}: {stop.reason}", f"Put aside: {_listed(put[:LISTED])}."]
    if given:
        lines.append(f"Given already: {_listed(given[:LISTED])}. The treating physician is told (look-back).")
    return "\n".join(lines)[: deviations.MAX_TEXT]


def _listed(codes: Iterable[str]) -> str:
    return ", ".join(codes) or "none"


def _words(sought: Sought, raw: Mapping[str, Any]) -> dict[str, str]:
    """Return what was searched by as it is read, times in UTC."""
    times = {"since": sought.since, "until": sought.until}
    said = {"lot": sought.lot, "donor": sought.donor, "shipper": sought.shipper, "site": str(raw.get("site") or "")}
    said |= {name: moment.astimezone(dt.UTC).isoformat() for name, moment in times.items() if moment}
    return {name: text for name, text in said.items() if text}


def _fingerprint(sought: Sought) -> str:
    same = {
        "lot": stops.normalized(sought.lot),
        "donor": stops.normalized(sought.donor),
        "shipper": stops.normalized(sought.shipper),
        "site": str(sought.site_id or ""),
        "since": sought.since.astimezone(dt.UTC).isoformat() if sought.since else "",
        "until": sought.until.astimezone(dt.UTC).isoformat() if sought.until else "",
    }
    return digest(canonical_text(same))


def later_words(sought: Sought) -> str:
    """Return what the stop does with what comes to its search later, for whoever is about to sign it."""
    kind = (_source_of(sought) or ("", ""))[0]
    if kind == stops.SourceKind.DONOR:
        return "What is collected from this donor later is put aside as it is recorded, on every order of yours."
    if kind:
        return f"Later use of this {stops.SourceKind(kind).label.lower()} is refused, as long as the stop stands."
    return (
        "This search asks for more than one thing, or for a place or a time. The stop holds what it finds now, and"
        " nothing that comes to it later. To catch that too, stop by the lot, the donor or the shipper alone."
    )


def _source_of(sought: Sought) -> tuple[str, str] | None:
    """Return what is caught later too, while the stop stands: where nothing else narrows the search."""
    if sought == Sought(lot=sought.lot) and sought.lot:
        return stops.SourceKind.LOT, sought.lot
    if sought == Sought(shipper=sought.shipper) and sought.shipper:
        return stops.SourceKind.SHIPPER, sought.shipper
    if sought == Sought(donor=sought.donor) and sought.donor:
        return stops.SourceKind.DONOR, sought.donor
    return None


# ---- lifting --------------------------------------------------------------------------------------------------------


def lift_stop(actor: Actor, number: str, raw: Mapping[str, Any], *, once: Once | None = None) -> int:
    """End a stop, or its part of one order, signed by two people; return how many units go on. ``raw``: LiftStopInputs.

    Its deviations are closed with the conclusion. Units go on where nothing else stands against them: another stop, an
    open deviation, an identity under query. Raises NotFound, NotAllowed, WrongState ``stop_lifted``, FactsMissing
    ``second_person_needed``.
    """
    with reading(actor):
        stop = quality.stop(actor, number)
        wanted = str(raw.get("order") or "").strip().upper()
        rows = [row for row in quality.stopped_orders(actor, stop) if row.lifted_at is None]
        streams = {row.stream_id for row in rows}
        if wanted:
            streams &= set(visible(Order, actor).filter(code=wanted).values_list("stream_id", flat=True))
    with acting(
        actor,
        "quality.stop_lifted",
        also=sorted(streams),
        subject=("stop", stop.number),
        capability=Capability.STOP_UNITS,
        once=once,
    ) as event:
        given = read(LiftStopInputs, raw)
        _require_stopper(actor)
        stop = quality.stop(actor, number)
        if stop.state != "standing":
            raise WrongState(f"Stop {stop.number} was lifted already.", code="stop_lifted")
        if stop.working_since is not None:
            raise WrongState(
                f"Stop {stop.number} is still being recorded on its orders.",
                code="stop_in_progress",
                remedy="Wait until every unit is put aside; the stop's page says how far it is.",
            )
        if wanted and not streams:
            raise InvalidInput(fields={"order": ["This stop does not stand on this order."]})
        closer = _two_people(actor, event, stop, given, wanted)
        ended = stops.end_on(stop, streams)
        for row in ended:
            if row.deviation is not None and row.deviation.state == "open":
                deviations.close_deviation(row.deviation, given["conclusion"], closer)
        gone_on = _let_go(event, stop, streams)
        if not wanted or not quality.stopped_orders(actor, stop).filter(lifted_at__isnull=True).exists():
            stops.lift(stop, given["conclusion"], event.signatures)
        event.note(number=stop.number)
        event.apart[event.stream.pk] = {"units": f"{gone_on}", "orders": len(streams)}
        event.result = {"released": gone_on}
    return gone_on


def _two_people(actor: Actor, event: OpenEvent, stop: Stop, given: Mapping[str, Any], wanted: str) -> UUID:
    """Take both signatures; return who closes the deviations: whoever did not open them."""
    bound = digest(
        canonical_text(
            {"act": "lift stop", "stop": stop.number, "order": wanted, "conclusion": given["conclusion"].strip()}
        )
    )
    meaning, right = "stop lifted", Capability.STOP_UNITS
    event.signatures.append(signers.sign_act(actor, given["signature"], right, meaning, bound))
    other = signing.identify(
        signing.Credentials(given["other"]["username"], given["other"]["password"]), "other.password"
    )
    second = signing.signer_in(other, {actor.organization_id}, right, "other.username", set())
    event.signatures.append(
        signing.sign(second, capability=right, meaning=meaning, content_hash=bound, zone=second.zone)
    )
    people = [signature.person_id for signature in event.signatures]
    if len(set(people)) < 2:
        raise FactsMissing(
            "Lifting a stop needs two people.",
            code="second_person_needed",
            facts=[MissingFact("second_person_needed", "Two people sign.", "Ask a colleague in quality to sign too.")],
        )
    return next(person for person in people if person != stop.opened_by_id)


def _let_go(event: OpenEvent, stop: Stop, streams: set[UUID]) -> int:
    """Let the units go on that a stop alone held, and say on each order which."""
    kept = stops.still_stopped(streams) | quality.streams_with_open_cases(streams) | identity.under_query(streams)
    free = material.let_go_all(streams - kept, f"{stops.STOP} ")
    codes: dict[UUID, list[str]] = {stream_id: [] for stream_id in streams}
    for bag in free:
        codes[bag.stream_id].append(bag.code)
    for stream_id, listed in codes.items():
        event.apart[stream_id] = {"units": _listed(listed)}
    return len(free)


def stop_named(actor: Actor, number: str) -> Stop:
    """Return a stop of the actor's organization; NotFound for any other, and for whoever may not find units."""
    if not actor.can(Capability.FIND_UNITS):
        raise NotFound()
    return quality.stop(actor, number)
