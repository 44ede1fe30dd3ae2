"""Coverage by area over HTTP: the service's figures, which add up in every form."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import Any

import pytest
import shapely.geometry

from app.api.schemas.coverage import CoverageFeatures, CoverageTable
from app.models.vocabularies import AreaLevel
from app.services.coverage import CoverageQuery, coverage_table
from app.services.profiles import resolve_profile
from app.services.snapshot import Snapshot
from app.services.station_table import today
from app.services.uncertainty import coverage_uncertainty
from tests.api.conftest import TestClient

PATH = "/v1/coverage"
FIGURES = ("population", "covered", "uncovered", "off_network", "stations", "stations_off_network")


def get(client: TestClient, **params: Any) -> Any:
    answer = client.get(PATH, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("profile", ["adult", "senior", "wheelchair", "gb50180"])
@pytest.mark.parametrize("level", ["city", "district", "town"])
def test_rows_are_those_of_the_service(
    client: TestClient, demo_snapshot: Snapshot, level: str, profile: str
) -> None:  # fmt: skip
    body = get(client, level=level, profile=profile)
    assert CoverageTable.model_validate(body, extra="forbid") and set(body) == set(CoverageTable.model_fields)
    query = CoverageQuery(resolve_profile(profile), today())
    expected = coverage_table(demo_snapshot, query, AreaLevel(level))
    assert body["run_id"] == expected.run_id and body["inputs"] == demo_snapshot.inputs
    assert [
        (r["code"], r["population"], r["covered"], r["uncovered"], r["off_network"], r["rate"],
         r["median_walk_minutes"], r["stations"], r["stations_off_network"], r["boundary_kind"]) for r in body["rows"]
    ] == [
        (r.area.code, r.population, r.covered, r.uncovered, r.off_network, r.rate, r.median_walk_minutes, r.stations,
         r.stations_off_network, r.area.boundary_kind) for r in expected.rows
    ]  # fmt: skip


@pytest.mark.parametrize("params", [{}, {"minutes": 7.3}, {"profile": "senior"}])
def test_rows_say_how_sure_they_are(client: TestClient, demo_snapshot: Snapshot, params: dict[str, Any]) -> None:
    body = get(client, level="district", **params)
    query = CoverageQuery(resolve_profile(params.get("profile", "adult")), today(), params.get("minutes", 15.0))
    expected = coverage_uncertainty(demo_snapshot, query, coverage_table(demo_snapshot, query, AreaLevel.DISTRICT).rows)
    assert [row["interval"] for row in body["rows"]] == [vars(interval) for interval in expected.intervals]
    assert [row["within_one_minute"] for row in body["rows"]] == [
        {"gain": band.gain, "loss": band.loss, "total": band.gain + band.loss} for band in expected.bands
    ]
    for row in body["rows"]:
        assert row["interval"]["low"] < row["covered"] < row["interval"]["high"]
    varied = body["uncertainty"]
    speed = body["profile"]["speed_kmh"]
    assert varied["speeds_kmh"] == pytest.approx([0.9 * speed, speed, 1.1 * speed])
    assert varied["link_limits_m"] == varied["snap_limits_m"] == [250, 500, 1000] and varied["combinations"] == 9
    (source,) = varied["sources"]
    known = client.get(f"/v1/datasets/{source['dataset_id']}").json()
    assert {name: known[name] for name in ("name", "sha256", "role", "synthetic")} == {
        name: source[name] for name in ("name", "sha256", "role", "synthetic")
    }
    assert known["kind"] == "population" and source["role"] == "main"


@pytest.mark.parametrize("params", [{}, {"minutes": 7.3}, {"profile": "wheelchair"}, {"station_type": "park"}])
def test_everybody_is_counted_once(client: TestClient, params: dict[str, Any]) -> None:
    tables = {level: get(client, level=level, **params) for level in ("city", "district", "town")}
    assert [len(tables[level]["rows"]) for level in tables] == [1, 11, 176]
    for table in tables.values():
        for row in (*table["rows"], table["totals"]):
            assert row["covered"] + row["uncovered"] + row["off_network"] == row["population"]
            assert min(row[name] for name in FIGURES) >= 0
        for name in FIGURES:
            assert table["totals"][name] == sum(row[name] for row in table["rows"])
    for district in tables["district"]["rows"]:
        towns = [row for row in tables["town"]["rows"] if row["parent_code"] == district["code"]]
        for name in FIGURES:
            assert district[name] == sum(row[name] for row in towns)
    assert tables["city"]["totals"] == tables["district"]["totals"] == tables["town"]["totals"]


def test_longer_walks_and_more_stations_cover_more(client: TestClient) -> None:
    covered = [get(client, level="city", minutes=m)["totals"]["covered"] for m in (1, 5, 15, 30, 60)]
    assert covered == sorted(covered) and covered[0] < covered[-1]
    everything, parks = get(client, level="city"), get(client, level="city", station_type="park")
    assert parks["totals"]["covered"] < everything["totals"]["covered"]
    assert parks["station_types"] == ["park"] and parks["run_id"] != everything["run_id"]
    both = get(client, level="city", station_type=["park", "community"])
    assert both["station_types"] == ["community", "park"]
    before = get(client, level="city", as_of="2020-01-01")
    assert before["totals"]["covered"] == before["totals"]["stations"] == 0 and before["as_of"] == "2020-01-01"


def test_within(client: TestClient) -> None:
    towns = get(client, level="town", within="440106")
    assert towns["rows"] and all(row["code"].startswith("440106") for row in towns["rows"])
    (district,) = get(client, level="district", within="440106")["rows"]
    for name in FIGURES:
        assert towns["totals"][name] == district[name]
    none = get(client, level="city", within="440106")
    assert none["rows"] == [] and none["totals"]["population"] == 0 and none["totals"]["rate"] is None


def test_as_a_sheet(client: TestClient) -> None:
    answer = client.get(PATH, params={"level": "town", "format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="coverage-town-')
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    expected = get(client, level="town")
    assert [(r["代码"], r["名称"], int(r["居民"]), int(r["已覆盖"]), int(r["未覆盖"])) for r in rows] == [
        (r["code"], r["name"], r["population"], r["covered"], r["uncovered"]) for r in expected["rows"]
    ]
    assert [
        (
            int(r["已覆盖下限"]),
            int(r["已覆盖上限"]),
            float(r["覆盖率下限"]),
            float(r["覆盖率上限"]),
            int(r["一分钟之差的居民"]),
        )
        for r in rows
    ] == [
        (*(r["interval"][name] for name in ("low", "high", "rate_low", "rate_high")), r["within_one_minute"]["total"])
        for r in expected["rows"]
    ]
    assert [(int(r["站点数"]), int(r["路网外站点"])) for r in rows] == [
        (r["stations"], r["stations_off_network"]) for r in expected["rows"]
    ]
    assert {r["运行编号"] for r in rows} == {expected["run_id"]}
    assert all("合成数据" in r["数据说明"] for r in rows)
    english = client.get(PATH, params={"level": "town", "format": "csv"}, headers={"Accept-Language": "en"})
    assert english.content.decode("utf-8-sig").startswith("code,name,parent_code,population,")


def test_as_geojson(client: TestClient, demo_snapshot: Snapshot) -> None:
    answer = client.get(PATH, params={"level": "district", "format": "geojson"})
    assert answer.headers["content-type"] == "application/geo+json"
    body = answer.json()
    assert CoverageFeatures.model_validate(body, extra="forbid")
    rows = get(client, level="district")
    assert [f["properties"] for f in body["features"]] == rows["rows"] and body["totals"] == rows["totals"]
    for feature in body["features"]:
        outline = demo_snapshot.areas.outlines[demo_snapshot.areas.at[feature["id"]]]
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.is_valid and shape.area == pytest.approx(outline.area, rel=1e-4)
    simple = client.get(PATH, params={"level": "district", "format": "geojson", "simplify_m": 200})
    assert len(simple.content) < len(answer.content) / 2


def test_kept_until_data_question_language_or_day_change(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    first = client.get(PATH, params={"level": "city"})
    held = {"If-None-Match": first.headers["etag"]}
    again = client.get(PATH, params={"level": "city"}, headers=held)
    assert again.status_code == 304 and again.content == b"" and again.headers["etag"] == first.headers["etag"]
    for params, headers in (
        ({"level": "city", "minutes": 14}, held),
        ({"level": "city", "format": "csv"}, held),
        ({"level": "city"}, {**held, "Accept-Language": "en"}),
    ):
        assert client.get(PATH, params=params, headers=headers).status_code == 200
    monkeypatch.setattr("app.api.method.today", lambda: date(2030, 1, 1))
    tomorrow = client.get(PATH, params={"level": "city"}, headers=held)
    assert tomorrow.status_code == 200 and tomorrow.json()["as_of"] == "2030-01-01"


def test_nothing_is_computed_for_what_is_held(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    tag = client.get(PATH, params={"level": "city"}).headers["etag"]

    def refuse(*args: object) -> None:
        raise AssertionError("computed all the same")

    monkeypatch.setattr("app.api.routes.coverage.coverage_table", refuse)
    answer = client.get(PATH, params={"level": "city"}, headers={"If-None-Match": f'"other", {tag}'})
    assert answer.status_code == 304


def test_approximate_borders_are_named(client: TestClient) -> None:
    notice = get(client, level="town")["data_notice"]
    assert notice["synthetic"] is True and "近似界线" in notice["message"]
    assert "boundaries" in {d["kind"] for d in notice["datasets"]}


@pytest.mark.parametrize(
    ("params", "status", "code", "field"),
    [
        ({"minutes": 0}, 422, "invalid_input", "minutes"),
        ({"minutes": 10_000}, 422, "invalid_input", "minutes"),
        ({"minutes": "nan"}, 422, "invalid_input", "minutes"),
        ({"minutes": "a quarter"}, 422, "invalid_input", "minutes"),
        ({"level": "village"}, 422, "invalid_input", "level"),
        ({"profile": "runner"}, 422, "invalid_input", "profile"),
        ({"speed_kmh": 0}, 422, "invalid_input", "speed_kmh"),
        ({"as_of": "2026-02-30"}, 422, "invalid_input", "as_of"),
        ({"station_type": "school"}, 422, "invalid_input", "station_type"),
        ({"within": "999999"}, 404, "not_found", "within"),
        ({"format": "xlsx"}, 422, "invalid_input", "format"),
        ({"simplify_m": -1}, 422, "invalid_input", "simplify_m"),
        ({"minute": 15}, 422, "unknown_parameter", "minute"),
        ({"minutes": [10, 15]}, 422, "invalid_input", "minutes"),
    ],
)
def test_bad_questions(client: TestClient, params: dict[str, Any], status: int, code: str, field: str) -> None:
    answer = client.get(PATH, params=params)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["errors"][0]["field"]) == (status, code, field)
    assert problem["errors"][0]["remedy"]


def test_an_empty_service_says_what_to_do(empty_client: TestClient) -> None:
    answer = empty_client.get(PATH)
    assert answer.status_code == 503 and answer.json()["code"] == "not_ready" and answer.headers["retry-after"]
