"""Vocabulary of quality: the states of a batch, verdicts of results, severities of deviations, decisions of QA."""

from django.db import models


class BatchState(models.TextChoices):
    PENDING = "pending", "Pending"
    IN_MANUFACTURE = "in_manufacture", "In manufacture"
    IN_QC = "in_qc", "In quality control"
    UNDER_REVIEW = "under_review", "Reviewed, to be decided"
    RELEASED = "released", "Released"
    REJECTED = "rejected", "Rejected"
    FAILED = "failed", "Manufacture failed"
    REVOKED = "revoked", "Release revoked"


class Verdict(models.TextChoices):
    PASS = "pass", "Pass"  # noqa: S105
    FAIL = "fail", "Fail"
    INVALID = "invalid", "Invalid"


class Severity(models.TextChoices):
    MINOR = "minor", "Minor"
    MAJOR = "major", "Major"
    CRITICAL = "critical", "Critical"


class DeviationState(models.TextChoices):
    OPEN = "open", "Open"
    CLOSED = "closed", "Closed"


class Decision(models.TextChoices):
    RELEASE = "release", "Release"
    REJECT = "reject", "Reject"
    REVOKE = "revoke", "Revoke the release"


class StopState(models.TextChoices):
    STANDING = "standing", "Standing"
    LIFTED = "lifted", "Lifted"


class SourceKind(models.TextChoices):
    LOT = "lot", "Lot"
    SHIPPER = "shipper", "Shipper"
    DONOR = "donor", "Donor"
