"""All addresses. An app that has a `urls` module is mounted under its own name; orders serves the desk at `/`."""

from django.apps import apps
from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from django.utils.module_loading import module_has_submodule

from cgt.health import health

PREFIXES = {
    "personas": "personas/",
    "network": "network/",
    "notifications": "inbox/",
    "custody": "custody/",
    "scheduling": "scheduling/",
    "quality": "quality/",
    "orders": "",
}

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health, name="health"),
    path("api/v1/", include(("cgt.api", "api"))),
    path("accounts/", include("allauth.urls")),
]
urlpatterns += [
    path(PREFIXES[config.label], include(f"{config.name}.urls"))
    for config in apps.get_app_configs()
    if config.label in PREFIXES and module_has_submodule(config.module, "urls")
]
if settings.DEMO:  # anywhere else there are no such addresses
    urlpatterns.append(path("demo/", include("cgt.demo.urls")))
