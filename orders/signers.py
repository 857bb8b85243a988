"""The people who sign a step: each proven, each different, each authorized on their own membership (T3, T4, T35)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ledger.canonical import canonical_text, digest
from ledger.context import Actor
from ledger.directory import Shelf
from ledger.recording import Signing
from ledger.refusals import InvalidInput, MissingFact, NotAllowed
from network import queries as network
from orders import foreign_scans
from orders.second_person import SecondPersonNeeded
from orders.step_kinds import StepContext, StepKind
from personas import signing
from personas.queries import username_of

SECRET_FIELDS = ("signature", "verifiers")


def content_hash(ctx: StepContext, shown: list[tuple[str, str]], inputs: dict[str, Any]) -> str:
    """Return the SHA-256 of exactly what was signed: the step at its version, what was shown, what was entered."""
    entered = {name: value for name, value in inputs.items() if name not in SECRET_FIELDS}
    return digest(
        canonical_text(
            {
                "order": ctx.order.code,
                "identity": ctx.order.identity_code,
                "step": ctx.step.key,
                "attempt": ctx.step.attempt,
                "version": ctx.step.version,
                "flow_version": ctx.order.flow.version,
                "statement": ctx.flow_step.meaning,
                "shown": shown,
                "entered": entered,
            }
        )
    )


def shown_digest(shown: list[tuple[str, str]]) -> str:
    """Return the digest by which what a page showed and what is signed beneath it are compared."""
    return digest(canonical_text({"shown": [[label, str(value)] for label, value in shown]}))


def collect(kind: StepKind, ctx: StepContext, inputs: dict[str, Any]) -> list[Signing]:
    """Return the signatures of a step, performer first. Sets ``ctx.performer_id``.

    Before anybody's: another patient's code among what was scanned stops the line, signed or not.
    """
    foreign_scans.refuse(kind, ctx, inputs)
    ctx.performer_id = ctx.actor.person_id if ctx.actor.is_human else None
    if "signature" not in inputs:  # nobody has to sign, and nobody did
        return []
    shelf = signing.what_is_kept() if inputs.get("verifiers") or not ctx.actor.is_human else None
    performer = _performer(ctx, inputs["signature"], shelf)
    ctx.performer_id = performer.person_id
    bound_to = content_hash(ctx, kind.shown(ctx), inputs)
    signings = [
        signing.sign(
            performer,
            capability=ctx.flow_step.capability,
            meaning=ctx.flow_step.meaning or kind.meaning,
            content_hash=bound_to,
            zone=ctx.event.zone if ctx.event else "UTC",
        )
    ]
    people = {performer.person_id}
    for position, given in enumerate(inputs.get("verifiers", [])):
        signings.append(_verifier(kind, ctx, position, given, people, bound_to, inputs, shelf))
    return signings


def sign_act(
    actor: Actor, given: Mapping[str, str], capability: str, meaning: str, bound_to: str, site: Any = None
) -> Signing:
    """Return the signature under an act on the order as a whole: the acting person's, or one that a key sends along.

    ``site``: where the signer needs the right.
    """
    if actor.is_human:
        username = given.get("username") or username_of(actor)
    elif not (username := given.get("username", "")):
        raise NotAllowed(
            "An API key alone never signs.",
            code="key_cannot_sign",
            remedy="Send the user name and password of the person who signs.",
        )
    user = signing.identify(signing.Credentials(username, given["password"]), "signature.password")
    if actor.is_human and user.person_id != actor.person_id:
        raise NotAllowed(
            "Only the person who is signed in signs here.",
            code="signer_is_somebody_else",
            remedy="Sign with your own user name, or let your colleague sign in.",
        )
    sites = {site.pk} if site else set()
    signer = signing.signer_in(user, {actor.organization_id}, capability, "signature.username", sites)
    zone = site.zone if site else signer.zone
    return signing.sign(signer, capability=capability, meaning=meaning, content_hash=bound_to, zone=zone)


def second_person(
    actor: Actor, sent: Mapping[str, str], first: Signing, capability: str, field: str = "second"
) -> Actor:
    """Return who signs beside the first person: proven by password, somebody else, with the right in the same firm.

    Raises FactsMissing ``second_person_needed`` for one human being, NotAllowed without the right.
    """
    user = signing.identify(signing.Credentials(sent["username"], sent["password"]), f"{field}.password")
    if user.person_id == first.person_id:
        raise SecondPersonNeeded("Ask a colleague who has seen it to sign.")
    return signing.signer_in(user, {actor.organization_id}, capability, f"{field}.username", set())


def lapsed_trainings(ctx: StepContext, signings: list[Signing]) -> list[MissingFact]:
    """Return the trainings for the therapy that have lapsed, of everybody of the acting organization who takes part.

    Expired training blocks the act, not the sign-in (SQ3).
    """
    own = ctx.actor.organization_id
    people = {signing.person_id for signing in signings if signing.organization_id == own} | {ctx.performer_id}
    return [
        MissingFact(
            "training_lapsed",
            f"Training “{kind}” for this therapy is missing or has expired.",
            "Renew the training, then act again; somebody who is trained may act meanwhile.",
        )
        for person_id in sorted(person_id for person_id in people if person_id is not None)
        for kind in network.lapsed_trainings(person_id, ctx.order.therapy_id)
    ]


def _check_scan(kind: StepKind, ctx: StepContext, scan: str, inputs: dict[str, Any], field: str) -> None:
    try:
        kind.check_scan(ctx, scan, inputs)
    except InvalidInput as refusal:
        refusal.fields = {field: [words for found in refusal.fields.values() for words in found]}
        raise


def _performer(ctx: StepContext, given: dict[str, str], shelf: Shelf | None) -> Actor:
    actor = ctx.actor
    if actor.is_human:
        username = given.get("username") or username_of(actor)
        user = signing.identify(signing.Credentials(username, given["password"]), "signature")
        if user.person_id != actor.person_id:
            raise NotAllowed(
                "Only the person who is signed in signs here.",
                code="signer_is_somebody_else",
                remedy="Sign with your own user name, or let your colleague sign in.",
            )
        return actor
    if not given.get("username"):
        raise NotAllowed(
            "An API key alone never signs.",
            code="key_cannot_sign",
            remedy="Send the user name and password of the person who signs.",
        )
    user = signing.identify(signing.Credentials(given["username"], given["password"]), "signature")
    sites = {ctx.step.site_id} if ctx.step.site_id else set()
    return signing.signer_in(user, {actor.organization_id}, ctx.flow_step.capability, "signature", sites, shelf)


def signer_of(actor: Actor, given: Mapping[str, str], capability: str) -> Actor:
    """Return the person who signs an act on the order as a whole, proven by their own credentials."""
    username = given.get("username") or (username_of(actor) if actor.is_human else "")
    if not username:
        raise NotAllowed(
            "An API key alone never signs.",
            code="key_cannot_sign",
            remedy="Send the user name and password of the person who signs.",
        )
    user = signing.identify(signing.Credentials(username, given["password"]), "signature.password")
    if actor.is_human and user.person_id != actor.person_id:
        raise InvalidInput(fields={"signature.username": ["Sign as the person who is signed in."]})
    return signing.signer_in(user, {actor.organization_id}, capability, "signature.username", set())


def _verifier(
    kind: StepKind,
    ctx: StepContext,
    position: int,
    given: dict[str, str],
    people: set[UUID | None],
    bound_to: str,
    inputs: dict[str, Any],
    shelf: Shelf | None,
) -> Signing:
    field = f"verifiers[{position}].password"
    user = signing.identify(signing.Credentials(given["username"], given["password"]), field)
    if user.person_id in people:
        raise SecondPersonNeeded("Ask a colleague to sign with their own credentials.")
    people.add(user.person_id)
    rule = kind.verifier_rule(ctx)
    beside = f"verifiers[{position}].username"
    verifier = signing.signer_in(user, set(rule.organization_ids), rule.capability, beside, set(rule.site_ids), shelf)
    if kind.second_scan:
        _check_scan(kind, ctx, given.get("scan", ""), inputs, f"verifiers[{position}].scan")
    return signing.sign(
        verifier,
        capability=rule.capability,
        meaning=rule.meaning,
        content_hash=bound_to,
        zone=ctx.event.zone if ctx.event else "UTC",
    )
