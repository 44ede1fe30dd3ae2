"""The snapshot: all that a worker answers from, one immutable object.

It is read from folders of memory-mapped files beside the database, each named by its content: the *city* (network,
frontage, areas), which changes with an import, the *stations*, which change with the ledger, and their *reach* tables,
which change when a station is opened, closed or moved. What is taught and when stations are open is read from the
database itself, into arrays (``offer``, ``hours``). What the database says leads to a folder through a small file
(see ``app.services.pack_store``). What is missing, broken or out of date is made anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import shapely
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.errors import NotReady
from app.geo.arrays import BoolArray
from app.geo.coverage import METHOD_VERSION
from app.geo.frontage import Frontage
from app.geo.network import WalkNetwork
from app.geo.opening_hours import Calendar
from app.geo.reach import ReachTable
from app.geo.search import MAX_LIMIT_MM, Field, Searcher
from app.geo.snapping import Places, snap
from app.repositories import datasets as dataset_repo
from app.services.area_reads import simplified
from app.services.area_table import AreaTable
from app.services.bounded import BoundedCache
from app.services.calendar import load_calendar
from app.services.city_part import KIND as CITY
from app.services.city_part import CityPart, build_city, read_city
from app.services.far_tables import FarTables
from app.services.hours_at import HoursTable
from app.services.offer import Offer, load_offer, offer_of
from app.services.pack_store import PackStore
from app.services.packing import FORMAT, PackBroken
from app.services.reach_part import KIND as REACH
from app.services.station_part import KIND as STATIONS
from app.services.station_part import StationPart, ensure_stations
from app.services.tile_cache import TileCache
from app.settings import HomeSettings, MethodSettings, method_settings

CITY_LAYERS = ("boundaries", "network", "population")
STATION_LAYERS = (*CITY_LAYERS, "stations", "datasets")
OFFER_LAYERS = ("courses", "calendar")
CACHED_ANSWERS = 64
CACHED_MASKS = 512
CACHED_QUESTIONS = 2_048
KEPT_BASES = 3
FAR_FIELDS_BYTES = 64_000_000
CACHED = TypeVar("CACHED")


@dataclass(frozen=True)
class SnapshotKeys:
    """What the database holds, as names: what the city's part, the stations' part, and what they offer is made from."""

    city: str
    stations: str
    offer: str = ""


@dataclass(frozen=True)
class Snapshot:
    """``version`` names the content: it changes whenever any answer may, and ETags are made of it.

    ``keys`` is the state of the database that it was made for. Courses, sessions and the calendar (``offer``,
    ``hours``) are no part of the version: answers that tell of them are not tagged.
    """

    version: str
    method: MethodSettings
    city: CityPart
    stations: StationPart
    searcher: Searcher
    searcher_step_free: Searcher
    offer: Offer
    hours: HoursTable
    keys: SnapshotKeys | None = None
    far: FarTables = field(default_factory=FarTables)
    tiles: TileCache = field(default_factory=TileCache)
    _answers: BoundedCache = field(default_factory=lambda: BoundedCache(CACHED_ANSWERS))

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
        return self._answers.get(key, make)

    def outlines(self, codes: Sequence[str], simplify_m: float) -> list[shapely.Geometry]:
        """Outlines (WGS84) of areas of one level, with bends smaller than about ``simplify_m`` squared cut off."""
        return simplified([self.areas.outlines[self.areas.at[code]] for code in codes], simplify_m)

    def open_mask(self, day: date, types: Sequence[str] = ()) -> BoolArray:
        """Which stations are open on a day, of some types only where those are given."""
        key = ("open", day, tuple(sorted(types)))
        return self.cached(key, lambda: self.stations.table.open_on(day, types))

    def far_field(self, mask: BoolArray, *, step_free: bool) -> Field:
        """Every node's nearest station of a mask at whatever distance: one search over the whole network, then kept."""

        def search() -> Field:
            searcher, places, _ = self.variant(step_free=step_free)
            chosen = np.flatnonzero(mask)
            return searcher.field_of(places.take(chosen), MAX_LIMIT_MM, chosen.astype(np.int32))

        return self.far_fields.get(self.far_key(mask, step_free=step_free), search)

    def far_key(self, mask: BoolArray, *, step_free: bool) -> Hashable:
        """What ``far_fields`` keeps a field by."""
        return mask.tobytes(), step_free

    @cached_property
    def far_fields(self) -> BoundedCache:
        """Fields by stations and variant: as many as take FAR_FIELDS_BYTES."""
        return BoundedCache(max(4, FAR_FIELDS_BYTES // (8 * max(self.network.node_count, 1))))

    @cached_property
    def bases(self) -> BoundedCache:
        """Whole coverages that scenarios start from: some ten megabytes each, so few are kept."""
        return BoundedCache(KEPT_BASES)

    @cached_property
    def masks(self) -> BoundedCache:
        """Which stations meet what was asked for."""
        return BoundedCache(CACHED_MASKS)

    @cached_property
    def questions(self) -> BoundedCache:
        """What questions of residents come to; see ``app.services.nearest.Ready``."""
        return BoundedCache(CACHED_QUESTIONS)

    @property
    def inputs(self) -> dict[str, str]:
        """Content hash by layer: what a coverage run names."""
        return {**self.city.inputs, **self.stations.inputs}


def wanted_keys(session: Session, method: MethodSettings) -> SnapshotKeys:
    """The keys of the two parts for what the database holds now."""
    versions = dataset_repo.layer_versions(session)
    head = [FORMAT, dataset_repo.database_identity(session), METHOD_VERSION, method.model_dump(mode="json")]
    # copies of one database share its identity and may come to the same versions: their datasets tell them apart
    datasets = [(d.kind, d.id, d.sha256, d.imported_at.isoformat()) for d in dataset_repo.list_datasets(session)]
    city = [*head, [versions.get(layer, 0) for layer in CITY_LAYERS], [d for d in datasets if d[0] in CITY_LAYERS]]
    stations = [*head, [versions.get(layer, 0) for layer in STATION_LAYERS], datasets]
    offer = [*stations, [versions.get(layer, 0) for layer in OFFER_LAYERS]]
    return SnapshotKeys(_hash(city), _hash(stations), _hash(offer))


def ensure_snapshot(
    engine: Engine, home: HomeSettings, method: MethodSettings | None = None, held: Snapshot | None = None
) -> Snapshot:
    """The snapshot of what the database holds now, from its files or built and filed.

    What ``held`` has of it is not read again. Only one process builds at a time; the others wait for its files. Raises
    NotReady when there is no network.
    """
    method = method or method_settings()
    store = PackStore(home.snapshots)
    with store.locked(), Session(engine) as session:
        # one view of the database for keys and rows alike
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        keys = wanted_keys(session, method)
        city = _city(session, store, keys.city, method, held)
        searchers = _searchers(city, held)
        stations = ensure_stations(
            session, store, keys.stations, city, method, searchers, held.stations if held is not None else None
        )
        for kind in (CITY, STATIONS, REACH):
            store.prune(kind)
        if held is not None and held.keys is not None and held.keys.offer == keys.offer:
            served = held.offer, held.hours
        else:
            offer = load_offer(session, stations.table, keys.offer)
            served = offer, HoursTable(stations.table.stations, load_calendar(session))
    far = held.far if held is not None and held.city is city else FarTables(store, city.inputs["network"])
    made = replace(assemble(city, stations, method, searchers, keys, served=served), far=far)
    if held is not None and held.version == made.version:
        # another state of the database with the same content, but for what is offered
        return replace(held, keys=keys, offer=made.offer, hours=made.hours)
    return made


def assemble(
    city: CityPart,
    stations: StationPart,
    method: MethodSettings,
    searchers: tuple[Searcher, Searcher] | None = None,
    keys: SnapshotKeys | None = None,
    *,
    served: tuple[Offer, HoursTable] | None = None,
) -> Snapshot:
    """One snapshot of two parts. ``searchers`` are those of the city's two variants where they are there already.

    Without ``served`` nothing is taught, and holidays are those that the library announces.
    """
    everywhere, step_free = searchers or _searchers(city, None)
    offer, hours = served or (
        offer_of([], [], stations.table, "none"),
        HoursTable(stations.table.stations, Calendar.of_library()),
    )
    content = [METHOD_VERSION, method.model_dump(mode="json"), city.key, stations.key, stations.reach_part.key]
    return Snapshot(
        version=_hash(content),
        method=method,
        city=city,
        stations=stations,
        searcher=everywhere,
        searcher_step_free=step_free,
        offer=offer,
        hours=hours,
        keys=keys,
    )


def _city(session: Session, store: PackStore, key: str, method: MethodSettings, held: Snapshot | None) -> CityPart:
    name = store.find(CITY, key)
    if held is not None and (held.city.key == name or (held.keys is not None and held.keys.city == key)):
        return held.city
    try:
        return store.open(CITY, key).read_by(read_city)
    except PackBroken:
        pack = store.keep(CITY, key, build_city(session, method))
    return held.city if held is not None and held.city.key == pack.name else read_city(pack)


def _searchers(city: CityPart, held: Snapshot | None) -> tuple[Searcher, Searcher]:
    """Those held, with their work arrays, where the streets are the same."""
    if held is not None and held.city is city:
        return held.searcher, held.searcher_step_free
    return Searcher.of(city.network, step_free=False), Searcher.of(city.network, step_free=True)


def _hash(values: list[Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:20]
