"""What was done on paper comes in: the paper's picture is looked at, sealed and kept beside what was typed (CO9)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from custody import pictures, sealing
from ledger.identifiers import new_id
from ledger.refusals import InvalidInput, NotFound
from orders.models import DowntimePack, PaperTranscript, SealedPaper

LARGEST = 4 * 1024 * 1024
PDF_BEGIN, PDF_END, PDF_TAIL = b"%PDF-", b"%%EOF", 2048


@dataclass(frozen=True)
class PaperFile:
    """The picture of a paper, looked at: its bytes, what it really is, and its SHA-256."""

    content: bytes
    media_type: str
    digest: str


def read_paper(content: bytes) -> PaperFile:
    """Return the file when its content is a JPEG, a PNG or a PDF of at most 4 MB; InvalidInput ``paper`` else."""
    if not content:
        raise _refused("Attach a picture or a PDF of the paper.")
    if len(content) > LARGEST:
        raise _refused(f"At most {LARGEST // 1024 // 1024} MB.")
    if content.startswith(PDF_BEGIN):
        if PDF_END not in content[-PDF_TAIL:]:
            raise _refused("This PDF is cut off. Scan the paper again.")
        media_type = "application/pdf"
    else:
        try:
            media_type = pictures.media_type_of(content)
        except pictures.NotAPicture as error:
            raise _refused(str(error).replace("JPEG or PNG", "JPEG, PNG or PDF")) from error
    return PaperFile(content, media_type, hashlib.sha256(content).hexdigest())


def _refused(words: str) -> InvalidInput:
    return InvalidInput(fields={"paper": [words]}, remedy="Scan or photograph the sheet again, and attach that.")


def keep(transcript: PaperTranscript, paper: PaperFile) -> None:
    """Seal the picture under a key of its own, and write it with what was typed from it."""
    transcript.save(force_insert=True)
    row_id = new_id()
    key, wrapped = sealing.new_key(row_id)
    sealed = sealing.seal(key, paper.content, row_id)
    SealedPaper.objects.create(
        id=row_id,
        transcript=transcript,
        organization_id=transcript.organization_id,
        key_nonce=wrapped.nonce,
        wrapped=wrapped.ciphertext,
        nonce=sealed.nonce,
        ciphertext=sealed.ciphertext,
    )


def open_paper(transcript: PaperTranscript) -> bytes:
    """Return the picture of a transcript; NotFound for another organization's, and once its key is destroyed."""
    row = SealedPaper.unwalled.filter(transcript=transcript).first()
    if row is None:
        raise NotFound()
    key = sealing.unwrap(sealing.Sealed(bytes(row.key_nonce), bytes(row.wrapped)), row.pk)
    return sealing.unseal(key, sealing.Sealed(bytes(row.nonce), bytes(row.ciphertext)), row.pk)


def pack_numbered(stream_id: UUID, organization_id: UUID, number: int) -> DowntimePack:
    """Return an own pack of an order; NotFound for none, and for one of another organization."""
    found = DowntimePack.unwalled.filter(stream_id=stream_id, number=number, organization_id=organization_id).first()
    if found is None:
        raise NotFound()
    return found
