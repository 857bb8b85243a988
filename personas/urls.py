from django.urls import path

from personas import views

app_name = "personas"
urlpatterns = [
    path("switch/", views.switch, name="switch"),
    path("people/", views.register, name="register"),
    path("people/invite/", views.invite, name="invite"),
    path("people/<uuid:membership_id>/site/", views.change_site, name="change_site"),
    path("people/<uuid:membership_id>/end/", views.end_membership, name="end_membership"),
    path("people/personas/<slug:key>/", views.rights, name="rights"),
    path("people/keys/", views.issue_key, name="issue_key"),
    path("people/keys/<slug:prefix>/revoke/", views.revoke_key, name="revoke_key"),
]
