"""The stations' part of a snapshot: stations, their places on the streets, reach tables. It changes with the ledger."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from sqlalchemy.orm import Session

from app.geo.network import limit_mm
from app.geo.reach import ReachTable, reach_table, table_of_rows
from app.geo.reach_update import updated_table
from app.geo.search import Searcher
from app.geo.snapping import Places, snap
from app.models import Dataset
from app.repositories import datasets as dataset_repo
from app.repositories import stations as station_repo
from app.services.city_part import CityPart
from app.services.pack_store import PackStore
from app.services.packing import Contents, Pack, PackBroken
from app.services.profiles import PROFILES
from app.services.reach_part import ReachPart, ReachQuestion, ensure_reach
from app.services.station_table import StationInfo, StationTable, station_facts, stations_of
from app.settings import MethodSettings

KIND = "stations"


@dataclass(frozen=True)
class DatasetInfo:
    """A dataset that answers are computed from."""

    id: int
    kind: str
    level: str | None
    name: str
    sha256: str
    synthetic: bool
    imported_at: str  # ISO 8601


@dataclass(frozen=True)
class StationPart:
    """Stations with their places on the streets and reach tables, both variants. ``key`` names the ledger's content."""

    key: str
    table: StationTable
    places: Places
    places_step_free: Places
    reach_part: ReachPart
    datasets: tuple[DatasetInfo, ...]
    inputs: dict[str, str]
    changed_on: date | None  # the latest day from which on a station is as it is here; None: no change has a day

    def holds_on(self, day: date) -> bool:
        """Is what is so of all stations now what was so on that day, but for what their own dates say?"""
        return self.changed_on is None or self.changed_on <= day

    @property
    def reach(self) -> ReachTable:
        return self.reach_part.everywhere

    @property
    def reach_step_free(self) -> ReachTable:
        return self.reach_part.step_free


def ensure_stations(
    session: Session,
    store: PackStore,
    key: str,
    city: CityPart,
    method: MethodSettings,
    searchers: tuple[Searcher, Searcher],
    held: StationPart | None,
) -> StationPart:
    """The part from its folders, or made of what the ledger holds and filed; reach tables are carried over."""
    try:
        ledger = store.open(KIND, key).read_by(_read)
    except PackBroken:
        ledger = _read(store.keep(KIND, key, _build(session, city, method)))
    # 60 minutes at the fastest profile; slower ones reach less and read the same table
    limit = limit_mm(method.reach_limit_minutes, max(p.speed_kmh for p in PROFILES.values()))
    question = ReachQuestion(city.inputs["network"], limit, searchers, (ledger.places, ledger.places_step_free))
    reach = ensure_reach(store, question, held.reach_part if held is not None else None)
    return StationPart(
        key=ledger.key,
        table=StationTable(ledger.stations, city.areas),
        places=ledger.places,
        places_step_free=ledger.places_step_free,
        reach_part=reach,
        datasets=ledger.datasets,
        inputs=ledger.inputs,
        changed_on=ledger.changed_on,
    )


def rehearse_change(city: CityPart, searcher: Searcher) -> None:
    """Do once what a station that is opened takes: the first to open does not wait for kernels to be loaded."""
    network, none = city.network, np.zeros(0, dtype=np.int64)
    usable = network.adjacency(step_free=False).usable
    places = snap(network, city.grid, usable, network.node_lng[:1], network.node_lat[:1], 1.0)
    table = reach_table(searcher, places, 0)
    updated_table(table, none, table_of_rows([], 0, searcher.node_count))


def _build(session: Session, city: CityPart, method: MethodSettings) -> Contents:
    rows = station_repo.list_stations(session, station_repo.StationFilter())
    datasets = dataset_repo.list_datasets(session)
    stations = stations_of(rows, {d.id: d.synthetic for d in datasets}, station_repo.list_serving(session))
    everywhere, step_free = placed(city, method, stations)
    changed_on = station_repo.last_change_on(session)
    return Contents(
        {"places_everywhere": everywhere, "places_step_free": step_free},
        {
            "inputs": inputs_of(stations),
            "changed_on": changed_on.isoformat() if changed_on is not None else None,
            "stations": [s.to_json() for s in stations],
            "datasets": [
                vars(dataset_info(d)) for d in datasets
            ],
        },
    )  # fmt: skip


def dataset_info(d: Dataset) -> DatasetInfo:
    return DatasetInfo(d.id, d.kind, d.level, d.name, d.sha256, d.synthetic, d.imported_at.isoformat())


def placed(city: CityPart, method: MethodSettings, stations: Sequence[StationInfo]) -> tuple[Places, Places]:
    """Where stations stand on the streets: in both variants of the network (everywhere, step-free)."""
    lng, lat = np.array([s.lng for s in stations]), np.array([s.lat for s in stations])

    def of(*, step_free: bool) -> Places:
        usable = city.network.adjacency(step_free=step_free).usable
        return snap(city.network, city.grid, usable, lng, lat, method.snap_limit_m)

    return of(step_free=False), of(step_free=True)


def inputs_of(stations: Sequence[StationInfo]) -> dict[str, str]:
    """The content hash of the layer: what a run names."""
    return {"stations": hashlib.sha256(json.dumps(station_facts(stations)).encode()).hexdigest()}


@dataclass(frozen=True)
class _Ledger:
    """What the folder of the stations holds."""

    key: str
    stations: list[StationInfo]
    places: Places
    places_step_free: Places
    datasets: tuple[DatasetInfo, ...]
    inputs: dict[str, str]
    changed_on: date | None


def _read(pack: Pack) -> _Ledger:
    facts = pack.facts
    return _Ledger(
        key=pack.name,
        stations=[StationInfo.from_json(value) for value in facts["stations"]],
        places=pack.part("places_everywhere", Places),
        places_step_free=pack.part("places_step_free", Places),
        datasets=tuple(DatasetInfo(**value) for value in facts["datasets"]),
        inputs=facts["inputs"],
        changed_on=date.fromisoformat(facts["changed_on"]) if facts["changed_on"] else None,
    )
