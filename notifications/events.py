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
)
