from django.urls import path, register_converter

from orders.api.epcis import collections, events
from orders.queries import epcis_resources


class Collection:
    """A top-level resource of the standard."""

    regex = "|".join(epcis_resources.COLLECTIONS)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Collection, "epcis_collection")

urlpatterns = [
    path("epcis/events", events.EventsView.as_view(), name="epcis-events"),
    path("epcis/events/<path:event_id>", events.EventView.as_view(), name="epcis-event"),
    path("epcis/<epcis_collection:collection>", collections.CollectionView.as_view(), name="epcis-collection"),
    path(
        "epcis/<epcis_collection:collection>/<path:member>/events",
        collections.MemberEventsView.as_view(),
        name="epcis-member-events",
    ),
    path("epcis/<epcis_collection:collection>/<path:member>", collections.MemberView.as_view(), name="epcis-member"),
]
