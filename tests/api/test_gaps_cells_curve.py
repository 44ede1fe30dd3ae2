"""Gaps, cells, the curve, and the residents of areas over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
import shapely.geometry

from app.api.schemas.cells import CellFeatures, CellList, GapFeatures, GapList
from app.api.schemas.coverage import CoverageCurve
from app.geo.hexgrid import cell_polygons, from_text
from app.models.vocabularies import AreaLevel
from app.services.coverage import CoverageQuery, coverage_curve
from app.services.coverage_cells import coverage_cells
from app.services.gaps import coverage_gaps
from app.services.profiles import resolve_profile
from app.services.snapshot import Snapshot
from app.services.station_table import today
from tests.api.conftest import TestClient

GAPS, CELLS, CURVE = "/v1/coverage/gaps", "/v1/coverage/cells", "/v1/coverage/curve"
BOX = "113.2,23.05,113.35,23.15"


def get(client: TestClient, path: str, **params: Any) -> Any:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def query() -> CoverageQuery:
    return CoverageQuery(resolve_profile(), today())


def test_gaps_as_the_service_finds_them(client: TestClient, demo_snapshot: Snapshot) -> None:
    body = get(client, GAPS, level="town", limit=20)
    assert GapList.model_validate(body, extra="forbid") and set(body) == set(GapList.model_fields)
    expected = coverage_gaps(demo_snapshot, query(), level=AreaLevel.TOWN, min_population=100, limit=20)
    assert (body["total"], body["total_people"]) == (expected.total_gaps, expected.total_people)
    assert len(body["gaps"]) == 20 < body["total"]
    for gap, wanted in zip(body["gaps"], expected.gaps, strict=True):
        assert (gap["id"], gap["people"], gap["population"]) == (wanted.id, wanted.people, wanted.population)
        assert [from_text(cell) for cell in gap["cells"]] == wanted.cells
        assert (gap["nearest_station"], gap["nearest_minutes"]) == (wanted.nearest_station, wanted.nearest_minutes)
        assert len(gap["areas"]) == 1 and gap["areas"][0]["name"]  # gaps end at borders of towns
    people = [gap["people"] for gap in body["gaps"]]
    assert people == sorted(people, reverse=True)


def test_gaps_as_geojson(client: TestClient) -> None:
    body = get(client, GAPS, limit=5, format="geojson")
    assert GapFeatures.model_validate(body, extra="forbid")
    plain = get(client, GAPS, limit=5)["gaps"]
    assert [feature["properties"] for feature in body["features"]] == plain
    for feature in body["features"]:
        shape = shapely.geometry.shape(feature["geometry"])
        cells = cell_polygons([from_text(cell) for cell in feature["properties"]["cells"]])
        assert shape.is_valid and shape.area == pytest.approx(sum(cell.area for cell in cells), rel=1e-3)


def test_gaps_are_filtered(client: TestClient) -> None:
    everything = get(client, GAPS, limit=500)
    big = get(client, GAPS, limit=500, min_population=20_000)
    assert [g for g in everything["gaps"] if g["people"] >= 20_000] == big["gaps"] and big["total"] > 0
    inside = get(client, GAPS, within="440106", limit=500)["gaps"]
    assert inside == [g for g in everything["gaps"] if g["areas"][0]["code"].startswith("440106")]
    longer = get(client, GAPS, minutes=40)
    assert longer["total_people"] < everything["total_people"]


def test_cells_of_an_area_add_up_to_it(client: TestClient, demo_snapshot: Snapshot) -> None:
    body = get(client, CELLS, area="440106")
    assert CellList.model_validate(body, extra="forbid") and set(body) == set(CellList.model_fields)
    expected = coverage_cells(demo_snapshot, query(), area_code="440106")
    assert body["total"] == len(body["cells"]) == len(expected.rows)
    for cell, row in zip(body["cells"], expected.rows, strict=True):
        assert (from_text(cell["h3"]), cell["population"], cell["covered"]) == (row.cell, row.population, row.covered)
        assert cell["nearest_station"] == row.nearest_station and cell["area_code"] == row.area_code
        assert cell["covered"] + cell["uncovered"] + cell["off_network"] == pytest.approx(cell["population"], abs=1e-6)
    (district,) = get(client, "/v1/coverage", level="district", within="440106")["rows"]
    total = sum(cell["population"] for cell in body["cells"])
    # a cell is listed whole where its centre lies; a district counts its own part of the cells on its border
    assert total == pytest.approx(district["population"], rel=1e-2)


def test_cells_of_a_box(client: TestClient) -> None:
    west, south, east, north = (float(part) for part in BOX.split(","))
    body = get(client, CELLS, bbox=BOX, format="geojson")
    assert CellFeatures.model_validate(body, extra="forbid") and body["features"]
    for feature in body["features"]:
        cell = feature["properties"]
        assert west <= cell["lng"] <= east and south <= cell["lat"] <= north
        (polygon,) = cell_polygons([from_text(feature["id"])])
        assert shapely.geometry.shape(feature["geometry"]).equals_exact(
            shapely.MultiPolygon([polygon]), 2e-6, normalize=True
        )
    both = get(client, CELLS, bbox=BOX, area="440103")
    assert 0 < both["total"] < body["total"]
    assert get(client, CELLS, bbox="1,1,2,2")["cells"] == []


def test_cells_of_another_size(client: TestClient, demo_snapshot: Snapshot) -> None:
    usual = get(client, CELLS, bbox=BOX)
    assert usual["resolution"] == 9 and get(client, CELLS, bbox=BOX, resolution=9)["cells"] == usual["cells"]
    for resolution in (7, 8, 10):
        body = get(client, CELLS, bbox=BOX, resolution=resolution)
        expected = coverage_cells(demo_snapshot, query(), bbox=(113.2, 23.05, 113.35, 23.15), resolution=resolution)
        assert CellList.model_validate(body, extra="forbid") and body["resolution"] == resolution
        assert [from_text(cell["h3"]) for cell in body["cells"]] == [row.cell for row in expected.rows]
        assert [cell["covered"] for cell in body["cells"]] == [row.covered for row in expected.rows]
        assert body["run_id"] == usual["run_id"]
    for wrong in (6, 11, "nine"):
        problem = client.get(CELLS, params={"bbox": BOX, "resolution": wrong}).json()
        assert problem["status"] == 422 and problem["errors"][0]["field"] == "resolution"


def test_too_many_cells_are_refused_with_the_remedy(client: TestClient) -> None:
    answer = client.get(CELLS, params={"area": "4401"})
    problem = answer.json()
    assert answer.status_code == 422 and problem["code"] == "invalid_input"
    assert problem["errors"][0]["field"] == "area" and "5000" in problem["errors"][0]["remedy"]
    box = client.get(CELLS, params={"bbox": "112,22,115,24"}).json()
    assert box["errors"][0]["field"] == "bbox"


def test_the_curve_passes_through_the_table(client: TestClient, demo_snapshot: Snapshot) -> None:
    body = get(client, CURVE)
    assert CoverageCurve.model_validate(body, extra="forbid") and set(body) == set(CoverageCurve.model_fields)
    expected = coverage_curve(demo_snapshot, query())
    assert [p["covered"] for p in body["points"]] == expected.covered and body["area"]["code"] == "4401"
    assert [p["minutes"] for p in body["points"]] == list(range(1, 61))
    for minutes in (5, 15, 60):
        totals = get(client, "/v1/coverage", level="city", minutes=minutes)["totals"]
        assert body["points"][minutes - 1]["covered"] == totals["covered"]
        assert body["points"][minutes - 1]["share"] == totals["rate"]
    town = get(client, CURVE, area="440106")
    assert town["population"] < body["population"] and town["area"]["name"] == "天河区"


def test_areas_tell_their_residents(client: TestClient, known_client: TestClient) -> None:
    rows = {row["code"]: row for row in get(client, "/v1/coverage", level="district")["rows"]}
    areas = get(client, "/v1/areas", level="district")["areas"]
    assert {area["code"]: area["population"] for area in areas} == {c: r["population"] for c, r in rows.items()}
    one = get(client, "/v1/areas/440106")
    assert one["population"] == rows["440106"]["population"] == sum(c["population"] for c in one["children"])
    features = get(client, "/v1/areas", level="district", format="geojson", simplify_m=100)["features"]
    assert {f["id"]: f["properties"]["population"] for f in features} == {c: r["population"] for c, r in rows.items()}
    assert {area["population"] for area in get(known_client, "/v1/areas")["areas"]} == {None}


@pytest.mark.parametrize(
    ("path", "params"),
    [(GAPS, {"limit": 3}), (CELLS, {"area": "440103"}), (CURVE, {}), (CURVE, {"area": "440103"}), ("/v1/areas", {})],
)
def test_unchanged_is_304(client: TestClient, path: str, params: dict[str, Any]) -> None:
    first = client.get(path, params=params)
    assert first.headers["cache-control"].startswith("public")
    again = client.get(path, params=params, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and again.content == b""


@pytest.mark.parametrize(
    ("path", "params", "status", "code", "field"),
    [
        (GAPS, {"min_share": 1.5}, 422, "invalid_input", "min_share"),
        (GAPS, {"min_share": "nan"}, 422, "invalid_input", "min_share"),
        (GAPS, {"min_population": -1}, 422, "invalid_input", "min_population"),
        (GAPS, {"limit": 501}, 422, "invalid_input", "limit"),
        (GAPS, {"within": "x"}, 404, "not_found", "within"),
        (GAPS, {"minutes": 0}, 422, "invalid_input", "minutes"),
        (GAPS, {"bbox": BOX}, 422, "unknown_parameter", "bbox"),
        (CELLS, {}, 422, "invalid_input", "bbox"),
        (CELLS, {"bbox": "113,23,114"}, 422, "invalid_input", "bbox"),
        (CELLS, {"bbox": "23,113,24,114"}, 422, "invalid_input", "bbox"),
        (CELLS, {"bbox": "114,23,113,24"}, 422, "invalid_input", "bbox"),
        (CELLS, {"area": "999"}, 404, "not_found", "area"),
        (CELLS, {"area": "440103", "minutes": 10_000}, 422, "invalid_input", "minutes"),
        (CURVE, {"area": "999"}, 404, "not_found", "area"),
        (CURVE, {"profile": "none"}, 422, "invalid_input", "profile"),
    ],
)
def test_bad_questions(
    client: TestClient, path: str, params: dict[str, Any], status: int, code: str, field: str
) -> None:  # fmt: skip
    answer = client.get(path, params=params)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["errors"][0]["field"]) == (status, code, field)
    assert problem["errors"][0]["remedy"]


@pytest.mark.parametrize(("path", "params"), [(GAPS, {}), (CELLS, {"bbox": BOX}), (CURVE, {})])
def test_an_empty_service_says_what_to_do(empty_client: TestClient, path: str, params: dict[str, Any]) -> None:
    answer = empty_client.get(path, params=params)
    assert answer.status_code == 503 and answer.json()["code"] == "not_ready" and answer.headers["retry-after"]
