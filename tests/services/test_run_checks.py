"""Checking a run: equal, tampered with in every place, after changes of every layer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from app.cli.main import app as cli
from app.db.engine import libpq_url, make_engine, session_scope
from app.errors import NotFound
from app.services.coverage import CoverageQuery
from app.services.profiles import resolve_profile
from app.services.run_checks import CheckVerdict, check_run
from app.services.runs import store_run
from app.services.snapshot import ensure_snapshot
from app.settings import HomeSettings, MethodSettings
from tests.conftest import MakeDatabase
from tests.support.cities import load_block_city

QUERY = CoverageQuery(resolve_profile(speed_kmh=4.0), date(2026, 11, 20), 5.0, ("community",))
EQUAL, DIFFERS, CHANGED = CheckVerdict.EQUAL, CheckVerdict.DIFFERS, CheckVerdict.INPUTS_CHANGED


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> HomeSettings:
    return HomeSettings(home=tmp_path_factory.mktemp("checks"))


@pytest.fixture(scope="module")
def engine(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as session:
        load_block_city(session)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def run(engine: Engine, home: HomeSettings) -> str:
    snapshot = ensure_snapshot(engine, home)
    with session_scope(engine) as session:
        return store_run(session, snapshot, QUERY).id


def change(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_a_run_is_equal_to_itself(engine: Engine, home: HomeSettings, run: str) -> None:
    check = check_run(engine, home, run)
    assert (check.verdict, check.changed, check.since, check.stations_known_at) == (EQUAL, [], [], None)
    assert check.areas == 3 and check.cells > 10 and check.software_then == check.software_now


@pytest.mark.parametrize(
    ("tamper", "mend", "found"),
    [
        (
            "UPDATE coverage_area_results SET covered = covered + 1, uncovered = uncovered - 1 WHERE level = 'city'",
            "UPDATE coverage_area_results SET covered = covered - 1, uncovered = uncovered + 1 WHERE level = 'city'",
            {("T1", "covered"), ("T1", "uncovered")},
        ),
        (
            "UPDATE coverage_runs SET results_sha256 = 'x' || results_sha256",
            "UPDATE coverage_runs SET results_sha256 = substr(results_sha256, 2)", {("record", "results_sha256")},
        ),
        (
            "UPDATE coverage_runs SET minutes = 6.0", "UPDATE coverage_runs SET minutes = 5.0", {("record", "minutes")},
        ),
        (
            "UPDATE coverage_runs SET inputs = jsonb_set(inputs, '{layers,network}', '\"x\"')",
            None, {("record", "id")},
        ),
    ],
    ids=["row", "checksum", "minutes", "inputs"],
)  # fmt: skip
def test_what_was_tampered_with_is_named(
    engine: Engine, home: HomeSettings, run: str, tamper: str, mend: str | None, found: set[tuple[str, str]]
) -> None:
    with engine.connect() as connection:
        inputs = connection.scalar(text("SELECT inputs::text FROM coverage_runs"))
    change(engine, tamper)
    try:
        check = check_run(engine, home, run)
        assert check.verdict is DIFFERS
        assert {(one.row, one.figure) for one in [*check.record, *check.area_differences]} == found
        assert check.cell_differences == []
    finally:
        if mend is not None:
            change(engine, mend)
        else:
            with engine.begin() as connection:
                connection.execute(text("UPDATE coverage_runs SET inputs = CAST(:was AS jsonb)"), {"was": inputs})
    assert check_run(engine, home, run).verdict is EQUAL


def test_cells_altered_missing_and_added_are_named(engine: Engine, home: HomeSettings, run: str) -> None:
    with engine.connect() as connection:
        cells = [row[0] for row in connection.execute(text("SELECT cell FROM coverage_cell_results ORDER BY cell"))]
    keep = "CREATE TABLE kept_cells AS SELECT * FROM coverage_cell_results"
    change(
        engine, keep, f"UPDATE coverage_cell_results SET nearest_station = 'T-X' WHERE cell = {cells[0]}",
        f"DELETE FROM coverage_cell_results WHERE cell = {cells[1]}",
        f"UPDATE coverage_cell_results SET cell = 7 WHERE cell = {cells[2]}",
    )  # fmt: skip
    try:
        check = check_run(engine, home, run)
        rows = {one.row for one in check.cell_differences}
        assert check.verdict is DIFFERS and rows == {"7", *(f"{cell:x}" for cell in cells[:3])}
        altered = [one for one in check.cell_differences if one.row == f"{cells[0]:x}"]
        assert [(one.figure, one.kept) for one in altered] == [("nearest_station", "T-X")]
        assert not check.area_differences and not check.record
    finally:
        change(
            engine, "TRUNCATE coverage_cell_results", "INSERT INTO coverage_cell_results SELECT * FROM kept_cells",
            "DROP TABLE kept_cells",
        )  # fmt: skip


def test_stations_that_changed_since_are_taken_from_their_history(
    engine: Engine, home: HomeSettings, run: str
) -> None:  # fmt: skip
    change(engine, "UPDATE stations SET status = 'suspended' WHERE code = 'T-W'")
    try:
        check = check_run(engine, home, run)
        assert (check.verdict, check.changed, check.since) == (EQUAL, [], ["stations"])
        assert check.stations_known_at is not None
    finally:
        change(engine, "UPDATE stations SET status = 'open' WHERE code = 'T-W'")
    assert check_run(engine, home, run).since == []


@pytest.mark.parametrize(
    ("statements", "layers"),
    [
        (["UPDATE population_cells SET people = people + 7"], ["population"]),
        (["UPDATE walk_edges SET length_m = length_m * 1.5"], ["network"]),
        (["UPDATE areas SET geom = ST_Multi(ST_Buffer(geom, -0.0001)) WHERE code = 'T101'"], ["boundaries"]),
    ],
    ids=["population", "network", "boundaries"],
)
def test_other_layers_that_changed_are_named(
    make_database: MakeDatabase, tmp_path: Path, statements: list[str], layers: list[str]
) -> None:
    engine, home = make_engine(make_database()), HomeSettings(home=tmp_path)
    with session_scope(engine) as session:
        load_block_city(session)
    snapshot = ensure_snapshot(engine, home)
    with session_scope(engine) as session:
        stored = store_run(session, snapshot, QUERY).id
    change(engine, *statements)
    check = check_run(engine, home, stored)
    assert check.verdict is CHANGED and check.changed == layers and check.since == []
    assert [one.figure for one in check.record] == [], "it still is what it was"
    engine.dispose()


def test_a_new_name_of_an_area_is_no_other_figure(engine: Engine, home: HomeSettings, run: str) -> None:
    change(engine, "UPDATE areas SET name = name || '新' WHERE code = 'T101'")
    assert check_run(engine, home, run).verdict is EQUAL


def test_limits_of_the_run_are_used_whatever_the_settings(
    engine: Engine, home: HomeSettings, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = MethodSettings(snap_limit_m=1.0, link_limit_m=20.0)
    monkeypatch.setattr("app.services.run_checks.method_settings", lambda: other)
    assert check_run(engine, home, run).verdict is EQUAL


def test_another_method_is_named(
    engine: Engine, home: HomeSettings, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr("app.services.run_checks.METHOD_VERSION", "of the future")
    check = check_run(engine, home, run)
    assert (check.verdict, check.changed) == (CHANGED, ["method"])


def test_no_such_run(engine: Engine, home: HomeSettings) -> None:
    with pytest.raises(NotFound):
        check_run(engine, home, "none")


def test_the_command_says_so_and_ends_with_0_or_1(engine: Engine, run: str) -> None:
    url = libpq_url(engine.url.render_as_string(hide_password=False))

    def verify(*arguments: str) -> Any:
        return CliRunner().invoke(cli, ["coverage", "verify", run, *arguments], env={"DATABASE_URL": url})

    done = verify()
    assert done.exit_code == 0 and "equal" in done.stdout
    assert json.loads(verify("--json").stdout)["verdict"] == "equal"
    change(engine, "UPDATE coverage_area_results SET stations = stations + 1 WHERE area_code = 'T1'")
    try:
        done = verify()
        assert done.exit_code == 1 and "T1 stations" in done.stdout and "differs" in done.stdout
        told = json.loads(verify("--json").stdout)
        assert told["verdict"] == "differs" and told["differences"]["areas"][0]["row"] == "T1"
    finally:
        change(engine, "UPDATE coverage_area_results SET stations = stations - 1 WHERE area_code = 'T1'")
    missing = CliRunner().invoke(cli, ["coverage", "verify", "none"], env={"DATABASE_URL": url})
    assert missing.exit_code == 1
