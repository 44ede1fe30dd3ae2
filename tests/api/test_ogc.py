"""OGC API – Features: links, pages, coordinate systems, problems."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import pytest
import shapely

from app.services.feature_tables import COLLECTIONS
from app.services.snapshot import Snapshot
from tests.api.conftest import TestClient

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
ENGLISH = {"Accept-Language": "en"}


def get(client: TestClient, path: str, status: int = 200, **asked: Any) -> dict[str, Any]:
    answer = client.get(f"/ogc{path}", params=asked or None, headers=ENGLISH)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def pages(client: TestClient, name: str, **asked: Any) -> list[dict[str, Any]]:
    """All pages, by their links."""
    found = [get(client, f"/collections/{name}/items", **asked)]
    while following := [one["href"] for one in found[-1]["links"] if one["rel"] == "next"]:
        answer = client.get(following[0])
        assert answer.status_code == 200
        found.append(answer.json())
    return found


def test_every_link_leads_somewhere_and_is_what_it_says(client: TestClient) -> None:
    seen: dict[str, str] = {}
    waiting = [("http://testserver/ogc", "application/json")]
    while waiting:
        href, kind = waiting.pop()
        if href in seen:
            continue
        answer = client.get(href)
        assert answer.status_code == 200, href
        seen[href] = answer.headers["content-type"]
        assert seen[href].split(";")[0] == kind.split(";")[0], href
        if "json" not in kind or "openapi" in kind or "schema" in kind:
            continue
        body = answer.json()
        held = [body, *body.get("collections", [])]
        for one in held:
            assert one["links"] if one is not body or "links" in body else True
            for link in one.get("links", []):
                assert link["href"].startswith("http://testserver/") and link["title"]
                if link["rel"] == "self" and one is body:
                    assert link["href"] == href
                if link["rel"] != "next":
                    waiting.append((link["href"], link["type"]))
    assert {f"http://testserver/ogc/collections/{name}/items" for name in COLLECTIONS} <= set(seen)
    assert "http://testserver/ogc/api" in seen and "http://testserver/ogc/conformance" in seen


def test_the_landing_page_has_the_links_that_the_standard_wants(client: TestClient) -> None:
    rels = {link["rel"]: link for link in get(client, "")["links"]}
    assert {"self", "service-desc", "service-doc", "conformance", "data"} <= set(rels)
    assert rels["service-desc"]["type"] == "application/vnd.oai.openapi+json;version=3.0"
    slash = client.get("/ogc/")
    assert slash.status_code == 308 and slash.headers["location"] == "http://testserver/ogc"
    declared = get(client, "/conformance")["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in declared
    assert "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs" in declared
    assert "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2" in declared


def test_addresses_are_those_that_the_client_used(client: TestClient) -> None:
    body = client.get("/ogc/collections/towns/items?limit=1", headers={"Host": "maps.example.org"}).json()
    assert all(link["href"].startswith("http://maps.example.org/ogc/collections/towns") for link in body["links"])


def test_the_definition_is_openapi_3_0_and_names_what_there_is(client: TestClient) -> None:
    document = get(client, "/api")
    assert document["openapi"] == "3.0.3" and document["servers"] == [{"url": "http://testserver/ogc"}]
    for path, operations in document["paths"].items():
        if "{" not in path:
            assert client.get(f"/ogc{path if path != '/' else ''}").status_code == 200, path
        for parameter in operations["get"]["parameters"]:
            if "$ref" in parameter:
                assert parameter["$ref"].rpartition("/")[2] in document["components"]["parameters"]
    limit = document["components"]["parameters"]["limit"]["schema"]
    assert (limit["maximum"], limit["default"]) == (10_000, 100)
    names = {
        p.get("name", p.get("$ref", "")) for p in document["paths"]["/collections/stations/items"]["get"]["parameters"]
    }
    assert {"district_code", "seats", "#/components/parameters/bbox-crs", "#/components/parameters/datetime"} <= names
    others = document["paths"]["/collections/towns/items"]["get"]["parameters"]
    assert {"$ref": "#/components/parameters/datetime"} not in others
    assert "examples" not in str(document["components"]) and "anyOf" not in str(document["components"])


@pytest.mark.parametrize("name", COLLECTIONS)
def test_a_collection_is_what_it_says(client: TestClient, name: str) -> None:
    told = get(client, f"/collections/{name}")
    assert told["id"] == name and told["title"] == COLLECTIONS[name].title_en and told["itemType"] == "feature"
    assert told["storageCrs"] == CRS84 and told["crs"] == [CRS84, f"{EPSG}4326", f"{EPSG}4490"]
    assert told in get(client, "/collections")["collections"]
    west, south, east, north = told["extent"]["spatial"]["bbox"][0]
    answer = client.get(f"/ogc/collections/{name}/items?limit=500", headers=ENGLISH)
    assert answer.headers["content-type"] == "application/geo+json" and answer.headers["content-crs"] == f"<{CRS84}>"
    page = answer.json()
    schema = client.get(f"/ogc/collections/{name}/queryables").json()
    assert page["numberReturned"] == len(page["features"]) == min(500, page["numberMatched"]) > 0
    assert page["data_notice"]["synthetic"] and page["timeStamp"].endswith("Z")
    checked = {
        key: {**value, "type": [value["type"], "null"]} if "type" in value else value
        for key, value in schema["properties"].items()
    }
    for value in checked.values():
        value.pop("enum", None)
    valid = jsonschema_rs.validator_for({**schema, "properties": checked}, validate_formats=True)
    box = shapely.box(west, south, east, north)
    for feature in page["features"]:
        valid.validate(feature["properties"])
        assert list(feature["properties"]) == [key for key in feature["properties"] if key in schema["properties"]]
        assert set(feature["properties"]) == set(schema["properties"]) - {"geometry"}
        shape = shapely.from_geojson(shapely.to_geojson(shapely.geometry.shape(feature["geometry"])))
        assert shape.is_valid and box.buffer(0.02).contains(shape)
        kind = schema["properties"]["geometry"]["format"].removeprefix("geometry-")
        assert feature["geometry"]["type"].lower() in (kind, kind.removeprefix("multi"))


@pytest.mark.parametrize(
    ("name", "limit"), [("stations", 7), ("towns", 50), ("gaps", 13), ("hexes", 3000), ("network", 9999)]
)
def test_pages_hold_everything_once_in_order(client: TestClient, name: str, limit: int) -> None:
    found = pages(client, name, limit=limit)
    ids = [feature["id"] for page in found for feature in page["features"]]
    assert len(ids) == len(set(ids)) == found[0]["numberMatched"] and ids == sorted(ids)
    assert len(found) == -(-len(ids) // limit) > 1
    assert all(page["numberReturned"] == limit for page in found[:-1])


def test_pages_of_what_is_filtered_hold_it_once(client: TestClient) -> None:
    asked = {"filter": "population > 20000", "bbox": "113.1,22.9,113.6,23.4", "limit": 5}
    found = pages(client, "towns", **asked)
    whole = get(client, "/collections/towns/items", **{**asked, "limit": 1000})
    ids = [feature["id"] for page in found for feature in page["features"]]
    assert ids == [feature["id"] for feature in whole["features"]] and len(ids) == whole["numberMatched"] > 5
    assert all(page["numberMatched"] == len(ids) for page in found)


def test_a_page_that_is_too_long_is_cut(client: TestClient) -> None:
    assert get(client, "/collections/hexes/items", limit=10**9)["numberReturned"] <= 10_000


@pytest.mark.parametrize("name", COLLECTIONS)
def test_a_feature_is_found_by_its_id(client: TestClient, name: str) -> None:
    (listed,) = get(client, f"/collections/{name}/items", limit=1)["features"]
    alone = get(client, f"/collections/{name}/items/{listed['id']}")
    assert {key: alone[key] for key in listed} == listed
    rels = {link["rel"]: urlsplit(link["href"]).path for link in alone["links"]}
    assert rels == {"self": f"/ogc/collections/{name}/items/{listed['id']}", "collection": f"/ogc/collections/{name}"}
    for wrong in ("none", "0", "01", "9" * 30, "²"):
        problem = get(client, f"/collections/{name}/items/{wrong}", status=404)
        assert problem["errors"][0]["field"] == "feature_id"


@pytest.mark.parametrize("code", ["4326", "4490"])
@pytest.mark.parametrize("name", ["stations", "hexes", "network", "towns"])
def test_latitude_comes_first_where_the_system_says_so(client: TestClient, name: str, code: str) -> None:
    plain = get(client, f"/collections/{name}/items", limit=20)["features"]
    answer = client.get(f"/ogc/collections/{name}/items", params={"limit": 20, "crs": f"{EPSG}{code}"})
    assert answer.headers["content-crs"] == f"<{EPSG}{code}>"
    for one, other in zip(plain, answer.json()["features"], strict=True):
        shapes = [shapely.geometry.shape(feature["geometry"]) for feature in (one, other)]
        turned = shapely.transform(shapes[1], lambda degrees: degrees[:, ::-1])
        assert turned.equals_exact(shapes[0], 0.0) and one["id"] == other["id"]
        assert 112 < shapes[0].centroid.x < 115 and 22 < shapes[1].centroid.x < 25
    one = client.get(f"/ogc/collections/{name}/items/{plain[0]['id']}", params={"crs": f"{EPSG}{code}"})
    assert one.json()["geometry"] == answer.json()["features"][0]["geometry"]
    assert one.headers["content-crs"] == f"<{EPSG}{code}>"


def test_boxes_in_every_system_find_the_same(client: TestClient, demo_snapshot: Snapshot) -> None:
    box = shapely.box(113.2, 23.0, 113.4, 23.2)
    stations = [s.code for s in demo_snapshot.stations.table.stations if box.intersects(shapely.Point(s.lng, s.lat))]
    for asked in (
        {"bbox": "113.2,23.0,113.4,23.2"},
        {"bbox": "113.2,23.0,-10,113.4,23.2,500"},
        {"bbox": "23.0,113.2,23.2,113.4", "bbox-crs": f"{EPSG}4326"},
        {"bbox": "23.0,113.2,23.2,113.4", "bbox-crs": f"{EPSG}4490", "crs": f"{EPSG}4326"},
        {"filter": "S_INTERSECTS(geometry, BBOX(23.0,113.2,23.2,113.4))", "filter-crs": f"{EPSG}4326"},
    ):
        found = get(client, "/collections/stations/items", limit=1000, **asked)
        assert [feature["id"] for feature in found["features"]] == sorted(stations) != []
    around = get(client, "/collections/stations/items", bbox="170,-90,113.3,90", limit=1000)  # over the date line
    west_of = [s.code for s in demo_snapshot.stations.table.stations if s.lng <= 113.3]
    assert [feature["id"] for feature in around["features"]] == sorted(west_of)
    assert get(client, "/collections/network/items", bbox="0,0,1,1")["numberMatched"] == 0


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("2025-09-01T00:00:00Z", "2025-09-01", "2025-09-01"), ("2025-09-01", "2025-09-01", "2025-09-01"),
        ("2025-08-01/2025-09-30", "2025-08-01", "2025-09-30"),
        ("2025-11-01T00:00:00+08:00/..", "2025-11-01", "9999-12-31"),
        ("../2025-08-15", "0001-01-01", "2025-08-15"), ("/2025-08-15", "0001-01-01", "2025-08-15"),
        ("2025-09-30T16:00:00Z", "2025-10-01", "2025-10-01"),
    ],
)  # fmt: skip
def test_stations_of_a_time(client: TestClient, demo_snapshot: Snapshot, asked: str, first: str, last: str) -> None:
    found = get(client, "/collections/stations/items", datetime=asked, limit=1000)
    there = [
        s.code
        for s in demo_snapshot.stations.table.stations
        if s.opened_on is not None and str(s.opened_on) <= last and (s.closed_on is None or str(s.closed_on) > first)
    ]
    assert [feature["id"] for feature in found["features"]] == sorted(there)


def test_json_filters_and_properties_as_parameters(client: TestClient) -> None:
    asked = '{"op":"=","args":[{"property":"district_code"},"440106"]}'
    by_json = get(client, "/collections/stations/items", **{"filter": asked, "filter-lang": "cql2-json", "limit": 1000})
    by_name = get(client, "/collections/stations/items", district_code="440106", limit=1000)
    by_text = get(client, "/collections/stations/items", filter="district_code = '440106'", limit=1000)
    ids = [[feature["id"] for feature in found["features"]] for found in (by_json, by_name, by_text)]
    assert ids[0] == ids[1] == ids[2] != []
    assert {feature["properties"]["district_name"] for feature in by_name["features"]} == {"天河区"}


@pytest.mark.parametrize(
    ("path", "asked", "status", "field"),
    [
        ("/collections/station", {}, 404, "collection_id"),
        ("/collections/station/items", {}, 404, "collection_id"),
        ("/collections/station/queryables", {}, 404, "collection_id"),
        ("/collections/towns/items", {"zzz": "1"}, 422, "zzz"),
        ("/collections/towns/items", {"seats": "1"}, 422, "seats"),
        ("/collections/towns/items", {"stations": "x"}, 422, "stations"),
        ("/collections/towns/items", {"limit": "0"}, 422, "limit"),
        ("/collections/towns/items", {"limit": "x"}, 422, "limit"),
        ("/collections/towns/items", {"cursor": "x"}, 422, "cursor"),
        ("/collections/towns/items", {"bbox": "1,2,3"}, 422, "bbox"),
        ("/collections/towns/items", {"bbox": "a,b,c,d"}, 422, "bbox"),
        ("/collections/towns/items", {"bbox": "23.0,113.2,23.2,113.4"}, 422, "bbox"),
        ("/collections/towns/items", {"bbox": "113,24,114,23"}, 422, "bbox"),
        ("/collections/towns/items", {"bbox": "nan,0,1,1"}, 422, "bbox"),
        ("/collections/towns/items", {"crs": "EPSG:4326"}, 422, "crs"),
        ("/collections/towns/items", {"bbox-crs": f"{EPSG}3857"}, 422, "bbox-crs"),
        ("/collections/towns/items", {"filter-crs": "x"}, 422, "filter-crs"),
        ("/collections/towns/items", {"filter": "nam = 'x'"}, 422, "filter"),
        ("/collections/towns/items", {"filter": "{}"}, 422, "filter"),
        ("/collections/towns/items", {"filter-lang": "sql"}, 422, "filter-lang"),
        ("/collections/towns/items", {"datetime": "2025-01-01"}, 422, "datetime"),
        ("/collections/stations/items", {"datetime": "yesterday"}, 422, "datetime"),
        ("/collections/stations/items", {"datetime": "../.."}, 422, "datetime"),
        ("/collections/stations/items", {"datetime": "2026-01-01/2025-01-01"}, 422, "datetime"),
        ("/collections/stations/items", {"datetime": "2026-01-01T00:00:00"}, 422, "datetime"),
        ("/collections/stations/items/x", {"limit": "1"}, 422, "limit"),
        ("/conformance", {"f": "json"}, 422, "f"),
    ],
)
def test_what_is_wrong_is_explained(
    client: TestClient, path: str, asked: dict[str, str], status: int, field: str
) -> None:
    problem = get(client, path, status=status, **asked)
    assert [item["field"] for item in problem["errors"]] == [field] and problem["errors"][0]["remedy"]


def test_a_page_that_is_held_is_not_sent_again(client: TestClient) -> None:
    path = "/ogc/collections/towns/items?limit=3"
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304 and again.content == b""
    assert client.get("/ogc/collections/towns/items?limit=4").headers["etag"] != first.headers["etag"]


def test_without_data_it_says_what_to_load(empty_client: TestClient) -> None:
    for path in ("/ogc", "/ogc/collections", "/ogc/collections/stations/items", "/ogc/collections/stations"):
        assert empty_client.get(path).json()["code"] == "not_ready"
    assert empty_client.get("/ogc/conformance").status_code == 200
