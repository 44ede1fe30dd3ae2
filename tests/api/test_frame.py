from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from sqlalchemy import Engine
from sqlalchemy.exc import DataError

from app.api.deps import SessionDep
from app.api.documentation import describe
from app.db.engine import make_engine
from app.main import MAX_BODY_BYTES, create_app
from tests.api.conftest import FixedHolder, TestClient, serving


class Given(BaseModel):
    lng: float


@pytest.fixture(scope="module")
def app(engine: Engine) -> FastAPI:
    """The application with a few routes that go wrong."""
    router = APIRouter()

    @router.get("/broken", operation_id="broken")
    async def broken(lng: float) -> None:
        raise ValueError(f"no street near {lng}\nsecond line")

    @router.get("/wrong-sql", operation_id="wrongSql")
    def wrong_sql(session: SessionDep, lng: float) -> None:
        raise DataError("SELECT :lng", {"lng": lng}, ValueError(f"bad value {lng}"))

    @router.post("/body", operation_id="body")
    async def body(given: Given) -> dict[str, Any]:
        return {"lng": given.lng}

    made = create_app(engine=engine, holder=FixedHolder())
    made.include_router(router)
    describe(made)
    return made


@pytest.fixture(scope="module")
def asked(app: FastAPI) -> Iterator[TestClient]:
    with serving(app) as client:
        yield client


def test_a_well_formed_request_id_is_kept(asked: TestClient) -> None:
    assert asked.get("/healthz", headers={"X-Request-ID": "trace-1_a.b"}).headers["x-request-id"] == "trace-1_a.b"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\u00e9", "<script>"])
def test_other_request_ids_are_replaced(asked: TestClient, given: str) -> None:
    answer = asked.get("/nowhere", headers={"X-Request-ID": given.encode("latin-1")})
    made = answer.headers["x-request-id"]
    assert re.fullmatch(r"[0-9a-f]{16}", made)
    assert answer.json()["request_id"] == made


def test_every_answer_is_framed(asked: TestClient) -> None:
    for answer in (asked.get("/healthz"), asked.get("/nowhere"), asked.get("/broken?lng=1"), asked.get("/docs")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert len(answer.headers.get_list("content-security-policy")) == 1
        assert answer.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/broken?lng=113.264385", "/wrong-sql?lng=113.264385"])
def test_an_unexpected_fault_tells_the_client_nothing_and_the_log_no_position(
    app: FastAPI, path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(app) as client:
        answer = client.get(path, headers={"X-Request-ID": "abc"})
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "internal_error" and problem["errors"] == [] and problem["request_id"] == "abc"
    assert "street" not in answer.text and "ValueError" not in answer.text
    told = capfd.readouterr()
    written = told.out + told.err
    (line,) = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    assert line["request_id"] == "abc" and line["path"] == path.partition("?")[0] and line["frames"]
    assert line["text"] == ("no street near ###.######" if "broken" in path else "bad value ###.######")
    assert "113" not in written and "264385" not in written and "second line" not in written


def test_a_body_above_the_limit_is_refused(asked: TestClient) -> None:
    answer = asked.post("/body", content=b" " * (MAX_BODY_BYTES + 1), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413 and answer.json()["code"] == "body_too_large"


def test_a_streamed_body_above_the_limit_is_refused(app: FastAPI) -> None:
    async def chunks() -> Any:
        for _ in range(5):
            yield b" " * (MAX_BODY_BYTES // 4)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return await client.post("/body", content=chunks(), headers={"Content-Type": "application/json"})

    answer = asyncio.run(ask())
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code", "field"),
    [
        (b'{"lng": 1', "application/json", 400, "malformed_request", "body"),
        (b'{"lng": "x"}', "application/json", 422, "invalid_input", "lng"),
        (b"{}", "application/json", 422, "invalid_input", "lng"),
        (b'{"lng": 1}', "text/plain", 422, "invalid_input", "body"),
        (b"", "application/json", 422, "invalid_input", "body"),
        (b"\xff\xfe", "application/json", 400, "malformed_request", "body"),
    ],
)
def test_bodies_that_cannot_be_used(
    asked: TestClient, content: bytes, content_type: str, status: int, code: str, field: str
) -> None:
    answer = asked.post("/body", content=content, headers={"Content-Type": content_type})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code
    assert [item["field"] for item in answer.json()["errors"]] == [field]


def test_head_is_get_without_its_body(asked: TestClient) -> None:
    got, headed = asked.get("/healthz"), asked.head("/healthz")
    assert headed.status_code == 200 and headed.content == b""
    assert headed.headers["content-length"] == got.headers["content-length"]


def test_other_methods_are_refused_and_told_which(asked: TestClient) -> None:
    answer = asked.request("DELETE", "/healthz")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.json()["code"] == "method_not_allowed" and "GET" in answer.json()["errors"][0]["remedy"]


def test_an_unknown_path_names_what_is_close(asked: TestClient) -> None:
    answer = asked.get("/v1/station?lng=113.264385", headers={"Accept-Language": "en"})
    problem = answer.json()
    assert answer.status_code == 404 and problem["code"] == "path_not_found"
    assert "/v1/stations" in problem["errors"][0]["remedy"]
    assert problem["instance"] == "/v1/station" and "113" not in answer.text


def test_any_page_may_ask(asked: TestClient) -> None:
    answer = asked.get("/nowhere", headers={"Origin": "https://map.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert {"X-Request-ID", "ETag", "Link"} <= set(answer.headers["access-control-expose-headers"].split(", "))
    before = asked.options(
        "/v1/stations",
        headers={
            "Origin": "https://map.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        },
    )
    assert before.status_code == 200 and "POST" in before.headers["access-control-allow-methods"]


def test_large_answers_are_compressed_and_small_ones_are_not(known_client: TestClient) -> None:
    with known_client.stream("GET", "/v1/stations", headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip" and "Accept-Encoding" in answer.headers["vary"]
    assert json.loads(gzip.decompress(raw))["total"] == 23
    assert "content-encoding" not in known_client.get("/healthz").headers
    assert "content-encoding" not in known_client.get("/v1/stations", headers={"Accept-Encoding": "identity"}).headers


def test_a_lost_database_is_503_with_a_time_to_retry(capfd: pytest.CaptureFixture[str]) -> None:
    nowhere = make_engine("postgresql://nobody@127.0.0.1:1/none")
    with serving(create_app(engine=nowhere, holder=FixedHolder())) as client:
        for path in ("/v1/stations?q=secret", "/readyz"):
            answer = client.get(path)
            assert answer.status_code == 503 and answer.json()["code"] == "database_unavailable"
            assert int(answer.headers["retry-after"]) > 0
        assert client.get("/healthz").status_code == 200
    assert "secret" not in "".join(capfd.readouterr())


def test_get_cannot_write(engine: Engine) -> None:
    from sqlalchemy import text

    router = APIRouter()

    @router.get("/write", operation_id="write")
    def write(session: SessionDep) -> None:
        session.execute(text("INSERT INTO layer_versions VALUES ('x', 1, now())"))

    app = create_app(engine=engine, holder=FixedHolder())
    app.include_router(router)
    with serving(app) as client:
        assert client.get("/write").status_code == 500
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM layer_versions WHERE layer = 'x'")).scalar() == 0
        assert connection.execute(text("SHOW transaction_read_only")).scalar() == "off"  # given back as it was
