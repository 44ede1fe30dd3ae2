"""Who is served by whom over HTTP: the service's figures, sparse as JSON and whole as a sheet."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from app.api.schemas.served_by import CoverageMatrix
from app.models.vocabularies import AreaLevel
from app.services.coverage import CoverageQuery
from app.services.profiles import resolve_profile
from app.services.served_by import served_by_matrix
from app.services.snapshot import Snapshot
from app.services.station_table import today
from tests.api.conftest import TestClient

PATH = "/v1/coverage/matrix"


def get(client: TestClient, path: str = PATH, **params: Any) -> Any:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("profile", ["adult", "wheelchair"])
@pytest.mark.parametrize(("level", "by"), [("district", "district"), ("town", "district"), ("city", "town")])
def test_cells_are_those_of_the_service(
    client: TestClient, demo_snapshot: Snapshot, level: str, by: str, profile: str
) -> None:
    body = get(client, level=level, by=by, profile=profile, minutes=20)
    assert CoverageMatrix.model_validate(body, extra="forbid") and set(body) == set(CoverageMatrix.model_fields)
    query = CoverageQuery(resolve_profile(profile), today(), 20.0)
    expected = served_by_matrix(demo_snapshot, query, AreaLevel(level), AreaLevel(by))
    codes = [column["code"] for column in body["columns"]]
    assert [(c["code"], c["stations"], c["served"], c["inflow"]) for c in body["columns"]] == [
        (c.area and c.area.code, c.stations, c.served, c.inflow) for c in expected.columns
    ]
    assert codes[-1] is None and body["columns"][-1]["name"] == "区划之外"
    for row, wanted in zip(body["rows"], expected.rows, strict=True):
        assert (row["code"], row["name"], row["parent_code"]) == (
            wanted.area.code, wanted.area.name, wanted.area.parent_code,
        )  # fmt: skip
        assert (row["covered"], row["own"], row["share_own"]) == (wanted.covered, wanted.own, wanted.share_own)
        assert row["served_by"] == [
            {"code": code, "people": people} for code, people in zip(codes, wanted.people, strict=True) if people > 0
        ]
    assert body["run_id"] == expected.run_id and (body["level"], body["by"]) == (level, by)


@pytest.mark.parametrize(
    "params", [{}, {"minutes": 7.3}, {"profile": "wheelchair"}, {"station_type": "park"}, {"as_of": "2025-08-01"}]
)
@pytest.mark.parametrize("level", ["city", "district", "town"])
def test_rows_take_the_covered_of_coverage_apart(client: TestClient, level: str, params: dict[str, Any]) -> None:
    matrix, table = get(client, level=level, **params), get(client, "/v1/coverage", level=level, **params)
    assert matrix["run_id"] == table["run_id"]
    assert [(r["code"], r["covered"]) for r in matrix["rows"]] == [(r["code"], r["covered"]) for r in table["rows"]]
    for row in matrix["rows"]:
        assert sum(cell["people"] for cell in row["served_by"]) == row["covered"] >= row["own"]
    assert sum(column["served"] for column in matrix["columns"]) == matrix["totals"]["covered"]
    assert matrix["totals"]["covered"] == table["totals"]["covered"]
    assert matrix["totals"]["own"] == sum(row["own"] for row in matrix["rows"])
    assert sum(column["stations"] for column in matrix["columns"][:-1]) == table["totals"]["stations"]


def test_within_chooses_rows_and_leaves_columns(client: TestClient) -> None:
    everything, inside = get(client, level="town"), get(client, level="town", within="440106")
    assert inside["rows"] == [row for row in everything["rows"] if row["parent_code"] == "440106"]
    assert inside["columns"] == everything["columns"] and inside["within"] == "440106"
    assert inside["totals"]["covered"] == sum(row["covered"] for row in inside["rows"]) > 0
    none = get(client, level="city", within="440106")
    assert none["rows"] == [] and none["totals"] == {"covered": 0, "own": 0, "share_own": None}


@pytest.mark.parametrize("by", ["district", "town"])
def test_as_a_sheet(client: TestClient, by: str) -> None:
    params = {"level": "town", "by": by, "format": "csv"}
    answer = client.get(PATH, params=params)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="served-by-town-{by}-')
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    expected = get(client, level="town", by=by)
    headings = [f"{c['code']} {c['name']}" for c in expected["columns"][:-1]] + ["区划之外"]
    for row, wanted in zip(rows, expected["rows"], strict=True):
        assert (row["代码"], row["名称"], int(row["已覆盖"]), int(row["本区划站点服务"])) == (
            wanted["code"], wanted["name"], wanted["covered"], wanted["own"],
        )  # fmt: skip
        assert row["本区划占比"] == ("" if wanted["share_own"] is None else str(wanted["share_own"]))
        people = {cell["code"]: cell["people"] for cell in wanted["served_by"]}
        assert [int(row[heading]) for heading in headings] == [
            people.get(column["code"], 0) for column in expected["columns"]
        ]
        assert row["运行编号"] == expected["run_id"] and row["步行分钟"] == "15" and "合成数据" in row["数据说明"]
    english = client.get(PATH, params=params, headers={"Accept-Language": "en"}).content.decode("utf-8-sig")
    assert english.startswith("code,name,parent_code,covered,own,share_own,") and ",outside all areas," in english


def test_kept_until_data_or_question_change(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    first = client.get(PATH)
    held = {"If-None-Match": first.headers["etag"]}
    for params in ({"by": "town"}, {"level": "town"}, {"minutes": 14}, {"format": "csv"}):
        assert client.get(PATH, params=params, headers=held).status_code == 200

    def refuse(*args: object) -> None:
        raise AssertionError("computed all the same")

    monkeypatch.setattr("app.api.routes.served_by.served_by_matrix", refuse)
    again = client.get(PATH, headers=held)
    assert again.status_code == 304 and again.content == b""


@pytest.mark.parametrize(
    ("params", "status", "code", "field"),
    [
        ({"minutes": 61}, 422, "invalid_input", "minutes"),
        ({"level": "village"}, 422, "invalid_input", "level"),
        ({"by": "station"}, 422, "invalid_input", "by"),
        ({"within": "999999"}, 404, "not_found", "within"),
        ({"format": "geojson"}, 422, "invalid_input", "format"),
        ({"simplify_m": 10}, 422, "unknown_parameter", "simplify_m"),
    ],
)
def test_bad_questions(client: TestClient, params: dict[str, Any], status: int, code: str, field: str) -> None:
    answer = client.get(PATH, params=params)
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["errors"][0]["field"]) == (status, code, field)


def test_an_empty_service_says_what_to_do(empty_client: TestClient) -> None:
    answer = empty_client.get(PATH)
    assert answer.status_code == 503 and answer.json()["code"] == "not_ready"
