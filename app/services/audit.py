"""The audit log: events that are not changes of rows, and reading it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.models.vocabularies import AuditAction
from app.repositories.context import add_event
from app.services.acting import described
from app.services.actors import Actor


def note_event(
    session: Session, actor: Actor, action: AuditAction, kind: str, key: str, *, reason: str | None = None,
    details: dict[str, Any] | None = None, station_code: str | None = None, district_code: str | None = None,
    town_code: str | None = None,
) -> None:  # fmt: skip
    """Write an event into the audit log, in this transaction. ``kind`` and ``key`` name what it is about."""
    values = {
        **described(actor), "action": action.value, "kind": kind, "key": key, "reason": reason, "after": details,
        "station_code": station_code, "district_code": district_code, "town_code": town_code,
    }  # fmt: skip
    add_event(session, values)


def note_apart(
    engine: Engine, actor: Actor, action: AuditAction, kind: str, key: str, *, reason: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """The same in a transaction of its own: for what is refused, whose own transaction is rolled back."""
    with Session(engine) as session, session.begin():
        note_event(session, actor, action, kind, key, reason=reason, details=details)
