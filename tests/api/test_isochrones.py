"""Isochrones over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
import shapely
import shapely.geometry

from app.api.schemas.isochrones import IsochroneHexes, Isochrones
from app.geo.crs import Crs, from_wgs84
from app.geo.hexgrid import from_text
from app.services.isochrones import isochrones_of_position, isochrones_of_station
from app.services.profiles import resolve_profile
from app.services.snapshot import Snapshot
from tests.api.conftest import TestClient
from tests.api.test_nearest import SEA, asked, places

PATH = "/v1/isochrones"


def test_bands_as_the_service_makes_them(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    answer = client.get(PATH, params=asked(place))
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/geo+json"
    assert answer.headers["cache-control"] == "no-store" and "etag" not in answer.headers
    body = answer.json()
    assert Isochrones.model_validate(body, extra="forbid")
    expected = isochrones_of_position(demo_snapshot, place, (5.0, 10.0, 15.0), resolve_profile(), hexes=False)
    assert [f["properties"]["minutes"] for f in body["features"]] == [15, 10, 5]
    for feature, band in zip(body["features"], reversed(expected.bands), strict=True):
        assert feature["properties"] == {
            "minutes": band.minutes, "population": band.people, "area_km2": band.area_km2
        }  # fmt: skip
        shape = shapely.geometry.shape(feature["geometry"])
        assert shape.is_valid and shape.area == pytest.approx(band.outline.area, rel=1e-3)
        for polygon in shape.geoms:
            assert polygon.exterior.is_ccw and not any(hole.is_ccw for hole in polygon.interiors)
    people = [f["properties"]["population"] for f in body["features"]]
    assert people == sorted(people, reverse=True) and people[0] > 0
    assert body["snap"] and body["station"] is None and body["crs"] == "wgs84"
    assert body["data_notice"]["synthetic"] is True


def test_outlines_have_no_more_decimals_than_they_are_worth(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    body = client.get(PATH, params=asked(place)).json()
    for feature in body["features"]:
        for polygon in feature["geometry"]["coordinates"]:
            for ring in polygon:
                assert ring[0] == ring[-1]
                assert all(len(repr(value).partition(".")[2]) <= 6 for point in ring for value in point)


def test_hexes(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    answer = client.get(PATH, params=asked(place, format="hexes", minutes="10,5"))
    body = answer.json()
    assert answer.headers["content-type"] == "application/json" and IsochroneHexes.model_validate(body, extra="forbid")
    expected = isochrones_of_position(demo_snapshot, place, (5.0, 10.0), resolve_profile(), hexes=True)
    assert {from_text(c["h3"]): c["minutes"] for c in body["cells"]} == {
        h.cell: h.minutes for h in expected.hexagons
    }  # fmt: skip
    assert {b["minutes"]: b["population"] for b in body["bands"]} == expected.people
    assert len(body["cells"]) > 3 and all(0 <= c["minutes"] <= 10 for c in body["cells"])


def test_one_place_in_four_systems(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    found = []
    for crs in Crs:
        lng, lat = from_wgs84(place.lng, place.lat, crs)
        body = client.get(PATH, params={"lng": float(lng), "lat": float(lat), "crs": crs.value}).json()
        found.append([f["properties"]["population"] for f in body["features"]])
    assert all(one == found[0] for one in found)


def test_of_a_station_it_can_be_kept(client: TestClient, demo_snapshot: Snapshot) -> None:
    code = places_code(demo_snapshot)
    answer = client.get(PATH, params={"station": code, "minutes": "15", "profile": "senior"})
    body = answer.json()
    _, expected = isochrones_of_station(demo_snapshot, code, (15.0,), resolve_profile("senior"), hexes=False)
    assert body["features"][0]["properties"]["population"] == expected.bands[0].people
    assert body["station"]["code"] == code and body["snap"] is None
    assert answer.headers["cache-control"].startswith("public")
    again = client.get(
        PATH, params={"station": code, "minutes": "15", "profile": "senior"},
        headers={"If-None-Match": answer.headers["etag"]},
    )  # fmt: skip
    assert again.status_code == 304 and again.content == b""
    other = client.get(
        PATH, params={"station": code, "minutes": "14"}, headers={"If-None-Match": answer.headers["etag"]}
    )
    assert other.status_code == 200


def places_code(snapshot: Snapshot) -> str:
    """A station beside a street."""
    _, at, _ = snapshot.variant(step_free=False)
    return next(s.code for s, edge in zip(snapshot.stations.table.stations, at.edge, strict=True) if edge >= 0)


@pytest.mark.parametrize(
    ("params", "status", "code", "field"),
    [
        ({}, 422, "invalid_input", "lng"),
        ({"lng": 113.2644, "crs": "wgs84"}, 422, "invalid_input", "lat"),
        ({"crs": "wgs84"}, 422, "invalid_input", "lng"),
        ({"lng": 113.2644, "lat": 23.1291}, 422, "crs_required", "crs"),
        ({"lng": 113.2644, "lat": 23.1291, "crs": "wgs"}, 422, "coordinate_invalid", "crs"),
        ({"lng": 23.1291, "lat": 113.2644, "crs": "wgs84"}, 422, "coordinate_invalid", "lat"),
        ({"lng": 113.2644, "lat": 23.1291, "crs": "wgs84", "station": "YC440106-001"}, 422, "invalid_input", "station"),
        ({"crs": "wgs84", "station": "YC440106-001"}, 422, "invalid_input", "station"),
        ({"station": "nowhere"}, 404, "not_found", "station"),
        (SEA, 422, "not_walkable", "lng, lat"),
        ({"station": "YC440106-001", "minutes": "0"}, 422, "invalid_input", "minutes"),
        ({"station": "YC440106-001", "minutes": "10000"}, 422, "invalid_input", "minutes"),
        ({"station": "YC440106-001", "minutes": "nan"}, 422, "invalid_input", "minutes"),
        ({"station": "YC440106-001", "minutes": "5;10"}, 422, "invalid_input", "minutes"),
        ({"station": "YC440106-001", "minutes": "1,2,3,4,5,6,7"}, 422, "invalid_input", "minutes"),
        ({"station": "YC440106-001", "format": "kml"}, 422, "invalid_input", "format"),
        ({"station": "YC440106-001", "colour": "red"}, 422, "unknown_parameter", "colour"),
    ],
)
def test_bad_questions(client: TestClient, params: dict[str, Any], status: int, code: str, field: str) -> None:
    answer = client.get(PATH, params=params)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["errors"][0]["field"]) == (status, code, field)
    assert problem["errors"][0]["remedy"]


def test_an_empty_service_says_what_to_do(empty_client: TestClient) -> None:
    answer = empty_client.get(PATH, params={"station": "YC440106-001"})
    assert answer.status_code == 503 and answer.json()["code"] == "not_ready"
