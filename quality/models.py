from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from custody.states import ContainerState
from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import KnownTo, OnStream, Outside, OwnedBy
from quality.states import BatchState, Decision, DeviationState, Severity, SourceKind, StopState, Verdict


def _stream() -> models.ForeignKey:
    return models.ForeignKey("ledger.Stream", on_delete=models.PROTECT, related_name="+")


class Batch(WalledModel):
    """A drug product made for one order at one plant, against the specification version that the order keeps."""

    stream = _stream()
    number = models.CharField(max_length=24, unique=True)
    plant = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    plant_site = models.ForeignKey("personas.Site", on_delete=models.PROTECT, related_name="+")
    specification = models.ForeignKey("network.Specification", on_delete=models.PROTECT, related_name="+")
    record_reference = models.CharField(max_length=200, help_text="number or link of the batch record (MO6)")
    state = models.CharField(max_length=16, choices=BatchState.choices, default=BatchState.PENDING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    performers = ArrayField(models.UUIDField(), default=list, help_text="persons who made it; they never decide on it")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by_id = models.UUIDField(null=True, blank=True, help_text="person")

    wall = OnStream()
    history = track()

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["stream", "-started_at"], name="quality_batch_of")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(finished_at__isnull=True) | models.Q(finished_at__gte=models.F("started_at")),
                name="quality_batch_times",
            )
        ]

    def __str__(self) -> str:
        return self.number


class QCResult(WalledModel):
    """One result of one test. Never edited: a repeat after an invalid result supersedes it (QC3, T47)."""

    stream = _stream()
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="results")
    test_key = models.SlugField(max_length=64)
    value = models.DecimalField(max_digits=30, decimal_places=9, null=True, blank=True)
    text = models.CharField(max_length=200, blank=True, help_text="coded outcome, or why the result is invalid")
    unit = models.CharField(max_length=32, blank=True)
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    analyst_id = models.UUIDField(help_text="person")
    recorded_at = models.DateTimeField()
    supersedes = models.OneToOneField(
        "self", on_delete=models.PROTECT, related_name="superseded_by", null=True, blank=True
    )

    wall = OnStream()
    history = track()
    append_only = True

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["batch", "test_key"],
                condition=models.Q(supersedes__isnull=True),
                name="quality_result_one_first",
            )
        ]

    @property
    def outcome(self) -> str:
        """The result as a person reads it, e.g. ``88.5 %``: no zeros that nobody measured."""
        return self.text if self.value is None else f"{self.value.normalize():f} {self.unit}".strip()


class Deviation(WalledModel):
    """Something that did not go as it should, on an order; major and critical ones stop a release until closed."""

    stream = _stream()
    number = models.CharField(max_length=24, unique=True)
    kind = models.SlugField(max_length=64)
    severity = models.CharField(max_length=8, choices=Severity.choices)
    text = models.TextField(help_text="never holds identifying data")
    state = models.CharField(max_length=8, choices=DeviationState.choices, default=DeviationState.OPEN)
    automatic = models.BooleanField(default=False)
    opened_at = models.DateTimeField()
    opened_by_id = models.UUIDField(null=True, blank=True, help_text="person")
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by_id = models.UUIDField(null=True, blank=True, help_text="person")
    conclusion = models.TextField(blank=True)

    wall = OnStream()
    history = track()

    class Meta(WalledModel.Meta):
        indexes = [
            models.Index(fields=["stream", "state"], name="quality_deviation_of"),
            models.Index(
                fields=["opened_at"], condition=models.Q(state=DeviationState.OPEN), name="quality_deviation_open"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(severity=Severity.MINOR)
                | models.Q(automatic=True)
                | ~models.Q(closed_by_id=models.F("opened_by_id")),
                name="quality_deviation_two_people",
            ),
            models.CheckConstraint(
                condition=models.Q(state=DeviationState.OPEN)
                | models.Q(closed_at__isnull=False, closed_by_id__isnull=False),
                name="quality_deviation_closed_by",
            ),
        ]

    def __str__(self) -> str:
        return self.number


class Release(WalledModel):
    """QA's decision on a batch. One decision is live at a time; a revocation ends it and is a row of its own."""

    stream = _stream()
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="decisions")
    decision = models.CharField(max_length=8, choices=Decision.choices)
    reason = models.TextField(blank=True, help_text="never holds identifying data")
    decided_by_id = models.UUIDField(help_text="person")
    decided_at = models.DateTimeField()
    certificate_number = models.CharField(max_length=40, unique=True, null=True, blank=True)
    content_hash = models.CharField(max_length=64, blank=True, help_text="of exactly what the decider was shown")
    revoked_at = models.DateTimeField(null=True, blank=True)

    wall = OnStream()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["batch"],
                condition=models.Q(decision__in=[Decision.RELEASE, Decision.REJECT], revoked_at__isnull=True),
                name="quality_release_one_live",
            )
        ]

    @property
    def is_live(self) -> bool:
        return self.revoked_at is None and self.decision != Decision.REVOKE


class Stop(WalledModel):
    """Every unit of a search is stopped at once: one case, with all that it found (QA4). Its manufacturer's alone."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=24, unique=True)
    reason = models.TextField(help_text="never holds identifying data")
    sought = models.JSONField(help_text="what was searched by, as it was asked")
    fingerprint = models.CharField(max_length=64, help_text="of what was searched by")
    state = models.CharField(max_length=8, choices=StopState.choices, default=StopState.STANDING)
    opened_at = models.DateTimeField()
    opened_by_id = models.UUIDField(help_text="person")
    lifted_at = models.DateTimeField(null=True)
    lifted_by_id = models.UUIDField(null=True, help_text="person")
    lifted_with_id = models.UUIDField(null=True, help_text="the second person")
    conclusion = models.TextField(blank=True)
    working_since = models.DateTimeField(
        null=True, help_text="signed, and standing on its orders; a worker has yet to put the units aside"
    )

    wall = OwnedBy()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "fingerprint"],
                condition=models.Q(state=StopState.STANDING),
                name="quality_stop_once",
            ),
            models.CheckConstraint(
                condition=models.Q(state=StopState.STANDING)
                | models.Q(lifted_by_id__isnull=False, lifted_with_id__isnull=False)
                & ~models.Q(lifted_by_id=models.F("lifted_with_id")),
                name="quality_stop_lifted_by_two",
            ),
        ]
        indexes = [models.Index(fields=["organization", "-opened_at"], name="quality_stops_of")]

    def __str__(self) -> str:
        return self.number


class StopDue(WalledModel):
    """A signed stop of many orders whose units a worker has to put aside: how it gets on, whether it lives."""

    organization_id = models.UUIDField()
    stop_id = models.UUIDField(unique=True)
    signed_as = models.UUIDField(help_text="event with the signature")
    due_at = models.DateTimeField(help_text="when the sweep looks after it")
    claimed = models.BooleanField(default=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    progress = models.CharField(max_length=200, blank=True)

    wall = Outside("due-table: ids, times and how far the work is; the sweep acts inside the organization")

    class Meta(WalledModel.Meta):
        indexes = [models.Index(fields=["due_at"], name="quality_stops_due")]


class StoppedUnit(WalledModel):
    """A unit as a stop found it: where it was, for whom, whether the patient had it already."""

    stop = models.ForeignKey(Stop, on_delete=models.PROTECT, related_name="units")
    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    stream_id = models.UUIDField(help_text="of its order")
    container_id = models.UUIDField()
    code = models.CharField(max_length=40)
    kind = models.CharField(max_length=20)
    order = models.CharField(max_length=16)
    identity_code = models.CharField(max_length=32)
    center = models.CharField(max_length=200, help_text="name of the treatment site")
    state = models.CharField(max_length=16, help_text="as it was found")
    held_by = models.CharField(max_length=200, blank=True)
    place = models.CharField(max_length=200, blank=True)
    given = models.BooleanField(help_text="the patient had it already")
    put_aside = models.BooleanField(help_text="went into quarantine by the stop")

    wall = OwnedBy(for_others=True)
    append_only = True

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["stop", "container_id"], name="quality_stopped_unit_once")]
        indexes = [models.Index(fields=["stop", "code"], name="quality_stopped_units")]

    @property
    def state_label(self) -> str:
        return ContainerState(self.state).label


class StoppedOrder(WalledModel):
    """An order that a stop concerns: nothing of it is shipped, prepared or given while the stop stands."""

    stream = _stream()
    stop_id = models.UUIDField()
    number = models.CharField(max_length=24, help_text="of the stop")
    deviation = models.ForeignKey(Deviation, on_delete=models.PROTECT, related_name="+", null=True)
    stopped_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)

    wall = OnStream()
    history = track()

    class Meta(WalledModel.Meta):
        constraints = [models.UniqueConstraint(fields=["stream", "stop_id"], name="quality_stopped_order_once")]
        indexes = [models.Index(fields=["stop_id"], name="quality_stopped_orders")]


class StoppedSource(WalledModel):
    """A lot, shipper or donor that may not be used while its stop stands; partners know it, as they would use it."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    stop_id = models.UUIDField()
    number = models.CharField(max_length=24, help_text="of the stop")
    kind = models.CharField(max_length=8, choices=SourceKind.choices)
    value = models.CharField(max_length=40, help_text="in capitals, without blanks; of a donor's number a digest alone")
    lifted_at = models.DateTimeField(null=True)

    wall = KnownTo()
    history = track()

    class Meta(WalledModel.Meta):
        indexes = [
            models.Index(
                fields=["organization", "kind", "value"],
                condition=models.Q(lifted_at__isnull=True),
                name="quality_stopped_sources",
            )
        ]
