"""Entry point of the web server."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cgt.settings")
application = get_wsgi_application()

from django.urls import get_resolver  # noqa: E402 - needs the settings

from cgt.collecting import settle  # noqa: E402

_ = get_resolver().url_patterns  # every page's code is loaded now, not by the first who asks
settle()
