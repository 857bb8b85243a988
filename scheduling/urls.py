from django.urls import path

from scheduling.views import board, closures, day, feeds, hours, lead_times, load, prices, teams

app_name = "scheduling"
urlpatterns = [
    path("", board.show, name="board"),
    path("days/<slug:code>/<str:date>/", day.day, name="day"),
    path("hours/", hours.hours, name="hours"),
    path("hours/<uuid:rule_id>/end/", hours.end, name="end_rule"),
    path("resources/new/", hours.new_resource, name="new_resource"),
    path("closures/", closures.closures, name="closures"),
    path("closures/<uuid:closure_id>/lift/", closures.lift, name="lift_closure"),
    path("teams/", teams.teams, name="teams"),
    path("teams/priorities/", teams.set_priority, name="set_priority"),
    path("lead-times/", lead_times.lead_times, name="lead_times"),
    path("lead-times/<uuid:override_id>/end/", lead_times.end, name="end_lead_time"),
    path("prices/", prices.prices, name="prices"),
    path("load/", load.heat, name="heat"),
    path("lines/", load.lines, name="lines"),
    path("feeds/", feeds.feeds, name="feeds"),
    path("feeds/<uuid:feed_id>/revoke/", feeds.revoke, name="revoke_feed"),
    path("feeds/<str:token>.ics", feeds.feed, name="feed"),
]
