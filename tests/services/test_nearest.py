"""The nearest stations against plain Dijkstra on the network with the stations and the position put in as nodes."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from app.errors import NotWalkable
from app.geo.crs import Crs, from_wgs84
from app.geo.snapping import Places
from app.services.attendable import Wanted
from app.services.nearest import NearestQuery, find_nearest, with_beyond
from app.services.positions import Position, read_position
from app.services.profiles import resolve_profile
from app.services.snapshot import Snapshot

DAY = date(2026, 11, 20)


def position(lng: float, lat: float) -> Position:
    return read_position(lng, lat, "wgs84")


def positions(snapshot: Snapshot, count: int, seed: int) -> list[Position]:
    """Positions up to 100 m beside random street nodes of the main part."""
    network = snapshot.network
    main = np.flatnonzero(network.everywhere.component == 0)
    rng = np.random.default_rng(seed)
    at = rng.choice(main, count)
    lng = network.node_lng[at] + rng.uniform(-1e-3, 1e-3, count)
    lat = network.node_lat[at] + rng.uniform(-1e-3, 1e-3, count)
    return [position(x, y) for x, y in zip(lng.tolist(), lat.tolist(), strict=True)]


def brute_force_mm(snapshot: Snapshot, place: Places, *, step_free: bool) -> np.ndarray:
    """Length from a place to every station, by scipy on a graph with all of them as nodes."""
    network = snapshot.network
    _, stations, _ = snapshot.variant(step_free=step_free)
    n, s = network.node_count, len(stations)
    taken = (network.edge_flags & 1) == 0 if step_free else np.ones(network.edge_count, dtype=bool)
    rows = [(network.edge_u[taken], network.edge_v[taken], network.edge_mm[taken].astype(float))]
    all_places = [(n + k, stations.take(np.array([k]))) for k in range(s)] + [(n + s, place)]
    on_edge: dict[int, list[tuple[int, int, int]]] = {}
    for node, p in all_places:
        e = int(p.edge[0])
        if e < 0:
            continue
        offset, leg = int(p.offset_mm[0]), int(p.leg_mm[0])
        for end, way in ((network.edge_u[e], offset), (network.edge_v[e], int(network.edge_mm[e]) - offset)):
            rows.append((np.array([node]), np.array([end]), np.array([max(float(way + leg), 1e-6)])))
        for other, other_offset, other_leg in on_edge.get(e, []):
            way = max(abs(offset - other_offset) + leg + other_leg, 1e-6)
            rows.append((np.array([node]), np.array([other]), np.array([float(way)])))
        on_edge.setdefault(e, []).append((node, offset, leg))
    a, b, w = (np.concatenate([r[k] for r in rows]) for k in range(3))
    # of parallel edges the shortest: sparse matrices would add them up
    low, high = np.minimum(a, b), np.maximum(a, b)
    order = np.lexsort((w, high, low))
    low, high, w = low[order], high[order], w[order]
    first = np.concatenate([[True], (low[1:] != low[:-1]) | (high[1:] != high[:-1])])
    graph = coo_matrix((w[first], (low[first], high[first])), shape=(n + s + 1, n + s + 1)).tocsr()
    return dijkstra(graph, directed=False, indices=n + s)[n : n + s]


@pytest.mark.parametrize(
    ("profile", "minutes"), [("adult", 60.0), ("senior", 60.0), ("wheelchair", 45.0), ("adult", 15.0)]
)
def test_equal_to_brute_force(demo_snapshot: Snapshot, profile: str, minutes: float) -> None:
    walking = resolve_profile(profile)
    mask = demo_snapshot.open_mask(DAY)
    found = 0
    for where in positions(demo_snapshot, 12, seed=3):
        query = NearestQuery(walking, DAY, limit=50, max_minutes=minutes)
        place = demo_snapshot.snap(where.lng, where.lat, step_free=walking.step_free)
        expected = brute_force_mm(demo_snapshot, place, step_free=walking.step_free)
        within = np.flatnonzero(mask & (expected <= query.limit_mm))
        answer = find_nearest(demo_snapshot, where, query)
        got = {h.station.code: h.walk_m for h in answer.hits}
        wanted = {demo_snapshot.stations.table.stations[k].code: expected[k] / 1e3 for k in within.tolist()}
        assert got.keys() == wanted.keys()
        for code, metres in wanted.items():
            assert got[code] == pytest.approx(metres, abs=0.051)
        seconds = [h.walk_seconds for h in answer.hits]
        assert seconds == sorted(seconds)
        assert all(
            h.walk_seconds == round(h.walk_m * 3.6 / walking.speed_kmh) or
            abs(h.walk_seconds - h.walk_m * 3.6 / walking.speed_kmh) < 0.6 for h in answer.hits
        )  # fmt: skip
        found += len(wanted)
    assert found > 3, "the comparison must have something to compare"


def test_a_limit_beyond_the_table_gives_the_same_and_more(demo_snapshot: Snapshot) -> None:
    fast = resolve_profile("adult", 7.0)
    for where in positions(demo_snapshot, 8, seed=4):
        near = NearestQuery(fast, DAY, limit=50, max_minutes=41.0)
        far = NearestQuery(fast, DAY, limit=50, max_minutes=60.0)
        assert near.is_light(demo_snapshot) and not far.is_light(demo_snapshot)
        some, more = (find_nearest(demo_snapshot, where, q).hits for q in (near, far))
        assert more[: len(some)] == some


def test_beyond_is_the_first_of_an_unlimited_answer(demo_snapshot: Snapshot) -> None:
    seen = 0
    for where in positions(demo_snapshot, 12, seed=5):
        query = NearestQuery(resolve_profile(), DAY, max_minutes=3.0)
        answer = find_nearest(demo_snapshot, where, query)
        if answer.hits:
            continue
        beyond = with_beyond(demo_snapshot, where, query, answer).beyond
        place = demo_snapshot.snap(where.lng, where.lat, step_free=False)
        expected = np.where(demo_snapshot.open_mask(DAY), brute_force_mm(demo_snapshot, place, step_free=False), np.inf)
        assert beyond is not None and beyond.walk_m == pytest.approx(expected.min() / 1e3, abs=0.051)
        seen += 1
    assert seen > 3


def test_the_same_place_in_any_coordinate_system(demo_snapshot: Snapshot) -> None:
    query = NearestQuery(resolve_profile(), DAY)
    compared = 0
    for where in positions(demo_snapshot, 10, seed=6):
        hits = find_nearest(demo_snapshot, where, query).hits
        for crs in Crs:
            lng, lat = from_wgs84(where.lng, where.lat, crs)
            same = read_position(float(lng), float(lat), crs.value)
            assert [(h.station.code, h.walk_seconds) for h in find_nearest(demo_snapshot, same, query).hits] == [
                (h.station.code, h.walk_seconds) for h in hits
            ]
            compared += len(hits)
    assert compared > 10


def test_types_and_days_are_filters(demo_snapshot: Snapshot) -> None:
    (where,) = positions(demo_snapshot, 1, seed=7)
    parks = NearestQuery(resolve_profile(), DAY, 50, 60.0, Wanted(types=("park",)))
    only = find_nearest(demo_snapshot, where, parks).hits
    assert {h.station.type for h in only} <= {"park"}
    early = find_nearest(demo_snapshot, where, NearestQuery(resolve_profile(), date(2024, 1, 1), 50)).hits
    assert early == []


def test_where_nobody_can_walk(demo_snapshot: Snapshot) -> None:
    query = NearestQuery(resolve_profile(), DAY)
    with pytest.raises(NotWalkable, match="outside"):
        find_nearest(demo_snapshot, position(114.9, 21.9), query)  # the sea


def test_evidence_tells_where_the_street_is(demo_snapshot: Snapshot) -> None:
    for where in positions(demo_snapshot, 5, seed=8):
        snap = find_nearest(demo_snapshot, where, NearestQuery(resolve_profile(), DAY)).snap
        assert 0 <= snap.snap_m < 160 and snap.component == 0
        assert abs(snap.lng - where.lng) < 2e-3 and abs(snap.lat - where.lat) < 2e-3
