"""Reading the audit log, newest first. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from app.models import AuditEntry
from app.repositories import areas as area_repo


@dataclass(frozen=True)
class EntryRow:
    """One entry, as it is kept."""

    id: int
    at: datetime
    actor: str
    actor_id: int | None
    role: str | None
    scope_code: str | None
    channel: str
    address: str | None
    request_id: str | None
    reason: str | None
    action: str
    kind: str
    key: str
    station_code: str | None
    district_code: str | None
    town_code: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    database_user: str


@dataclass(frozen=True)
class EntryFilter:
    """What a reader asks for; None and () mean any. ``area_code`` is a district or town; ``since`` inclusive,
    ``until`` exclusive; ``text`` within the reason."""

    actor: str | None = None
    actions: Sequence[str] = ()
    kind: str | None = None
    key: str | None = None
    station_code: str | None = None
    area_code: str | None = None
    channel: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None

    def conditions(self, session: Session) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        for column, wanted in (
            (AuditEntry.actor, self.actor),
            (AuditEntry.kind, self.kind),
            (AuditEntry.key, self.key),
            (AuditEntry.station_code, self.station_code),
            (AuditEntry.channel, self.channel),
        ):
            if wanted is not None:
                found.append(column == wanted)
        if len(self.actions) == 1:  # the index of events serves it
            found.append(AuditEntry.action == self.actions[0])
        elif self.actions:
            found.append(AuditEntry.action.in_(self.actions))
        if self.area_code is not None:
            level = area_repo.levels_of_codes(session, [self.area_code]).get(self.area_code)
            held = [column == self.area_code for column in _area_columns(level)]
            found.append(held[0] if len(held) == 1 else or_(*held))
        if self.since is not None:
            found.append(AuditEntry.at >= self.since)
        if self.until is not None:
            found.append(AuditEntry.at < self.until)
        if self.text:
            found.append(AuditEntry.reason.icontains(self.text, autoescape=True))
        return found


def _area_columns(level: str | None) -> list[Any]:
    """The column that names areas of a level; both for an area that is no longer loaded."""
    columns = {"district": [AuditEntry.district_code], "town": [AuditEntry.town_code]}
    return columns.get(level or "", [AuditEntry.district_code, AuditEntry.town_code])


def list_entries(session: Session, wanted: EntryFilter, *, before_id: int | None, limit: int) -> list[EntryRow]:
    """Entries from the one before ``before_id`` back."""
    return [EntryRow(**row._mapping) for row in session.execute(_query(session, wanted, before_id).limit(limit))]


def stream_entries(session: Session, wanted: EntryFilter, *, limit: int) -> Iterator[EntryRow]:
    """The same, a thousand at a time: for exports."""
    rows = session.execute(_query(session, wanted, None).limit(limit).execution_options(yield_per=1000))
    for row in rows:
        yield EntryRow(**row._mapping)


def get_entry(session: Session, entry_id: int) -> EntryRow | None:
    columns = [getattr(AuditEntry, name) for name in EntryRow.__dataclass_fields__]
    row = session.execute(select(*columns).where(AuditEntry.id == entry_id)).one_or_none()
    return None if row is None else EntryRow(**row._mapping)


def _query(session: Session, wanted: EntryFilter, before_id: int | None) -> Any:
    columns = [getattr(AuditEntry, name) for name in EntryRow.__dataclass_fields__]
    query = select(*columns).where(*wanted.conditions(session)).order_by(AuditEntry.id.desc())
    return query if before_id is None else query.where(AuditEntry.id < before_id)
