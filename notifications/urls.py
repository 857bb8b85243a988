from django.urls import path

from notifications import views

app_name = "notifications"
urlpatterns = [
    path("", views.show, name="inbox"),
    path("read/", views.read_all, name="read_all"),
    path("<uuid:notice_id>/open/", views.open_notice, name="open"),
    path("<uuid:notice_id>/acknowledge/", views.acknowledge, name="acknowledge"),
]
