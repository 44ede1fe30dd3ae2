"""The ledger as rows for a workbook: full records and training lines within an officer's scope, with their versions."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.models.vocabularies import AreaLevel, Role
from app.repositories import station_records as station_repo
from app.repositories import training as training_repo
from app.repositories.stations import StationFilter
from app.repositories.training import EntryFilter
from app.services.actors import Actor
from app.services.station_reads import check_area

MOST_LINES = 100_000


def station_rows(session: Session, actor: Actor, wanted: StationFilter) -> list[dict[str, Any]]:
    """Records by code, with ``version``. Raises InvalidInput for an area that there is not."""
    actor.require(Role.VIEWER)
    _check_areas(session, wanted)
    records = station_repo.list_records(session, actor.scope, wanted)
    return [{**record.values, "version": record.version} for record in records]


def training_rows(session: Session, actor: Actor, wanted: StationFilter, quarter: str | None) -> list[dict[str, Any]]:
    """Training lines by station and quarter, with ``version``; of one quarter where it is named."""
    actor.require(Role.VIEWER)
    _check_areas(session, wanted)
    codes = None
    if wanted.district_code is not None or wanted.town_code is not None:
        codes = [record.code for record in station_repo.list_records(session, actor.scope, wanted)]
    asked = EntryFilter(station_codes=codes, quarters=() if quarter is None else (quarter,))
    rows = training_repo.list_entries(session, actor.scope, asked, limit=MOST_LINES)
    return [vars(row) for row in rows]


def _check_areas(session: Session, wanted: StationFilter) -> None:
    for field, level, code in (
        ("district", AreaLevel.DISTRICT, wanted.district_code),
        ("town", AreaLevel.TOWN, wanted.town_code),
    ):
        if code is not None:
            check_area(session, field, level, code)
