"""Yearly appraisals (年度评估) and their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, delete, func, insert, select, tuple_, update
from sqlalchemy.orm import Session

from app.models import Appraisal, AppraisalScore
from app.models.vocabularies import AppraisalState
from app.repositories.quality_places import Place
from app.repositories.scope import Scope

NO_RANK = 2**31 - 1


@dataclass(frozen=True)
class AppraisalRow:
    """A year's appraisal. ``rules`` are the weights, thresholds and references that it was made by."""

    year: int
    state: str
    counted_until: date
    computed_at: datetime
    computed_by: str
    rules: dict[str, Any]
    stations: int
    scores_sha256: str
    published_on: date | None
    published_by: str | None
    version: int


@dataclass(frozen=True)
class ScoreRow:
    """A station's score with its components as they are kept; names and areas are those of the year's end."""

    year: int
    station_code: str
    station_name: str
    station_type: str
    district_code: str | None
    town_code: str | None
    days_open: int
    score: Decimal | None
    grade: str | None
    rank: int | None
    rank_in_type: int | None
    components: list[dict[str, Any]]


def _appraisals() -> Select[Any]:
    return select(*(getattr(Appraisal, name) for name in AppraisalRow.__dataclass_fields__))


def list_appraisals(session: Session, *, drafts: bool) -> list[AppraisalRow]:
    """All of them, the latest first."""
    query = _appraisals().order_by(Appraisal.year.desc())
    if not drafts:
        query = query.where(Appraisal.state == AppraisalState.PUBLISHED.value)
    return [AppraisalRow(**row._mapping) for row in session.execute(query)]


def get_appraisal(session: Session, year: int) -> AppraisalRow | None:
    row = session.execute(_appraisals().where(Appraisal.year == year)).one_or_none()
    return None if row is None else AppraisalRow(**row._mapping)


def write_draft(session: Session, values: Mapping[str, Any], scores: Sequence[Mapping[str, Any]]) -> None:
    """Write a draft with its scores, in the place of the one of that year if there is one."""
    year = values["year"]
    if get_appraisal(session, year) is None:
        session.execute(insert(Appraisal).values(**values))
    else:
        session.execute(update(Appraisal).where(Appraisal.year == year).values(**values))
    session.execute(delete(AppraisalScore).where(AppraisalScore.year == year))
    if scores:
        session.execute(insert(AppraisalScore), list(scores))


def update_appraisal(session: Session, year: int, values: Mapping[str, Any]) -> None:
    session.execute(update(Appraisal).where(Appraisal.year == year).values(**values))


def _scores() -> Select[Any]:
    return select(*(getattr(AppraisalScore, name) for name in ScoreRow.__dataclass_fields__))


def list_scores(
    session: Session, scope: Scope, place: Place, year: int, *, types: Sequence[str] = (), grades: Sequence[str] = (),
    after: tuple[int, str] | None = None, limit: int,
) -> list[ScoreRow]:  # fmt: skip
    """Scores in a scope by rank and code, those without a rank at the end. ``after``: rank (or NO_RANK) and code."""
    place_of = func.coalesce(AppraisalScore.rank, NO_RANK)
    query = _scores().where(AppraisalScore.year == year, *place.conditions(scope, AppraisalScore.station_code))
    if types:
        query = query.where(AppraisalScore.station_type.in_(types))
    if grades:
        query = query.where(AppraisalScore.grade.in_(grades))
    if after is not None:
        query = query.where(tuple_(place_of, AppraisalScore.station_code) > tuple_(*after))
    rows = session.execute(query.order_by(place_of, AppraisalScore.station_code).limit(limit))
    return [ScoreRow(**row._mapping) for row in rows]


def get_score(session: Session, year: int, station_code: str) -> ScoreRow | None:
    query = _scores().where(AppraisalScore.year == year, AppraisalScore.station_code == station_code)
    row = session.execute(query).one_or_none()
    return None if row is None else ScoreRow(**row._mapping)


def last_published_score(session: Session, station_code: str) -> ScoreRow | None:
    """The station's score of the last year that is published and in which it has one."""
    query = (
        _scores()
        .join(Appraisal, Appraisal.year == AppraisalScore.year)
        .where(AppraisalScore.station_code == station_code, Appraisal.state == AppraisalState.PUBLISHED.value)
        .order_by(AppraisalScore.year.desc())
        .limit(1)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else ScoreRow(**row._mapping)
