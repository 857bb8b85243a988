"""What an order says on its labels: words and limits per kind of label, and which of the patient's fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from custody import label_prints, vault
from custody.label_contents import LabelContent, LabelText
from custody.label_prints import Printing
from custody.states import LabelTemplate
from ledger.context import Actor
from network.queries import disclosed_fields
from orders.models import Order

PATIENT_FIELDS = ("family_name", "given_name", "birth_date", "mrn")


def printing_for(order: Order) -> Printing:
    """Return what labels of an order take from it when they are printed now."""
    return Printing(order.market, texts_of(order), disclosed_now(order))


def texts_of(order: Order) -> dict[str, LabelText]:
    """Return the words of an order's labels by kind of label, as they are now; without the patient's lines."""
    limits = order.specification.limits
    storage = {  # neither a sample nor what is in process has a range of its own in the specification
        LabelTemplate.COLLECTION: f"{limits.get('receipt_min_c')} … {limits.get('receipt_max_c')} °C",
        LabelTemplate.PRODUCT: f"≤ {limits.get('storage_max_c')} °C",
    }
    plant = order.plant_site or order.center_site
    site = {template: plant for template in LabelTemplate} | {LabelTemplate.COLLECTION: order.center_site}
    return {
        template: LabelText(
            product=order.therapy.name,
            storage=storage.get(template, ""),
            zone=site[template].zone,
            site=site[template].name,
            autologous=order.therapy.modality.startswith("autologous"),
            infectious_tests=order.infectious_tests,
            synthetic=order.synthetic,
        )
        for template in LabelTemplate
    }


def drawn(actor: Actor, order: Order, printed: Sequence[Any], *, allowed: bool) -> list[LabelContent]:
    """Return what stood on each print, for whoever looks; ``allowed``: whether it may see the patient's fields.

    ``printed`` with ``container__coi``, ``design`` and ``kept``. One without kept content is drawn as the order is now.
    """
    texts, patient = texts_of(order), opening(actor, order, allowed=allowed)
    if any(label_prints.kept_of(label) is None for label in printed):
        own = patient(disclosed_now(order))
        texts = {kind: replace(text, patient_lines=own) for kind, text in texts.items()}
    return [label_prints.drawn(label, texts[LabelTemplate(label.template)], patient) for label in printed]


def disclosed_now(order: Order) -> tuple[str, ...]:
    """Return the identifying fields that the order's therapy discloses in its market, in the label's order."""
    shown = disclosed_fields(order.therapy_id, order.center_site.country)
    return tuple(name for name in PATIENT_FIELDS if name in shown)


def opening(actor: Actor, order: Order, *, allowed: bool) -> Callable[[Sequence[str]], list[str]]:
    """Return what opens the patient's fields by name; none unless ``allowed`` (see queries.may_see_identity, T39).

    The vault is opened at most once, and only when a field is asked for.
    """
    opened: list[vault.PatientIdentity] = []

    def open_fields(names: Sequence[str]) -> list[str]:
        if not names or not allowed:
            return []
        if not opened:
            opened.append(vault.open_identity(actor, order.patient_id))
        return [str(getattr(opened[0], name)) for name in PATIENT_FIELDS if name in names]

    return open_fields
