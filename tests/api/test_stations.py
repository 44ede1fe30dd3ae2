from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import h3
import numpy as np
import pytest
import shapely
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.geo.crs import Crs, from_wgs84
from app.geo.snapping import snap
from app.main import create_app
from app.models.vocabularies import OperatingMode, StationType, TargetGroup
from app.repositories.station_records import records_of_codes
from app.repositories.stations import StationFilter
from app.repositories.stations import list_stations as stored
from app.services.bounded import BoundedCache
from app.services.snapshot import Snapshot
from app.services.station_record import FIELDS
from app.services.station_table import StationTable
from tests.api.conftest import SIDE, SOUTH, WEST, FixedHolder, TestClient, serving, stations

MIDDLE = WEST + SIDE * 1.0001  # a border belongs to the first of two neighbours


def codes(client: TestClient, query: str) -> list[str]:
    answer = client.get(f"/v1/stations?{query}")
    assert answer.status_code == 200, answer.text
    found = [station["code"] for station in answer.json()["stations"]]
    assert answer.json()["total"] == len(found)
    return found


def expected(holds: object) -> list[str]:
    return [s.code for s in stations() if holds(s)]  # type: ignore[operator]


def test_a_station_is_told_whole(known_client: TestClient) -> None:
    station = known_client.get("/v1/stations/S-001").json()
    notice, record = station.pop("data_notice"), station.pop("record")
    assert record["phone"] is None and record["target_groups"] == record["target_groups_title"] == []
    assert notice["synthetic"] is True and {d["kind"] for d in notice["datasets"]} == {"stations", "boundaries"}
    lng, lat = WEST + SIDE * 0.12, SOUTH + SIDE * 0.23
    cells = station.pop("h3")
    assert cells == {f"r{r}": h3.latlng_to_cell(lat, lng, r) for r in (7, 8, 9, 10)}
    assert (station.pop("lng"), station.pop("lat")) == (pytest.approx(lng, abs=1e-7), pytest.approx(lat, abs=1e-7))
    assert station == {
        "code": "S-001", "name": "第1站_50%", "type": "rural", "type_title": "乡村型",
        "host_kind": "community_service_centre", "host_kind_title": "社区服务中心", "status": "open",
        "status_title": "运营中", "address": "试验路 1 号", "selected_on": "2025-03-01", "plaque_hung_on": None,
        "opened_on": "2025-06-01", "closed_on": None, "dataset_id": 4, "synthetic": True,
        "district": {"code": "9001", "name": "第1区"}, "town": {"code": "900101", "name": "第1区1镇"}, "crs": "wgs84",
        "walkable": None,
    }  # fmt: skip


def test_the_list_holds_what_the_single_station_says(known_client: TestClient) -> None:
    for station in known_client.get("/v1/stations").json()["stations"]:
        alone = known_client.get(f"/v1/stations/{station['code']}").json()
        del alone["data_notice"], alone["walkable"], alone["record"]
        assert alone == station


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("S-00", [f"S-00{k}" for k in range(10)]),
        ("s-01", [f"S-01{k}" for k in range(10)]),
        ("试验路 1 ", ["S-001"]),
        ("第7站", ["S-007"]),
        ("50%", [f"S-{k:03d}" for k in range(23)]),
        ("%", [f"S-{k:03d}" for k in range(23)]),
        ("0_", []),
        ("站_5", [f"S-{k:03d}" for k in range(23)]),
        ("' OR 1=1 --", []),
        ("\\", []),
    ],
)
def test_search_is_for_the_very_text(known_client: TestClient, q: str, found: list[str]) -> None:
    if q == "试验路 1 ":  # surrounding blanks do not count: 1, 10, 11, …
        found = [s.code for s in stations() if s.address is not None and "试验路 1" in s.address]
    assert codes(known_client, f"q={quote(q)}") == found


def test_filters(known_client: TestClient) -> None:
    client = known_client
    assert codes(client, "type=park") == expected(lambda s: s.type is StationType.PARK)
    assert codes(client, "type=park&type=rural") == expected(lambda s: s.type in (StationType.PARK, StationType.RURAL))
    assert codes(client, "status=closed") == ["S-004"]
    assert codes(client, "host_kind=other") == expected(lambda s: s.host_kind.value == "other")
    assert codes(client, "district=9001") == expected(lambda s: s.lng < MIDDLE)  # S-012, on the border, is there
    assert codes(client, "town=900202") == expected(lambda s: s.lng > MIDDLE and s.lat > SOUTH + SIDE / 2)
    assert codes(client, "district=9001&town=900202") == []
    box = f"{WEST + SIDE * 0.1},{SOUTH},{WEST + SIDE * 0.5},{SOUTH + SIDE * 0.5}"
    assert codes(client, f"bbox={box}") == ["S-001", "S-003", "S-005"]
    assert codes(client, "bbox=0,0,0,0") == []


@pytest.mark.parametrize(
    ("day", "number"), [("2025-05-31", 0), ("2025-06-01", 16), ("2025-12-31", 16), ("2026-01-01", 15)]
)
def test_open_on_a_day(known_client: TestClient, day: str, number: int) -> None:
    assert len(codes(known_client, f"open_on={day}")) == number


@pytest.mark.parametrize("crs", list(Crs))
def test_coordinates_in_every_system(known_client: TestClient, crs: Crs) -> None:
    answer = known_client.get(f"/v1/stations?crs={crs}").json()
    assert answer["crs"] == crs.value
    for station, kept in zip(answer["stations"], stations(), strict=True):
        lng, lat = from_wgs84(kept.lng, kept.lat, crs)
        assert station["crs"] == crs.value
        assert (station["lng"], station["lat"]) == (pytest.approx(lng, abs=1e-7), pytest.approx(lat, abs=1e-7))
    assert known_client.get(f"/v1/stations/S-000?crs={crs}").json()["lng"] == answer["stations"][0]["lng"]


def test_geojson(known_client: TestClient, known_engine: Engine) -> None:
    answer = known_client.get("/v1/stations?format=geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    collection = answer.json()
    assert collection["type"] == "FeatureCollection" and "crs" not in collection  # RFC 7946 has only WGS84
    assert collection["data_notice"]["synthetic"] is True
    with Session(known_engine) as session:
        rows = stored(session, StationFilter())
    for feature, row in zip(collection["features"], rows, strict=True):
        point = shapely.from_geojson(str(feature["geometry"]).replace("'", '"'))
        assert point.distance(shapely.Point(row.lng, row.lat)) < 1e-6
        assert feature["id"] == feature["properties"]["code"] == row.code
        assert feature["properties"]["town_code"] == row.town_code
        assert feature["properties"]["h3_r9"] == f"{row.h3_r9:x}"
        assert not any(isinstance(value, (dict, list)) for value in feature["properties"].values())


def test_an_unknown_code_names_those_like_it(known_client: TestClient) -> None:
    answer = known_client.get("/v1/stations/S-0011", headers={"Accept-Language": "en"})
    assert answer.status_code == 404
    (item,) = answer.json()["errors"]
    assert item["value"] == "S-0011" and "S-001" in item["remedy"]
    assert "/v1/stations?q=" in known_client.get("/v1/stations/电话").json()["errors"][0]["remedy"]


@pytest.mark.parametrize("path", ["/v1/stations/%00", "/v1/stations/a%0Ab", "/v1/stations/" + "x" * 65])
def test_codes_that_no_station_can_have(known_client: TestClient, path: str) -> None:
    answer = known_client.get(path)
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "code"


def test_an_empty_database_has_no_stations(empty_client: TestClient) -> None:
    answer = empty_client.get("/v1/stations")
    assert answer.status_code == 200
    assert answer.json() == {"total": 0, "next_cursor": None, "crs": "wgs84", "data_notice": None, "stations": []}
    assert empty_client.get("/v1/stations?format=geojson").json()["features"] == []
    assert empty_client.get("/v1/stations?district=440106").json()["code"] == "level_not_loaded"
    assert empty_client.get("/v1/stations/x").status_code == 404


def test_how_it_is_attached_to_the_streets(demo_engine: Engine, demo_snapshot: Snapshot) -> None:
    """The second station lost its street, the third has an island before its street, the fourth has moved since."""
    part = demo_snapshot.stations
    table, places = part.table, part.places
    edge, snap_m = places.edge.copy(), places.snap_m.copy()
    edge[1], snap_m[1] = -1, np.inf
    listed = list(table.stations)
    listed[3] = replace(listed[3], lng=listed[3].lng + 1e-6)
    held = replace(
        part, table=StationTable(listed, demo_snapshot.areas), places=replace(places, edge=edge, snap_m=snap_m)
    )
    changed = replace(demo_snapshot, version="another", stations=held, _answers=BoundedCache(64))
    network = demo_snapshot.network
    usable, where = network.everywhere.usable, (listed[2].lng, listed[2].lat)
    here = snap(network, demo_snapshot.city.grid, usable, *where, 500.0)
    changed.cached(("street islands", False), lambda: np.arange(network.edge_count) == here.edge[0])
    snap_m[2] += 31.0
    paths = ("/v1/stations?walkable=false", f"/v1/stations/{listed[0].code}")
    with serving(create_app(engine=demo_engine, holder=FixedHolder(changed))) as client:
        told = [client.get(f"/v1/stations/{station.code}").json()["walkable"] for station in listed[:4]]
        first_m = round(float(places.snap_m[0]), 1)
        assert told[0]["everywhere"] == {"on_network": True, "snap_m": first_m, "island_m": None}
        assert told[0]["step_free"]["on_network"] is True
        assert (told[1]["everywhere"]["on_network"], told[1]["everywhere"]["snap_m"]) == (False, None)
        assert told[1]["step_free"]["on_network"] is True
        assert told[2]["everywhere"]["island_m"] == round(float(here.snap_m[0]), 1)
        assert told[2]["everywhere"]["snap_m"] == round(float(places.snap_m[2]) + 31.0, 1)
        assert told[3] is None
        assert codes(client, "walkable=false") == [listed[1].code]
        rest = client.get("/v1/stations?walkable=true&limit=500").json()
        assert rest["total"] == len(listed) - 1 and listed[1].code not in {s["code"] for s in rest["stations"]}
        assert client.get(f"/v1/stations?walkable=false&type={listed[1].type}").json()["total"] == 1
        tags = [client.get(path).headers["etag"] for path in paths]
    with serving(create_app(engine=demo_engine, holder=FixedHolder(demo_snapshot))) as client:
        assert codes(client, "walkable=false") == []
        assert all(client.get(path).headers["etag"] != tag for path, tag in zip(paths, tags, strict=True))


def test_without_a_network_nobody_can_say_who_stands_beside_a_street(known_client: TestClient) -> None:
    answer = known_client.get("/v1/stations?walkable=false")
    assert answer.status_code == 503 and answer.json()["code"] == "not_ready"


def test_what_is_published_of_the_record_is_shown(client: TestClient, demo_engine: Engine) -> None:
    code = "YC440106-001"
    told = client.get(f"/v1/stations/{code}").json()
    with Session(demo_engine) as session:
        kept = records_of_codes(session, [code])[code].values
    published = [field for field in FIELDS if field.is_public]
    for field in published:
        if field.name in told["record"]:
            wanted = kept[field.name]
            assert told["record"][field.name] == wanted, field.name
        else:
            assert field.name in told  # shown beside it
    secret = [field.name for field in FIELDS if not field.is_public]
    assert secret and not set(secret) & (set(told) | set(told["record"]))
    english = client.get(f"/v1/stations/{code}", headers={"Accept-Language": "en"}).json()["record"]
    groups = [TargetGroup(group) for group in kept["target_groups"]]
    assert groups and english["target_groups_title"] == [group.title_en for group in groups]
    mode = OperatingMode(kept["operating_mode"])
    assert told["record"]["operating_mode_title"] == mode.title_zh and english["operating_mode_title"] == mode.title_en
