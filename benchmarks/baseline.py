"""The yardstick: the least Django that does such a job, with startproject's middleware.

A DRF view with a ModelSerializer and a token looked up in the database; a booking that locks a slot, counts, inserts
and writes one row of history; a signed-in page with a table of 50 rows. No tenants, permissions, workflow or record.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import models, transaction
from django.http import HttpResponse
from django.template import engines
from django.urls import path
from rest_framework import authentication, exceptions, generics, renderers, response, serializers, views

PLAIN = "plain"  # the same database through Django's own backend, which announces nobody
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TABLES = """
create table bench_token (key text primary key);
create table bench_name (id bigint primary key, name text);
create table bench_order (
  id bigint primary key, code text unique, state text, phase text, therapy_id bigint references bench_name,
  center_id bigint references bench_name, maker_id bigint references bench_name, opened_at timestamptz);
create table bench_slot (id bigint primary key, capacity int not null);
create table bench_booking (id bigserial primary key, slot_id bigint references bench_slot, code text);
create table bench_history (id bigserial primary key, booking_id bigint, who text, at timestamptz default now());
insert into bench_token values ('bench');
insert into bench_name select n, 'name ' || n from generate_series(0, 50) n;
insert into bench_order select n, 'B-' || n, 'open', 'collection', n % 7, n % 50, n % 5,
  now() - n * interval '1 minute' from generate_series(1, 5000) n;
insert into bench_slot select n, 4 from generate_series(1, 1000) n;
create index on bench_order (opened_at);
create index on bench_booking (slot_id);
grant select, insert, update on bench_token, bench_name, bench_order, bench_slot, bench_booking, bench_history
  to cgt_app;
grant usage on all sequences in schema public to cgt_app;
analyze;
"""


class Token(models.Model):  # noqa: DJ008 - never printed
    key = models.TextField(primary_key=True)

    class Meta:
        app_label, db_table, managed = "cgt", "bench_token", False


class Name(models.Model):  # noqa: DJ008 - never printed
    name = models.TextField()

    class Meta:
        app_label, db_table, managed = "cgt", "bench_name", False


class Row(models.Model):  # noqa: DJ008 - never printed
    code = models.TextField()
    state = models.TextField()
    phase = models.TextField()
    therapy = models.ForeignKey(Name, models.CASCADE, related_name="+")
    center = models.ForeignKey(Name, models.CASCADE, related_name="+")
    maker = models.ForeignKey(Name, models.CASCADE, related_name="+")
    opened_at = models.DateTimeField()

    class Meta:
        app_label, db_table, managed = "cgt", "bench_order", False


class Slot(models.Model):  # noqa: DJ008 - never printed
    capacity = models.IntegerField()

    class Meta:
        app_label, db_table, managed = "cgt", "bench_slot", False


class Booking(models.Model):  # noqa: DJ008 - never printed
    slot = models.ForeignKey(Slot, on_delete=models.CASCADE)
    code = models.TextField()

    class Meta:
        app_label, db_table, managed = "cgt", "bench_booking", False


class History(models.Model):  # noqa: DJ008 - never printed
    booking_id = models.BigIntegerField()
    who = models.TextField()

    class Meta:
        app_label, db_table, managed = "cgt", "bench_history", False


class RowSerializer(serializers.ModelSerializer[Row]):
    class Meta:
        model = Row
        fields = "__all__"
        depth = 1


class TokenLookup(authentication.BaseAuthentication):
    def authenticate(self, request: Any) -> tuple[Any, Token]:
        token = Token.objects.using(PLAIN).filter(key=request.headers.get("X-Token", "")).first()
        if token is None:
            raise exceptions.AuthenticationFailed()
        return object(), token


JOINED = Row.objects.using(PLAIN).select_related("therapy", "center", "maker")


class Plain:
    authentication_classes, permission_classes, throttle_classes = (TokenLookup,), (), ()
    renderer_classes = (renderers.JSONRenderer,)


class One(Plain, generics.RetrieveAPIView[Row]):
    queryset, serializer_class, lookup_field = JOINED, RowSerializer, "code"


class Many(Plain, generics.ListAPIView[Row]):
    serializer_class, pagination_class = RowSerializer, None
    queryset = JOINED.filter(state="open").order_by("-opened_at")[:50]


class Book(Plain, views.APIView):
    def post(self, request: Any, slot_id: int) -> response.Response:
        with transaction.atomic(using=PLAIN):
            slot = Slot.objects.using(PLAIN).select_for_update().get(pk=slot_id)
            if Booking.objects.using(PLAIN).filter(slot=slot).count() >= slot.capacity:
                return response.Response({"detail": "full"}, 409)
            booking = Booking.objects.using(PLAIN).create(slot=slot, code=request.data["code"])
            History.objects.using(PLAIN).create(booking_id=booking.pk, who="bench")
        return response.Response({"id": booking.pk}, 200)


TABLE = """<!doctype html><title>Orders</title><p>{{ request.user.username }}</p><table>{% for row in rows %}<tr>
<td><a href="/orders/{{ row.code }}/">{{ row.code }}</a><td>{{ row.therapy.name }}<td>{{ row.center.name }}
<td>{{ row.state }}<td>{{ row.phase }}<td>{{ row.maker.name }}
<td>{{ row.opened_at|date:"Y-m-d H:i" }}{% endfor %}</table>"""


@login_required
def page(request: Any) -> HttpResponse:
    rows = JOINED.filter(state="open").order_by("-opened_at")[:50]
    return HttpResponse(engines["django"].from_string(TABLE).render({"rows": rows}, request))


urlpatterns = [
    path("one/<code>", One.as_view()),
    path("many", Many.as_view()),
    path("book/<int:slot_id>", Book.as_view()),
    path("page", page),
]
