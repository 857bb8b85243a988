"""How an organization numbers chains of identity: the prefixes it owns, and versioned schemes under them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from custody.states import PrefixKind, SchemeKind, SchemeState
from ledger.history import track
from ledger.models import WalledModel
from ledger.walls import KnownTo


class NumberPrefix(WalledModel):
    """What an organization's identifiers begin with: nobody else's do, ever. Never edited, never deleted.

    A facility number is entered by the network's operator, who has seen ICCBBA's registration; three letters of its own
    an organization takes itself.
    """

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=PrefixKind.choices)
    text = models.CharField(max_length=5, unique=True)
    reference = models.CharField(max_length=120, blank=True, help_text="of the registration")
    entered_at = models.DateTimeField(default=timezone.now)

    wall = KnownTo("organization_id")
    append_only = True

    class Meta(WalledModel.Meta):
        ordering = ["kind", "text"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind=PrefixKind.FACILITY, text__regex=r"^[A-NP-Z1-9][A-NP-Z0-9]{2}[0-9]{2}$")
                | Q(kind=PrefixKind.LETTERS, text__regex=r"^[A-HJKMNP-TV-Z]{3}$"),
                name="custody_prefix_shape",
            ),
        ]

    def __str__(self) -> str:
        return self.text


class NumberingScheme(WalledModel):
    """A version of how an organization's chains of identity are numbered; the live one numbers new orders."""

    organization = models.ForeignKey("personas.Organization", on_delete=models.PROTECT, related_name="+")
    version = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=10, choices=SchemeKind.choices)
    prefix = models.ForeignKey(NumberPrefix, on_delete=models.PROTECT, related_name="schemes")
    pattern = models.CharField(max_length=10, blank=True, help_text="of drawn identifiers: L letter, D digit, X either")
    state = models.CharField(max_length=10, choices=SchemeState.choices, default=SchemeState.PROPOSED)
    proposed_by_id = models.UUIDField(null=True, help_text="person")
    proposed_at = models.DateTimeField(default=timezone.now)
    approved_by_id = models.UUIDField(null=True, blank=True, help_text="person; never the one who proposed")
    approved_at = models.DateTimeField(null=True, blank=True)

    wall = KnownTo("organization_id")
    history = track()

    class Meta(WalledModel.Meta):
        ordering = ["-version"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "version"], name="custody_scheme_version"),
            models.UniqueConstraint(
                fields=["organization"], condition=Q(state=SchemeState.LIVE), name="custody_one_live_scheme"
            ),
            models.CheckConstraint(condition=~Q(approved_by_id=F("proposed_by_id")), name="custody_scheme_two_people"),
            models.CheckConstraint(
                condition=~Q(state=SchemeState.LIVE) | Q(approved_by_id__isnull=False), name="custody_scheme_approved"
            ),
            models.CheckConstraint(
                condition=Q(kind=SchemeKind.DRAWN, pattern__regex=r"^[LDX]{10}$")
                | (~Q(kind=SchemeKind.DRAWN) & Q(pattern="")),
                name="custody_scheme_pattern",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, version {self.version}"
