"""The register of label templates: a manufacturer's versions, and for its partners those that are live."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from custody import label_templates
from custody.label_contents import LabelContent
from custody.models import LabelDesign
from custody.states import SchemeState
from ledger.context import Actor
from ledger.refusals import NotFound
from ledger.states import Role
from ledger.walls import visible


def templates(actor: Actor) -> QuerySet[LabelDesign]:
    """Return the versions that the actor may read, by therapy, market, label, newest first; NotFound for couriers."""
    if actor.organization_role == Role.COURIER:
        raise NotFound()
    found = visible(LabelDesign, actor).select_related("therapy", "organization")
    if actor.organization_role == Role.MANUFACTURER:
        found = found.filter(organization_id=actor.organization_id)
    else:
        found = found.filter(state=SchemeState.LIVE)
    return found.order_by("therapy__name", "therapy_id", "country", "kind", "-version")


def preview(actor: Actor, template: UUID) -> LabelContent:
    """Return the label of a version with fictional data, marked as such; NotFound for a version of somebody else."""
    row = templates(actor).filter(pk=template).first()
    if row is None:
        raise NotFound()
    layout, autologous = label_templates.layout_of(row), row.therapy.modality.startswith("autologous")
    return label_templates.specimen(layout, row.kind, row.therapy.name, autologous=autologous)
