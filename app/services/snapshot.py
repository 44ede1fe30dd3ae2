"""The snapshot: all that a worker answers from, one immutable object.

It has two parts, each kept as a folder of memory-mapped files beside the database and named by what went into it: the
*city* (network, frontage, areas), which changes with an import, and the *stations* with their reach tables, which
change with the ledger. A folder that is missing, broken or out of date is made anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import shapely
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.db.processes import FileLock
from app.errors import NotReady
from app.geo.arrays import BoolArray
from app.geo.coverage import METHOD_VERSION
from app.geo.frontage import Frontage
from app.geo.network import WalkNetwork
from app.geo.reach import ReachTable
from app.geo.search import MAX_LIMIT_MM, Field, Searcher
from app.geo.snapping import Places, snap
from app.repositories import datasets as dataset_repo
from app.services.area_reads import simplified
from app.services.area_table import AreaTable
from app.services.city_part import CityPart, build_city, read_city
from app.services.packing import PackBroken
from app.services.station_part import StationPart, build_stations, read_stations
from app.settings import HomeSettings, MethodSettings, method_settings

CITY_LAYERS = ("boundaries", "network", "population")
STATION_LAYERS = (*CITY_LAYERS, "stations", "datasets")
KEPT_FOLDERS = 3  # of each part; older ones are removed
CACHED_ANSWERS = 64
CACHED = TypeVar("CACHED")


@dataclass(frozen=True)
class Snapshot:
    """``version`` changes whenever any answer may: it is what ETags are made of."""

    version: str
    method: MethodSettings
    city: CityPart
    stations: StationPart
    searcher: Searcher
    searcher_step_free: Searcher
    _answers: dict[Any, Any] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def network(self) -> WalkNetwork:
        return self.city.network

    @property
    def areas(self) -> AreaTable:
        return self.city.areas

    @property
    def frontage(self) -> Frontage:
        """Raises NotReady, naming what to import, where there are no people or no areas."""
        if self.city.frontage is None:
            raise NotReady(
                "覆盖分析需要区划和人口数据:./skillsmap import boundaries 和 ./skillsmap import population。",
                "Coverage needs areas and people: ./skillsmap import boundaries and ./skillsmap import population.",
            )
        return self.city.frontage

    def variant(self, *, step_free: bool) -> tuple[Searcher, Places, ReachTable]:
        """Searcher, places of the stations, reach table of one variant of the network."""
        if step_free:
            return self.searcher_step_free, self.stations.places_step_free, self.stations.reach_step_free
        return self.searcher, self.stations.places, self.stations.reach

    def snap(self, lng: float, lat: float, *, step_free: bool) -> Places:
        """The nearest place on a street that matters; ``edge`` -1 beyond the snapping limit."""
        usable = self.network.adjacency(step_free=step_free).usable
        return snap(self.network, self.city.grid, usable, lng, lat, self.method.snap_limit_m)

    def cached(self, key: Any, make: Callable[[], CACHED]) -> CACHED:
        """A result that depends on nothing but the snapshot and ``key``; those not asked for longest are forgotten."""
        with self._lock:
            if key in self._answers:
                held: CACHED = self._answers.pop(key)
                self._answers[key] = held  # last in line to be forgotten
                return held
        made = make()
        with self._lock:
            while len(self._answers) >= CACHED_ANSWERS:
                self._answers.pop(next(iter(self._answers)))
            self._answers[key] = made
        return made

    def outlines(self, codes: Sequence[str], simplify_m: float) -> list[shapely.Geometry]:
        """Outlines (WGS84) of areas of one level, with bends smaller than about ``simplify_m`` squared cut off."""
        return simplified([self.areas.outlines[self.areas.at[code]] for code in codes], simplify_m)

    def open_mask(self, day: date, types: Sequence[str] = ()) -> BoolArray:
        """Which stations are open on a day, of some types only where those are given."""
        key = ("open", day, tuple(sorted(types)))
        return self.cached(key, lambda: self.stations.table.open_on(day, types))

    def far_field(self, day: date, types: Sequence[str] = (), *, step_free: bool) -> Field:
        """Every node's nearest open station at whatever distance: one search over the whole network, then kept."""

        def search() -> Field:
            searcher, places, _ = self.variant(step_free=step_free)
            chosen = np.flatnonzero(self.open_mask(day, types))
            return searcher.field_of(places.take(chosen), MAX_LIMIT_MM, chosen.astype(np.int32))

        return self.cached(("far", day, tuple(sorted(types)), step_free), search)

    @property
    def inputs(self) -> dict[str, str]:
        """Content hash by layer: what a coverage run names."""
        return {**self.city.inputs, **self.stations.inputs}


@dataclass(frozen=True)
class _Wanted:
    """Which folders belong to the state of the database."""

    city_key: str
    station_key: str


def wanted_keys(session: Session, method: MethodSettings) -> _Wanted:
    """The names of the two parts for what the database holds now."""
    versions = dataset_repo.layer_versions(session)
    head = [dataset_repo.database_identity(session), METHOD_VERSION, method.model_dump(mode="json")]
    # copies of one database share its identity and may come to the same versions: their datasets tell them apart
    datasets = [(d.kind, d.id, d.sha256, d.imported_at.isoformat()) for d in dataset_repo.list_datasets(session)]
    city = [*head, [versions.get(layer, 0) for layer in CITY_LAYERS], [d for d in datasets if d[0] in CITY_LAYERS]]
    stations = [*head, [versions.get(layer, 0) for layer in STATION_LAYERS], datasets]

    def name(values: list[Any]) -> str:
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:20]

    return _Wanted(name(city), name(stations))


def ensure_snapshot(engine: Engine, home: HomeSettings, method: MethodSettings | None = None) -> Snapshot:
    """The snapshot of what the database holds now, from its files or built and filed.

    Only one process builds at a time; the others wait for its files. Raises NotReady when there is no network.
    """
    method = method or method_settings()
    folder = home.snapshots
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "build.lock")
    lock.acquire_exclusive_blocking()
    try:
        with Session(engine) as session:
            # one view of the database for keys and rows alike
            session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            wanted = wanted_keys(session, method)
            city = _city(session, folder, wanted.city_key, method)
            stations = _stations(session, folder, wanted.station_key, city, method)
    finally:
        lock.release()
    _remove_old(folder, {f"city-{wanted.city_key}", f"stations-{wanted.station_key}"})
    return assemble(city, stations, method)


def assemble(city: CityPart, stations: StationPart, method: MethodSettings) -> Snapshot:
    """One snapshot of two parts."""
    return Snapshot(
        version=f"{city.key}-{stations.key}",
        method=method,
        city=city,
        stations=stations,
        searcher=Searcher.of(city.network, step_free=False),
        searcher_step_free=Searcher.of(city.network, step_free=True),
    )


def _city(session: Session, folder: Path, key: str, method: MethodSettings) -> CityPart:
    path = folder / f"city-{key}"
    try:
        return read_city(path, key)
    except PackBroken:
        build_city(session, path, method)
    return read_city(path, key)


def _stations(session: Session, folder: Path, key: str, city: CityPart, method: MethodSettings) -> StationPart:
    path = folder / f"stations-{key}"
    try:
        return read_stations(path, key, city)
    except PackBroken:
        build_stations(session, path, city, method)
    return read_stations(path, key, city)


def _remove_old(folder: Path, used: set[str]) -> None:
    """Keep the newest few of each part; other workers may still read those of a moment ago."""
    for prefix in ("city-", "stations-"):
        found: Sequence[Path] = sorted(folder.glob(f"{prefix}*"), key=lambda p: p.stat().st_mtime, reverse=True)
        for path in [p for p in found if p.name not in used][KEPT_FOLDERS:]:
            shutil.rmtree(path, ignore_errors=True)
