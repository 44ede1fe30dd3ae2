"""Sums of the training ledger that reconcile: stations add up to towns, towns to districts, districts to the city.

Everything is a sum of the same lines at the same moment; nothing is carried from one level to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.models.vocabularies import CourseKind, Role, TargetGroup
from app.repositories import areas as area_repo
from app.repositories import stations as station_repo
from app.repositories import training_totals as repo
from app.repositories.scope import Scope
from app.repositories.training import EntryFilter
from app.repositories.training_totals import Dimension, Figures
from app.services.actors import Actor
from app.services.quarters import Quarter


@dataclass(frozen=True)
class TotalRow:
    """Sums of one value of the dimension; ``code`` is None for lines of stations in no such area."""

    code: str | None
    name_zh: str | None
    name_en: str | None
    figures: Figures


@dataclass(frozen=True)
class Totals:
    """The whole, and its parts by one dimension; the parts add up to the whole."""

    whole: Figures
    rows: list[TotalRow]


def training_totals(
    session: Session,
    actor: Actor,
    quarters: Sequence[Quarter],
    by: Dimension,
    *,
    within: Scope | None = None,
    known_at: datetime | None = None,
) -> Totals:
    """Sums over the stations in the actor's scope (and ``within``), of some quarters (empty: all), by code."""
    actor.require(Role.VIEWER)
    wanted = EntryFilter(quarters=[str(quarter) for quarter in quarters])
    whole = repo.sum_entries(session, actor.scope, wanted, (), known_at=known_at, within=within).get((), Figures())
    parts = repo.sum_entries(session, actor.scope, wanted, (by,), known_at=known_at, within=within)
    names = _names(session, by, [key[0] for key in parts])
    rows = []
    for (code,), figures in parts.items():
        name_zh, name_en = names.get(code, (None, None))
        rows.append(TotalRow(code, name_zh, name_en, figures))
    return Totals(whole, sorted(rows, key=lambda row: (row.code is None, row.code or "")))


def _names(session: Session, by: Dimension, codes: Sequence[str | None]) -> dict[str | None, tuple[str, str]]:
    held = {code for code in codes if code is not None}
    if by in (Dimension.TOWN, Dimension.DISTRICT):
        return {code: (name, name) for code, name in area_repo.names_of_codes(session, held).items() if name}
    if by is Dimension.STATION:
        rows = station_repo.list_stations(session, station_repo.StationFilter(codes=sorted(held)))
        return {row.code: (row.name, row.name) for row in rows}
    if by is Dimension.QUARTER:
        return {}
    words = CourseKind if by is Dimension.KIND else TargetGroup
    return {word.value: (word.title_zh, word.title_en) for word in words}
