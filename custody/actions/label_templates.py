"""How labels of a therapy look in a market: proposed by one person, approved by another, retired."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import timezone
from rest_framework import serializers

from custody import label_templates
from custody.label_composition import compose
from custody.label_contents import STANDARD, Layout
from custody.label_fonts import can_be_set
from custody.models import LabelDesign
from custody.policies import require
from custody.states import LabelElement, LabelLanguage, LabelStock, LabelTemplate, SchemeState
from ledger.context import Actor
from ledger.recording import Once, acting
from ledger.refusals import FactsMissing, InvalidInput, MissingFact, NotFound, WrongState
from ledger.states import Role
from network import queries as network
from personas.states import Capability

_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
MOST_TEXTS = 4
NEEDS = {"product_code": LabelElement.PRODUCT_CODE, "anticoagulant": LabelElement.ANTICOAGULANT}


class TemplateInputs(serializers.Serializer[Any]):
    """How the labels of one kind, for one therapy and market, are to look from the version's approval on."""

    therapy = serializers.SlugField(max_length=40, label="Therapy")
    country = serializers.CharField(
        max_length=2,
        required=False,
        allow_blank=True,
        default="",
        label="Market",
        help_text="Two letters, as DE. Empty: every market without a template of its own.",
    )
    kind = serializers.ChoiceField(choices=LabelTemplate.choices, label="Label")
    stock = serializers.ChoiceField(choices=LabelStock.choices, label="Size", default=LabelStock.MM_100_70)
    language = serializers.ChoiceField(choices=LabelLanguage.choices, label="Language", default=LabelLanguage.ENGLISH)
    second_language = serializers.ChoiceField(
        choices=LabelLanguage.choices, label="Second language", required=False, allow_blank=True, default=""
    )
    elements = serializers.CharField(
        max_length=300,
        required=False,
        default="\n".join(STANDARD),
        label="Elements below the codes, in their order",
        help_text=f"One per line, of: {', '.join(LabelElement.values)}. Product, codes and warnings are always there.",
    )
    proper_name = serializers.CharField(
        max_length=120,
        required=False,
        allow_blank=True,
        default="",
        label="Product's proper name",
        help_text="Empty: the therapy's name.",
    )
    product_code = serializers.CharField(
        max_length=40, required=False, allow_blank=True, default="", label="Product code (NDC, GTIN)"
    )
    anticoagulant = serializers.CharField(
        max_length=40, required=False, allow_blank=True, default="", label="Anticoagulant"
    )
    texts = serializers.CharField(
        max_length=480,
        required=False,
        allow_blank=True,
        default="",
        label="Own texts",
        help_text=f"One per line, {MOST_TEXTS} at most, 120 characters each.",
    )


class RetireTemplateInputs(serializers.Serializer[Any]):
    """Why a version is used no more."""

    reason = serializers.CharField(max_length=300, label="Why")


def propose_template(actor: Actor, raw: Mapping[str, Any], *, once: Once | None = None) -> UUID:
    """Propose a version of a template; return its id. Nothing is printed by it before its approval.

    Raises InvalidInput beside the fields: an element that every such label must have is left out, one is not known, a
    text has no glyphs in the label's font, or the fullest label does not fit the size.
    """
    with acting(actor, "custody.label_template_proposed", subject=("label_template", ""), once=once) as event:
        _require_maker(actor)
        given = _read(raw)
        require(actor, Capability.CONFIGURE_THERAPY)
        therapy = network.therapies(actor).filter(code=given["therapy"], manufacturer_id=actor.organization_id).first()
        if therapy is None:
            raise InvalidInput(fields={"therapy": ["Choose one of your therapies."]})
        of_kind = {"therapy": therapy, "country": given["country"], "kind": given["kind"]}
        newest = LabelDesign.unwalled.filter(**of_kind).order_by("-version").first()
        row = LabelDesign(
            organization_id=actor.organization_id,
            **of_kind,
            version=newest.version + 1 if newest else 1,
            proposed_by_id=actor.person_id,
            **{name: given[name] for name in _SAID},
        )
        _refuse_overfull(label_templates.layout_of(row), row, therapy)
        row.save(force_insert=True)
        event.note(version=row.version, template=_named(row))
        event.result = {"template": str(row.pk)}
    return row.pk


def approve_template(actor: Actor, template: UUID, *, once: Once | None = None) -> None:
    """Make a proposed version live, by another person than proposed it; the former live version retires."""
    with acting(
        actor, "custody.label_template_approved", subject=("label_template", str(template)), once=once
    ) as event:
        row = _own(actor, template)
        require(actor, Capability.APPROVE_FLOW)
        if row.state != SchemeState.PROPOSED:
            raise WrongState(f"This version is {row.get_state_display().lower()}, not proposed.")
        if actor.person_id is None or actor.person_id == row.proposed_by_id:
            text = "Who proposed a template does not approve it."
            remedy = "Ask a colleague with the right to approve."
            raise FactsMissing(
                text, code="second_person_needed", facts=[MissingFact("second_person_needed", text, remedy)]
            )
        former = {"therapy_id": row.therapy_id, "country": row.country, "kind": row.kind, "state": SchemeState.LIVE}
        for live in LabelDesign.unwalled.filter(**former):
            live.state = SchemeState.RETIRED
            live.save(update_fields=["state"])
        row.state, row.approved_by_id, row.approved_at = SchemeState.LIVE, actor.person_id, timezone.now()
        row.save(update_fields=["state", "approved_by_id", "approved_at"])
        event.note(version=row.version, template=_named(row))


def retire_template(actor: Actor, template: UUID, raw: Mapping[str, Any], *, once: Once | None = None) -> None:
    """Let nothing more be printed by a version; what was stays as it was. WrongState when it is retired already."""
    with acting(actor, "custody.label_template_retired", subject=("label_template", str(template)), once=once) as event:
        row = _own(actor, template)
        asked = RetireTemplateInputs(data=raw)
        if not asked.is_valid():
            raise InvalidInput(fields=asked.errors)
        require(actor, Capability.APPROVE_FLOW)
        if row.state == SchemeState.RETIRED:
            raise WrongState("This version is retired already.")
        event.reason = asked.validated_data["reason"]
        row.state = SchemeState.RETIRED
        row.save(update_fields=["state"])
        event.note(version=row.version, template=_named(row))


_SAID = ("stock", "elements", "languages", "proper_name", "product_code", "anticoagulant", "texts")


def _named(row: LabelDesign) -> str:
    return f"{row.therapy.name}, {row.get_kind_display().lower()}, {row.country or 'every other market'}"


def _require_maker(actor: Actor) -> None:
    if actor.organization_role != Role.MANUFACTURER:
        raise NotFound()


def _own(actor: Actor, template: UUID) -> LabelDesign:
    row: LabelDesign | None = (
        LabelDesign.unwalled.select_for_update(of=("self",))
        .select_related("therapy")
        .filter(pk=template, organization_id=actor.organization_id)
        .first()
    )
    if row is None:
        raise NotFound()
    return row


def _read(raw: Mapping[str, Any]) -> dict[str, Any]:
    asked = TemplateInputs(data=raw)
    if not asked.is_valid():
        raise InvalidInput(fields=asked.errors)
    given = dict(asked.validated_data)
    given["country"] = given["country"].upper()
    given["elements"] = [word.lower() for word in re.split(r"[\s,]+", given["elements"]) if word]
    given["texts"] = [line.strip() for line in given["texts"].splitlines() if line.strip()]
    given["languages"] = list(dict.fromkeys(word for word in (given["language"], given["second_language"]) if word))
    faults = {name: text for name, text in reversed(_faults(given)) if text}
    if faults:
        raise InvalidInput(fields={name: [text] for name, text in faults.items()})
    return given


def _faults(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is wrong with each field, the first of each; an empty text where nothing is."""
    country = given["country"]
    found = [("country", "" if not country or _COUNTRY.fullmatch(country) else "Two letters, as DE, or none.")]
    found.append(("elements", _wrong_elements(given)))
    for name, element in NEEDS.items():
        if given[name] and element not in given["elements"]:
            found.append((name, f"List “{element}” among the elements, or leave this empty."))
        elif element in given["elements"] and not given[name]:
            found.append((name, f"“{element}” is among the elements: say what is printed."))
    if bool(given["texts"]) != (LabelElement.TEXTS in given["elements"]):
        found.append(("texts", "Give texts and list “texts” among the elements, or neither."))
    elif len(given["texts"]) > MOST_TEXTS or any(len(text) > 120 for text in given["texts"]):
        found.append(("texts", f"{MOST_TEXTS} texts at most, 120 characters each."))
    for name, text in (("texts", "".join(given["texts"])), *((name, given[name]) for name in ("proper_name", *NEEDS))):
        if not can_be_set(text):
            found.append((name, "The label's font has no such characters."))
    return found


def _wrong_elements(given: Mapping[str, Any]) -> str:
    elements = given["elements"]
    unknown = [word for word in elements if word not in LabelElement.values]
    if unknown:
        return f"Not known: {', '.join(unknown)}."
    if len(set(elements)) != len(elements):
        return "Each element once."
    missing = label_templates.missing_elements(given["kind"], elements)
    return f"Every such label needs: {', '.join(missing)}." if missing else ""


def _refuse_overfull(layout: Layout, row: LabelDesign, therapy: Any) -> None:
    autologous = therapy.modality.startswith("autologous")
    try:
        compose(label_templates.specimen(layout, row.kind, therapy.name, autologous=autologous))
    except ValueError:
        text = "The fullest such label does not fit this size. Choose a larger one, or say less."
        raise InvalidInput(text, code="label_too_full", fields={"stock": [text]}) from None
