"""AES-256-GCM envelopes and keyed digests: what the vault is made of. Keys never leave this module in clear."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE_BYTES = 12


class CannotOpen(Exception):
    """The key is wrong, or the sealed bytes were changed or moved to another row."""


@dataclass(frozen=True)
class Sealed:
    """Nonce and ciphertext (with its tag)."""

    nonce: bytes
    ciphertext: bytes


def seal(key: bytes, plain: bytes, bound_to: UUID) -> Sealed:
    """Encrypt under ``key``; the row's id is authenticated with it."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return Sealed(nonce, AESGCM(key).encrypt(nonce, plain, bound_to.bytes))


def unseal(key: bytes, sealed: Sealed, bound_to: UUID) -> bytes:
    """Decrypt; raise CannotOpen for a wrong key, changed bytes or another row's id."""
    try:
        return AESGCM(key).decrypt(sealed.nonce, sealed.ciphertext, bound_to.bytes)
    except InvalidTag as error:
        raise CannotOpen("the sealed identity cannot be opened") from error


def new_key(bound_to: UUID) -> tuple[bytes, Sealed]:
    """Return a fresh data key, and the same key wrapped by the master key."""
    key = AESGCM.generate_key(bit_length=256)
    return key, seal(_derived(b"wrap"), key, bound_to)


def unwrap(wrapped: Sealed, bound_to: UUID) -> bytes:
    return unseal(_derived(b"wrap"), wrapped, bound_to)


def blind(organization_id: UUID, kind: str, value: str) -> str:
    """Return the keyed digest of a value: comparable within one organization, meaningless to another."""
    key = _derived(b"blind" + organization_id.bytes)
    return hmac.new(key, f"{kind}\x00{value}".encode(), hashlib.sha256).hexdigest()


def _derived(purpose: bytes) -> bytes:
    return hmac.new(settings.MASTER_KEY, purpose, hashlib.sha256).digest()
