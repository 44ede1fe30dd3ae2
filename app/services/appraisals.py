"""Yearly appraisals (年度评估, §7.3): made as a draft as often as wanted, then published and from then on as it is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from app.errors import Conflict, ErrorItem, NotFound
from app.models.vocabularies import AppraisalGrade, AppraisalState, Role, StationType
from app.repositories import quality_appraisals as repo
from app.repositories import quality_facts as facts_repo
from app.repositories.context import ledger_moment
from app.repositories.quality_appraisals import NO_RANK, AppraisalRow, ScoreRow
from app.repositories.quality_places import Place
from app.repositories.quality_ratings import NO_RATINGS, rating_sums
from app.services.actors import Actor
from app.services.appraisal_measures import YearFacts, days_open, measure
from app.services.appraisal_scores import LEAST_WEIGHT, WEIGHTS, Score, Thresholds, ranks, score_of
from app.services.quality_checks import begin, check_days, check_place, check_version, not_now, station_of
from app.services.station_table import today
from app.settings import QualitySettings

FIRST_YEAR = 2025


@dataclass(frozen=True)
class ScoreView:
    """A station's score, and the appraisal that it is of."""

    appraisal: AppraisalRow
    score: ScoreRow


def make_draft(
    session: Session, actor: Actor, year: int, settings: QualitySettings, *, day: date | None = None
) -> AppraisalRow:
    """Appraise a year as a draft, anew if there is one. Same facts and rules, same scores.

    Raises Forbidden below the city; InvalidInput for a year before the plan or not begun; Conflict for a published one,
    and when no station was open long enough.
    """
    actor.require(Role.CITY_OFFICER, write=True)
    day = day or today()
    check_days("year", date(year, 1, 1), date(FIRST_YEAR, 1, 1), day)
    begin(session, actor)
    held = repo.get_appraisal(session, year)
    if held is not None and held.state == AppraisalState.PUBLISHED:
        raise _is_published()
    until = min(date(year, 12, 31), day)
    scores = _scores(session, year, until, settings)
    if not scores:
        raise Conflict(
            f"{year} 年没有开放满 {settings.appraisal_days_open} 天的站点,无法评估。",
            f"No station was open for {settings.appraisal_days_open} days of {year}: there is nothing to appraise.",
        )
    rules = rules_of(settings)
    values = {
        "year": year, "state": AppraisalState.DRAFT.value, "counted_until": until,
        "computed_at": ledger_moment(session), "computed_by": actor.username, "rules": rules,
        "stations": len(scores), "scores_sha256": _digest(scores),
    }  # fmt: skip
    repo.write_draft(session, values, scores)
    return _there(session, year)


def publish(session: Session, actor: Actor, year: int, version: int, *, day: date | None = None) -> AppraisalRow:
    """Publish the draft as it is: it cannot be changed any more.

    Raises Forbidden below the city, NotFound, StaleVersion; Conflict when published before, or the year is not over.
    """
    actor.require(Role.CITY_OFFICER, write=True)
    day = day or today()
    begin(session, actor)
    held = _there(session, year)
    if held.state == AppraisalState.PUBLISHED:
        raise _is_published()
    check_version(held, version, {})
    if held.counted_until < date(year, 12, 31):
        item = ErrorItem(
            "year", "评估只统计到年内某日", "it counts up to a day within the year",
            value=held.counted_until.isoformat(), remedy_zh="年度结束后重新评估,再公布",
            remedy_en="make it anew after the year's end, then publish",
        )  # fmt: skip
        raise Conflict("年度尚未结束,不能公布。", "The year is not over in this draft.", errors=[item])
    values = {"state": AppraisalState.PUBLISHED.value, "published_on": day, "published_by": actor.username}
    repo.update_appraisal(session, year, values)
    return _there(session, year)


def list_appraisals(session: Session, actor: Actor) -> list[AppraisalRow]:
    """All years, the latest first; drafts for the district and above."""
    actor.require(Role.VIEWER)
    return repo.list_appraisals(session, drafts=_sees_drafts(actor))


def get_appraisal(session: Session, actor: Actor, year: int) -> AppraisalRow:
    """One year. Raises NotFound, also for a draft that the actor does not see."""
    actor.require(Role.VIEWER)
    held = repo.get_appraisal(session, year)
    if held is None or (held.state == AppraisalState.DRAFT and not _sees_drafts(actor)):
        raise _no_such_year(year)
    return held


def list_scores(
    session: Session, actor: Actor, year: int, place: Place, *, types: Sequence[StationType],
    grades: Sequence[AppraisalGrade], after: tuple[int, str] | None, limit: int,
) -> list[ScoreRow]:  # fmt: skip
    """The ranking: stations in scope with their places in the whole city. Raises as ``get_appraisal`` does."""
    get_appraisal(session, actor, year)
    check_place(session, actor, place)
    return repo.list_scores(
        session, actor.scope, place, year, types=[t.value for t in types], grades=[g.value for g in grades],
        after=after, limit=limit,
    )  # fmt: skip


def get_score(session: Session, actor: Actor, year: int, station_code: str) -> ScoreView:
    """A station's score with all components. Raises NotFound (too short a time open, too), OutOfScope."""
    appraisal = get_appraisal(session, actor, year)
    station_of(session, actor, station_code)
    held = repo.get_score(session, year, station_code)
    if held is None:
        raise NotFound(
            f"{station_code} 未参加 {year} 年评估(当年开放不足规定天数)。",
            f"{station_code} was not appraised in {year}: it was not open for long enough.",
        )
    return ScoreView(appraisal, held)


def position_of(row: ScoreRow) -> tuple[int, str]:
    """Where a score stands in the list."""
    return (row.rank or NO_RANK, row.station_code)


def rules_of(settings: QualitySettings) -> dict[str, Any]:
    """What scores depend on beside the facts; kept with every appraisal."""
    return {
        "weights": {component.value: weight for component, weight in WEIGHTS.items()},
        "least_weight": LEAST_WEIGHT,
        "days_open": settings.appraisal_days_open,
        "visits_per_seat": settings.appraisal_visits_per_seat,
        "rating_prior_stars": settings.rating_prior_stars,
        "rating_prior_weight": settings.rating_prior_weight,
        "rating_weight_without_code": settings.rating_weight_without_code,
        "grades": {
            "excellent": settings.appraisal_excellent,
            "good": settings.appraisal_good,
            "qualified": settings.appraisal_qualified,
        },
    }


def _scores(session: Session, year: int, until: date, settings: QualitySettings) -> list[dict[str, Any]]:
    first = date(year, 1, 1)
    stations = facts_repo.facts_on(session, until)
    timelines = facts_repo.phases(session)
    inspections = facts_repo.inspections(session, first, until)
    findings = facts_repo.findings_due(session, first, until)
    visits = facts_repo.trainee_visits(session, year)
    ratings = rating_sums(session, since=first, until=until)
    complaints = facts_repo.complaints_due(session, first, until)
    scored: dict[str, tuple[YearFacts, Score]] = {}
    for code, station in stations.items():
        days = days_open(timelines[code], first, until)
        if days < settings.appraisal_days_open:
            continue
        facts = YearFacts(
            station, days, inspections.get(code, ()), findings.get(code, ()), visits.get(code, 0) if visits else None,
            ratings.get(code, NO_RATINGS), complaints.get(code, (0, 0)),
        )  # fmt: skip
        scored[code] = facts, score_of(measure(facts, year, settings))
    overall = ranks({code: score.value for code, (_, score) in scored.items()})
    in_type: dict[str, int | None] = {}
    for kind in StationType:
        of_kind = {code: s.value for code, (f, s) in scored.items() if f.station.type == kind.value}
        in_type |= ranks(of_kind)
    thresholds = Thresholds(settings.appraisal_excellent, settings.appraisal_good, settings.appraisal_qualified)
    return [
        {
            "year": year, "station_code": code, "station_name": facts.station.name, "station_type": facts.station.type,
            "district_code": facts.station.district_code, "town_code": facts.station.town_code,
            "days_open": facts.days_open, "score": score.value,
            "grade": None if score.value is None else thresholds.grade(score.value).value,
            "rank": overall[code], "rank_in_type": in_type[code], "components": _kept(score),
        }
        for code, (facts, score) in scored.items()
    ]  # fmt: skip


def _kept(score: Score) -> list[dict[str, Any]]:
    """Components as they are kept: numbers as JSON has them."""
    return [
        {
            "component": part.measured.component.value, "raw": part.measured.raw,
            "points": None if part.measured.points is None else float(part.measured.points),
            "weight": part.weight, "weight_used": part.weight_used, "contribution": float(part.contribution),
            "text_zh": part.measured.text_zh, "text_en": part.measured.text_en,
        }
        for part in score.components
    ]  # fmt: skip


def _digest(scores: Sequence[dict[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(scores, sort_keys=True, default=str).encode()).hexdigest()


def _sees_drafts(actor: Actor) -> bool:
    return actor.role.rank >= Role.DISTRICT_OFFICER.rank


def _there(session: Session, year: int) -> AppraisalRow:
    held = repo.get_appraisal(session, year)
    if held is None:
        raise _no_such_year(year)
    return held


def _no_such_year(year: int) -> NotFound:
    return NotFound(f"没有 {year} 年的评估。", f"There is no appraisal of {year}.")


def _is_published() -> Conflict:
    return not_now("year", "已公布", "published", "已公布的评估不再更改", "a published appraisal stays as it is")
