"""A notice as a plain e-mail: no patient data, a link to where to act."""

from __future__ import annotations

import datetime as dt
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMessage

from notifications.models import Delivery, Notice

BODY = """{title}
{due}
Open it: {link}

You receive this because you act for {organization}.
What comes by e-mail, and when: {preferences}
This message holds no patient data; please do not reply with any.
"""


def message_for(delivery: Delivery, notice: Notice, address: str, organization: str, zone: str) -> EmailMessage:
    """Return the e-mail of a delivery: what, whose order code, due where the reader is, a link; no person's name.

    Its Message-ID is the delivery's, so that a repeat is seen as one.
    """
    title = " ".join(notice.title.split())
    site = settings.BASE_URL.rstrip("/")
    host = urlsplit(settings.BASE_URL).hostname or "localhost"
    urgency = {"Importance": "high", "X-Priority": "1"} if notice.critical else {}
    return EmailMessage(
        subject=f"[CGT] Critical: {title}" if notice.critical else f"[CGT] {title}",
        body=BODY.format(
            title=title,
            due=_due(notice.due, zone),
            link=f"{site}{notice.path}",
            organization=organization,
            preferences=f"{site}/inbox/preferences/",
        ),
        to=[address],
        headers={"Message-ID": f"<{delivery.pk}@{host}>", "Auto-Submitted": "auto-generated"} | urgency,
    )


def _due(due: dt.datetime | None, zone: str) -> str:
    return f"Due: {due.astimezone(ZoneInfo(zone)):%a %d %b %Y, %H:%M} ({zone})\n" if due else ""
