"""What is kept in memory is exactly as fresh as the database, and never crosses a wall."""

from __future__ import annotations

from uuid import UUID

import psycopg2
import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from ledger import directory
from ledger.context import reading
from ledger.models import Partnership
from ledger.prepared import Prepared
from ledger.recording import acting
from ledger.refusals import Unauthenticated
from ledger.states import Channel
from personas.actions.people import issue_api_key, revoke_api_key
from personas.models import Organization, Site
from personas.queries import actor_of_key, actor_of_membership
from tests.factories import connect, make_member, make_organization, make_site, operator


@pytest.mark.django_db
def test_a_second_reading_asks_nothing() -> None:
    organization = make_organization()
    site = make_site(organization)
    for _ in range(2):
        with reading(operator(organization)), CaptureQueriesContext(connection) as captured:
            assert directory.rows(Site, [site.pk])[site.pk].name == site.name
    assert len(captured) == 0


@pytest.mark.django_db
def test_a_change_is_seen_by_the_next_reading() -> None:
    organization = make_organization()
    site = make_site(organization)
    actor = operator(organization)
    with reading(actor):
        directory.rows(Site, [site.pk])
    with acting(actor, "personas.site_added"):
        Site.unwalled.filter(pk=site.pk).update(name="Renamed behind every model's back")
    with reading(actor):
        assert directory.rows(Site, [site.pk])[site.pk].name == "Renamed behind every model's back"


@pytest.mark.django_db
def test_what_was_read_in_a_savepoint_that_was_undone_is_not_kept() -> None:
    organization = make_organization()
    site = make_site(organization)
    with acting(operator(organization), "personas.site_added"):
        with pytest.raises(Unauthenticated), transaction.atomic():
            Site.unwalled.filter(pk=site.pk).update(name="Never so")
            assert directory.rows(Site, [site.pk])[site.pk].name == "Never so"
            assert directory.kept("noted", site.pk, lambda: "Never so") == "Never so"
            raise Unauthenticated
        assert directory.rows(Site, [site.pk])[site.pk].name == site.name
        assert directory.kept("noted", site.pk, lambda: "anew") == "anew"


@pytest.mark.django_db
def test_another_organization_keeps_its_own() -> None:
    mine, theirs = make_organization(), make_organization()
    site = make_site(mine)
    with reading(operator(mine)):
        assert site.pk in directory.rows(Site, [site.pk])
    with reading(operator(theirs)):
        assert directory.rows(Site, [site.pk]) == {}
    connect(mine, theirs)
    with reading(operator(theirs)):
        assert site.pk in directory.rows(Site, [site.pk])


def test_a_change_that_was_rolled_back_leaves_nothing(committed_db: None) -> None:
    organization = make_organization()
    site, actor = make_site(organization), operator(organization)
    with pytest.raises(ZeroDivisionError), acting(actor, "personas.site_added"):
        Site.unwalled.filter(pk=site.pk).update(name="Never")
        with reading(actor):
            directory.rows(Site, [site.pk])
        raise ZeroDivisionError
    with reading(actor):
        assert directory.rows(Site, [site.pk])[site.pk].name == site.name


def test_a_right_taken_away_on_another_connection_is_gone_at_once(committed_db: None, owner_url: str) -> None:
    membership = make_member(make_organization(), "coordinator")
    for _ in range(2):
        assert actor_of_membership(membership, Channel.BROWSER).can("view_orders")
    with psycopg2.connect(owner_url) as other, other.cursor() as cursor:
        question = "delete from personas_organizationgrouppermission where content_object_id = %s"
        cursor.execute(question, [str(membership.organization_id)])
        assert cursor.rowcount > 0
    assert not actor_of_membership(membership, Channel.BROWSER).can("view_orders")


@pytest.mark.django_db
def test_an_insert_that_does_nothing_moves_nothing() -> None:
    one, two = make_organization(), make_organization()
    connect(one, two)
    before = directory.version_now()
    with acting(operator(one), "personas.partners_connected"):
        again = Partnership(viewer_id=one.pk, organization_id=two.pk)
        Partnership.objects.bulk_create([again], ignore_conflicts=True)
    assert directory.version_now() == before


@pytest.mark.django_db
def test_a_revoked_key_is_refused_at_once() -> None:
    organization = make_organization()
    member = make_member(organization, "coordinator")
    key, token = issue_api_key(
        operator(organization), name="k", persona_key="coordinator", scopes=["view_orders"], responsible=member.user
    )
    assert actor_of_key(token).key_id == key.pk
    assert actor_of_key(token).key_id == key.pk
    revoke_api_key(operator(organization), key.prefix)
    with pytest.raises(Unauthenticated):
        actor_of_key(token)


@pytest.mark.django_db
def test_a_prepared_read_compares_and_never_decides() -> None:
    organization, other = make_organization(), make_organization()

    def named(code: str) -> object:
        return Organization.unwalled.filter(code=code)

    read = Prepared(named)  # type: ignore[arg-type]
    with reading(operator(organization)):
        assert [row.pk for row in read(code=organization.code)] == [organization.pk]
        assert read(code=other.code) == []  # the row policies hold
    deciding = Prepared(lambda code: Organization.unwalled.filter(active=bool(code)))
    with pytest.raises(TypeError, match="went elsewhere"):
        deciding(code=organization.pk)


def test_one_reading_answers_a_question_once_and_no_act_does(committed_db: None) -> None:
    organization = make_organization()
    site, actor = make_site(organization), operator(organization)

    @Prepared
    def between(site_id: UUID, organization_id: UUID) -> QuerySet[Site]:
        return Site.unwalled.filter(pk=site_id, organization_id=organization_id)

    with reading(actor), CaptureQueriesContext(connection) as captured:
        (first,) = between(site_id=site.pk, organization_id=organization.pk)
        (second,) = between(organization_id=organization.pk, site_id=site.pk)
        assert between(site_id=organization.pk, organization_id=site.pk) == []  # the same two ids, another question
    assert first is second and len(captured) == 2
    with acting(actor, "personas.site_added"):
        Site.unwalled.filter(pk=site.pk).update(name="Before")
        assert between(site_id=site.pk, organization_id=organization.pk)[0].name == "Before"
        Site.unwalled.filter(pk=site.pk).update(name="After")
        assert between(site_id=site.pk, organization_id=organization.pk)[0].name == "After"
    with reading(actor):
        assert between(site_id=site.pk, organization_id=organization.pk)[0].name == "After"


def test_what_an_act_read_is_known_afterwards_unless_it_changed_the_directory(committed_db: None) -> None:
    organization = make_organization()
    kept, changed, actor = make_site(organization), make_site(organization), operator(organization)
    with acting(actor, "personas.partners_connected"):
        directory.rows(Site, [kept.pk])
    with reading(actor), CaptureQueriesContext(connection) as captured:
        directory.rows(Site, [kept.pk])
    assert len(captured) == 0
    with acting(actor, "personas.site_added"):
        directory.rows(Site, [changed.pk])
        Site.unwalled.filter(pk=changed.pk).update(name="Changed by the act that read it")
    with reading(actor):
        assert directory.rows(Site, [changed.pk])[changed.pk].name == "Changed by the act that read it"
    with pytest.raises(ZeroDivisionError), acting(actor, "personas.partners_connected"):
        directory.rows(Site, [kept.pk])
        raise ZeroDivisionError
    with reading(actor), CaptureQueriesContext(connection) as captured:
        directory.rows(Site, [kept.pk])
    assert len(captured) == 1  # an act that failed leaves nothing behind
