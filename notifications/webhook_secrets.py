"""Signing secrets of webhooks: made here, shown once, kept sealed; a rotation leaves the old one a day to sign on."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import secrets
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from standardwebhooks.webhooks import Webhook as Signer

from notifications.models import Webhook, WebhookSecret

OVERLAP = dt.timedelta(hours=24)
NONCE_BYTES = 12
SECRET_BYTES = 32


def issue(webhook: Webhook) -> str:
    """Make a secret for a webhook; return it as its receiver keeps it (``whsec_…``). Earlier ones end in a day."""
    now = timezone.now()
    earlier = WebhookSecret.unwalled.filter(webhook=webhook)
    earlier.filter(until__lte=now).delete()
    earlier.filter(until__isnull=True).update(until=now + OVERLAP)
    plain = secrets.token_bytes(SECRET_BYTES)
    made = WebhookSecret(organization_id=webhook.organization_id, webhook=webhook, since=now)
    made.sealed = _seal(plain, made.pk)
    made.save(force_insert=True)
    return f"whsec_{base64.b64encode(plain).decode()}"


def signatures(webhook_id: UUID, delivery_id: str, at: dt.datetime, body: str) -> str:
    """Return the signature header: one signature by each secret in force, the newest first."""
    in_force = WebhookSecret.unwalled.filter(Q(until__isnull=True) | Q(until__gt=at), webhook_id=webhook_id)
    signers = [Signer(_unseal(bytes(row.sealed), row.pk)) for row in in_force.order_by("-since", "-pk")]
    return " ".join(signer.sign(delivery_id, at, body) for signer in signers)


def seal_text(text: str, bound_to: UUID) -> bytes:
    """Return a secret of a receiver's own, sealed; it opens only for the row that it is bound to."""
    return _seal(text.encode(), bound_to)


def open_text(sealed: bytes, bound_to: UUID) -> str:
    return _unseal(sealed, bound_to).decode()


def _key() -> bytes:
    return hmac.new(settings.MASTER_KEY, b"webhook", hashlib.sha256).digest()


def _seal(plain: bytes, bound_to: UUID) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(_key()).encrypt(nonce, plain, bound_to.bytes)


def _unseal(sealed: bytes, bound_to: UUID) -> bytes:
    return AESGCM(_key()).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.bytes)
