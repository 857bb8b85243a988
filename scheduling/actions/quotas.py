"""Sharing capacity out: quotas per center, region and pool, changed from a day on; unused places released (MP3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import F
from django.utils import timezone

from ledger.context import Actor, reading
from ledger.recording import acting
from ledger.refusals import InvalidInput, NotFound, WrongState
from ledger.states import Role
from ledger.walls import visible
from network import queries as network
from personas.queries import organizations, sites
from scheduling import freed_places, quota_periods
from scheduling.jobs import job_in
from scheduling.models import Allotment, Quota, QuotaDue
from scheduling.policies import require_quota_owner
from scheduling.states import QuotaPeriod, QuotaStage, Share

MOST_PLACES = 10_000
MOST_SHARES = 200
MOST_TITLE = 60
JOB = "release-unused-quotas"


@dataclass(frozen=True)
class ShareRow:
    """Places per period of one center (its organization's code), of one region (its countries), or of the pool."""

    places: int
    center: str = ""
    region: str = ""
    countries: tuple[str, ...] = field(default=())

    @property
    def label(self) -> str:
        return self.center or self.region or "pool"

    @property
    def kind(self) -> str:
        return Share.CENTER if self.center else Share.REGION if self.region else Share.POOL


@dataclass(frozen=True)
class QuotaRules:
    """What a quota is, besides its shares: see ``models.Quota``."""

    therapy: str
    stage: str
    period: str
    starts_on: dt.date
    ends_on: dt.date
    release_days: int | None = None
    reserve_percent: int = 0
    title: str = ""
    named_only: bool = False


def add_quota(actor: Actor, rules: QuotaRules, shares: Sequence[ShareRow]) -> Quota:
    """Share out one stage of an own therapy for whole weeks or months, on the clock of the manufacturer's first site.

    A pool is always there, with 0 places when none are named, unless the quota binds only whom it names. Raises
    InvalidInput with ``fields`` (``shares[i].column`` for a share), also when a quota of the same stage that binds
    everybody already covers one of the days.
    """
    with acting(actor, "scheduling.quota_added", subject=("therapy", rules.therapy)) as event:
        require_quota_owner(actor)
        faults = _rule_faults(rules)
        therapy = network.therapies(actor).filter(code=rules.therapy, manufacturer_id=actor.organization_id).first()
        if therapy is None:
            faults["therapy"] = ["Not a therapy of your organization."]
        centers = _share_faults(actor, shares, faults)
        if rules.named_only:
            _named_faults(rules, shares, faults)
        if therapy is not None and not faults and _overlaps(actor, therapy.pk, rules):
            faults["starts_on"] = ["A quota of this stage covers one of these days already: change that one."]
        if faults or therapy is None:
            raise InvalidInput(fields=faults)
        quota: Quota = Quota.objects.create(
            organization_id=actor.organization_id,
            therapy_id=therapy.pk,
            stage=rules.stage,
            period=rules.period,
            zone=_zone(actor),
            starts_on=rules.starts_on,
            ends_on=rules.ends_on,
            release_days=rules.release_days,
            reserve_percent=rules.reserve_percent,
            title=rules.title.strip(),
            named_only=rules.named_only,
        )
        rows = list(shares)
        if not rules.named_only and not any(row.kind == Share.POOL for row in rows):
            rows.append(ShareRow(0))
        _allot(quota, rows, centers, rules.starts_on)
        event.note(therapy=rules.therapy, stage=rules.stage, period=rules.period, shares=_said(rows))
        event.note(starts_on=rules.starts_on, ends_on=rules.ends_on)
        event.note(reserve_percent=rules.reserve_percent, release_days=rules.release_days, title=quota.title)
    return quota


def _named_faults(rules: QuotaRules, shares: Sequence[ShareRow], faults: dict[str, list[str]]) -> None:
    """Note what a quota that binds only whom it names cannot have: no pool, and so nothing to release into it."""
    if not rules.title.strip():
        faults["title"] = ["Name it: who finds it used up reads its name."]
    if rules.release_days is not None:
        faults["release_days"] = ["It has no pool: leave this empty."]
    _refuse_pool(shares, faults)


def _refuse_pool(shares: Sequence[ShareRow], faults: dict[str, list[str]]) -> None:
    for i, row in enumerate(shares):
        if row.kind == Share.POOL:
            faults[f"shares[{i}].center"] = ["It binds only whom it names: name a center or a region."]


def change_quota(actor: Actor, quota_id: UUID, from_on: dt.date, shares: Sequence[ShareRow]) -> Quota:
    """Give these shares so many places in every period that begins on ``from_on`` or later; others stay as they are.

    A share that was not there yet begins then. Places that are used cannot be withdrawn: the refusal lists the periods.
    """
    with acting(actor, "scheduling.quota_changed", subject=("quota", str(quota_id))) as event:
        quota = Quota.unwalled.filter(pk=quota_id, organization_id=actor.organization_id).first()
        if quota is None:
            raise NotFound()
        require_quota_owner(actor)
        faults: dict[str, list[str]] = {}
        centers = _share_faults(actor, shares, faults)
        if quota.named_only:
            _refuse_pool(shares, faults)
        if quota_periods.first_of(quota.period, from_on) != from_on or not quota.starts_on <= from_on <= quota.ends_on:
            faults["from_on"] = [f"Give the first day of a {quota.period} of this quota."]
        elif from_on <= timezone.now().astimezone(ZoneInfo(quota.zone)).date():
            faults["from_on"] = ["Only periods that have not begun can be changed."]
        if not faults:
            _change(quota, shares, centers, from_on, faults)
        if faults:
            raise InvalidInput(fields=faults)
        code = network.therapy(actor, quota.therapy_id).code
        event.note(therapy=code, stage=quota.stage, from_on=from_on, shares=_said(shares))
        freed_places.note([quota.therapy_id])
    return quota


def release_unused(due: QuotaDue, now: dt.datetime | None = None) -> int:
    """Move what one share has not used into the pool, as a system job of the manufacturer; return how many places.

    Nothing happens before its time, after the period has begun, or when nothing is left. The reserve stays.
    """
    now = now or timezone.now()
    actor = job_in(due.organization_id, JOB)
    subject = ("allotment", str(due.allotment_id))
    try:
        with acting(actor, "scheduling.quota_released", subject=subject) as event:
            row = Allotment.unwalled.select_for_update().filter(pk=due.allotment_id).first()
            unused = row.unused if row is not None and row.releases_at and row.releases_at <= now < row.ends_at else 0
            if row is None or unused <= 0:
                raise WrongState("Nothing is to be released.")
            pool = Allotment.unwalled.filter(quota_id=row.quota_id, starts_at=row.starts_at, share=Share.POOL)
            Allotment.unwalled.filter(pk=row.pk).update(places=F("places") - unused, released=F("released") + unused)
            pool.update(places=F("places") + unused)
            QuotaDue.unwalled.filter(pk=due.pk).delete()
            label = row.region or "a treatment center's share"
            event.note(places=unused, share=label, stage=row.stage, starts_at=row.starts_at)
            freed_places.note([row.therapy_id])
    except WrongState:
        _forget(actor, due, now)
        return 0
    return unused


def due_releases(now: dt.datetime) -> list[QuotaDue]:
    """Return the shares whose unused places are to be released (ids and times only), the longest overdue first."""
    return list(QuotaDue.unwalled.filter(due_at__lte=now).order_by("due_at"))


def _forget(actor: Actor, due: QuotaDue, now: dt.datetime) -> None:
    """Take a due row away that has nothing to release now; what is given back later makes a new one."""
    with reading(actor):
        row = Allotment.unwalled.filter(pk=due.allotment_id).first()
    if row is None or (row.releases_at is not None and row.releases_at <= now):
        QuotaDue.unwalled.filter(pk=due.pk, due_at=due.due_at).delete()


def _rule_faults(rules: QuotaRules) -> dict[str, list[str]]:
    faults: dict[str, list[str]] = {}
    if len(rules.title) > MOST_TITLE:
        faults["title"] = [f"At most {MOST_TITLE} characters."]
    for name, known in (("stage", QuotaStage), ("period", QuotaPeriod)):
        if getattr(rules, name) not in known.values:
            faults[name] = [f"Use one of {', '.join(known.values)}."]
    if not 0 <= rules.reserve_percent <= 100:
        faults["reserve_percent"] = ["Give a percentage from 0 to 100."]
    if rules.release_days is not None and not 0 <= rules.release_days <= 180:
        faults["release_days"] = ["Give 0 to 180 days, or nothing to keep unused places."]
    if "period" not in faults:
        faults |= quota_periods.faults(rules.period, rules.starts_on, rules.ends_on)
    return faults


def _share_faults(actor: Actor, shares: Sequence[ShareRow], faults: dict[str, list[str]]) -> dict[str, UUID]:
    """Note what is wrong with the shares; return the ids of the centers named, by code."""
    if not shares:
        faults["shares"] = ["Name at least one share."]
    if len(shares) > MOST_SHARES:
        faults["shares"] = [f"At most {MOST_SHARES} shares."]
    known = organizations(actor).filter(role=Role.TREATMENT_CENTER, code__in=[row.center for row in shares])
    centers: dict[str, UUID] = dict(known.values_list("code", "pk"))
    seen: set[str] = set()
    taken: set[str] = set()
    for i, row in enumerate(shares):
        if not isinstance(row.places, int) or isinstance(row.places, bool) or not 0 <= row.places <= MOST_PLACES:
            faults[f"shares[{i}].places"] = [f"Give a whole number from 0 to {MOST_PLACES}."]
        if row.center and row.region:
            faults[f"shares[{i}].region"] = ["Name a center or a region, not both."]
        elif row.center and row.center not in centers:
            faults[f"shares[{i}].center"] = ["Not a treatment center that your organization knows."]
        if row.region and not row.countries:
            faults[f"shares[{i}].countries"] = ["Name the region's countries."]
        if any(len(code) != 2 or not code.isascii() or not code.isupper() for code in row.countries):
            faults[f"shares[{i}].countries"] = ["Use two-letter country codes such as DE."]
        elif set(row.countries) & taken:
            faults[f"shares[{i}].countries"] = ["A country belongs to one region of a quota."]
        taken |= set(row.countries)
        if row.label in seen:
            faults[f"shares[{i}].{row.kind if row.kind != Share.POOL else 'places'}"] = ["Named twice."]
        seen.add(row.label)
    return centers


def _overlaps(actor: Actor, therapy_id: UUID, rules: QuotaRules) -> bool:
    if rules.named_only:
        return False
    own = visible(Quota, actor).filter(organization_id=actor.organization_id, named_only=False)
    same = own.filter(therapy_id=therapy_id, stage=rules.stage)
    return bool(same.filter(starts_on__lte=rules.ends_on, ends_on__gte=rules.starts_on).exists())


def _zone(actor: Actor) -> str:
    first = sites(actor).filter(organization_id=actor.organization_id).order_by("code").first()
    return str(first.zone) if first else actor.zone


def _allot(quota: Quota, shares: Sequence[ShareRow], centers: Mapping[str, UUID], since: dt.date) -> None:
    """Write one row per share and period from a day on, and when each share is to be released."""
    spans = list(quota_periods.periods(quota.period, since, quota.ends_on, ZoneInfo(quota.zone), quota.release_days))
    rows = [
        Allotment(
            quota=quota,
            organization_id=quota.organization_id,
            therapy_id=quota.therapy_id,
            stage=quota.stage,
            title=quota.title,
            share=share.kind,
            center_id=centers.get(share.center),
            region=share.region,
            countries=sorted(set(share.countries)),
            starts_at=starts_at,
            ends_at=ends_at,
            releases_at=None if share.kind == Share.POOL else releases_at,
            places=share.places,
            reserve=_reserve(quota, share.places),
        )
        for share in shares
        for starts_at, ends_at, releases_at in spans
    ]
    Allotment.objects.bulk_create(rows, batch_size=1000)
    QuotaDue.objects.bulk_create(
        QuotaDue(organization_id=row.organization_id, allotment_id=row.pk, due_at=row.releases_at)
        for row in rows
        if row.releases_at is not None
    )


def _reserve(quota: Quota, places: int) -> int:
    """Return the whole places of a share that its percentage keeps for remanufacture (rounded down)."""
    return places * quota.reserve_percent // 100


def _change(
    quota: Quota,
    shares: Sequence[ShareRow],
    centers: Mapping[str, UUID],
    from_on: dt.date,
    faults: dict[str, list[str]],
) -> None:
    since = dt.datetime.combine(from_on, dt.time(), ZoneInfo(quota.zone))
    own = Allotment.unwalled.select_for_update().filter(quota=quota, starts_at__gte=since)
    for i, share in enumerate(shares):
        same = own.filter(share=share.kind, center_id=centers.get(share.center), region=share.region)
        rows = list(same.order_by("pk"))
        if not rows:
            _allot(quota, [share], centers, from_on)
            continue
        short = [row for row in rows if not _resize(quota, row, share.places)]
        if short:
            zone = ZoneInfo(quota.zone)
            listed = "; ".join(
                f"{row.starts_at.astimezone(zone):%d %b %Y}: {row.used + row.remade} used, {row.released} released"
                for row in short[:10]
            )
            faults[f"shares[{i}].places"] = [f"Too few for what is used already ({listed})."]
            continue
        if share.countries:
            for row in rows:
                row.countries = sorted(set(share.countries))
        Allotment.unwalled.bulk_update(rows, ["places", "reserve", "countries"], batch_size=500)


def _resize(quota: Quota, row: Allotment, places: int) -> bool:
    """Set a locked row's places, less those released (or, in the pool, with those it got); whether the used fit."""
    got = _released_into(row) if row.share == Share.POOL else -row.released
    row.places, row.reserve = places + got, _reserve(quota, places)
    row.reserve = max(0, min(row.reserve, row.places))
    return row.places >= row.used + row.remade and row.places >= row.used + row.reserve


def _released_into(pool: Allotment) -> int:
    same = Allotment.unwalled.filter(quota_id=pool.quota_id, starts_at=pool.starts_at).exclude(share=Share.POOL)
    return sum(same.values_list("released", flat=True))


def _said(shares: Sequence[ShareRow]) -> dict[str, int]:
    return {row.label: row.places for row in shares}
