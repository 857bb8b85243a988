from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from ledger.context import reading
from ledger.models import Event
from ledger.refusals import InvalidInput, NotAllowed, NotFound
from network import queries
from network.actions.places import add_lane, add_plant, authorize_site, suspend_site
from network.models import Lane, SiteAuthorization
from tests.factories import connect, make_actor, make_organization, make_site, operator
from tests.network.factories import make_therapy

pytestmark = pytest.mark.django_db


class Network:
    """A manufacturer with a therapy, a center, a contract manufacturer, a courier, each with a site; all connected."""

    def __init__(self) -> None:
        self.manufacturer = make_organization("manufacturer")
        self.center, self.cmo = make_organization(), make_organization("cmo")
        self.courier = make_organization("courier")
        for partner in (self.center, self.cmo, self.courier):
            connect(self.manufacturer, partner)
        self.site, self.plant = make_site(self.center), make_site(self.cmo)
        self.therapy = make_therapy(self.manufacturer)
        self.manager = make_actor(self.manufacturer, "site_network_manager")
        self.logistics = make_actor(self.manufacturer, "logistics_manager")

    def lane(self, **changes: Any) -> Lane:
        plan: dict[str, Any] = {
            "manufacturer": self.manufacturer,
            "courier": self.courier,
            "origin": self.site,
            "destination": self.plant,
            "direction": "inbound",
            "transit_hours": 8,
            "qualified_hours": "72",
            "cutoff": dt.time(17, 30),
            "temperature": "2–8 °C",
        }
        return add_lane(self.logistics, **(plan | changes))


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.mark.story("SN5")
def test_a_site_is_authorized_suspended_and_reinstated(network: Network) -> None:
    therapy, site, manager = network.therapy, network.site, network.manager

    def is_authorized() -> bool:
        with reading(operator(network.center)):
            return queries.site_is_authorized(therapy.pk, site.pk)

    assert not is_authorized()
    authorize_site(manager, therapy, site)
    assert is_authorized()
    suspend_site(manager, therapy, site, reason="Agreement expired")
    assert not is_authorized()
    with reading(manager):
        event = Event.unwalled.get(kind="network.site_suspended", subject_id=site.code)
    assert event.reason == "Agreement expired"
    authorize_site(manager, therapy, site)
    assert is_authorized()


def test_an_authorization_ends_at_its_time(network: Network) -> None:
    now = timezone.now()
    authorize_site(network.manager, network.therapy, network.site, until=now + dt.timedelta(days=1))
    with reading(operator(network.center)):
        ask = queries.site_is_authorized
        assert ask(network.therapy.pk, network.site.pk)
        assert not ask(network.therapy.pk, network.site.pk, now + dt.timedelta(days=1))
        assert not ask(network.therapy.pk, network.site.pk, now - dt.timedelta(days=1))
    with pytest.raises(InvalidInput) as caught:
        authorize_site(network.manager, network.therapy, network.site, until=now - dt.timedelta(days=1))
    assert "until" in caught.value.fields


def test_only_center_and_manufacturer_see_an_authorization(network: Network) -> None:
    authorization = authorize_site(network.manager, network.therapy, network.site)
    for organization, sees in ((network.center, True), (network.manufacturer, True), (network.cmo, False)):
        actor = operator(organization)
        with reading(actor):
            assert queries.authorizations(actor).exists() is sees
            assert SiteAuthorization.unwalled.filter(pk=authorization.pk).exists() is sees


def test_refusals_about_sites(network: Network) -> None:
    with pytest.raises(NotAllowed):
        authorize_site(make_actor(network.manufacturer, "planner"), network.therapy, network.site)
    with pytest.raises(InvalidInput):
        authorize_site(network.manager, network.therapy, network.plant)
    with pytest.raises(NotFound):
        suspend_site(network.manager, network.therapy, network.site, reason="never authorized")
    unknown = make_organization()
    with pytest.raises(NotFound):
        authorize_site(network.manager, network.therapy, make_site(unknown))
    with pytest.raises(NotFound):  # a person cannot make a partner of an organization by naming it
        authorize_site(network.manager, network.therapy, make_site(unknown), partner=unknown)
    authorize_site(network.manager, network.therapy, network.site)
    with pytest.raises(InvalidInput) as caught:
        suspend_site(network.manager, network.therapy, network.site, reason=" ")
    assert "reason" in caught.value.fields


def test_the_operator_introduces_partners_with_the_site(network: Network) -> None:
    fresh_center, fresh_cmo = make_organization(), make_organization("cmo")
    authorize_site(operator(network.manufacturer), network.therapy, make_site(fresh_center), partner=fresh_center)
    add_plant(operator(network.manufacturer), network.therapy, make_site(fresh_cmo), partner=fresh_cmo)
    for organization in (fresh_center, fresh_cmo):
        actor = operator(organization)
        with reading(actor):
            assert queries.therapy(actor, network.therapy.pk) == network.therapy


@pytest.mark.story("SN2")
def test_plants_of_a_market(network: Network) -> None:
    owner = make_actor(network.manufacturer, "product_owner")
    everywhere = add_plant(owner, network.therapy, make_site(network.manufacturer))
    german = add_plant(owner, network.therapy, network.plant, markets=["DE"])
    with reading(operator(network.center)):
        assert queries.plants_of(network.therapy.pk, "DE") == [everywhere, german]
        assert queries.plants_of(network.therapy.pk, "US") == [everywhere]
    again = add_plant(owner, network.therapy, network.plant, markets=["US"])
    assert again.pk == german.pk
    with reading(operator(network.center)):
        assert queries.plants_of(network.therapy.pk, "DE") == [everywhere]
    with pytest.raises(InvalidInput):
        add_plant(owner, network.therapy, network.plant, markets=["Germany"])
    with pytest.raises(NotAllowed):
        add_plant(network.manager, network.therapy, network.plant)


@pytest.mark.story("LM1")
def test_a_lane_is_a_versioned_plan(network: Network) -> None:
    first = network.lane()
    second = network.lane(transit_hours="6.5")
    assert (first.version, second.version) == (1, 2)
    ends = (network.manufacturer.pk, network.site.pk, network.plant.pk)
    with reading(operator(network.center)):
        assert queries.lane_between(*ends) == second
        assert queries.lane_between(*ends, courier_id=network.courier.pk) == second
        assert queries.lane_between(*ends, courier_id=network.cmo.pk) is None
        assert queries.lane_between(network.manufacturer.pk, network.plant.pk, network.site.pk) is None
        assert Lane.unwalled.get(pk=first.pk).until is not None


def test_who_has_to_do_with_a_lane_sees_it_and_nobody_else(network: Network) -> None:
    network.lane()
    stranger = make_organization("courier")
    connect(network.manufacturer, stranger)
    for organization in (network.manufacturer, network.courier, network.center, network.cmo):
        actor = operator(organization)
        with reading(actor):
            assert queries.lanes(actor).count() == 1
    with reading(operator(stranger)):
        assert Lane.unwalled.count() == 0


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"transit_hours": 0}, "transit_hours"),
        ({"transit_hours": "8 h"}, "transit_hours"),
        ({"transit_hours": 80}, "qualified_hours"),
        ({"qualified_hours": None}, "qualified_hours"),
        ({"direction": "sideways"}, "direction"),
        ({"cutoff": "17:30"}, "cutoff"),
        ({"weekdays": []}, "weekdays"),
        ({"weekdays": [7]}, "weekdays"),
    ],
)
def test_a_bad_lane_names_its_field(network: Network, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        network.lane(**changes)
    assert set(caught.value.fields) == {field}


def test_refusals_about_lanes(network: Network) -> None:
    with pytest.raises(InvalidInput) as caught:
        network.lane(courier=network.cmo)
    assert "courier" in caught.value.fields
    with pytest.raises(NotFound):
        network.lane(courier=make_organization("courier"))
    with pytest.raises(NotFound):
        network.lane(manufacturer=make_organization("manufacturer"))
    network.logistics = make_actor(network.manufacturer, "planner")
    with pytest.raises(NotAllowed):
        network.lane()
