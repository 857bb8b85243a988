from django.urls import path

from scheduling.api import calendar, capacity, feeds, lead_times, prices

urlpatterns = [
    path("resources", capacity.ResourcesView.as_view(), name="resources"),
    path("capacity", capacity.CapacityView.as_view(), name="capacity"),
    path("resources/<slug:code>/rules", calendar.RulesView.as_view(), name="rules"),
    path("rules/<uuid:rule_id>/change", calendar.ChangeRuleView.as_view(), name="change-rule"),
    path("rules/<uuid:rule_id>/end", calendar.EndRuleView.as_view(), name="end-rule"),
    path("teams", calendar.TeamsView.as_view(), name="teams"),
    path("closures", calendar.ClosuresView.as_view(), name="closures"),
    path("closures/<uuid:closure_id>/lift", calendar.LiftClosureView.as_view(), name="lift-closure"),
    path("lead-times", lead_times.LeadTimesView.as_view(), name="lead-times"),
    path("lead-times/<uuid:override_id>/end", lead_times.EndLeadTimeView.as_view(), name="end-lead-time"),
    path("change-prices", prices.PricesView.as_view(), name="change-prices"),
    path("priority-classes", calendar.PriorityView.as_view(), name="priority-classes"),
    path("windows/<uuid:slot_id>/move", calendar.MoveWindowView.as_view(), name="move-window"),
    path("windows/<uuid:slot_id>/close", calendar.CloseWindowView.as_view(), name="close-window"),
    path("windows/<uuid:slot_id>/follow-rules", calendar.FollowRulesView.as_view(), name="follow-rules"),
    path("calendar-feeds", feeds.FeedsView.as_view(), name="feeds"),
    path("calendar-feeds/<uuid:feed_id>/revoke", feeds.RevokeFeedView.as_view(), name="revoke-feed"),
]
