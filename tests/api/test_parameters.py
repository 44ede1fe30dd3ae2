from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy import Engine

from app.api.documentation import describe
from app.api.parameters import PositionQuery, refuse_unknown_parameters
from app.main import create_app
from tests.api.conftest import FixedHolder, TestClient, serving

PATHS = ("/v1/stations", "/v1/stations/S-000", "/v1/areas", "/v1/areas/9001", "/v1/datasets", "/v1/datasets/1")


@pytest.mark.parametrize("path", PATHS)
def test_an_unknown_parameter_is_refused_everywhere(known_client: TestClient, path: str) -> None:
    answer = known_client.get(path, params={"zzz": "1"})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "unknown_parameter"
    assert [(item["field"], item["value"]) for item in problem["errors"]] == [("zzz", "1")]


def test_what_was_meant_is_suggested(known_client: TestClient) -> None:
    problem = known_client.get("/v1/stations?distrct=440106&Limit=5", headers={"Accept-Language": "en"}).json()
    assert [item["field"] for item in problem["errors"]] == ["distrct", "Limit"]
    assert "did you mean district?" in problem["errors"][0]["remedy"]
    assert "did you mean limit?" in problem["errors"][1]["remedy"]
    assert "host_kind" in problem["errors"][0]["remedy"]


def test_a_single_parameter_given_twice_is_refused(known_client: TestClient) -> None:
    problem = known_client.get("/v1/stations?limit=1&limit=2").json()
    assert problem["code"] == "invalid_input"
    assert [(item["field"], item["value"]) for item in problem["errors"]] == [("limit", "1 2")]
    assert known_client.get("/v1/stations?type=park&type=rural").status_code == 200


@pytest.mark.parametrize(
    ("query", "field", "remedy"),
    [
        ("limit=0", "limit", "at least 1"),
        ("limit=501", "limit", "at most 500"),
        ("limit=ten", "limit", "whole number"),
        ("limit=1.5", "limit", "whole number"),
        ("type=shop", "type", "community, rural, park, institution"),
        ("format=xml", "format", "json, geojson"),
        ("crs=utm", "crs", "wgs84, gcj02, bd09, cgcs2000"),
        ("open_on=2025-13-01", "open_on", "2025-06-30"),
        ("q=", "q", "at least 1"),
        ("q=%20%20", "q", "leave q out"),
        ("q=a%00b", "q", "match"),
        ("q=" + "a" * 101, "q", "at most 100"),
        ("cursor=abc", "cursor", "next_cursor"),
        ("cursor=%C3%A9", "cursor", "next_cursor"),
        ("cursor=W10", "cursor", "next_cursor"),
        ("bbox=1,2,3", "bbox", "113.2,23.0,113.4,23.2"),
        ("bbox=a,b,c,d", "bbox", "113.2,23.0,113.4,23.2"),
        ("bbox=nan,23,114,24", "bbox", "113.2,23.0,113.4,23.2"),
        ("bbox=114,23,113,24", "bbox", "113.2,23.0,113.4,23.2"),
        ("bbox=23,113,24,114", "bbox", "113.2,23.0,113.4,23.2"),
        ("bbox=-181,0,1,1", "bbox", "113.2,23.0,113.4,23.2"),
        ("district=nowhere", "district", "/v1/areas?level=district"),
        ("district=900101", "district", "close to it"),
        ("town=9001", "town", "close to it"),
        ("format=geojson&crs=gcj02", "crs", "format=json"),
    ],
)  # fmt: skip
def test_wrong_values_are_named_with_a_remedy(known_client: TestClient, query: str, field: str, remedy: str) -> None:
    answer = known_client.get(f"/v1/stations?{query}", headers={"Accept-Language": "en"})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"/problems/{problem['code']}" and problem["status"] == 422
    (item,) = problem["errors"]
    assert item["field"] == field and remedy in item["remedy"]
    chinese = known_client.get(f"/v1/stations?{query}").json()
    assert chinese["errors"][0]["remedy"] != item["remedy"] and chinese["code"] == problem["code"]


def test_several_faults_are_told_at_once(known_client: TestClient) -> None:
    problem = known_client.get("/v1/stations?limit=0&type=x&open_on=y").json()
    assert {item["field"] for item in problem["errors"]} == {"limit", "type", "open_on"}


@pytest.fixture(scope="module")
def positions(engine: Engine) -> Iterator[TestClient]:
    """A route that asks for a position."""
    router = APIRouter(dependencies=[Depends(refuse_unknown_parameters)])

    @router.get("/where", operation_id="where")
    async def where(position: PositionQuery) -> dict[str, float]:
        return {"lng": position.lng, "lat": position.lat}

    app: FastAPI = create_app(engine=engine, holder=FixedHolder())
    app.include_router(router)
    describe(app)
    with serving(app) as client:
        yield client


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("lng=113.26&lat=23.13", "crs_required", "crs"),
        ("lng=113.26&lat=23.13&crs=", "crs_required", "crs"),
        ("lng=113.26&lat=23.13&crs=mars", "coordinate_invalid", "crs"),
        ("lng=nan&lat=23.13&crs=wgs84", "coordinate_invalid", "lng"),
        ("lng=113.26&lat=inf&crs=wgs84", "coordinate_invalid", "lat"),
        ("lng=23.13&lat=113.26&crs=wgs84", "coordinate_invalid", "lat"),
        ("lng=east&lat=23.13&crs=wgs84", "invalid_input", "lng"),
        ("lat=23.13&crs=wgs84", "invalid_input", "lng"),
        ("lng=113&lng=114&lat=23.13&crs=wgs84", "invalid_input", "lng"),
        ("lon=113&lat=23.13&crs=wgs84", "unknown_parameter", "lon"),
    ],
)
def test_positions_that_cannot_be_used(positions: TestClient, query: str, code: str, field: str) -> None:
    answer = positions.get(f"/where?{query}")
    assert answer.status_code == 422
    assert answer.json()["code"] == code and answer.json()["errors"][0]["field"] == field
    assert answer.json()["instance"] == "/where"


def test_the_document_says_that_crs_is_required(positions: TestClient) -> None:
    operation = positions.get("/openapi.json").json()["paths"]["/where"]["get"]
    crs = next(one for one in operation["parameters"] if one["name"] == "crs")
    assert crs["required"] is True and crs["schema"]["enum"] == ["wgs84", "gcj02", "bd09", "cgcs2000"]
