"""Labels: printed on demand, one serial per print, every label's end known (DOMAIN 6.4, T33)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.utils import timezone

from custody import label_prints, material
from custody.codes import label_serial
from custody.keys import Keyed, key_of
from custody.label_prints import Printing
from custody.label_templates import live_for
from custody.models import Container, Label, LabelDesign
from custody.states import ContainerKind, ContainerState, LabelState, LabelTemplate
from ledger.recording import open_event
from ledger.refusals import FactsMissing, InvalidInput, MissingFact, WrongState

VALID = (LabelState.PRINTED, LabelState.APPLIED)
TEMPLATES = {
    ContainerKind.STARTING_MATERIAL: LabelTemplate.COLLECTION,
    ContainerKind.INTERMEDIATE: LabelTemplate.INTERMEDIATE,
    ContainerKind.SAMPLE: LabelTemplate.SAMPLE,
    ContainerKind.DRUG_PRODUCT: LabelTemplate.PRODUCT,
    ContainerKind.VECTOR_KIT: LabelTemplate.PRODUCT,
}
UNFILLED = (ContainerState.PLANNED, ContainerState.LABELLED)  # their labels are scanned back by a step of their own


def print_labels(
    stream: Keyed,
    containers: Sequence[Container],
    template: LabelTemplate | str,
    reason: str = "",
    *,
    printing: Printing | None,
) -> list[Label]:
    """Print one label per container; planned containers become labeled. A reprint voids the former, whatever it was.

    What stands on them is kept as it is now, by the version of the template that is live for the market of
    ``printing``. Without it: the software's own layout, and nothing is kept.

    Raises InvalidInput when something is printed again without a reason, or the template is unknown; WrongState for
    material in a final state.
    """
    if template not in LabelTemplate.values:
        raise InvalidInput(fields={"template": [f"Use one of {', '.join(LabelTemplate.values)}."]})
    _refuse_final(containers)
    former = list(Label.unwalled.filter(container__in=list(containers), state__in=VALID))
    if former and not reason.strip():
        raise InvalidInput(
            fields={"reason": ["A valid label exists. Say why it is printed again; the former label becomes void."]}
        )
    for label in former:
        settle(label, LabelState.VOID)
    design = live_for(*printing.market, str(template)) if printing else None
    printed = [_print(key_of(stream), container, template, reason, design) for container in containers]
    for container in containers:
        if container.state == ContainerState.PLANNED:
            material.move(container, ContainerState.LABELLED)
    if printing:
        label_prints.keep(printed, printing)
    return printed


def template_of(container: Container) -> LabelTemplate:
    """Return which label a container gets."""
    return TEMPLATES[ContainerKind(container.kind)]


def apply(label: Label) -> Label:
    """Record that a printed label is on its container."""
    if label.state != LabelState.PRINTED:
        raise WrongState(
            f"Label {label.serial} is {label.get_state_display().lower()}.",
            code="label_state",
            remedy="Use the newest label of this bag.",
        )
    return settle(label, LabelState.APPLIED)


def apply_to(container: Container, template: LabelTemplate | str | None = None) -> Label:
    """Record that the container's valid label is on it; a label that already is stays so. FactsMissing without one."""
    found = Label.unwalled.filter(container=container, state__in=VALID)
    label = (found.filter(template=template) if template else found).order_by("-printed_at").first()
    if label is None:
        raise FactsMissing(
            f"{container.code} has no valid label.",
            facts=[MissingFact("label_missing", f"{container.code} has no valid label.", "Print its label first.")],
        )
    return label if label.state == LabelState.APPLIED else apply(label)


def not_applied(containers: Iterable[Container]) -> list[Container]:
    """Return the containers without a label that was applied and is still valid."""
    rows = list(containers)
    applied = set(
        Label.unwalled.filter(container__in=rows, state=LabelState.APPLIED).values_list("container_id", flat=True)
    )
    return [container for container in rows if container.pk not in applied]


def awaiting_scan(containers: Iterable[Container]) -> list[Label]:
    """Return the prints that lie beside filled containers: printed, and not scanned back on them yet."""
    filled = [bag for bag in containers if bag.state not in UNFILLED and not bag.is_terminal]
    rows = Label.unwalled.filter(container__in=filled, state=LabelState.PRINTED).select_related("container")
    return list(rows.order_by("printed_at", "serial"))


def without_label(containers: Iterable[Container]) -> list[Container]:
    """Return the filled containers whose only valid label was never scanned back on them."""
    waiting = {label.container_id: label.container for label in awaiting_scan(containers)}
    return not_applied(waiting.values())


def settle(label: Label, became: LabelState | str) -> Label:
    """Record what became of a label: applied, void, returned or destroyed. Void ones can still be destroyed.

    Raises InvalidInput for another word, WrongState when the label's end is known already.
    """
    if became not in LabelState.values or became == LabelState.PRINTED:
        raise InvalidInput(fields={"became": ["Applied, void, returned or destroyed."]})
    ended = (LabelState.DESTROYED, LabelState.RETURNED)
    if label.state in ended or (label.state == LabelState.VOID and became not in ended):
        raise WrongState(f"Label {label.serial} is {label.get_state_display().lower()}.", code="label_state")
    label.state, label.ended_at = LabelState(became), timezone.now()
    label.save(update_fields=["state", "ended_at"])
    return label


def unreconciled(stream_id: UUID) -> list[Label]:
    """Return the labels whose end is not known yet: neither applied, returned nor destroyed.

    A voided label is one of them: it lies about somewhere, and its code is only refused.
    """
    lying_about = (LabelState.PRINTED, LabelState.VOID)
    return list(Label.unwalled.filter(stream_id=stream_id, state__in=lying_about).order_by("printed_at", "serial"))


def _refuse_final(containers: Sequence[Container]) -> None:
    final = [container.code for container in containers if container.is_terminal]
    if final:
        raise WrongState(f"No label for material that is used up: {', '.join(final)}.", code="container_ended")


def _print(stream_id: UUID, container: Container, template: str, reason: str, design: LabelDesign | None) -> Label:
    number = Label.unwalled.filter(container=container).count() + 1
    return Label.objects.create(
        stream_id=stream_id,
        container=container,
        serial=label_serial(container.code, number),
        template=template,
        design=design,
        reason=reason.strip(),
        printed_by_id=open_event().actor.person_id,
    )
