"""The filters of station lists, against the same rules said in Python."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from app.models.vocabularies import DatasetKind, HostKind, StationStatus, StationType
from app.repositories.stations import (
    StationFilter,
    StationRow,
    count_stations,
    get_station,
    list_stations,
    station_codes,
)
from app.services.loading import DatasetFacts, NewStation, load_stations
from app.services.station_table import stations_of

DAY = date(2025, 10, 1)
AROUND = [None, *(DAY + timedelta(days) for days in (-1, 0, 1))]
CASES = list(itertools.product(StationStatus, AROUND, AROUND))  # every status with every pair of opening and closing


def write(session: Session) -> list[StationRow]:
    """A station for every case, along a line from west to east."""
    kinds, hosts = list(StationType), list(HostKind)
    made = [
        NewStation(
            code=f"C-{k:03d}", name=f"站{k}", type=kinds[k % len(kinds)], host_kind=hosts[k % len(hosts)],
            status=status, address=None, selected_on=None, plaque_hung_on=None, opened_on=opened_on,
            closed_on=closed_on, lng=113.0 + k / 1000, lat=23.0, source_crs="wgs84",
            source_lng=113.0 + k / 1000, source_lat=23.0,
        )
        for k, (status, opened_on, closed_on) in enumerate(CASES)
    ]  # fmt: skip
    load_stations(session, DatasetFacts(DatasetKind.STATIONS, None, "n", "s", "l", "v", "x", synthetic=True), made, {})
    return list_stations(session, StationFilter())


def test_a_list_and_a_walk_agree_on_what_is_open(session: Session) -> None:
    rows = write(session)
    assert len(rows) == len(CASES) == 80
    for day in (DAY - timedelta(2), DAY - timedelta(1), DAY, DAY + timedelta(1), DAY + timedelta(2)):
        wanted = StationFilter(open_on=day)
        expected = [one.code for one in stations_of(rows, {}) if one.is_open_on(day)]
        assert [row.code for row in list_stations(session, wanted)] == expected
        assert count_stations(session, wanted) == len(expected)
        assert 0 < len(expected) < len(rows)


def test_filters_hold_together(session: Session) -> None:
    rows = write(session)
    wanted = StationFilter(types=["park", "rural"], host_kinds=["other", "talent_post"], statuses=["open", "planned"])
    expected = [
        row.code
        for row in rows
        if row.type in wanted.types and row.host_kind in wanted.host_kinds and row.status in wanted.statuses
    ]
    assert expected
    assert [row.code for row in list_stations(session, wanted)] == expected
    assert count_stations(session, wanted) == len(expected)


def test_a_box_holds_its_edges(session: Session) -> None:
    write(session)
    found = list_stations(session, StationFilter(bbox=(113.003, 22.9, 113.005, 23.0)))
    assert [row.code for row in found] == ["C-003", "C-004", "C-005"]


@pytest.mark.parametrize("text", ["_", "%", "\\", "c-00_"])
def test_signs_of_patterns_are_plain_text(session: Session, text: str) -> None:
    write(session)
    assert list_stations(session, StationFilter(text=text)) == []


def test_pages_by_code(session: Session) -> None:
    rows = write(session)
    seen: list[StationRow] = []
    while page := list_stations(session, StationFilter(), after_code=seen[-1].code if seen else None, limit=7):
        assert len(page) <= 7
        seen += page
    assert seen == rows
    assert station_codes(session) == [row.code for row in rows]


def test_one_station(session: Session) -> None:
    rows = write(session)
    assert get_station(session, "C-010") == rows[10]
    assert get_station(session, "c-010") is None
    assert (rows[10].lng, rows[10].lat) == (pytest.approx(113.01), 23.0)
