from ledger.events import EventKind, register

THERAPY = {"therapy": "code"}
PARTNER = {"partner": "name of the organization that became a partner"}

register(
    EventKind(
        "network.therapy_added", "Therapy added", "Therapy {therapy} was added.", payload=THERAPY | {"modality": "word"}
    ),
    EventKind(
        "network.specification_published",
        "Specification published",
        "Version {version} of the specification of {therapy} was published.",
        payload=THERAPY | {"version": "number", "effective_from": "ISO time", "tests": "keys"},
    ),
    EventKind(
        "network.site_authorized",
        "Site authorized",
        "Site {site} may give {therapy}.",
        payload=THERAPY | PARTNER | {"site": "code", "until": "ISO time or empty"},
    ),
    EventKind(
        "network.lymphodepletion_policy_set",
        "Lymphodepletion policy set",
        "Lymphodepletion for {therapy} at {site} begins {begins}.",
        payload=THERAPY | {"site": "code", "begins": "on release, or with the product"},
    ),
    EventKind(
        "network.site_suspended",
        "Site suspended",
        "Site {site} may not give {therapy} any more.",
        payload=THERAPY | {"site": "code"},
    ),
    EventKind(
        "network.plant_added",
        "Plant added",
        "{therapy} may be made at {site}.",
        payload=THERAPY | PARTNER | {"site": "code", "markets": "countries; empty means all"},
    ),
    EventKind(
        "network.lane_added",
        "Lane added",
        "Lane from {origin} to {destination}, version {version}, was added.",
        payload=PARTNER | {"origin": "site code", "destination": "site code", "version": "number", "direction": "word"},
    ),
    EventKind(
        "network.lane_planned",
        "Lane planned",
        "Lane from {origin} to {destination}, version {version}: {routes} routes, {papers} papers.",
        payload={
            "origin": "site code",
            "destination": "site code",
            "version": "number",
            "routes": "how many, those for contingency included",
            "papers": "how many customs need",
            "alert_minutes": "minutes before each milestone",
        },
    ),
    EventKind(
        "network.alert_default_set",
        "Alerts set",
        "People are told before the milestones of a box: {alert_minutes}.",
        payload={"alert_minutes": "minutes before each milestone"},
    ),
    EventKind(
        "network.disclosure_set",
        "Disclosure set",
        "{therapy} discloses {fields} in {country}.",
        payload=THERAPY | {"country": "code", "fields": "names of fields", "before": "names of fields"},
    ),
    EventKind(
        "network.credential_added",
        "Credential added",
        "{person} was credentialed as {kind}.",
        payload=THERAPY | {"person": "staff member's name", "kind": "word", "until": "ISO time or empty"},
    ),
    EventKind(
        "network.training_recorded",
        "Training recorded",
        "Training {kind} of {person} was recorded.",
        payload=THERAPY | {"person": "staff member's name", "kind": "word", "until": "ISO time or empty"},
    ),
)
