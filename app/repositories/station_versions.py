"""What was so of stations, as was known: reading ``station_versions``, and writing a timeline through ``stations``.

The trigger on ``stations`` keeps the history: an UPDATE that sets ``valid_from`` replaces what is known of the time
from that day on (migration 20261125_01). So a timeline is written as one UPDATE for each of its states, the oldest
first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Select, func, select, update
from sqlalchemy.orm import Session

from app.models import Station, StationVersion

KEPT_BY_TRIGGERS = ("version", "updated_at", "valid_from")
COLUMNS = tuple(
    name
    for name in StationVersion.__table__.columns.keys()  # noqa: SIM118
    if name in Station.__table__.columns and name not in (*KEPT_BY_TRIGGERS, "code", "geom", "id")
)


@dataclass(frozen=True)
class StationState:
    """What was so from ``valid_from`` until before ``valid_to`` (None: without bound).

    ``values`` are the columns of the station, ``geom`` as ``(lng, lat)`` in WGS84.
    """

    code: str
    valid_from: date | None
    valid_to: date | None
    values: dict[str, Any]


@dataclass(frozen=True)
class KnownState:
    """A state, and from which moment until before which (None: until now) it was known to be so."""

    state: StationState
    known_from: datetime
    known_to: datetime | None

    def is_known_at(self, moment: datetime) -> bool:
        return self.known_from <= moment and (self.known_to is None or moment < self.known_to)


def known_timelines(session: Session, codes: Collection[str]) -> dict[str, list[StationState]]:
    """The timelines of some stations as known now, the oldest state first."""
    if not codes:
        return {}
    query = _states().where(StationVersion.code.in_(codes), StationVersion.known_to.is_(None))
    found: dict[str, list[StationState]] = {}
    for row in session.execute(query):
        found.setdefault(row.code, []).append(_state(row))
    return found


def all_states(session: Session, code: str) -> list[KnownState]:
    """Every state of a station that was ever known, the oldest first."""
    rows = session.execute(_states().where(StationVersion.code == code))
    return [KnownState(_state(row), row.known_from, row.known_to) for row in rows]


def _states() -> Select[Any]:
    names = ("code", "valid_from", "valid_to", "known_from", "known_to", *COLUMNS)
    columns = [getattr(StationVersion, name) for name in names]
    position = func.ST_X(StationVersion.geom).label("lng"), func.ST_Y(StationVersion.geom).label("lat")
    return select(*columns, *position).order_by(StationVersion.code, StationVersion.valid_from.asc().nulls_first())


def _state(row: Row[Any]) -> StationState:
    values = {name: getattr(row, name) for name in COLUMNS} | {"geom": (row.lng, row.lat)}
    return StationState(row.code, row.valid_from, row.valid_to, values)


def write_timeline(session: Session, code: str, states: Sequence[StationState], *, was: Sequence[StationState]) -> None:
    """Make these states what is known of a station from now on; ``was`` is what was known until now.

    States at the beginning that are as they were are not written again.
    """
    same = 0
    while same < min(len(states), len(was)) and states[same] == was[same]:
        same += 1
    for state in states[same:]:
        lng, lat = state.values["geom"]
        plain = {name: value for name, value in state.values.items() if name != "geom"}
        values = {**plain, "geom": f"SRID=4326;POINT({lng!r} {lat!r})", "valid_from": state.valid_from}
        session.execute(update(Station).where(Station.code == code).values(**values))
