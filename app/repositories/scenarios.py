"""Scenarios that planners keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.orm import Session

from app.models import SavedScenario

PRIVATE = "private"


@dataclass(frozen=True)
class ScenarioRecord:
    """One of them."""

    id: int
    owner: str
    name: str
    note: str | None
    shared: str
    share_key: str
    question: dict[str, Any]
    version: int
    created_at: datetime
    updated_at: datetime


_COLUMNS = tuple(getattr(SavedScenario, name) for name in ScenarioRecord.__dataclass_fields__)


def readable_scenarios(
    session: Session, username: str, *, ids: list[int] | None = None, before: int | None = None,
    limit: int | None = None,
) -> list[ScenarioRecord]:  # fmt: skip
    """Those of a user and those that others share, the newest first, from the one after ``before`` on."""
    query = select(*_COLUMNS).where(or_(SavedScenario.owner == username, SavedScenario.shared != PRIVATE))
    if ids is not None:
        query = query.where(SavedScenario.id.in_(ids))
    if before is not None:
        query = query.where(SavedScenario.id < before)
    if limit is not None:
        query = query.limit(limit)
    return [ScenarioRecord(*row) for row in session.execute(query.order_by(SavedScenario.id.desc()))]


def any_scenarios(session: Session) -> bool:
    """Does anybody keep one?"""
    return session.execute(select(SavedScenario.id).limit(1)).first() is not None


def scenario_of_key(session: Session, share_key: str) -> ScenarioRecord | None:
    row = session.execute(select(*_COLUMNS).where(SavedScenario.share_key == share_key)).one_or_none()
    return None if row is None else ScenarioRecord(*row)


def lock_scenario(session: Session, scenario_id: int) -> ScenarioRecord | None:
    """One of them, which nobody else changes until the transaction ends."""
    query = select(*_COLUMNS).where(SavedScenario.id == scenario_id).with_for_update()
    row = session.execute(query).one_or_none()
    return None if row is None else ScenarioRecord(*row)


def insert_scenario(session: Session, values: Mapping[str, Any]) -> int:
    """Its number."""
    return session.execute(insert(SavedScenario).values(**values).returning(SavedScenario.id)).scalar_one()


def update_scenario(session: Session, scenario_id: int, values: Mapping[str, Any]) -> None:
    session.execute(update(SavedScenario).where(SavedScenario.id == scenario_id).values(**values))


def delete_scenario(session: Session, scenario_id: int) -> None:
    session.execute(delete(SavedScenario).where(SavedScenario.id == scenario_id))
