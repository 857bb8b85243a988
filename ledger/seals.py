"""The seal on a copy of the record: an Ed25519 signature that anybody can verify with the public key alone.

The key is derived from the master key, so that it needs no store of its own. A copy is sealed when it leaves; the seal
lists the hash of every event of the chain and of every row beside it.
"""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from ledger.copies import canonical, digest, fingerprint_of, sealed_text


def _key() -> Ed25519PrivateKey:
    seed = HKDF(hashes.SHA256(), 32, salt=None, info=b"cgt dossier seal").derive(settings.MASTER_KEY)
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key() -> str:
    """Return this system's public sealing key, as hexadecimal characters."""
    return _key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def fingerprint() -> str:
    """Return the fingerprint of this system's sealing key, as it is published."""
    return fingerprint_of(public_key())


def seal(document: dict[str, Any], files: dict[str, bytes]) -> None:
    """Put the seal on a dossier's document: over its events' hashes, its parts' rows, and its other files."""
    content: dict[str, Any] = {
        **{name: document[name] for name in ("order", "stream", "made_at", "made_for")},
        "events": [event["hash"] for event in document["events"]],
        "parts": {name: [digest(canonical(row)) for row in rows] for name, rows in document["parts"].items()},
        "files": {name: digest(data) for name, data in files.items()},
        "public_key": public_key(),
    }
    content["signature"] = _key().sign(sealed_text(content).encode()).hex()
    document["seal"] = content
