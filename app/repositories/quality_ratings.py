"""Visit codes (评价码) and ratings (评价)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Integer, Select, case, func, insert, select, update
from sqlalchemy.orm import Session

from app.models import Rating, Station, VisitCode, VisitCodeBatch
from app.models.vocabularies import RatingAspect, RatingState
from app.repositories.quality_places import Place
from app.repositories.scope import Scope


@dataclass(frozen=True)
class BatchRow:
    """Visit codes that were issued together; ``used`` of ``count`` have been."""

    id: int
    station_code: str
    station_name: str
    count: int
    used: int
    issued_by: str
    expires_on: date
    is_revoked: bool
    created_at: datetime
    version: int


@dataclass(frozen=True)
class CodeState:
    """A visit code as it is found by its hash."""

    station_code: str
    expires_on: date
    is_revoked: bool
    is_used: bool


@dataclass(frozen=True)
class RatingRow:
    """One rating."""

    id: int
    station_code: str
    station_name: str
    stars: int
    aspects: dict[str, int]
    comment: str | None
    by_code: bool
    rated_on: date
    state: str
    moderated_by: str | None
    moderation_reason: str | None
    synthetic: bool
    version: int


@dataclass(frozen=True)
class RatingSums:
    """Ratings of a station that are not hidden. ``stars`` counts those of 1 to 5 stars, with and without a code."""

    with_code: int
    with_code_stars: int
    without_code: int
    without_code_stars: int
    stars: tuple[int, int, int, int, int]
    aspects: dict[str, tuple[int, int]]  # RatingAspect -> how many, and their sum


NO_RATINGS = RatingSums(0, 0, 0, 0, (0, 0, 0, 0, 0), {})


def insert_batch(session: Session, values: Mapping[str, Any], hashes: Sequence[bytes]) -> int:
    made = int(session.scalars(insert(VisitCodeBatch).values(**values).returning(VisitCodeBatch.id)).one())
    session.execute(insert(VisitCode), [{"code_sha256": digest, "batch_id": made} for digest in hashes])
    return made


def taken_hashes(session: Session, hashes: Sequence[bytes]) -> set[bytes]:
    """Those of these hashes that a code has already."""
    return set(session.scalars(select(VisitCode.code_sha256).where(VisitCode.code_sha256.in_(hashes))))


def _batches() -> Select[Any]:
    used = select(func.count()).select_from(VisitCode).where(VisitCode.batch_id == VisitCodeBatch.id, VisitCode.is_used)
    made = {"station_name": Station.name, "used": used.scalar_subquery()}
    columns = [
        made[name].label(name) if name in made else getattr(VisitCodeBatch, name)
        for name in BatchRow.__dataclass_fields__
    ]
    return select(*columns).join(Station, Station.code == VisitCodeBatch.station_code)


def list_batches(session: Session, scope: Scope, place: Place, *, before_id: int | None, limit: int) -> list[BatchRow]:
    """Batches in a scope, the latest first."""
    query = _batches().where(*place.conditions(scope, VisitCodeBatch.station_code))
    if before_id is not None:
        query = query.where(VisitCodeBatch.id < before_id)
    query = query.order_by(VisitCodeBatch.id.desc()).limit(limit)
    return [BatchRow(**row._mapping) for row in session.execute(query)]


def get_batch(session: Session, batch_id: int) -> BatchRow | None:
    row = session.execute(_batches().where(VisitCodeBatch.id == batch_id)).one_or_none()
    return None if row is None else BatchRow(**row._mapping)


def update_batch(session: Session, batch_id: int, values: Mapping[str, Any]) -> None:
    session.execute(update(VisitCodeBatch).where(VisitCodeBatch.id == batch_id).values(**values))


def find_code(session: Session, digest: bytes) -> CodeState | None:
    query = (
        select(VisitCodeBatch.station_code, VisitCodeBatch.expires_on, VisitCodeBatch.is_revoked, VisitCode.is_used)
        .join(VisitCodeBatch, VisitCodeBatch.id == VisitCode.batch_id)
        .where(VisitCode.code_sha256 == digest)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else CodeState(**row._mapping)


def use_code(session: Session, digest: bytes) -> bool:
    """Use a code up; False when it has been, also by somebody else at this moment."""
    statement = update(VisitCode).where(VisitCode.code_sha256 == digest, VisitCode.is_used.is_(False))
    used = session.scalars(statement.values(is_used=True).returning(VisitCode.batch_id)).one_or_none()
    return used is not None


def insert_rating(session: Session, values: Mapping[str, Any]) -> int:
    return int(session.scalars(insert(Rating).values(**values).returning(Rating.id)).one())


def insert_ratings(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    session.execute(insert(Rating), list(rows))


def update_rating(session: Session, rating_id: int, values: Mapping[str, Any]) -> None:
    session.execute(update(Rating).where(Rating.id == rating_id).values(**values))


def _ratings() -> Select[Any]:
    columns = [
        Station.name.label(name) if name == "station_name" else getattr(Rating, name)
        for name in RatingRow.__dataclass_fields__
    ]
    return select(*columns).join(Station, Station.code == Rating.station_code)


def list_ratings(
    session: Session, scope: Scope, place: Place, *, states: Sequence[str] = (), before_id: int | None, limit: int
) -> list[RatingRow]:
    """Ratings in a scope, the latest first."""
    query = _ratings().where(*place.conditions(scope, Rating.station_code))
    if states:
        query = query.where(Rating.state.in_(states))
    if before_id is not None:
        query = query.where(Rating.id < before_id)
    return [RatingRow(**row._mapping) for row in session.execute(query.order_by(Rating.id.desc()).limit(limit))]


def get_rating(session: Session, rating_id: int) -> RatingRow | None:
    row = session.execute(_ratings().where(Rating.id == rating_id)).one_or_none()
    return None if row is None else RatingRow(**row._mapping)


def published_comments(session: Session, station_code: str, limit: int) -> list[RatingRow]:
    """The latest comments that everybody may read."""
    query = _ratings().where(
        Rating.station_code == station_code, Rating.state == RatingState.PUBLISHED.value, Rating.comment.is_not(None)
    )
    return [RatingRow(**row._mapping) for row in session.execute(query.order_by(Rating.id.desc()).limit(limit))]


def rating_sums(
    session: Session, *, station_code: str | None = None, since: date | None = None, until: date | None = None
) -> dict[str, RatingSums]:
    """What averages are made of, by station; stations without ratings are not in it."""

    def count(condition: Any) -> Any:
        return func.count(case((condition, 1)))

    def total(condition: Any) -> Any:
        return func.coalesce(func.sum(case((condition, Rating.stars))), 0)

    code, no_code = Rating.by_code.is_(True), Rating.by_code.is_(False)
    values = [Rating.aspects[aspect.value].astext.cast(Integer) for aspect in RatingAspect]
    query = (
        select(
            Rating.station_code, count(code), total(code), count(no_code), total(no_code),
            *(count(Rating.stars == stars) for stars in range(1, 6)),
            *(function(value) for value in values for function in (func.count, func.sum)),
        )
        .where(Rating.state != RatingState.HIDDEN.value)
        .group_by(Rating.station_code)
    )  # fmt: skip
    if station_code is not None:
        query = query.where(Rating.station_code == station_code)
    if since is not None:
        query = query.where(Rating.rated_on >= since)
    if until is not None:
        query = query.where(Rating.rated_on <= until)
    found = {}
    for row in session.execute(query):
        held = [int(value or 0) for value in row[1:]]
        pairs = zip(RatingAspect, held[9::2], held[10::2], strict=True)
        aspects = {aspect.value: (n, stars) for aspect, n, stars in pairs if n}
        found[row[0]] = RatingSums(held[0], held[1], held[2], held[3], (*held[4:9],), aspects)  # type: ignore[arg-type]
    return found
