"""Templates of labels: which version a print is drawn by, what a version must say, and what it looks like filled in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from custody.codes import container_code, label_serial
from custody.label_contents import LabelContent, LabelText, Layout, content_of
from custody.models import ChainOfIdentity, Container, Label, LabelDesign
from custody.states import ContainerKind, LabelElement, LabelTemplate, SchemeState

_E = LabelElement
# The least that DOMAIN 6.4 asks of each label below its codes.
REQUIRED: dict[str, tuple[str, ...]] = {
    LabelTemplate.COLLECTION: (_E.PATIENT, _E.COLLECTED, _E.EXPIRES, _E.VOLUME, _E.DONATION, _E.STORAGE, _E.SITE),
    LabelTemplate.PRODUCT: (_E.PATIENT, _E.EXPIRES, _E.VOLUME, _E.LOT, _E.STORAGE),
    LabelTemplate.INTERMEDIATE: (_E.PATIENT, _E.VOLUME, _E.DONATION),
    LabelTemplate.SAMPLE: (_E.VOLUME, _E.DONATION),
}
SPECIMEN = "SPECIMEN"
SPECIMENS = {
    LabelTemplate.COLLECTION: ContainerKind.STARTING_MATERIAL,
    LabelTemplate.PRODUCT: ContainerKind.DRUG_PRODUCT,
    LabelTemplate.INTERMEDIATE: ContainerKind.INTERMEDIATE,
    LabelTemplate.SAMPLE: ContainerKind.SAMPLE,
}
Market = tuple[UUID, str]  # therapy and ISO 3166-1 alpha-2 country: which template holds


def live_for(therapy_id: UUID, country: str, kind: str) -> LabelDesign | None:
    """Return the live version for a market: its own, else the one for every other market; None where there is none."""
    found = LabelDesign.unwalled.filter(
        therapy_id=therapy_id, country__in=(country, ""), kind=kind, state=SchemeState.LIVE
    )
    return max(found, key=lambda row: row.country, default=None)


def layout_of(row: LabelDesign | None) -> Layout:
    """Return how labels of a version look; without one, the layout that the software brings along."""
    if row is None:
        return Layout()
    return Layout(
        elements=tuple(row.elements),
        languages=tuple(row.languages),
        stock=row.stock,
        proper_name=row.proper_name,
        product_code=row.product_code,
        anticoagulant=row.anticoagulant,
        texts=tuple(row.texts),
        version=row.version,
    )


def missing_elements(kind: str, elements: Iterable[str]) -> list[str]:
    """Return the elements that a label of this kind must have, and these lack."""
    given = set(elements)
    return [element for element in REQUIRED[kind] if element not in given]


def specimen(layout: Layout, kind: str, product: str, *, autologous: bool) -> LabelContent:
    """Return a label of this layout as full as one gets, with fictional data, marked as such. Its code is nobody's."""
    collection, product_kind = kind == LabelTemplate.COLLECTION, kind == LabelTemplate.PRODUCT
    at = timezone.now().replace(second=0, microsecond=0)
    coi = ChainOfIdentity(code="CHA999900000000")
    container_kind = SPECIMENS[LabelTemplate(kind)]
    bag = Container(
        coi=coi,
        code=container_code(coi.code, container_kind, 1),
        kind=container_kind,
        position=1,
        count=2,
        ended_at=at,
        expires_at=at + dt.timedelta(days=2),
        volume_ml=Decimal(250),
        donation_number="" if product_kind else "A999900123456",
        lot="FICTIONAL-LOT" if product_kind else "",
        serial="0001" if product_kind else "",
    )
    label = Label(container=bag, serial=label_serial(bag.code, 1), template=kind, printed_at=at)
    text = LabelText(
        product=product,
        storage="2 … 8 °C" if collection else "≤ -150 °C",
        zone="Europe/Berlin",
        site="Fictional University Hospital",
        autologous=autologous,
        infectious_tests="positive",  # the longest that such a label says
        patient_lines=("Fictional-Longname", "Specimen Maximiliane", "1961-04-05", "MRN-0000000"),
        warnings=(SPECIMEN,),
        synthetic=True,
        layout=layout,
    )
    return content_of(label, text)
