"""Acknowledge or escalate: a critical notice that nobody acknowledges goes to the persona the organization chose."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from ledger.context import Actor, reading
from ledger.models import Event
from ledger.refusals import InvalidInput, NotAllowed
from notifications import queries, recipients
from notifications.actions import escalation, inbox, relay
from notifications.models import EscalationDue, Notice
from notifications.recipients import Recipient
from personas.models import Membership
from personas.queries import actor_of_membership
from tests.factories import make_actor, make_member, operator
from tests.notifications.factories import Shared
from tests.personas.conftest import signed_in

pytestmark = pytest.mark.django_db


class Alarmed:
    """A physician who was told of something critical; quality of the site was not."""

    def __init__(self, *, critical: bool = True) -> None:
        self.shared = Shared()
        self.physician = make_member(self.shared.center, "treating_physician")
        self.quality = make_member(self.shared.center, "site_quality", name="Quality One")

        def finder(actor: Actor, event: Event) -> list[Recipient]:
            mine = actor.organization_id == self.shared.center.pk
            return [Recipient(self.physician.user, "Stop · T-1", "/orders/T-1/", critical=critical)] if mine else []

        recipients.register(finder)
        relay.relay()
        recipients.unregister(finder)

    def notices(self, member: Membership) -> list[Notice]:
        actor = actor_of_membership(member, "browser")  # type: ignore[arg-type]
        with reading(actor):
            return list(queries.inbox(actor))

    def pass_time(self) -> None:
        EscalationDue.unwalled.filter(organization_id=self.shared.center.pk).update(due_at=timezone.now())


def test_it_goes_on_to_the_persona_of_the_role_after_a_quarter_of_an_hour() -> None:
    alarmed = Alarmed()
    due = EscalationDue.unwalled.get(organization_id=alarmed.shared.center.pk)
    assert abs(due.due_at - timezone.now() - dt.timedelta(minutes=15)) < dt.timedelta(minutes=1)
    escalation.escalate()
    assert alarmed.notices(alarmed.quality) == []
    alarmed.pass_time()
    for _ in range(2):
        escalation.escalate()
    (notice,) = alarmed.notices(alarmed.quality)
    assert (notice.title, notice.critical) == ("Not acknowledged: Stop · T-1", True)
    with reading(operator(alarmed.shared.center)):
        (event,) = Event.unwalled.filter(kind="notifications.escalated", stream_id=alarmed.shared.center.pk)
    assert event.payload["people"] == ["Quality One"]


def test_an_acknowledged_one_stays_where_it_is() -> None:
    alarmed = Alarmed()
    (notice,) = alarmed.notices(alarmed.physician)
    inbox.acknowledge(actor_of_membership(alarmed.physician, "browser"), notice.pk)  # type: ignore[arg-type]
    alarmed.pass_time()
    escalation.escalate()
    assert alarmed.notices(alarmed.quality) == []
    assert EscalationDue.unwalled.get(organization_id=alarmed.shared.center.pk).done_at is not None


def test_reading_is_not_acknowledging() -> None:
    alarmed = Alarmed()
    (notice,) = alarmed.notices(alarmed.physician)
    inbox.mark_read(actor_of_membership(alarmed.physician, "browser"), notice.pk)  # type: ignore[arg-type]
    alarmed.pass_time()
    escalation.escalate()
    assert len(alarmed.notices(alarmed.quality)) == 1


def test_what_is_not_critical_never_escalates() -> None:
    alarmed = Alarmed(critical=False)
    assert not EscalationDue.unwalled.filter(organization_id=alarmed.shared.center.pk).exists()


def test_where_the_persona_has_nobody_the_administrators_are_told() -> None:
    alarmed = Alarmed()
    admin = make_member(alarmed.shared.center, "administrator")
    escalation.set_escalation(actor_of_membership(admin, "browser"), minutes=5, persona="pharmacist")  # type: ignore[arg-type]
    alarmed.pass_time()
    escalation.escalate()
    assert len(alarmed.notices(admin)) == 1
    assert alarmed.notices(alarmed.quality) == []


def test_the_organization_chooses_when_and_to_whom() -> None:
    shared = Shared()
    admin = make_member(shared.center, "administrator")
    client = signed_in(admin)
    assert "When nobody acknowledges" in client.get("/inbox/preferences/").content.decode()
    assert client.post("/inbox/preferences/escalation/", {"minutes": "5", "persona": "pharmacist"}).status_code == 302
    actor = actor_of_membership(admin, "browser")  # type: ignore[arg-type]
    with reading(actor):
        rule = queries.escalation_rule(actor)
    assert (rule.minutes, rule.persona) == (5, "pharmacist")
    wrong: list[dict[str, Any]] = [{"minutes": "0"}, {"minutes": "x"}, {"persona": "nobody"}]
    for given in wrong:
        sent = {"minutes": "5", "persona": "pharmacist", **given}
        assert client.post("/inbox/preferences/escalation/", sent).status_code == 400
    with pytest.raises(InvalidInput):
        escalation.set_escalation(actor, minutes=5, persona="qa_reviewer")
    with pytest.raises(NotAllowed):
        escalation.set_escalation(make_actor(shared.center, "coordinator"), minutes=5, persona="pharmacist")
    other = make_actor(shared.plant, "administrator")
    with reading(other):
        assert queries.escalation_rule(other).minutes == 15
