"""A stream with two parties and events that notify."""

from __future__ import annotations

from ledger.context import Actor
from ledger.events import EventKind, register, registered
from ledger.identifiers import new_id
from ledger.models import Party, Stream
from ledger.recording import acting
from ledger.states import Role, StreamKind
from personas.models import Organization
from tests.factories import connect, make_organization, operator

if "tests.happened" not in registered():
    register(EventKind("tests.happened", "Happened", "Something happened.", notifies=True))


class Shared:
    """A treatment center and a manufacturer on one stream."""

    def __init__(self) -> None:
        self.center: Organization = make_organization("treatment_center")
        self.plant: Organization = make_organization("manufacturer")
        connect(self.center, self.plant)
        key = new_id()
        ids = [self.center.pk, self.plant.pk]
        stream = Stream(id=key, kind=StreamKind.ORDER, organization_id=self.center.pk, party_ids=ids, synthetic=True)
        with acting(operator(self.center), "tests.happened", new_stream=stream):
            for organization in (self.center, self.plant):
                Party.objects.create(stream=stream, organization_id=organization.pk, role=Role(organization.role))
        self.stream_id = key

    def happen(self, actor: Actor | None = None) -> None:
        with acting(actor or operator(self.center), "tests.happened", stream_id=self.stream_id):
            pass
