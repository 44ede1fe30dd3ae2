"""The training ledger (培训台账): lines as they are, and as they were known at a moment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CompoundSelect,
    FromClause,
    RowMapping,
    Select,
    cast,
    delete,
    func,
    select,
    true,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.models import Station, TrainingEntry, TrainingEntryVersion
from app.models.vocabularies import AreaLevel
from app.repositories.scope import Scope, in_scope

LINE = ("station_code", "quarter", "kind", "target_group")
FIGURES = ("sessions_held", "trainee_visits", "training_hours", "certificates")
Line = tuple[str, str, str, str]
ROWS_AT_ONCE = 2_000


@dataclass(frozen=True)
class EntryRow:
    """One line. ``id`` is that of the line as long as it stands."""

    id: int
    station_code: str
    quarter: str
    kind: str
    target_group: str
    sessions_held: int
    trainee_visits: int
    training_hours: Decimal
    certificates: int
    note: str | None
    version: int
    known_from: datetime

    @property
    def line(self) -> Line:
        return self.station_code, self.quarter, self.kind, self.target_group


@dataclass(frozen=True)
class EntryFilter:
    """What a list asks for; empty or None means any."""

    station_codes: Collection[str] | None = None
    quarters: Collection[str] = ()
    kinds: Collection[str] = ()
    target_groups: Collection[str] = ()

    def conditions(self, of: Any) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.station_codes is not None:
            found.append(of.station_code.in_(self.station_codes))
        for column, wanted in (
            (of.quarter, self.quarters),
            (of.kind, self.kinds),
            (of.target_group, self.target_groups),
        ):
            if wanted:
                found.append(column.in_(wanted))
        return found


def _columns(of: Any, id_column: Any) -> list[Any]:
    names = (*LINE, *FIGURES, "note", "version", "known_from")
    return [id_column.label("id"), *(getattr(of, name) for name in names)]


def entries_at(known_at: datetime | None, wanted: EntryFilter = EntryFilter()) -> FromClause:
    """All lines as known at a moment (None: now), as something to select from; columns as in ``EntryRow``."""
    now = select(*_columns(TrainingEntry, TrainingEntry.id)).where(*wanted.conditions(TrainingEntry))
    if known_at is None:
        return now.subquery("entries")
    earlier = (
        select(*_columns(TrainingEntryVersion, TrainingEntryVersion.entry_id))
        .where(TrainingEntryVersion.known_from <= known_at, TrainingEntryVersion.known_to > known_at)
        .where(*wanted.conditions(TrainingEntryVersion))
    )
    return union_all(now.where(TrainingEntry.known_from <= known_at), earlier).subquery("entries")


def _row(row: RowMapping) -> EntryRow:
    return EntryRow(**{name: row[name] for name in EntryRow.__dataclass_fields__})


def listing(
    scope: Scope, wanted: EntryFilter, *, known_at: datetime | None, after: Line | None, limit: int,
    within: Scope | None = None,
) -> Select[Any]:  # fmt: skip
    """The query of ``list_entries``: every part of it is read in the order of an index, up to the limit.

    For a part of the city, station by station: an ordered walk over all lines would pass those of all others.
    """
    everywhere = scope.level is AreaLevel.CITY and (within is None or within.level is AreaLevel.CITY)
    if everywhere and wanted.station_codes is None:
        found: Any = _lines(wanted, known_at, after, limit, None).subquery("found")
        return select(found).order_by(*(found.c[name] for name in LINE)).limit(limit)
    stations = select(Station.code).where(in_scope(scope))
    if within is not None:
        stations = stations.where(in_scope(within))
    if wanted.station_codes is not None:
        stations = stations.where(Station.code.in_(wanted.station_codes))
    if after is not None:
        stations = stations.where(Station.code >= after[0])
    held = stations.subquery("held")
    found = _lines(replace(wanted, station_codes=None), known_at, after, limit, held).lateral("found")
    return select(found).select_from(held.join(found, true())).order_by(*(found.c[n] for n in LINE)).limit(limit)


def _lines(
    wanted: EntryFilter, known_at: datetime | None, after: Line | None, limit: int, station: Any
) -> Select[Any] | CompoundSelect[Any]:
    """The first lines by order, as known at a moment; of one station, where ``station`` is a row that names it."""

    def part(of: Any, id_column: Any, known: Sequence[ColumnElement[bool]]) -> Select[Any]:
        line = [getattr(of, name) for name in LINE]
        query = select(*_columns(of, id_column)).where(*wanted.conditions(of), *known).order_by(*line).limit(limit)
        if after is not None:
            query = query.where(tuple_(*line) > tuple_(*after))
        return query if station is None else query.where(of.station_code == station.c.code).correlate(station)

    if known_at is None:
        return part(TrainingEntry, TrainingEntry.id, ())
    earlier = TrainingEntryVersion.known_from <= known_at, TrainingEntryVersion.known_to > known_at
    return union_all(
        part(TrainingEntry, TrainingEntry.id, (TrainingEntry.known_from <= known_at,)),
        part(TrainingEntryVersion, TrainingEntryVersion.entry_id, earlier),
    )


def list_entries(
    session: Session, scope: Scope, wanted: EntryFilter, *, known_at: datetime | None = None,
    after: Line | None = None, limit: int, within: Scope | None = None,
) -> list[EntryRow]:  # fmt: skip
    """Lines of stations in a scope (and ``within``) by station, quarter, kind and group, from the one
    after ``after`` on."""
    rows = session.execute(listing(scope, wanted, known_at=known_at, after=after, limit=limit, within=within))
    return [_row(row._mapping) for row in rows]


def get_entry(session: Session, entry_id: int) -> EntryRow | None:
    """One line as it is now."""
    query = select(*_columns(TrainingEntry, TrainingEntry.id)).where(TrainingEntry.id == entry_id)
    row = session.execute(query).one_or_none()
    return None if row is None else _row(row._mapping)


def entries_of_lines(session: Session, lines: Collection[Line]) -> dict[Line, EntryRow]:
    """The lines that there are of some, by line."""
    wanted = EntryFilter(station_codes={line[0] for line in lines}, quarters={line[1] for line in lines})
    query = select(*_columns(TrainingEntry, TrainingEntry.id)).where(*wanted.conditions(TrainingEntry))
    rows = (_row(row._mapping) for row in session.execute(query))
    asked = set(lines)
    return {row.line: row for row in rows if row.line in asked}


def insert_entries(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add lines; each row has the columns of LINE and FIGURES, and ``note``.

    They go over as one array per column: a statement for each of fifty thousand takes longer than all else.
    """
    names, kinds = (*LINE, *FIGURES, "note"), TrainingEntry.__table__.c
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        arrays = [cast([row[name] for row in part], ARRAY(kinds[name].type)) for name in names]
        source = func.unnest(*arrays).table_valued(*names).render_derived()
        session.execute(insert(TrainingEntry).from_select(names, select(*source.c)))


def update_entries(session: Session, rows: Iterable[dict[str, Any]]) -> None:
    """Change lines by ``id``."""
    changes = list(rows)
    if changes:
        session.execute(update(TrainingEntry), changes)


def delete_entry(session: Session, entry_id: int) -> None:
    """Take a line out of the ledger; what was known of it is kept."""
    session.execute(delete(TrainingEntry).where(TrainingEntry.id == entry_id))


def known_quarters(session: Session) -> list[str]:
    """The quarters of which there is anything, in order."""
    return list(session.scalars(select(TrainingEntry.quarter).distinct().order_by(TrainingEntry.quarter)))
