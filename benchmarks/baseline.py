"""The yardstick: a DRF view with a ModelSerializer and a token looked up in the database; no tenants, no record."""

from __future__ import annotations

from typing import Any

from django.db import models
from rest_framework import authentication, exceptions, generics, serializers

TABLES = """
create table bench_token (key text primary key);
create table bench_order (
  id bigint primary key, code text unique, state text, phase text, therapy text, center text, manufacturer text,
  opened_at timestamptz);
insert into bench_token values ('bench');
insert into bench_order select n, 'B-' || n, 'open', 'collection', 'therapy ' || n % 7, 'center ' || n % 50,
  'maker ' || n % 5, now() - n * interval '1 minute' from generate_series(1, 5000) n;
grant select on bench_token, bench_order to cgt_app;
"""


class Token(models.Model):  # noqa: DJ008 - never printed
    key = models.TextField(primary_key=True)

    class Meta:
        app_label, db_table, managed = "cgt", "bench_token", False


class Row(models.Model):  # noqa: DJ008 - never printed
    code = models.TextField()
    state = models.TextField()
    phase = models.TextField()
    therapy = models.TextField()
    center = models.TextField()
    manufacturer = models.TextField()
    opened_at = models.DateTimeField()

    class Meta:
        app_label, db_table, managed = "cgt", "bench_order", False


class RowSerializer(serializers.ModelSerializer[Row]):
    class Meta:
        model = Row
        fields = "__all__"


class TokenLookup(authentication.BaseAuthentication):
    def authenticate(self, request: Any) -> tuple[Any, Token]:
        token = Token.objects.filter(key=request.headers.get("X-Token", "")).first()
        if token is None:
            raise exceptions.AuthenticationFailed()
        return object(), token


class One(generics.RetrieveAPIView[Row]):
    authentication_classes, permission_classes, throttle_classes = (TokenLookup,), (), ()
    queryset, serializer_class, lookup_field = Row.objects.all(), RowSerializer, "code"


class Many(generics.ListAPIView[Row]):
    authentication_classes, permission_classes, throttle_classes = (TokenLookup,), (), ()
    serializer_class, pagination_class = RowSerializer, None
    queryset = Row.objects.order_by("-opened_at")[:50]
