"""What a downtime pack says is typed by one person and checked against the paper by another; the paper is attached."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from rest_framework import serializers

from ledger.canonical import canonical_text, digest
from ledger.context import Actor, reading
from ledger.recording import Once, Signing
from ledger.refusals import InvalidInput, NotFound, WrongState
from ledger.walls import visible
from orders import downtime, transcription
from orders.flow import StepResult, current_step, order_named, perform
from orders.inputs import PastTime, SignatureInput, VerifierInput, inputs_class, read
from orders.models import DowntimePack, Order, OrderStep, PaperTranscript
from orders.policies import may_see, require_may_perform
from orders.second_person import SecondPersonNeeded
from orders.signers import sign_act
from orders.step_kinds import Noted, StepContext, kind_of
from orders.transcription import LARGEST as LARGEST
from orders.transcription import open_paper as open_paper
from orders.transcription import pack_numbered as pack_numbered
from personas import signing

TYPED, CHECKED = "transcribed from paper", "checked against the paper"


class TranscriptInputs(serializers.Serializer[Any]):
    """What the paper says besides the step's own form, and the two people who bring it in."""

    paper_at = PastTime(label="Done at, as the paper says")
    paper_people = serializers.CharField(
        max_length=200,
        label="Who signed the paper",
        help_text="Names of the staff, in the order of the paper.",
    )
    signature = SignatureInput(label="Signature")
    checker = VerifierInput(label="Second person")


def step_on_paper(actor: Actor, order: Order, number: int, key: str) -> tuple[OrderStep, DowntimePack]:
    """Return a step and the own pack it stands on; NotFound for another's. Call inside ``reading(actor)``."""
    step, pack = current_step(order, key), pack_numbered(order.stream_id, actor.organization_id, number)
    if not may_see(actor, step) or step.flow_step.kind not in downtime.kinds():
        raise NotFound()
    return step, pack


def transcribe(
    actor: Actor,
    code: str,
    number: int,
    key: str,
    raw: Mapping[str, Any],
    about: Mapping[str, Any],
    content: bytes,
    *,
    once: Once | None = None,
) -> StepResult:
    """Perform a step as its paper says: the same inputs (``raw``), guards and refusals, late where it has to be.

    ``about`` is read by ``TranscriptInputs``; ``content`` is the picture of the paper (JPEG, PNG, PDF; 4 MB). Who
    signed the paper is named; the two who bring it in sign, each with their own credentials. Raises NotFound for
    another organization's pack, InvalidInput for a file that is none, SecondPersonNeeded for one person in both parts.
    """
    with reading(actor):
        order = order_named(actor, code)
        step, pack = step_on_paper(actor, order, number, key)
        zone = step.site.zone if step.site else actor.zone
        given = read(TranscriptInputs, about, {"zone": ZoneInfo(zone)})
        paper = transcription.read_paper(content)
        require_may_perform(actor, step)
        _require_on_it(step, pack, given["paper_at"])
    inputs = {name: value for name, value in raw.items() if name not in ("signature", "verifiers")}
    said = {"pack": number, "step": key, "paper": paper.digest, "people": given["paper_people"]}
    bound_to = digest(canonical_text({"order": order.code, "entered": _plain(inputs), **said}))
    signatures = _signatures(actor, step, given, bound_to)
    typed, checked = signatures
    words = f"Transcribed from downtime pack {number} by {typed.person_name}, checked by {checked.person_name}."

    def beside(ctx: StepContext) -> None:
        assert ctx.event is not None  # noqa: S101 - runs inside the open event
        ctx.event.signatures = [*signatures]
        ctx.event.note(transcribed={**said, "by": typed.person_name, "checked_by": checked.person_name})
        transcript = PaperTranscript(
            stream_id=order.stream_id,
            organization_id=actor.organization_id,
            pack=pack,
            step=key,
            title=step.flow_step.title,
            recorded_as=ctx.event.id,
            paper_at=given["paper_at"],
            paper_people=given["paper_people"],
            transcribed_by=typed.person_name,
            checked_by=checked.person_name,
            recorded_at=typed.signed_at,
            media_type=paper.media_type,
            digest=paper.digest,
        )
        transcription.keep(transcript, paper)

    noted = Noted(given["paper_at"], beside, on_paper=True, words=words)
    return perform(actor, code, key, inputs, once=once, noted=noted)


def _plain(inputs: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in sorted(inputs.items())}


def _require_on_it(step: OrderStep, pack: DowntimePack, at: dt.datetime) -> None:
    title = step.flow_step.title
    if title not in pack.steps:
        raise WrongState(f"“{title}” does not stand on pack {pack.number}.", code="not_on_pack")
    if at < pack.printed_at:
        raise InvalidInput(fields={"paper_at": ["The pack was printed after that."]})


def _signatures(actor: Actor, step: OrderStep, given: Mapping[str, Any], bound_to: str) -> tuple[Signing, Signing]:
    """Return the signatures of who types and of who checks: two people, each with the right, at the step's place."""
    typed = sign_act(actor, given["signature"], step.capability, TYPED, bound_to, step.site)
    credentials = signing.Credentials(given["checker"]["username"], given["checker"]["password"])
    user = signing.identify(credentials, "checker.password")
    if user.person_id == typed.person_id:
        remedy = "Let a colleague compare the paper with what you typed, and sign beside you."
        raise SecondPersonNeeded(remedy, "One person cannot type and check.")
    sites = {step.site_id} if step.site_id else set()
    signer = signing.signer_in(user, {actor.organization_id}, step.capability, "checker.username", sites)
    zone = step.site.zone if step.site else signer.zone
    checked = signing.sign(signer, capability=step.capability, meaning=CHECKED, content_hash=bound_to, zone=zone)
    return typed, checked


def transcripts_of(actor: Actor, order: Order) -> list[PaperTranscript]:
    """Return what was transcribed of an order's packs, the newest first."""
    found = visible(PaperTranscript, actor).filter(stream_id=order.stream_id)
    return list(found.select_related("pack").order_by("-pk"))


def transcript(actor: Actor, order: Order, key: Any) -> PaperTranscript:
    """Return one own transcript; NotFound for another organization's: its paper may name the patient."""
    found = visible(PaperTranscript, actor).filter(pk=key, organization_id=actor.organization_id).first()
    if found is None or found.stream_id != order.stream_id:
        raise NotFound()
    return found


def paper_inputs(step: OrderStep) -> type[serializers.Serializer[Any]]:
    """Return what the step's paper is asked: the step's own inputs, unsigned."""
    return inputs_class(kind_of(step.flow_step.kind), 0)
