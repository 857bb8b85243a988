"""Orders' streams, patients, identities and bags, made by the concept modules inside real events."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.utils import timezone

from custody import custody_periods, identity, labels, material, shipments, vault
from custody.models import ChainOfIdentity, Container, Patient, Shipment
from custody.states import ContainerState
from ledger.context import Actor
from ledger.events import EventKind, register
from ledger.identifiers import new_id
from ledger.models import Partnership, Party, Stream
from ledger.recording import OpenEvent, acting
from ledger.states import StreamKind
from personas.models import Organization, Site
from tests.factories import make_actor, make_organization, make_site, operator

register(EventKind("tests.custody_step", "Step of a test", "A test did something."))
_numbers = itertools.count(1)


def a_person(**changes: object) -> vault.PatientIdentity:
    """A fictional patient; every call another one."""
    number = next(_numbers)
    fields = {
        "family_name": f"Fictional{number:05d}",
        "given_name": "Testa",
        "birth_date": dt.date(1961, 4, 5),
        "mrn": f"FM-{number:06d}-{new_id().hex[-8:]}",
    }
    return vault.PatientIdentity(**fields | changes)  # type: ignore[arg-type]


@dataclass
class World:
    """A center, a manufacturer and a courier on one order, with its patient and chain of identity."""

    center: Organization
    center_site: Site
    manufacturer: Organization
    plant: Site
    courier: Organization
    nurse: Actor
    planner: Actor
    driver: Actor
    stream: Stream
    patient: Patient
    person: vault.PatientIdentity
    coi: ChainOfIdentity

    @contextmanager
    def step(self, actor: Actor | None = None) -> Iterator[OpenEvent]:
        """An open event on the order's stream."""
        with acting(actor or self.nurse, "tests.custody_step", stream_id=self.stream.pk) as event:
            yield event

    def bags(self, count: int = 1, kind: str = "starting_material") -> list[Container]:
        with self.step():
            return material.plan(self.stream, self.coi, kind, count)

    def collected(self, count: int = 1) -> list[Container]:
        """Bags that were labeled and filled an hour ago."""
        bags = self.bags(count)
        ended = timezone.now() - dt.timedelta(hours=1)
        with self.step():
            labels.print_labels(self.stream, bags, "collection", printing=None)
            for bag in bags:
                labels.apply_to(bag)
                material.fill(bag, 250, ended - dt.timedelta(hours=3), ended)
        return bags


def take_along(world: World, box: Shipment) -> None:
    """What is in a box passes into the courier's hands and is in transit."""
    for bag in shipments.containers_in(box):
        custody_periods.hand_over(bag, world.courier.pk, None, None, timezone.now(), becomes=ContainerState.IN_TRANSIT)


def make_world() -> World:
    center, manufacturer, courier = (make_organization(r) for r in ("treatment_center", "manufacturer", "courier"))
    site, plant = make_site(center), make_site(manufacturer, zone="America/New_York")
    nurse = make_actor(center, "coordinator", site=site)
    return open_order(center, site, manufacturer, plant, courier, nurse)


def open_order(
    center: Organization, site: Site, manufacturer: Organization, plant: Site, courier: Organization, nurse: Actor
) -> World:
    stream = Stream(id=new_id(), kind=StreamKind.ORDER, organization_id=center.pk, party_ids=[center.pk])
    person = a_person()
    parties = {center.pk: "treatment_center", manufacturer.pk: "manufacturer", courier.pk: "courier"}
    with acting(nurse, "tests.custody_step", new_stream=stream):
        for organization_id, role in parties.items():
            Party.objects.create(stream=stream, organization_id=organization_id, role=role)
        _introduce(list(parties))
        patient = vault.seal_patient(nurse, site, person)
        coi = identity.issue(stream, patient, center, manufacturer)
    return World(
        center=center,
        center_site=site,
        manufacturer=manufacturer,
        plant=plant,
        courier=courier,
        nurse=nurse,
        planner=operator(manufacturer),
        driver=operator(courier),
        stream=stream,
        patient=patient,
        person=person,
        coi=coi,
    )


def another_order(world: World) -> World:
    """A second order of the same parties, for another patient."""
    return open_order(world.center, world.center_site, world.manufacturer, world.plant, world.courier, world.nurse)


def _introduce(organization_ids: list) -> None:
    """Pairs that exist but do not concern the acting organization are invisible to it: let the constraint decide."""
    pairs = itertools.permutations(organization_ids, 2)
    Partnership.unwalled.bulk_create(
        [Partnership(viewer_id=viewer, organization_id=seen) for viewer, seen in pairs], ignore_conflicts=True
    )
