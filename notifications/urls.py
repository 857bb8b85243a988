from django.urls import path

from notifications.views import inbox, preferences, webhooks

app_name = "notifications"
urlpatterns = [
    path("", inbox.show, name="inbox"),
    path("read/", inbox.read, name="read"),
    path("preferences/", preferences.preferences, name="preferences"),
    path("preferences/away/", preferences.away, name="away"),
    path("preferences/back/", preferences.back, name="back"),
    path("preferences/escalation/", preferences.set_escalation, name="set_escalation"),
    path("<uuid:notice_id>/open/", inbox.open_notice, name="open"),
    path("<uuid:notice_id>/acknowledge/", inbox.acknowledge, name="acknowledge"),
    path("<uuid:notice_id>/claim/", inbox.claim, name="claim"),
    path("webhooks/", webhooks.show, name="webhooks"),
    path("webhooks/add/", webhooks.add, name="add_webhook"),
    path("webhooks/<uuid:webhook_id>/", webhooks.one, name="webhook"),
    path("webhooks/<uuid:webhook_id>/change/", webhooks.change, name="change_webhook"),
    path("webhooks/<uuid:webhook_id>/pause/", webhooks.pause, name="pause_webhook"),
    path("webhooks/<uuid:webhook_id>/rotate/", webhooks.rotate, name="rotate_webhook"),
    path("webhooks/<uuid:webhook_id>/test/", webhooks.test, name="test_webhook"),
    path("webhooks/<uuid:webhook_id>/replay/", webhooks.replay, name="replay_webhook"),
]
