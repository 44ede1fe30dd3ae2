"""Why people are in a gap: every one counted once, against reckoning it cell by cell."""

from __future__ import annotations

from dataclasses import replace

import h3
import pytest
from pyproj import Geod

from app.errors import NotWalkable
from app.models.vocabularies import AreaLevel
from app.services import gap_reasons
from app.services.coverage import CoverageQuery
from app.services.coverage_cells import CellFigures, all_cell_rows
from app.services.gaps import coverage_gaps
from app.services.nearest import NearestQuery, find_nearest, with_beyond
from app.services.positions import Position, read_position
from app.services.profiles import resolve_profile
from app.services.snapshot import Snapshot
from app.services.station_table import today

GEOD = Geod(ellps="WGS84")


@pytest.mark.parametrize(("profile", "minutes"), [("adult", 15.0), ("adult", 5.0), ("wheelchair", 15.0)])
def test_reasons_as_reckoned_cell_by_cell(demo_snapshot: Snapshot, profile: str, minutes: float) -> None:
    query = CoverageQuery(resolve_profile(profile), today(), minutes)
    anywhere = replace(query, profile=replace(query.profile, step_free=False))
    rows = {row.cell: row for row in all_cell_rows(demo_snapshot, query)}
    without_steps = {row.cell: row for row in all_cell_rows(demo_snapshot, anywhere)}
    stations = [s for s in demo_snapshot.stations.table.stations if s.is_open_on(today())]
    gaps = coverage_gaps(demo_snapshot, query, level=AreaLevel.TOWN, limit=25).gaps
    totals = [0, 0, 0]
    for gap in gaps:
        far = near = steps = 0.0
        for cell in gap.cells:
            lat, lng = h3.cell_to_latlng(h3.int_to_str(cell))
            straight_m = min(GEOD.inv(lng, lat, s.lng, s.lat)[2] for s in stations)
            only_steps = max(0.0, rows[cell].uncovered - without_steps[cell].uncovered)
            steps += only_steps
            if straight_m * 1e3 <= query.limit_mm:
                near += rows[cell].uncovered - only_steps
            else:
                far += rows[cell].uncovered - only_steps
        told = gap.reasons
        assert told.no_station_near + told.cut_off + told.steps_only + told.off_network == gap.people
        assert (told.no_station_near, told.cut_off, told.steps_only) == pytest.approx((far, near, steps), abs=1.1)
        assert told.off_network == pytest.approx(gap.off_network, abs=1)
        walks, straights = 0.0, 0.0
        for cell in gap.cells:
            lat, lng = h3.cell_to_latlng(h3.int_to_str(cell))
            place = read_position(lng, lat, "wgs84")
            straight_m = min(GEOD.inv(lng, lat, s.lng, s.lat)[2] for s in stations)
            answer = with_beyond_of(demo_snapshot, place, query)
            if answer is not None and straight_m >= 50:
                walks += answer * rows[cell].uncovered
                straights += straight_m * rows[cell].uncovered
        assert (gap.detour is None) is (straights == 0)
        assert gap.detour is None or (gap.detour == pytest.approx(walks / straights, abs=0.011) and gap.detour >= 1)
        for k, count in enumerate((told.no_station_near, told.cut_off, told.steps_only)):
            totals[k] += count
    assert totals[0] > 0 and totals[1] > 0
    assert totals[2] == 0 or query.profile.step_free


def with_beyond_of(snapshot: Snapshot, place: Position, query: CoverageQuery) -> float | None:
    """Metres walked to the nearest station, as a resident would be told; None where there is none."""
    asked = NearestQuery(query.profile, query.day, limit=1)
    try:
        answer = find_nearest(snapshot, place, asked)
    except NotWalkable:
        return None
    hit = answer.hits[0] if answer.hits else with_beyond(snapshot, place, asked, answer).beyond
    return None if hit is None else hit.walk_m


def test_who_only_steps_keep_away(demo_snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of those uncovered without steps would be covered with them (the small city has too few steps for that)."""
    query = CoverageQuery(resolve_profile("wheelchair"), today(), 14.5)
    real = gap_reasons.cell_figures

    def figures(snapshot: Snapshot, asked: CoverageQuery) -> CellFigures:
        held = real(snapshot, query)
        return held if asked.profile.step_free else replace(held, uncovered=held.uncovered / 2)

    monkeypatch.setattr(gap_reasons, "cell_figures", figures)
    for gap in coverage_gaps(demo_snapshot, query, level=AreaLevel.TOWN, limit=5).gaps:
        uncovered = gap.people - gap.off_network
        assert gap.reasons.steps_only == pytest.approx(uncovered / 2, abs=1)
        assert gap.reasons.no_station_near + gap.reasons.cut_off == pytest.approx(uncovered / 2, abs=1.1)


def test_nobody_is_served(demo_snapshot: Snapshot) -> None:
    query = CoverageQuery(resolve_profile(), today(), 15.0, ("rural",))
    none_open = replace(query, day=today().replace(year=2020))
    (gap, *_) = coverage_gaps(demo_snapshot, none_open, level=AreaLevel.CITY, limit=1).gaps
    assert gap.reasons.no_station_near + gap.reasons.off_network == gap.people and gap.detour is None
