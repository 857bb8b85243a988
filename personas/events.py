from ledger.events import EventKind, register

register(
    EventKind(
        "personas.organization_added",
        "Organization added",
        "{organization} joined the network.",
        payload={"organization": "name", "role": "actor"},
    ),
    EventKind("personas.site_added", "Site added", "Site {site} was added.", payload={"site": "code"}),
    EventKind(
        "personas.partners_connected", "Partners connected", "{partner} is now a partner.", payload={"partner": "name"}
    ),
    EventKind(
        "personas.member_added",
        "Member added",
        "{person} joined as {persona}.",
        payload={"person": "name", "persona": "title", "site": "site code"},
    ),
    EventKind(
        "personas.member_ended",
        "Membership ended",
        "{person} left as {persona}.",
        payload={"person": "name", "persona": "title", "keys_revoked": "prefixes of the API keys that ended with it"},
    ),
    EventKind(
        "personas.member_moved",
        "Site changed",
        "{person} now acts as {persona} at {site}.",
        payload={"person": "name", "persona": "title", "site": "site code"},
    ),
    EventKind(
        "personas.persona_adapted",
        "Persona adapted",
        "Persona {persona} was adapted.",
        payload={
            "persona": "key",
            "title": "new title",
            "before": "title before, where it changed",
            "added": "capabilities",
            "removed": "capabilities",
        },
    ),
    EventKind(
        "personas.key_issued",
        "API key issued",
        "API key {name} was issued.",
        payload={"name": "name", "prefix": "prefix", "scopes": "capabilities"},
    ),
    EventKind(
        "personas.key_revoked",
        "API key revoked",
        "API key {name} was revoked.",
        payload={"name": "name", "prefix": "prefix"},
    ),
)
