from __future__ import annotations

import json
from typing import Any

import pytest
import shapely

from app.services.area_reads import simplified
from tests.api.conftest import SIDE, SOUTH, WEST, TestClient

TOWNS = ["900101", "900102", "900201", "900202"]


def outline(member: dict[str, Any]) -> Any:
    return shapely.from_geojson(json.dumps(member["geometry"]))


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("", ["90", "9001", "900101", "900102", "9002", "900201", "900202"]),
        ("level=city", ["90"]),
        ("level=district", ["9001", "9002"]),
        ("level=town", TOWNS),
        ("parent=9002", TOWNS[2:]),
        ("level=town&parent=90", []),
    ],
)
def test_lists(known_client: TestClient, query: str, codes: list[str]) -> None:
    answer = known_client.get(f"/v1/areas?{query}").json()
    assert [area["code"] for area in answer["areas"]] == codes
    assert answer["total"] == len(codes)
    assert all(area["geometry"] is None for area in answer["areas"])


def test_figures_add_up(known_client: TestClient) -> None:
    areas = {area["code"]: area for area in known_client.get("/v1/areas").json()["areas"]}
    for figure in ("stations", "stations_open"):
        assert areas["90"][figure] == sum(areas[code][figure] for code in ("9001", "9002"))
        assert areas["9001"][figure] == sum(areas[code][figure] for code in TOWNS[:2])
    assert areas["90"]["stations"] == 23 and areas["90"]["stations_open"] == 15
    assert areas["90"]["area_km2"] == pytest.approx(226.99, abs=0.01)
    assert areas["90"]["area_km2"] == pytest.approx(areas["9001"]["area_km2"] + areas["9002"]["area_km2"], abs=1e-3)


def test_an_area_is_told_whole(known_client: TestClient) -> None:
    area = known_client.get("/v1/areas/9001").json()
    assert area["parent"] == {"code": "90", "name": "试验市"}
    assert [child["code"] for child in area["children"]] == TOWNS[:2]
    assert (area["level"], area["level_title"]) == ("district", "区")
    assert (area["boundary_kind"], area["boundary_kind_title"]) == ("official", "官方界线")
    assert area["children"][0]["boundary_kind"] == "approximate" and area["crs"] == "wgs84"
    label = shapely.Point(area["label"]["lng"], area["label"]["lat"])
    assert shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE).contains(label)
    town = known_client.get("/v1/areas/900101?geometry=true").json()
    assert town["children"] == [] and town["parent"]["code"] == "9001"
    assert outline(town).equals(shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE / 2))


def test_the_notice_says_which_outlines_are_approximate(known_client: TestClient) -> None:
    notice = known_client.get("/v1/areas", headers={"Accept-Language": "en"}).json()["data_notice"]
    assert [(d["kind"], d["level"]) for d in notice["datasets"]] == [("stations", None), ("boundaries", "town")]
    assert "approximate (boundaries of level town)" in notice["message"]


@pytest.mark.parametrize("path", ["/v1/areas?level=town&format=geojson", "/v1/areas/9001?format=geojson"])
def test_geojson(known_client: TestClient, path: str) -> None:
    answer = known_client.get(path)
    assert answer.headers["content-type"] == "application/geo+json"
    body = answer.json()
    features = body["features"] if body["type"] == "FeatureCollection" else [body]
    assert body["data_notice"] is not None and features
    for feature in features:
        assert feature["type"] == "Feature" and feature["id"] == feature["properties"]["code"]
        shape = outline(feature)
        assert shape.is_valid and shape.geom_type == "MultiPolygon"
        for polygon in shape.geoms:  # RFC 7946: exterior rings counter-clockwise
            assert polygon.exterior.is_ccw and not any(ring.is_ccw for ring in polygon.interiors)


def test_simplified_towns_still_fit_together(known_client: TestClient) -> None:
    """The towns of the known city have a point every 500 m along straight borders; none of those is needed."""
    full = known_client.get("/v1/areas?level=town&format=geojson").json()["features"]
    fewer = known_client.get("/v1/areas?level=town&format=geojson&simplify_m=50").json()["features"]
    assert sum(shapely.get_num_coordinates(outline(f)) for f in fewer) < 0.5 * sum(
        shapely.get_num_coordinates(outline(f)) for f in full
    )
    shapes = [outline(f) for f in fewer]
    assert shapely.coverage_is_valid(shapes)
    assert shapely.union_all(shapes).area == pytest.approx(2 * SIDE * SIDE, rel=1e-9)


def test_simplification_is_in_metres() -> None:
    """A bend of 30 m beside a straight border stays at 10 m and goes at 100 m, in either direction."""
    for bend in (0.00029, 0.0):  # 30 m of longitude at 23° north; none
        x, y = 113.0 + bend, 23.0005
        area = shapely.MultiPolygon(
            [shapely.Polygon([(113, 23), (x, y), (113, 23.001), (112.99, 23.001), (112.99, 23)])]
        )
        at = {m: shapely.get_num_coordinates(simplified([area], m)[0]) for m in (0.0, 10.0, 200.0)}
        assert at[0.0] == 6 and at[200.0] == 5
        assert at[10.0] == (6 if bend else 5)


@pytest.mark.parametrize(
    ("path", "status", "code", "field"),
    [
        ("/v1/areas/9003", 404, "not_found", "code"),
        ("/v1/areas?parent=9003", 422, "invalid_input", "parent"),
        ("/v1/areas?level=village", 422, "invalid_input", "level"),
        ("/v1/areas?simplify_m=-1", 422, "invalid_input", "simplify_m"),
        ("/v1/areas?simplify_m=nan", 422, "invalid_input", "simplify_m"),
        ("/v1/areas?simplify_m=5001", 422, "invalid_input", "simplify_m"),
        ("/v1/areas?geometry=perhaps", 422, "invalid_input", "geometry"),
    ],
)
def test_wrong_questions(known_client: TestClient, path: str, status: int, code: str, field: str) -> None:
    answer = known_client.get(path)
    assert answer.status_code == status
    assert answer.json()["code"] == code and answer.json()["errors"][0]["field"] == field


def test_an_empty_database_has_no_areas(empty_client: TestClient) -> None:
    assert empty_client.get("/v1/areas").json()["areas"] == []
    answer = empty_client.get("/v1/areas?level=town")
    assert answer.status_code == 404 and answer.json()["code"] == "level_not_loaded"


def test_the_demonstration_city(client: TestClient) -> None:
    towns = client.get("/v1/areas?level=town").json()
    assert towns["total"] == 176 and client.get("/v1/areas?level=district").json()["total"] == 11
    assert sum(town["stations"] for town in towns["areas"]) == 120
    assert towns["data_notice"]["synthetic"] is True
