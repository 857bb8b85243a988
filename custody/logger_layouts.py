"""Saved layouts of logger files: which one reads a file, and which an organization has."""

from __future__ import annotations

from django.db.models import QuerySet

from custody.logger_files import Layout
from custody.models import LoggerLayout
from ledger.context import Actor
from ledger.refusals import InvalidInput
from ledger.walls import visible

NAMES = ("time_column", "value_column", "serial_label", "time_format", "zone", "fahrenheit")


def layouts(actor: Actor) -> QuerySet[LoggerLayout]:
    """Return the acting organization's layouts by the model of logger."""
    return visible(LoggerLayout, actor).filter(organization_id=actor.organization_id).order_by("model", "pk")


def chosen(actor: Actor, model: str, *, given: bool) -> Layout:
    """Return the organization's layout of a logger model; without one the usual columns, times in the actor's zone.

    ``given``: somebody chose it, so that InvalidInput ``model`` is raised when there is none.
    """
    row = LoggerLayout.unwalled.filter(organization_id=actor.organization_id, model__iexact=model.strip()).first()
    if row is None and given:
        raise InvalidInput(fields={"model": ["No layout is saved for this model of logger."]})
    return Layout(zone=actor.zone) if row is None else Layout(**{name: getattr(row, name) for name in NAMES})
