"""A notice as a plain e-mail: no patient data, a link to where to act."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage

from notifications.models import Delivery, Notice
from personas.queries import User

BODY = """Hello {name},

{title}
{due}
Open it here: {link}

You receive this because you act for {organization}.
This message holds no patient data; please do not reply with any.
"""


def message_for(delivery: Delivery, notice: Notice, user: User, organization: str) -> EmailMessage:
    """Return the e-mail of a delivery. Its Message-ID is the delivery's, so that a repeat is seen as one."""
    title = " ".join(notice.title.split())
    due = f"Due: {notice.due:%Y-%m-%d %H:%M} UTC\n" if notice.due else ""
    name = user.person.name if user.person else user.username
    link = f"{settings.BASE_URL.rstrip('/')}{notice.path}"
    urgency = {"Importance": "high", "X-Priority": "1"} if notice.critical else {}
    host = urlsplit(settings.BASE_URL).hostname or "localhost"
    return EmailMessage(
        subject=f"[CGT] Critical: {title}" if notice.critical else f"[CGT] {title}",
        body=BODY.format(name=name, title=title, due=due, link=link, organization=organization),
        to=[user.email],
        headers={"Message-ID": f"<{delivery.pk}@{host}>", "Auto-Submitted": "auto-generated"} | urgency,
    )
