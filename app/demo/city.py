"""The whole demonstration city as plain values: generate(spec) is a pure function of its spec."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import shapely

from app.demo import facts
from app.demo.people import cell_people
from app.demo.plane import BoolArray, FloatArray, IntArray
from app.demo.records import with_records
from app.demo.rows import street_rows
from app.demo.settlement import built_blocks, neighbourhoods, town_people
from app.demo.shares import frontage_by_cell, remote_cells, towns_of
from app.demo.spec import CitySpec
from app.demo.stations import invent_stations
from app.demo.streets import draw_streets
from app.demo.towns import Partition, partition
from app.geo.network import StreetRows
from app.models.vocabularies import AreaLevel, BoundaryKind
from app.services.loading import NewArea, NewStation

Tell = Callable[[str], None]


@dataclass(frozen=True)
class DemoCity:
    """Everything that is loaded, and what it was made from.

    ``cells`` (H3 resolution 9, ascending) and ``people`` run in parallel; ``town_people`` (persons) and
    ``town_people_known`` (rests on a published town figure) follow ``facts.towns()``.
    """

    spec: CitySpec
    areas: Sequence[NewArea]
    rows: StreetRows
    cells: IntArray
    people: FloatArray
    stations: Sequence[NewStation]
    town_people: FloatArray
    town_people_known: BoolArray
    bridges_left_out: Sequence[str]


def new_areas(whole: Partition) -> list[NewArea]:
    """City, districts and towns, parents first."""
    district_name = {d.code: d.name for d in facts.districts()}
    kind = BoundaryKind.APPROXIMATE
    city = NewArea(facts.CITY_CODE, AreaLevel.CITY, district_name[facts.CITY_CODE], None, kind, whole.city)
    districts = [
        NewArea(code, AreaLevel.DISTRICT, district_name[code], facts.CITY_CODE, kind, outline)
        for code, outline in zip(whole.district_codes, whole.districts, strict=True)
    ]
    towns = [
        NewArea(town.code, AreaLevel.TOWN, town.name, town.district_code, kind, outline)
        for town, outline in zip(facts.towns(), whole.towns, strict=True)
    ]
    return [city, *districts, *towns]


def _edge_towns(rows: StreetRows, whole: Partition) -> IntArray:
    """The town that holds both ends of a street, -1 where they lie in two."""
    town = towns_of(whole, rows.node_lng, rows.node_lat)
    u, v = town[rows.source - 1], town[rows.target - 1]
    return np.where(u == v, u, -1)


def generate(spec: CitySpec, tell: Tell = lambda text: None) -> DemoCity:
    """The demonstration city of a spec. ``tell`` hears what is being made, for a progress display."""
    tell("行政区划 areas")
    whole = partition()
    people, known = town_people(whole)
    seeds = neighbourhoods(spec, whole, people)
    blocks = built_blocks(spec, whole, people, seeds)
    tell("路网 streets")
    draft, left_out = draw_streets(spec, whole, seeds, blocks)
    rows = street_rows(draft)
    tell("人口 population")
    frontage = frontage_by_cell(rows, whole)
    remote = remote_cells(spec, whole, rows, frontage, people)
    cells, in_cells = cell_people(spec, frontage, remote, people, [t.name for t in facts.towns()])
    tell("站点 stations")
    stations = invent_stations(spec, whole, rows, _edge_towns(rows, whole), (cells, in_cells), people)
    stations = with_records(spec, stations)
    return DemoCity(spec, new_areas(whole), rows, cells, in_cells, stations, people, known, left_out)


def _digest(spec: CitySpec, kind: str) -> hashlib._Hash:
    head = json.dumps({"kind": kind, **spec.parameters()}, sort_keys=True)
    return hashlib.sha256(head.encode())


def fingerprints(city: DemoCity) -> dict[str, str]:
    """sha256 by kind of dataset, over the spec, the generator's version and every value that is loaded."""
    boundaries = _digest(city.spec, "boundaries")
    for area in city.areas:
        boundaries.update(repr((area.code, area.name, area.parent_code)).encode())
        boundaries.update(shapely.to_wkb(area.geom, byte_order=1))
    network = _digest(city.spec, "network")
    for field in fields(StreetRows):
        value = getattr(city.rows, field.name)
        network.update(value.tobytes() if isinstance(value, np.ndarray) else json.dumps(value).encode())
    population = _digest(city.spec, "population")
    population.update(city.cells.tobytes())
    population.update(city.people.tobytes())
    stations = _digest(city.spec, "stations")
    for station in city.stations:
        stations.update(repr([str(getattr(station, f.name)) for f in fields(station)]).encode())
    return {
        "boundaries": boundaries.hexdigest(),
        "network": network.hexdigest(),
        "population": population.hexdigest(),
        "stations": stations.hexdigest(),
    }
