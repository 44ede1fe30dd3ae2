"""The stations' part of a snapshot: stations, their places on the streets, reach tables. It changes with the ledger."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from app.geo.network import limit_mm
from app.geo.reach import ReachTable, reach_table
from app.geo.search import Searcher
from app.geo.snapping import Places, snap
from app.repositories import datasets as dataset_repo
from app.repositories import stations as station_repo
from app.services.city_part import CityPart
from app.services.packing import read_facts, read_part, write_folder
from app.services.profiles import PROFILES
from app.services.station_table import StationInfo, StationTable, station_facts, stations_of
from app.settings import MethodSettings


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset that answers are computed from."""

    id: int
    kind: str
    level: str | None
    name: str
    sha256: str
    synthetic: bool


@dataclass(frozen=True)
class StationPart:
    """Stations with their places on the streets and reach tables, both variants."""

    key: str
    table: StationTable
    places: Places
    places_step_free: Places
    reach: ReachTable
    reach_step_free: ReachTable
    datasets: tuple[DatasetInfo, ...]
    inputs: dict[str, str]


def build_stations(session: Session, path: Path, city: CityPart, method: MethodSettings) -> None:
    """Make the part of what the ledger holds, on the city's streets, and file it."""
    rows = station_repo.list_stations(session, station_repo.StationFilter())
    datasets = dataset_repo.list_datasets(session)
    stations = stations_of(rows, {d.id: d.synthetic for d in datasets})
    lng, lat = np.array([s.lng for s in stations]), np.array([s.lat for s in stations])
    # 60 minutes at the fastest profile; slower ones reach less and read the same table
    limit = limit_mm(method.reach_limit_minutes, max(p.speed_kmh for p in PROFILES.values()))
    parts: dict[str, Any] = {}
    for name, step_free in (("everywhere", False), ("step_free", True)):
        usable = city.network.adjacency(step_free=step_free).usable
        places = snap(city.network, city.grid, usable, lng, lat, method.snap_limit_m)
        parts[f"places_{name}"] = places
        parts[f"reach_{name}"] = reach_table(Searcher.of(city.network, step_free=step_free), places, limit)
    facts = {
        "inputs": {"stations": hashlib.sha256(json.dumps(station_facts(stations)).encode()).hexdigest()},
        "stations": [s.to_json() for s in stations],
        "datasets": [
            vars(DatasetInfo(d.id, d.kind, d.level, d.name, d.sha256, d.synthetic)) for d in datasets
        ],
    }  # fmt: skip
    write_folder(path, parts, facts)


def read_stations(path: Path, key: str, city: CityPart) -> StationPart:
    """The part as it was filed. Raises PackBroken."""
    facts = read_facts(path)
    stations = [StationInfo.from_json(value) for value in facts["stations"]]
    return StationPart(
        key=key,
        table=StationTable(stations, city.areas),
        places=read_part(path, "places_everywhere", Places),
        places_step_free=read_part(path, "places_step_free", Places),
        reach=read_part(path, "reach_everywhere", ReachTable),
        reach_step_free=read_part(path, "reach_step_free", ReachTable),
        datasets=tuple(DatasetInfo(**value) for value in facts["datasets"]),
        inputs=facts["inputs"],
    )
