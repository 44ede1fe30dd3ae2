"""The part of the city that an account may see and change: the one helper that puts it into queries.

Everything in the ledger belongs to a station (or to an area), so every condition is about the district and the town of
a station: by the areas that hold it now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, select, true

from app.models import Station
from app.models.vocabularies import AreaLevel


@dataclass(frozen=True)
class Scope:
    """An area by level and code: 4401, 440106 or 440106011 in Guangzhou. A city's scope is everything."""

    level: AreaLevel
    code: str

    def holds(self, district_code: str | None, town_code: str | None) -> bool:
        """Is something that lies in this district and town inside?"""
        if self.level is AreaLevel.CITY:
            return True
        return self.code == (district_code if self.level is AreaLevel.DISTRICT else town_code)


def in_scope(scope: Scope, district_code: Any = Station.district_code, town_code: Any = Station.town_code) -> (
    ColumnElement[bool]
):  # fmt: skip
    """The condition for rows whose own columns name their district and town; by default for stations themselves."""
    if scope.level is AreaLevel.CITY:
        return true()
    column = district_code if scope.level is AreaLevel.DISTRICT else town_code
    condition: ColumnElement[bool] = column == scope.code
    return condition


def station_in_scope(scope: Scope, station_code: Any) -> ColumnElement[bool]:
    """The condition for rows that belong to a station; ``station_code`` is their column that names it."""
    if scope.level is AreaLevel.CITY:
        return true()
    held = select(Station.code).where(in_scope(scope))
    condition: ColumnElement[bool] = station_code.in_(held)
    return condition
