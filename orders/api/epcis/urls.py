from django.urls import path

from orders.api.epcis import captures, collections, events, kept, subscriptions

urlpatterns = [
    path("epcis/events", events.EventsView.as_view(), name="epcis-events"),
    path("epcis/events/<path:event_id>", events.EventView.as_view(), name="epcis-event"),
    path("epcis/capture", captures.CapturesView.as_view(), name="epcis-captures"),
    path("epcis/capture/<str:capture_id>", captures.CaptureView.as_view(), name="epcis-capture"),
    path("epcis/queries", kept.KeptQueriesView.as_view(), name="epcis-queries"),
    path(
        "epcis/queries/<str:name>/subscriptions", subscriptions.SubscriptionsView.as_view(), name="epcis-subscriptions"
    ),
    path(
        "epcis/queries/<str:name>/subscriptions/<str:subscription_id>",
        subscriptions.SubscriptionView.as_view(),
        name="epcis-subscription",
    ),
    path("epcis/queries/<str:name>/events", kept.KeptQueryEventsView.as_view(), name="epcis-query-events"),
    path("epcis/queries/<str:name>", kept.KeptQueryView.as_view(), name="epcis-query"),
    path("epcis/<slug:collection>", collections.CollectionView.as_view(), name="epcis-collection"),
    path(
        "epcis/<slug:collection>/<path:member>/events",
        collections.MemberEventsView.as_view(),
        name="epcis-member-events",
    ),
    path("epcis/<slug:collection>/<path:member>", collections.MemberView.as_view(), name="epcis-member"),
]
