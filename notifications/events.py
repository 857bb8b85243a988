from ledger.events import EventKind, register

register(
    EventKind(
        "notifications.told",
        "Told",
        "{people} were told: {about}.",
        payload={"people": "names of the people told", "about": "kind of event they were told about"},
    ),
    EventKind("notifications.read", "Notices read", "{notices} notices were read.", payload={"notices": "number"}),
    EventKind(
        "notifications.acknowledged",
        "Notice acknowledged",
        "“{title}” was acknowledged.",
        payload={"title": "title of the notice"},
    ),
    EventKind(
        "notifications.webhook_added",
        "Webhook added",
        "Webhook {name} to {host} was added.",
        payload={"name": "name", "host": "host of its address", "kinds": "event kinds; empty: all"},
    ),
    EventKind(
        "notifications.webhook_changed",
        "Webhook changed",
        "Webhook {name} was changed: {changed}.",
        payload={"name": "name", "host": "host", "changed": "what was changed", "active": "whether it runs"},
    ),
    EventKind(
        "notifications.webhook_secret_rotated",
        "Webhook secret rotated",
        "The secret of webhook {name} was rotated.",
        payload={"name": "name"},
    ),
    EventKind(
        "notifications.webhook_tested",
        "Webhook tested",
        "A test was posted to webhook {name}.",
        payload={"name": "name"},
    ),
    EventKind(
        "notifications.webhook_replayed",
        "Webhook replayed",
        "{deliveries} deliveries of webhook {name} are posted again.",
        payload={"name": "name", "deliveries": "number"},
    ),
    EventKind(
        "notifications.claimed",
        "Task taken over",
        "“{title}” is {owner}'s.",
        payload={"title": "title of the notice", "owner": "name of the person who does it"},
    ),
    EventKind(
        "notifications.settled",
        "Notices settled",
        "{notices} notices were settled: nothing is left to do about them.",
        payload={"notices": "number"},
    ),
    EventKind(
        "notifications.escalated",
        "Notice escalated",
        "Nobody acknowledged “{title}” in time: {people} were told.",
        payload={"title": "title of the notice", "people": "names of the people told", "minutes": "time allowed"},
    ),
    EventKind(
        "notifications.preferences_set",
        "Preferences set",
        "E-mail preferences were set.",
        payload={"changed": "what was changed"},
    ),
    EventKind(
        "notifications.away_set",
        "Away",
        "{person} is away from {first_day} to {last_day}.",
        payload={
            "person": "name",
            "first_day": "ISO date",
            "last_day": "ISO date",
            "deputy": "name of the colleague who is told too, or empty",
        },
    ),
    EventKind("notifications.away_ended", "Back", "{person} is back.", payload={"person": "name"}),
    EventKind(
        "notifications.escalation_set",
        "Escalation set",
        "Critical notices that nobody acknowledges in {minutes} minutes go to {persona}.",
        payload={"minutes": "number", "persona": "key of the persona"},
    ),
)
