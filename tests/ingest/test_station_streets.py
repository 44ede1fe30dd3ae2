"""Stations of a ledger beside streets that lead nowhere: warned of by row, kept where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.errors import ImportFailed
from app.geo.crs import Crs
from app.ingest.report import ImportReport, Severity
from app.ingest.stations import StationOptions, import_stations, read_stations
from app.models.vocabularies import DatasetKind
from app.repositories import network as network_repo
from app.repositories.stations import StationFilter, list_stations
from app.services.islands import attached_stations
from app.services.loading import DatasetFacts, load_network
from app.services.snapshot import ensure_snapshot
from app.services.streets import streets_now
from app.settings import HomeSettings, home_settings, method_settings
from tests.ingest.conftest import write
from tests.support.streets import Line, Point, at_m, rows_of

WGS84 = StationOptions(Crs.WGS84)
NODES = {
    1: at_m(0, 0), 2: at_m(900, 0), 3: at_m(1800, 0), 4: at_m(400, 200), 5: at_m(500, 200), 6: at_m(0, 3000),
    7: at_m(100, 3000), 8: at_m(1800, 1500), 9: at_m(1800, 1600),
}  # fmt: skip
LINES = [Line(1, 2), Line(2, 3), Line(4, 5), Line(6, 7), Line(3, 8, steps=True), Line(8, 9)]
STATIONS = {
    "beside": at_m(450, 10), "passes": at_m(450, 190), "hardly": at_m(450, 108), "island": at_m(50, 3010),
    "nothing": at_m(50, 4500), "stairs": at_m(1800, 1550),
}  # fmt: skip
WARNED = [
    (3, "passes", "the street 10 m away is joined to no other: it is attached to one 190 m away"),
    (5, "island", "there is no walkable street within 500 m, only one that is joined to no other, 10 m away: nobody"),
    (6, "nothing", "there is no walkable street within 500 m: nobody can walk there"),
    (7, "stairs", "no street within 500 m can be reached without steps: no wheelchair gets there"),
]  # fmt: skip


def ledger(path: Path, stations: dict[str, Point] = STATIONS) -> Path:
    rows = [f"{code},站 {code},{lng!r},{lat!r}" for code, (lng, lat) in stations.items()]
    return write(path, "\n".join(["code,name,lng,lat", *rows]))


def assert_warned(report: ImportReport) -> None:
    issues = report.of(Severity.WARNING)
    assert [(issue.row, issue.value) for issue in issues] == [(row, code) for row, code, _ in WARNED]
    for issue, (_, _, text) in zip(issues, WARNED, strict=True):
        assert text in issue.message_en and issue.field == "code" and issue.remedy_en and issue.remedy_zh
    assert "190 米" in issues[0].message_zh and "10 米" in issues[1].message_zh and not report.has_errors


def test_warned_of_by_row_from_the_database_and_from_files(
    own_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ledger(tmp_path / "a.csv")
    without = import_stations(own_engine, path, WGS84, dry_run=True)
    assert not without.issues and any("No streets are loaded" in en for _, en in without.notes)
    facts = DatasetFacts(DatasetKind.NETWORK, None, "test", "test", "none", "now", "streets", synthetic=True)
    with Session(own_engine) as session, session.begin():
        load_network(session, facts, rows_of(NODES, LINES), {})
    dry = import_stations(own_engine, path, WGS84, dry_run=True)
    assert_warned(dry)
    assert not any("streets" in en for _, en in dry.notes)
    assert_warned(import_stations(own_engine, path, WGS84))
    with Session(own_engine) as session:
        kept = {row.code: (row.lng, row.lat) for row in list_stations(session, StationFilter())}
    assert kept == STATIONS

    snapshot = ensure_snapshot(own_engine, home_settings())  # now there are files
    monkeypatch.setattr(network_repo, "read_network", refuse)
    again = import_stations(own_engine, path, WGS84)
    assert_warned(again)
    assert again.changed is False
    streets = streets_now(own_engine, home_settings(), method_settings())
    assert streets is not None
    table = snapshot.stations.table.stations
    lng, lat = np.array([s.lng for s in table]), np.array([s.lat for s in table])
    for step_free in (False, True):  # what the import says is what the service will say
        told = streets.attached(lng, lat, step_free=step_free)
        assert told == attached_stations(snapshot, step_free=step_free)
    with pytest.raises(AssertionError, match="read all the same"):
        streets_now(own_engine, HomeSettings(home=tmp_path / "elsewhere"), method_settings())


def refuse(*args: object) -> None:
    raise AssertionError("read all the same")


def test_streets_are_not_read_for_a_ledger_with_faults(tmp_path: Path) -> None:
    with pytest.raises(ImportFailed):
        read_stations(ledger(tmp_path / "a.csv", {"A": (0.0, 0.0)}), WGS84, [], loaded_streets=refuse)  # type: ignore[arg-type]
