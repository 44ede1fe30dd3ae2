from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from app.db.engine import make_engine, session_scope
from app.main import create_app
from app.services.snapshot import Snapshot
from tests.api.conftest import FixedHolder, TestClient, load_known_city, serving
from tests.api.test_nearest import asked, places
from tests.conftest import MakeDatabase

PATHS = (
    "/v1/stations", "/v1/stations?format=geojson&limit=2", "/v1/stations/S-000", "/v1/areas", "/v1/areas?geometry=true",
    "/v1/areas/9001?format=geojson", "/v1/datasets", "/v1/datasets/1",
)  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_unchanged_data_is_not_sent_again(known_client: TestClient, path: str) -> None:
    first = known_client.get(path)
    tag = first.headers["etag"]
    assert tag.startswith('W/"') and first.headers["cache-control"] == "public, max-age=0, must-revalidate"
    for held in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = known_client.get(path, headers={"If-None-Match": held})
        assert again.status_code == 304 and again.content == b""
        assert again.headers["etag"] == tag and "Accept-Language" in again.headers["vary"]
    for held in ('"other"', tag.removeprefix("W/").strip('"'), ""):
        assert known_client.get(path, headers={"If-None-Match": held}).status_code == 200


def test_each_question_has_its_own_tag(known_client: TestClient) -> None:
    asked = [("/v1/stations", "zh"), ("/v1/stations", "en"), ("/v1/stations?limit=5", "zh"), ("/v1/areas", "zh")]
    tags = {known_client.get(path, headers={"Accept-Language": language}).headers["etag"] for path, language in asked}
    assert len(tags) == 4


def test_the_order_of_parameters_does_not_matter(known_client: TestClient) -> None:
    one, other = (
        known_client.get("/v1/stations?limit=5&status=open"),
        known_client.get("/v1/stations?status=open&limit=5"),
    )
    assert one.headers["etag"] == other.headers["etag"] and one.json() == other.json()


def test_faults_are_neither_cached_nor_304(known_client: TestClient) -> None:
    for path, status in (("/v1/stations/none", 404), ("/v1/stations?limit=0", 422), ("/v1/stations?x=1", 422)):
        answer = known_client.get(path, headers={"If-None-Match": "*"})
        assert answer.status_code == status
        assert answer.headers["cache-control"] == "no-store" and "etag" not in answer.headers


def test_a_change_of_the_data_changes_the_tag(make_database: MakeDatabase) -> None:
    engine = make_engine(make_database())
    with session_scope(engine) as session:
        load_known_city(session)
    with serving(create_app(engine=engine, holder=FixedHolder())) as client:
        held = client.get("/v1/stations/S-000").headers["etag"]
        with engine.begin() as connection:
            connection.execute(text("UPDATE stations SET name = '新名' WHERE code = 'S-000'"))
        answer = client.get("/v1/stations/S-000", headers={"If-None-Match": held})
        assert answer.status_code == 200 and answer.json()["name"] == "新名"
        assert answer.headers["etag"] != held
    engine.dispose()


def test_two_databases_with_equal_counters_differ(
    known_engine: Engine, known_client: TestClient, make_database: MakeDatabase
) -> None:
    other = make_engine(make_database())
    with session_scope(other) as session:
        load_known_city(session)
        session.execute(text("UPDATE database_identity SET id = gen_random_uuid()"))  # databases of tests are copies
    with other.connect() as one, known_engine.connect() as two:
        counters = "SELECT layer, version FROM layer_versions ORDER BY layer"
        assert one.execute(text(counters)).all() == two.execute(text(counters)).all()
    with serving(create_app(engine=other, holder=FixedHolder())) as elsewhere:
        assert elsewhere.get("/v1/datasets").headers["etag"] != known_client.get("/v1/datasets").headers["etag"]
    other.dispose()


@pytest.mark.parametrize("origin", [None, "https://map.example"])
def test_what_is_kept_is_for_any_page_what_is_not_for_who_asks(
    client: TestClient, demo_snapshot: Snapshot, origin: str | None
) -> None:
    """A cache gives the same answer to whoever asks next, a page of another origin among them."""
    (place,) = places(demo_snapshot, 1)
    headers = {} if origin is None else {"Origin": origin}
    kept = client.get("/v1/coverage/curve", headers=headers)
    personal = client.get("/v1/stations/nearest", params=asked(place), headers=headers)
    assert kept.status_code == personal.status_code == 200
    assert "no-store" not in kept.headers["cache-control"] and "no-store" in personal.headers["cache-control"]
    assert kept.headers["access-control-allow-origin"] == "*"
    assert personal.headers.get("access-control-allow-origin") == (None if origin is None else "*")
