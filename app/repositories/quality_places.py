"""Which rows of supervision a list asks for: by station, district and town, within a scope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select

from app.models import Station
from app.repositories.scope import Scope, station_in_scope


@dataclass(frozen=True)
class Place:
    """What a list asks for; None means any. Districts and towns are those that hold a station now."""

    station_code: str | None = None
    district_code: str | None = None
    town_code: str | None = None

    def conditions(self, scope: Scope, column: Any) -> list[ColumnElement[bool]]:
        """Conditions on ``column``, which names the station of a row."""
        found = [station_in_scope(scope, column)]
        if self.station_code is not None:
            found.append(column == self.station_code)
        for area, code in ((Station.district_code, self.district_code), (Station.town_code, self.town_code)):
            if code is not None:
                found.append(column.in_(select(Station.code).where(area == code)))
        return found
