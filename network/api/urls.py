from django.urls import path

from network.api import places, specifications

urlpatterns = [
    path("therapies/<slug:code>/specifications", specifications.SpecificationsView.as_view(), name="specifications"),
    path("site-authorizations", places.AuthorizationsView.as_view(), name="site-authorizations"),
    path("site-authorizations/suspend", places.SuspendView.as_view(), name="suspend-site"),
    path(
        "site-authorizations/lymphodepletion", places.LymphodepletionView.as_view(), name="set-lymphodepletion-policy"
    ),
    path("credentials", places.CredentialsView.as_view(), name="credentials"),
    path("lanes", places.LanesView.as_view(), name="lanes"),
    path("lanes/alerts", places.AlertDefaultView.as_view(), name="alert-default"),
    path("lanes/<uuid:lane>/plan", places.LanePlanView.as_view(), name="lane-plan"),
]
