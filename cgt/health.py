"""`/healthz`: whether this process reaches its database and its broker; says nothing else to a stranger."""

from django.core.cache import cache
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse
from redis.exceptions import RedisError


def health(request: HttpRequest) -> HttpResponse:
    """200 when both answer, 503 otherwise."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
        cache.get("healthz")
    except (Error, RedisError):
        return HttpResponse("unavailable\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")
