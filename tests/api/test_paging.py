from __future__ import annotations

import base64
import hashlib
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from app.models.vocabularies import Role
from tests.api.conftest import STATIONS, TestClient
from tests.support.accounts import signed_in

CODES = [f"S-{k:03d}" for k in range(STATIONS)]
BOUNDED = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def walk(client: TestClient, path: str) -> list[dict[str, Any]]:
    """All pages, followed by the Link header; the cursor in the body must say the same."""
    pages: list[dict[str, Any]] = []
    following: str | None = path
    while following is not None:
        answer = client.get(following)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json())
        assert len(pages) <= STATIONS + 1
        link = answer.headers.get("link")
        following = None if link is None else link.removeprefix("<").removesuffix('>; rel="next"')
        cursor = pages[-1]["next_cursor"]
        assert (cursor is None) == (following is None) and (following is None or f"cursor={cursor}" in following)
    return pages


@BOUNDED
@given(limit=st.integers(1, 40), geojson=st.booleans())
def test_the_pages_together_are_the_list(known_client: TestClient, limit: int, geojson: bool) -> None:
    pages = walk(known_client, f"/v1/stations?limit={limit}" + ("&format=geojson" if geojson else ""))
    found = [one["id"] for page in pages for one in page["features"]] if geojson else codes(pages)
    assert found == CODES
    assert {page["total"] for page in pages} == {STATIONS}
    assert len(pages) == -(-STATIONS // limit)  # never an empty last page


@BOUNDED
@given(
    limit=st.integers(1, 9), status=st.sampled_from(["open", "planned", "closed"]), q=st.sampled_from(["站", "路 1"])
)
def test_filters_hold_on_every_page(known_client: TestClient, limit: int, status: str, q: str) -> None:
    whole = known_client.get("/v1/stations", params={"status": status, "q": q}).json()
    pages = walk(known_client, f"/v1/stations?status={status}&q={q}&limit={limit}")
    assert codes(pages) == codes([whole]) and {page["total"] for page in pages} == {whole["total"]}


def test_a_cursor_may_continue_with_another_page_size_and_format(known_client: TestClient) -> None:
    cursor = known_client.get("/v1/stations?limit=3").json()["next_cursor"]
    answer = known_client.get(f"/v1/stations?limit=2&format=geojson&cursor={cursor}").json()
    assert [one["id"] for one in answer["features"]] == CODES[3:5]


def test_a_cursor_of_another_question_is_refused(known_client: TestClient) -> None:
    cursor = known_client.get("/v1/stations?limit=3&status=open").json()["next_cursor"]
    answer = known_client.get(f"/v1/stations?status=planned&cursor={cursor}", headers={"Accept-Language": "en"})
    assert answer.status_code == 422
    assert "other filters" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("change", [lambda c: c[:-2], lambda c: c + "A", lambda c: c.swapcase(), lambda c: "0" * 400])
def test_a_cursor_that_was_tampered_with_is_refused(known_client: TestClient, change: Any) -> None:
    cursor = known_client.get("/v1/stations?limit=3").json()["next_cursor"]
    answer = known_client.get("/v1/stations", params={"cursor": change(cursor)})
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "cursor"


def codes(pages: list[dict[str, Any]]) -> list[str]:
    return [station["code"] for page in pages for station in page["stations"]]


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/v1/ledger/courses", '["S",99999999999999999999]'), ("/v1/ledger/sessions", '["2026-01-01",1]'),
        ("/v1/ledger/pairings", "9" * 40), ("/v1/ledger/pairings", "²"), ("/v1/auth/tokens", "²"),
        ("/v1/ledger/training", '["\\u0000","a","b","c"]'), ("/v1/audit", "9" * 40),
    ],
)  # fmt: skip
def test_places_that_no_list_has_are_refused(client: TestClient, demo_engine: Engine, path: str, place: str) -> None:
    """The question fits, and the database would refuse the place."""
    question = hashlib.sha256(b"").hexdigest()[:12]
    cursor = base64.urlsafe_b64encode(orjson.dumps([question, place])).decode().rstrip("=")
    answer = client.get(path, params={"cursor": cursor}, headers=signed_in(demo_engine, Role.ADMINISTRATOR, "4401"))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert "游标" in answer.json()["detail"]
