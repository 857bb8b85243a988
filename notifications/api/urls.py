from django.urls import path

from notifications.api import inbox, webhooks

urlpatterns = [
    path("inbox", inbox.InboxView.as_view(), name="inbox"),
    path("inbox/read", inbox.ReadView.as_view(), name="read-notices"),
    path("inbox/preferences", inbox.PreferencesView.as_view(), name="preferences"),
    path("inbox/away", inbox.AwayView.as_view(), name="away"),
    path("inbox/away/end", inbox.BackView.as_view(), name="back"),
    path("inbox/escalation", inbox.EscalationView.as_view(), name="escalation"),
    path("inbox/<uuid:notice_id>/acknowledge", inbox.AcknowledgeView.as_view(), name="acknowledge"),
    path("inbox/<uuid:notice_id>/claim", inbox.ClaimView.as_view(), name="claim"),
    path("webhooks", webhooks.WebhooksView.as_view(), name="webhooks"),
    path("webhooks/event-kinds", webhooks.EventKindsView.as_view(), name="event-kinds"),
    path("webhooks/<uuid:webhook_id>", webhooks.WebhookView.as_view(), name="webhook"),
    path("webhooks/<uuid:webhook_id>/rotate-secret", webhooks.RotateView.as_view(), name="rotate-secret"),
    path("webhooks/<uuid:webhook_id>/test", webhooks.TestView.as_view(), name="test-webhook"),
    path("webhooks/<uuid:webhook_id>/deliveries", webhooks.DeliveriesView.as_view(), name="webhook-deliveries"),
    path("webhooks/<uuid:webhook_id>/replay", webhooks.ReplayView.as_view(), name="replay-webhook"),
]
