from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.base import ModelState
from django.db.models.signals import post_init
from django.utils import timezone

from ledger.bulk import update_row
from ledger.history import track
from ledger.identifiers import new_id
from ledger.inserts import insert
from ledger.states import Channel, Role, StreamKind
from ledger.walls import ClosedManager, OnStream, Outside, OwnedBy, Parties, PartyRow, ToAudience, Wall


class WalledModel(models.Model):
    """Base of every table of the house: a UUIDv7 key, a declared wall, and a manager that refuses to read."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)

    objects = ClosedManager()
    unwalled: ClassVar[models.Manager[Any]] = models.Manager()

    wall: ClassVar[Wall]
    append_only: ClassVar[bool] = False
    deletable: ClassVar[bool] = False
    untracked_columns: ClassVar[tuple[str, ...]] = ()
    in_directory: ClassVar[bool] = False  # kept in memory: see ``ledger.directory``

    class Meta:
        abstract = True
        default_manager_name = "unwalled"
        base_manager_name = "unwalled"

    @classmethod
    def from_db(  # type: ignore[override]
        cls, db: str | None, field_names: Collection[str], values: Collection[Any]
    ) -> Self:
        """As every model does it, without asking of each field of each row whether it is there: all of them are."""
        names = _attribute_names(cls)
        if len(values) != len(names) or post_init.receivers:
            return super().from_db(db, field_names, values)
        row, state = cls.__new__(cls), ModelState()
        state.adding, state.db = False, db
        row.__dict__.update(zip(names, values, strict=True), _state=state)
        return row

    def _do_insert(self, manager: Any, using: str, fields: Any, returning_fields: Any, raw: bool) -> Any:
        if using == DEFAULT_DB_ALIAS and not raw:
            return insert([self])
        whole: Any = super()
        return whole._do_insert(manager, using, fields, returning_fields, raw)

    def _do_update(  # type: ignore[override]
        self, base_qs: Any, using: str, pk_val: Any, values: Any, update_fields: Any, forced_update: bool
    ) -> bool:
        computed = any(hasattr(value, "resolve_expression") for _, _, value in values)
        if values and update_fields and using == DEFAULT_DB_ALIAS and not computed:
            return update_row(type(self), pk_val, [(field, value) for field, _, value in values])
        whole: Any = super()
        return bool(whole._do_update(base_qs, using, pk_val, values, update_fields, forced_update))

    def change_if(self, known: Mapping[str, Any], **values: Any) -> bool:
        """Write these fields at once if the row still holds what is ``known`` of it; return whether it did.

        Where it did not, the instance stays as it was. One statement instead of a lock, a second look and a write.
        """
        pairs = [[_cell(self, name, value) for name, value in given.items()] for given in (values, known)]
        written = update_row(type(self), self.pk, *pairs)
        for name, value in values.items() if written else ():
            setattr(self, name, value)
        return written


def _cell(row: models.Model, name: str, value: Any) -> tuple[Any, Any]:
    return row._meta.get_field(name), value.pk if isinstance(value, models.Model) else value


@lru_cache(maxsize=512)
def _attribute_names(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields)


class Stream(WalledModel):
    """A series of events with its parties and the head of its hash chain. Locking it is locking what it records.

    The stream of an organization has the organization's own id.
    """

    kind = models.CharField(max_length=16, choices=StreamKind.choices)
    organization_id = models.UUIDField(help_text="who opened the stream")
    party_ids = ArrayField(models.UUIDField(), default=list)
    head_seq = models.BigIntegerField(default=0)
    head_hash = models.CharField(max_length=64, default="")
    synthetic = models.BooleanField(default=False)

    wall = Parties("id")

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["organization_id", "kind"])]


class Party(WalledModel):
    """An organization on a stream, as one of the actors, from–to. Ended, never removed."""

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="parties")
    organization_id = models.UUIDField()
    role = models.CharField(max_length=24, choices=Role.choices)
    site_id = models.UUIDField(null=True, blank=True)
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True, blank=True)

    wall = PartyRow()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["stream", "organization_id", "role"],
                condition=models.Q(until__isnull=True),
                name="ledger_party_once",
            )
        ]
        indexes = [models.Index(fields=["organization_id", "stream"], name="ledger_party_of")]


class Grant(WalledModel):
    """A time-boxed, named right to read one stream (inspector, accreditor, guest)."""

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="grants")
    organization_id = models.UUIDField()
    granted_by_id = models.UUIDField(help_text="organization that granted")
    person_id = models.UUIDField(null=True, blank=True)
    until = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField()

    wall = OwnedBy(("organization_id", "granted_by_id"))
    history = track()

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["organization_id", "until"])]


class Partnership(WalledModel):
    """``viewer`` may see ``organization`` in its directory, with the therapies and capacity it offers to partners."""

    viewer_id = models.UUIDField()
    organization_id = models.UUIDField()

    wall = OwnedBy(("viewer_id", "organization_id"), for_others=True)
    history = track()
    in_directory = True

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["viewer_id", "organization_id"], name="ledger_partnership_once")]


class Event(WalledModel):
    """One thing that happened, in the words of its registered kind, chained to the event before it."""

    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="events", db_index=False)
    seq = models.BigIntegerField()
    kind = models.CharField(max_length=64)
    schema_version = models.PositiveSmallIntegerField(default=1)
    audience = ArrayField(models.CharField(max_length=24), default=list, blank=True)
    subject_type = models.CharField(max_length=32, blank=True)
    subject_id = models.CharField(max_length=64, blank=True)
    organization_id = models.UUIDField()
    organization_name = models.CharField(max_length=200)
    person_id = models.UUIDField(null=True)
    person_name = models.CharField(max_length=200, blank=True)
    key_id = models.UUIDField(null=True)
    key_name = models.CharField(max_length=200, blank=True)
    system_job = models.CharField(max_length=64, blank=True)
    persona = models.CharField(max_length=64, blank=True)
    capability = models.CharField(max_length=64, blank=True)
    channel = models.CharField(max_length=16, choices=Channel.choices)
    request_id = models.CharField(max_length=64, blank=True)
    correlation_id = models.UUIDField(null=True)
    reason = models.TextField(blank=True)
    occurred_at = models.DateTimeField()
    zone = models.CharField(max_length=64, default="UTC")
    device_time = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    payload = models.JSONField(default=dict)
    synthetic = models.BooleanField(default=False)
    rows_digest = models.CharField(max_length=64, blank=True)
    previous_hash = models.CharField(max_length=64, blank=True)
    canonical = models.TextField()
    hash = models.CharField(max_length=64)

    wall = ToAudience()
    append_only = True

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["stream", "seq"], name="ledger_event_once")]
        indexes = [models.Index(fields=["kind", "recorded_at"])]

    @property
    def label(self) -> str:
        from ledger.events import kind_named

        return kind_named(self.kind).label

    @property
    def actor_name(self) -> str:
        return self.person_name or self.key_name or self.system_job


class Signature(WalledModel):
    """A person's signature on an event: printed name, time and zone, meaning, bound to the hash of what was shown.

    21 CFR 11.50, 11.70 (T1, T2). The first signer is the performer; the others are verifiers.
    """

    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="signatures")
    stream = models.ForeignKey(Stream, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    person_id = models.UUIDField()
    person_name = models.CharField(max_length=200)
    organization_id = models.UUIDField()
    organization_name = models.CharField(max_length=200)
    persona = models.CharField(max_length=64)
    capability = models.CharField(max_length=64)
    method = models.CharField(max_length=32)
    meaning = models.CharField(max_length=64)
    content_hash = models.CharField(max_length=64)
    signed_at = models.DateTimeField()
    zone = models.CharField(max_length=64)

    wall = OnStream()
    append_only = True

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["event", "position"], name="ledger_signature_once")]


class Checkpoint(WalledModel):
    """A signed digest over all chains' heads, so that deleting the newest events of one chain is noticed too."""

    made_at = models.DateTimeField(default=timezone.now)
    heads = models.JSONField(help_text="stream id -> [sequence, hash], of streams written to since the one before")
    previous = models.CharField(max_length=64, blank=True, help_text="digest of the checkpoint before")
    digest = models.CharField(max_length=64)
    signature = models.CharField(max_length=64, help_text="HMAC-SHA-256 under the checkpoint key")

    wall = Outside("holds ids and hashes only; written by the system, read by the auditor")
    append_only = True


class Replay(WalledModel):
    """The answer that a request with an idempotency key got, so that sending it twice happens once."""

    organization_id = models.UUIDField()
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    result = models.JSONField(null=True)
    made_at = models.DateTimeField(default=timezone.now)

    wall = OwnedBy()

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["organization_id", "key"], name="ledger_replay_once")]


class OutboxMessage(WalledModel):
    """One event to be told to one organization. Written in the event's transaction, relayed by Celery."""

    event_id = models.UUIDField()
    organization_id = models.UUIDField()
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    dead_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    wall = Outside("due-table: ids and times only; the relay reads it, then acts inside the organization")

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["event_id", "organization_id"], name="ledger_outbox_once")]
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(sent_at__isnull=True, dead_at__isnull=True),
                name="ledger_outbox_due",
            )
        ]
