from django.urls import path

from personas.api import me, people

urlpatterns = [
    path("me", me.WhoAmI.as_view(), name="me"),
    path("organizations", people.OrganizationsView.as_view(), name="organizations"),
    path("people", people.PeopleView.as_view(), name="people"),
    path("people/<uuid:membership_id>/end", people.EndView.as_view(), name="end-membership"),
    path("people/<uuid:membership_id>/site", people.SiteView.as_view(), name="change-site"),
    path("personas", people.PersonasView.as_view(), name="personas"),
    path("personas/<slug:key>", people.PersonaView.as_view(), name="persona"),
    path("personas/<slug:key>/changes", people.PersonaChangesView.as_view(), name="persona-changes"),
    path("keys", people.KeysView.as_view(), name="keys"),
    path("keys/<slug:prefix>/revoke", people.RevokeView.as_view(), name="revoke-key"),
]
