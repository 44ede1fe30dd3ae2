"""Invented stations (示范站) of the four types at plausible places: where people live, along streets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import shapely

from app.demo import facts
from app.demo.plane import FloatArray, IntArray, to_lnglat, to_plane
from app.demo.shares import RESOLUTION
from app.demo.spec import CitySpec
from app.demo.towns import Partition
from app.demo.water import water
from app.geo.hexgrid import cells_of
from app.geo.network import StreetRows, label_components
from app.models.vocabularies import HostKind, StationStatus, StationType
from app.services.loading import NewStation

PART_STATIONS = 10
TRIES = 24  # places weighed against each other for one station
SETBACK_M = (4.0, 25.0)  # from the middle of the street
BATCH_1_SHARE = 0.84  # the plan: 250 of 300 by the end of 2025
# towns with campuses, and with industrial, logistics or business parks, by code: our own judgement
CAMPUS_TOWNS = {
    "440106001", "440106006", "440106017", "440106018", "440113011", "440113103", "440118003", "440111107",
    "440111108", "440111113", "440117001", "440117002", "440105002", "440104015", "440114002", "440115001",
}  # fmt: skip
PARK_TOWNS = {
    "440112012", "440112013", "440112011", "440112015", "440112008", "440112018", "440112017", "440113120",
    "440113102", "440115103", "440115102", "440115101", "440114109", "440114105", "440118006", "440118004",
    "440118101", "440105015", "440106013", "440106012", "440103016", "440111103", "440111010", "440117111",
}  # fmt: skip
RURAL_DISTRICTS = {"440111", "440112", "440113", "440114", "440115", "440117", "440118"}
FIRST = "棠康永和乐福安瑞景兴文明嘉怡金玉华宝晴云丰锦惠泰祥荣"
SECOND = "德宁平园苑里社岗坊塘湾桥庭村溪田围荫贤和"
HOSTS: dict[StationType, tuple[HostKind, ...]] = {
    StationType.COMMUNITY: (
        HostKind.PARTY_SERVICE_CENTRE,
        HostKind.PARTY_SERVICE_CENTRE,
        HostKind.COMMUNITY_SERVICE_CENTRE,
        HostKind.EMPLOYMENT_POST,
        HostKind.HOUSEKEEPING_SERVICE_STATION,
    ),
    StationType.RURAL: (
        HostKind.PARTY_SERVICE_CENTRE,
        HostKind.EMPLOYMENT_POST,
        HostKind.HOUSEKEEPING_SERVICE_STATION,
        HostKind.MASTER_STUDIO,
    ),
    StationType.PARK: (
        HostKind.STARTUP_PARK,
        HostKind.HR_SERVICE_PARK,
        HostKind.INCUBATION_BASE,
        HostKind.TALENT_POST,
        HostKind.INDUSTRY_EMPLOYMENT_BASE,
        HostKind.SKILLED_TALENT_BASE,
    ),
    StationType.INSTITUTION: (
        HostKind.VOCATIONAL_COLLEGE,
        HostKind.TECHNICIAN_COLLEGE,
        HostKind.TRAINING_INSTITUTION,
        HostKind.CAMPUS_EMPLOYMENT_STATION,
    ),
}


def stations_per_town(spec: CitySpec, people: FloatArray) -> IntArray:
    """How many stations each town gets: mostly by people, a little for being a town; every district at least one."""
    towns = facts.towns()
    share = 0.32 / len(towns) + 0.68 * people / people.sum()
    quota = spec.stations * share
    count: IntArray = np.floor(quota).astype(np.int64)
    for code in sorted({t.district_code for t in towns}):
        mine = np.array([i for i, t in enumerate(towns) if t.district_code == code])
        if count[mine].sum() == 0:
            count[mine[int(quota[mine].argmax())]] = 1
    rest = quota - np.floor(quota)
    # first a station for towns without one, then by what is left of the quota
    order = np.lexsort((-rest, count > 0))
    missing = spec.stations - int(count.sum())
    count[order[: max(missing, 0)]] += 1
    return count


@dataclass(frozen=True)
class _Homes:
    """Streets to choose from, by town: ``start[k]:start[k + 1]`` of ``edge`` lie in town k, with people as weight."""

    edge: IntArray
    start: IntArray
    weight: FloatArray
    crowd: FloatArray  # people of the street's cell


def _homes(rows: StreetRows, edge_town: IntArray, cells: IntArray, people: FloatArray) -> _Homes:
    n = len(rows.node_id)
    u, v = rows.source - 1, rows.target - 1
    main = label_components(n, u, v, rows.length_m)[u] == 0
    usable = np.flatnonzero(main & rows.has_frontage & (edge_town >= 0) & (rows.length_m > 25.0))
    first, last = rows.geom_ptr[:-1][usable], rows.geom_ptr[1:][usable] - 1
    cell = cells_of(
        (rows.geom_lng[first] + rows.geom_lng[last]) / 2, (rows.geom_lat[first] + rows.geom_lat[last]) / 2, RESOLUTION
    )
    at = np.minimum(np.searchsorted(cells, cell), len(cells) - 1)
    crowd = np.where(cells[at] == cell, people[at], 0.0)
    weight = rows.length_m[usable] * (crowd + 1.0)
    order = np.argsort(edge_town[usable], kind="stable")
    start = np.searchsorted(edge_town[usable][order], np.arange(len(facts.towns()) + 1))
    return _Homes(usable[order], start, weight[order], crowd[order])


def _beside(rows: StreetRows, edge: IntArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """A plane point a few metres to one side of each street's first stretch."""
    a = rows.geom_ptr[:-1][edge]
    x, y = to_plane(rows.geom_lng, rows.geom_lat)
    t = rng.uniform(0.25, 0.75, len(edge))
    dx, dy = x[a + 1] - x[a], y[a + 1] - y[a]
    off = rng.uniform(*SETBACK_M, len(edge)) * np.where(rng.random(len(edge)) < 0.5, 1.0, -1.0) / np.hypot(dx, dy)
    return x[a] + t * dx - dy * off, y[a] + t * dy + dx * off


@dataclass(frozen=True)
class _Site:
    town: int
    edge: int
    lng: float
    lat: float


def _sites(
    rows: StreetRows, partition: Partition, homes: _Homes, count: IntArray, rng: np.random.Generator
) -> list[_Site]:
    """Places of all stations, town by town: of TRIES by weight, the one farthest from those already chosen."""
    sites: list[_Site] = []
    taken = np.zeros((0, 2))
    for k in np.flatnonzero(count):
        part = slice(homes.start[k], homes.start[k + 1])
        chance = homes.weight[part] / homes.weight[part].sum()
        for _ in range(count[k]):
            edge = homes.edge[part][rng.choice(len(chance), TRIES, p=chance)]
            x, y = _beside(rows, edge, rng)
            lng, lat = to_lnglat(x, y)
            fits = shapely.contains_xy(partition.towns[k], lng, lat) & ~water().holds(x, y, 5.0)
            gap = np.full(TRIES, 1.0)
            if len(taken):
                gap = np.hypot(x[:, None] - taken[None, :, 0], y[:, None] - taken[None, :, 1]).min(axis=1)
            best = int(np.where(fits, np.minimum(gap, 1_800.0), -1.0).argmax())
            sites.append(_Site(int(k), int(edge[best]), float(lng[best]), float(lat[best])))
            taken = np.vstack([taken, [[x[best], y[best]]]])
    return sites


def _type(town: facts.TownFact, crowd: float, rng: np.random.Generator) -> StationType:
    draw = rng.random()
    if town.code in CAMPUS_TOWNS and draw < 0.45:
        return StationType.INSTITUTION
    if town.code in PARK_TOWNS and draw > 0.55:
        return StationType.PARK
    if town.district_code in RURAL_DISTRICTS and town.kind == "镇" and crowd < 1_500.0:
        return StationType.RURAL
    if draw < 0.04:
        return StationType.INSTITUTION
    return StationType.PARK if draw > 0.95 else StationType.COMMUNITY


@dataclass(frozen=True)
class _Life:
    status: StationStatus
    selected_on: date | None = None
    plaque_hung_on: date | None = None
    opened_on: date | None = None
    closed_on: date | None = None


def _life(first_batch: bool, as_of: date, rng: np.random.Generator) -> _Life:
    """Dates as the plan has them: first batch selected by June 2025, second in the first quarter of 2026."""
    if first_batch:
        selected = date(2025, 6, 3) + timedelta(days=int(rng.integers(0, 27)))
        plaque = selected + timedelta(days=int(rng.integers(40, 130)))
    else:
        selected = date(2026, 1, 12) + timedelta(days=int(rng.integers(0, 78)))
        plaque = selected + timedelta(days=int(rng.integers(45, 200)))
    opened = plaque + timedelta(days=int(rng.integers(3, 45)))
    draw = rng.random()
    if not first_batch and draw < 0.10:
        return _Life(StationStatus.PLANNED)
    if opened > as_of or (not first_batch and draw < 0.22):
        return _Life(StationStatus.SELECTED, selected)
    if draw > 0.985:
        closed = min(opened + timedelta(days=int(rng.integers(150, 400))), as_of)
        return _Life(StationStatus.CLOSED, selected, plaque, opened, closed)
    if draw > 0.965:
        return _Life(StationStatus.SUSPENDED, selected, plaque, opened)
    return _Life(StationStatus.OPEN, selected, plaque, opened)


def _names(count: int, rng: np.random.Generator) -> list[str]:
    """Two-character place names that differ within one town."""
    pairs = rng.permutation(len(FIRST) * len(SECOND))[:count]
    return [FIRST[p // len(SECOND)] + SECOND[p % len(SECOND)] for p in pairs.tolist()]


def invent_stations(
    spec: CitySpec,
    partition: Partition,
    rows: StreetRows,
    edge_town: IntArray,
    population: tuple[IntArray, FloatArray],
    town_people: FloatArray,
) -> Sequence[NewStation]:
    """``spec.stations`` stations by code; ``edge_town`` is the town of every street, -1 where it crosses a border."""
    rng = spec.generator(PART_STATIONS)
    towns = facts.towns()
    district_name = {d.code: d.name for d in facts.districts()}
    count = stations_per_town(spec, town_people)
    homes = _homes(rows, edge_town, *population)
    crowd = dict(zip(homes.edge.tolist(), homes.crowd.tolist(), strict=True))
    sites = _sites(rows, partition, homes, count, rng)
    first_batch = rng.permutation(len(sites)) < round(BATCH_1_SHARE * len(sites))
    names = {k: _names(int(count[k]), rng) for k in np.flatnonzero(count).tolist()}
    serial = dict.fromkeys(partition.district_codes, 0)
    made: list[NewStation] = []
    for site, early in zip(sites, first_batch.tolist(), strict=True):
        town = towns[site.town]
        serial[town.district_code] += 1
        kind = _type(town, crowd[site.edge], rng)
        life = _life(bool(early), spec.as_of, rng)
        street = rows.name[site.edge] or "示范巷"
        door = f"{town.name}{street},{int(rng.integers(1, 300))}号(示范地址)"
        made.append(
            NewStation(
                code=f"YC{town.district_code}-{serial[town.district_code]:03d}",
                name=f"羊城技能加油站({town.name}{names[site.town].pop()}示范站)",
                type=kind,
                host_kind=HOSTS[kind][int(rng.integers(0, len(HOSTS[kind])))],
                status=life.status,
                address=f"广州市{district_name[town.district_code]}{door}",
                selected_on=life.selected_on,
                plaque_hung_on=life.plaque_hung_on,
                opened_on=life.opened_on,
                closed_on=life.closed_on,
                lng=site.lng,
                lat=site.lat,
                source_crs="wgs84",
                source_lng=site.lng,
                source_lat=site.lat,
            )
        )
    return made
