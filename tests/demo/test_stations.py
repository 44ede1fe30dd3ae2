"""Invented stations at plausible places, plainly marked as such."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import shapely

from app.demo import facts
from app.demo.city import DemoCity
from app.demo.plane import geometry_to_plane
from app.demo.shares import towns_of
from app.demo.towns import partition
from app.models.vocabularies import StationStatus, StationType


def test_codes_names_and_places_agree(small_city: DemoCity) -> None:
    stations = small_city.stations
    assert len(stations) == 120 and len({s.code for s in stations}) == 120 and len({s.name for s in stations}) == 120
    town = towns_of(partition(), np.array([s.lng for s in stations]), np.array([s.lat for s in stations]))
    for station, k in zip(stations, town.tolist(), strict=True):
        fact = facts.towns()[k]
        assert re.fullmatch(rf"YC{fact.district_code}-\d{{3}}", station.code)
        assert fact.name in station.name and station.name.startswith("羊城技能加油站(") and "示范站" in station.name
        assert station.address and "示范地址" in station.address


def test_every_district_has_stations_of_several_kinds(small_city: DemoCity) -> None:
    assert {s.code[2:8] for s in small_city.stations} == {d.code for d in facts.districts()[:-1]}
    assert set(Counter(s.type for s in small_city.stations)) == set(StationType)
    status = Counter(s.status for s in small_city.stations)
    assert status[StationStatus.OPEN] > 0.8 * 120 and len(status) >= 3


def test_stations_stand_beside_a_street(small_city: DemoCity) -> None:
    rows = small_city.rows
    number = np.repeat(np.arange(len(rows.edge_id)), np.diff(rows.geom_ptr))
    lines = shapely.linestrings(np.column_stack([rows.geom_lng, rows.geom_lat]), indices=number)
    points = shapely.points([s.lng for s in small_city.stations], [s.lat for s in small_city.stations])
    tree = shapely.STRtree(geometry_to_plane(lines))
    away = tree.query_nearest(geometry_to_plane(points), return_distance=True, all_matches=False)[1]
    assert away.max() < 30.0 and away.min() > 0.0


def test_dates_follow_each_other_and_fit_the_status(small_city: DemoCity) -> None:
    for s in small_city.stations:
        given = [d for d in (s.selected_on, s.plaque_hung_on, s.opened_on, s.closed_on) if d is not None]
        assert given == sorted(given) and all(d <= small_city.spec.as_of for d in given)
        assert (s.closed_on is not None) == (s.status is StationStatus.CLOSED)
        assert (s.opened_on is not None) == (
            s.status in {StationStatus.OPEN, StationStatus.SUSPENDED, StationStatus.CLOSED}
        )
