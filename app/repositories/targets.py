"""Targets, now and as they were known before."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, literal, not_, or_, select, true, tuple_, update
from sqlalchemy.orm import Session

from app.models import Area, Target, TargetVersion
from app.models.vocabularies import AreaLevel
from app.repositories.scope import Scope, in_scope

PUBLIC_LEVELS = (AreaLevel.CITY.value, AreaLevel.DISTRICT.value)
Position = tuple[str, str, date, int]  # area, measure, day, id: the order of lists


@dataclass(frozen=True)
class TargetRow:
    """One target. ``updated_at`` is the moment since which it is known as it is."""

    id: int
    year: int
    area_code: str
    measure: str
    value: int
    due_on: date
    note: str | None
    synthetic: bool
    is_retired: bool
    version: int
    updated_at: datetime


@dataclass(frozen=True)
class TargetSum:
    """A target beside those of the areas below, for the same measure and day: None where it has none itself."""

    area_code: str
    measure: str
    due_on: date
    value: int | None
    parts: int
    parts_value: int


COLUMNS = tuple(TargetRow.__dataclass_fields__)


def visible_to(scope: Scope | None, area_code: Any = Target.area_code) -> ColumnElement[bool]:
    """Targets of cities and districts are everybody's to read, those of towns the officers' in whose scope they lie.

    ``scope`` None is the public.
    """
    if scope is not None and scope.level is AreaLevel.CITY:
        return true()
    shown: ColumnElement[bool] = Area.level.in_(PUBLIC_LEVELS)
    if scope is not None:
        shown = or_(shown, and_(Area.level == AreaLevel.TOWN.value, in_scope(scope, Area.parent_code, Area.code)))
    condition: ColumnElement[bool] = area_code.in_(select(Area.code).where(shown))
    return condition


def list_targets(
    session: Session, scope: Scope | None, *, area_codes: Collection[str] | None = None, measure: str | None = None,
    year: int | None = None, retired: bool = False, after: Position | None = None, limit: int | None = None,
) -> list[TargetRow]:  # fmt: skip
    """Targets by area, measure and day from the one after ``after`` on; ``retired``: also those."""
    query = select(*_columns(Target)).where(visible_to(scope))
    order = (Target.area_code, Target.measure, Target.due_on, Target.id)
    if area_codes is not None:
        query = query.where(Target.area_code.in_(area_codes))
    if measure is not None:
        query = query.where(Target.measure == measure)
    if year is not None:
        query = query.where(Target.year == year)
    if not retired:
        query = query.where(not_(Target.is_retired))
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*(literal(value) for value in after)))
    if limit is not None:
        query = query.limit(limit)
    return _rows(session, query.order_by(*order))


def get_target(session: Session, target_id: int) -> TargetRow | None:
    found = _rows(session, select(*_columns(Target)).where(Target.id == target_id))
    return found[0] if found else None


def find_in_force(session: Session, area_code: str, measure: str, due_on: date) -> TargetRow | None:
    """The one that is not retired."""
    same = and_(Target.area_code == area_code, Target.measure == measure, Target.due_on == due_on)
    found = _rows(session, select(*_columns(Target)).where(same, not_(Target.is_retired)))
    return found[0] if found else None


def targets_at(session: Session, area_codes: Sequence[str], known_at: datetime | None) -> list[TargetRow]:
    """The targets of areas by day, as they were known at a moment (None: now), without the retired ones."""
    query = select(*_columns(Target)).where(Target.area_code.in_(area_codes), not_(Target.is_retired))
    if known_at is None:
        return _rows(session, query.order_by(Target.due_on, Target.id))
    before = select(*_columns(TargetVersion)).where(
        TargetVersion.area_code.in_(area_codes),
        not_(TargetVersion.is_retired),
        TargetVersion.updated_at <= known_at,
        TargetVersion.known_to > known_at,
    )
    rows = _rows(session, query.where(Target.updated_at <= known_at)) + _rows(session, before)
    return sorted(rows, key=lambda row: (row.due_on, row.id))


def sums_below(session: Session, scope: Scope | None, parents: Collection[str] | None = None) -> list[TargetSum]:
    """For every area with areas below that have targets: its own, and their sum, by measure and day.

    ``parents``: of these areas only. The public sees sums of districts alone.
    """
    sums = (
        select(
            Area.parent_code.label("area_code"), Target.measure, Target.due_on,
            func.count().label("parts"), func.sum(Target.value).label("parts_value"),
        )
        .join(Area, Area.code == Target.area_code)
        .where(not_(Target.is_retired), Area.parent_code.is_not(None), visible_to(scope))
        .group_by(Area.parent_code, Target.measure, Target.due_on)
    )  # fmt: skip
    if parents is not None:
        sums = sums.where(Area.parent_code.in_(parents))
    below = sums.subquery()
    own = and_(
        Target.area_code == below.c.area_code, Target.measure == below.c.measure, Target.due_on == below.c.due_on,
        not_(Target.is_retired),
    )  # fmt: skip
    query = select(below, Target.value).outerjoin(Target, own)
    order = (below.c.area_code, below.c.measure, below.c.due_on)
    return [
        TargetSum(row.area_code, row.measure, row.due_on, row.value, int(row.parts), int(row.parts_value))
        for row in session.execute(query.order_by(*order))
    ]


def insert_target(session: Session, values: Mapping[str, Any]) -> int:
    return int(session.scalars(insert(Target).values(**values).returning(Target.id)).one())


def insert_targets(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    session.execute(insert(Target), list(rows))


def update_target(session: Session, target_id: int, values: Mapping[str, Any]) -> None:
    session.execute(update(Target).where(Target.id == target_id).values(**values))


def any_targets(session: Session) -> bool:
    return session.scalar(select(Target.id).limit(1)) is not None


def _columns(of: type[Target] | type[TargetVersion]) -> list[Any]:
    key = Target.id if of is Target else TargetVersion.target_id.label("id")
    return [key, *(getattr(of, name) for name in COLUMNS if name != "id")]


def _rows(session: Session, query: Any) -> list[TargetRow]:
    return [TargetRow(**row._mapping) for row in session.execute(query)]
