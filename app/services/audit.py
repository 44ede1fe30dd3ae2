"""The audit log: events that are not changes of rows, and reading it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.models.vocabularies import AuditAction, Role
from app.repositories import audit as repo
from app.repositories.audit import EntryFilter, EntryRow
from app.repositories.context import add_event
from app.services.acting import described
from app.services.actors import Actor

MAX_EXPORT = 50_000  # entries in one file; the question can be narrowed by time


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


def list_entries(
    session: Session, actor: Actor, wanted: EntryFilter, *, before_id: int | None, limit: int
) -> list[EntryRow]:
    """Entries, newest first, from the one before ``before_id`` back. Raises Forbidden below administrators."""
    actor.require(Role.ADMINISTRATOR)
    return repo.list_entries(session, wanted, before_id=before_id, limit=limit)


def get_entry(session: Session, actor: Actor, entry_id: int) -> EntryRow:
    """One entry. Raises Forbidden below administrators, NotFound."""
    actor.require(Role.ADMINISTRATOR)
    found = repo.get_entry(session, entry_id)
    if found is None:
        raise NotFound(f"没有编号为 {entry_id} 的审计记录。", f"There is no audit entry {entry_id}.")
    return found


def export_entries(
    session: Session, engine: Engine, actor: Actor, wanted: EntryFilter, *, format: str, question: dict[str, str]
) -> Iterator[EntryRow]:
    """Up to MAX_EXPORT entries, and one more where there are more, newest first.

    That they were exported is an entry itself, written before the first.

    ``engine`` writes; ``session`` may be one that only reads. Raises Forbidden below administrators.
    """
    actor.require(Role.ADMINISTRATOR)
    note_apart(engine, actor, AuditAction.EXPORT, "audit_log", format, details={"asked": question, "limit": MAX_EXPORT})
    return repo.stream_entries(session, wanted, limit=MAX_EXPORT + 1)
