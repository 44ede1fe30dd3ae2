"""Ask every kind of question once: compiles the kernels (kept beside the database) or loads them, and fills caches."""

from __future__ import annotations

import time
from dataclasses import replace

from app.errors import DomainError
from app.geo.crs import Crs
from app.models.vocabularies import AreaLevel
from app.services.attendable import Wanted, next_sessions
from app.services.capacity import capacity
from app.services.coverage import CoverageQuery, coverage_curve, coverage_table
from app.services.coverage_cells import cell_figures
from app.services.gaps import coverage_gaps
from app.services.isochrones import DEFAULT_MINUTES, isochrones_of_position
from app.services.nearest import NearestQuery, Order, find_nearest, with_beyond
from app.services.offer import ANY_COURSE
from app.services.positions import Position
from app.services.profiles import resolve_profile
from app.services.routes import find_route
from app.services.scenario_changes import ChangeKind, Proposed
from app.services.scenarios import ScenarioQuery, evaluate
from app.services.search_index import index_of
from app.services.served_by import served_by_matrix
from app.services.siting import site
from app.services.siting_question import GivenCandidate, SitingQuestion
from app.services.snapshot import Snapshot
from app.services.station_part import rehearse_change
from app.services.station_table import today
from app.services.tiles import warm_tiles
from app.services.uncertainty import coverage_uncertainty


def warm(snapshot: Snapshot) -> float:
    """Seconds taken. What cannot be answered (no people, no areas) is left out."""
    started = time.perf_counter()
    profile, day = resolve_profile(), today()
    network = snapshot.network
    rehearse_change(snapshot.city, snapshot.searcher)
    index_of(snapshot)
    longest = int(network.edge_mm.argmax()) if network.edge_count else -1
    if longest >= 0:
        at = network.geom_ptr[longest]
        lng, lat = float(network.geom_lng[at]), float(network.geom_lat[at])
        position = Position(lng, lat, Crs.WGS84, lng, lat)
        try:
            now_s = int(time.time())
            nearest = NearestQuery(profile, day, leave_s=now_s)
            attended = replace(nearest, wanted=Wanted(session_until_s=now_s + 86_400), order=Order.SESSION)
            next_sessions(snapshot, 0, now_s, ANY_COURSE, 1)
            find_nearest(snapshot, position, attended)
            found = with_beyond(snapshot, position, nearest, find_nearest(snapshot, position, nearest))
            hit = found.hits[0] if found.hits else found.beyond
            if hit is not None:
                find_route(snapshot, hit.station.code, position, profile)
            for hexes in (False, True):
                isochrones_of_position(snapshot, position, DEFAULT_MINUTES, profile, hexes=hexes)
        except DomainError:
            pass  # that street is on an island: the kernels have run all the same
    try:
        query = CoverageQuery(profile, day)
        cell_figures(snapshot, query)
        levels = {area.level for area in snapshot.areas.areas}
        for level in levels:
            coverage_uncertainty(snapshot, query, coverage_table(snapshot, query, level).rows)
            coverage_gaps(snapshot, query, level=level, limit=1)
            served_by_matrix(snapshot, query, level, level)
        if AreaLevel.CITY in levels:
            coverage_curve(snapshot, query)
    except DomainError:
        pass  # no people yet
    for step_free in (False, True):
        searcher, places, _ = snapshot.variant(step_free=step_free)
        snapshot.far.build(network, searcher, places, step_free=step_free)
    return time.perf_counter() - started


def warm_planning(snapshot: Snapshot) -> None:
    """Ask what planners ask, once: compiles those kernels. A worker keeps nothing of it until somebody asks."""
    query = CoverageQuery(resolve_profile(), today())
    try:
        capacity(snapshot, query, AreaLevel.DISTRICT)
        rehearse(snapshot, query)
    except DomainError:
        pass  # no people yet, or no street at that station
    warm_tiles(snapshot)


def rehearse(snapshot: Snapshot, query: CoverageQuery) -> None:
    """Close the first station that is open and open one where it stood, as a scenario, then as a siting.

    Raises what these raise.
    """
    station = next((s for s in snapshot.stations.table.stations if s.is_open_on(query.day)), None)
    if station is not None:
        here = Position(station.lng, station.lat, Crs.WGS84, station.lng, station.lat)
        changes = [Proposed(ChangeKind.CLOSE, station.code), Proposed(ChangeKind.ADD, type=station.type, position=here)]
        evaluate(snapshot, ScenarioQuery(query), changes, AreaLevel.DISTRICT)
        site(snapshot, SitingQuestion(query, 1, candidates=(GivenCandidate("1", None, here),)))
