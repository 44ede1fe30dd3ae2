"""Search over HTTP: what is told of what was found, what is refused, and that positions leave no trace."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

import pytest

from app.api import one_tap
from app.api.routes import search as routes
from app.geo.crs import Crs, from_wgs84
from app.models.vocabularies import StationStatus
from app.services.search_reading import MOST_WORDS
from app.services.snapshot import Snapshot
from app.services.station_table import StationInfo, today
from tests.api.conftest import TestClient

SEARCH, SUGGESTIONS = "/v1/search", "/v1/search/suggestions"


@pytest.fixture(scope="module")
def station(demo_snapshot: Snapshot) -> StationInfo:
    """One that serves the public and teaches something."""
    taught = {course.station_code for course in demo_snapshot.offer.courses}
    return next(s for s in demo_snapshot.stations.table.stations if s.code in taught and s.is_open_on(today()))


def test_a_station_by_its_name(client: TestClient, station: StationInfo) -> None:
    answer = client.get(SEARCH, params={"q": station.name})
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    body = answer.json()
    first = body["stations"][0]
    assert (first["station"]["code"], first["station"]["crs"]) == (station.code, "wgs84")
    assert first["matched"][0] == {"field": "name", "text": station.name}
    assert (first["walk_minutes"], first["straight_m"]) == (None, None)
    x, y = from_wgs84(station.lng, station.lat, Crs.GCJ02)
    assert first["open_location"]["latitude"] == pytest.approx(float(y), abs=2e-6)
    assert first["open_location"]["longitude"] == pytest.approx(float(x), abs=2e-6)
    assert (body["read_as"], body["understood"], body["message"], body["suggestions"]) == ("exact", None, None, [])
    assert body["data_notice"]["synthetic"] is True


def test_with_a_position_as_the_nearest_stations_have_it(client: TestClient, station: StationInfo) -> None:
    x, y = (float(v) for v in from_wgs84(station.lng + 0.002, station.lat, Crs.GCJ02))
    where = {"lng": x, "lat": y, "crs": "gcj02"}
    near = client.get("/v1/stations/nearest", params={**where, "limit": 50}).json()
    minutes = {hit["station"]["code"]: hit["walk_minutes"] for hit in near["hits"]}
    straight = {hit["station"]["code"]: hit["straight_m"] for hit in near["hits"]}
    hours = {hit["station"]["code"]: hit["hours"] for hit in near["hits"]}
    body = client.get(SEARCH, params={"q": "示范站", "limit": 50, **where}).json()
    compared = 0
    for found in body["stations"]:
        code = found["station"]["code"]
        if code in minutes:
            assert (found["walk_minutes"], found["straight_m"]) == (minutes[code], straight[code])
            assert found["hours"] == {name: hours[code][name] for name in ("state", "until")}
            compared += 1
    assert compared > 1 and body["crs"] == found["station"]["crs"] == "gcj02"


def test_courses_as_their_own_call_has_them(client: TestClient) -> None:
    body = client.get(SEARCH, params={"q": "电工", "kinds": "course", "limit": 5}).json()
    assert body["courses"] and body["stations"] == body["skills"] == []
    for found in body["courses"]:
        told = client.get(f"/v1/courses/{found['id']}").json()
        following = told["course"]["next_starts_at"]
        assert {k: v for k, v in found.items() if k not in ("next_session", "walk_minutes")} == told["course"]
        assert (found["next_session"] and found["next_session"]["starts_at"]) == following
        if following:
            session = told["sessions"][0]
            assert {name: session[name] for name in found["next_session"]} == found["next_session"]
            assert datetime.fromisoformat(following).utcoffset().total_seconds() == 8 * 3600  # type: ignore[union-attr]


def test_skills_and_how_many_teach_them(client: TestClient, demo_snapshot: Snapshot) -> None:
    open_codes = {s.code for s in demo_snapshot.stations.table.stations if s.is_open_on(today())}
    (skill,) = client.get(SEARCH, params={"q": "cayi", "kinds": "skill"}).json()["skills"] or [None]
    assert skill is None or skill["skill"]
    body = client.get(SEARCH, params={"q": "茶艺", "kinds": ["skill"]}).json()
    of = [c for c in demo_snapshot.offer.courses if c.skill == "茶艺" and c.station_code in open_codes]
    assert body["skills"] == [{"skill": "茶艺", "courses": len(of), "stations": len({c.station_code for c in of})}]


def test_post_is_get_without_the_address(client: TestClient, station: StationInfo) -> None:
    asked: dict[str, Any] = {"q": "示范 茶艺", "limit": 4, "lng": station.lng, "lat": station.lat, "crs": "wgs84"}
    assert client.post(SEARCH, json=asked).json() == client.get(SEARCH, params=asked).json()
    strict = client.post(SEARCH, json={**asked, "lng": str(station.lng)})
    assert (strict.status_code, strict.json()["errors"][0]["field"]) == (422, "lng")


def test_what_was_understood_is_told(client: TestClient) -> None:
    body = client.get(SEARCH, params={"q": "茶意"}).json()
    assert (body["read_as"], body["understood"]) == ("pinyin", "茶艺")
    assert "茶艺" in body["message"] and body["skills"][0]["skill"] == "茶艺"
    english = client.get(SEARCH, params={"q": "茶意"}, headers={"Accept-Language": "en"}).json()
    assert english["message"].isascii() is False and "found for" in english["message"]
    assert client.get(SEARCH, params={"q": "chayi"}).json()["read_as"] == "pinyin"
    assert client.get(SEARCH, params={"q": "cy"}).json()["read_as"] == "initials"


def test_nothing_found_is_told_with_what_is_near(client: TestClient) -> None:
    body = client.get(SEARCH, params={"q": "育婴嫂月嫂"}).json()
    assert (body["read_as"], body["stations"], body["courses"], body["skills"]) == ("none", [], [], [])
    assert body["message"].startswith("没有找到“育婴嫂月嫂”。")
    assert len(body["suggestions"]) <= 3 and all(text in body["message"] for text in body["suggestions"])
    assert "育婴" in body["suggestions"]
    apart = client.get(SEARCH, params={"q": "茶艺 电工"}).json()
    assert (apart["read_as"], apart["suggestions"]) == ("none", ["茶艺", "电工"]) and "分别" in apart["message"]
    nothing = client.get(SEARCH, params={"q": "zzzzzzzz"}).json()
    assert (nothing["suggestions"], nothing["message"]) == ([], "没有找到“zzzzzzzz”。")


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({}, "invalid_input", "q"), ({"q": ""}, "invalid_input", "q"), ({"q": "电" * 101}, "invalid_input", "q"),
        ({"q": "电\x00"}, "invalid_input", "q"), ({"q": "电\n"}, "invalid_input", "q"),
        ({"q": "。!?"}, "invalid_input", "q"), ({"q": "🔥"}, "invalid_input", "q"), ({"q": "  "}, "invalid_input", "q"),
        ({"q": " ".join("abcdefghijk"[: MOST_WORDS + 1])}, "invalid_input", "q"),
        ({"q": "电", "lng": 113.3}, "invalid_input", "lat"), ({"q": "电", "lat": 23.1}, "invalid_input", "lng"),
        ({"q": "电", "lng": 113.3, "lat": 23.1}, "crs_required", "crs"),
        ({"q": "电", "lng": 23.1, "lat": 113.3, "crs": "wgs84"}, "coordinate_invalid", "lat"),
        ({"q": "电", "crs": "utm"}, "coordinate_invalid", "crs"),
        ({"q": "电", "limit": 0}, "invalid_input", "limit"),
        ({"q": "电", "kinds": "teacher"}, "invalid_input", "kinds"),
        ({"q": "电", "x": 1}, "unknown_parameter", "x"),
    ],
)  # fmt: skip
def test_what_is_refused(client: TestClient, asked: dict[str, Any], code: str, field: str) -> None:
    answer = client.get(SEARCH, params=asked)
    assert answer.status_code == 422
    body = answer.json()
    assert body["code"] == code and body["errors"][0]["field"].startswith(field) and body["errors"][0]["remedy"]
    if "x" not in asked and "q" in asked:
        posted = client.post(SEARCH, json={**asked, **({"kinds": [asked["kinds"]]} if "kinds" in asked else {})})
        assert (posted.status_code, posted.json()["code"]) == (422, code)


@pytest.mark.parametrize(
    "q", ["(?:a+)+$", ".*电", "𠮷", "'; DROP TABLE stations; --", "%", "a" * 100, "🔥电工🔥", "İ", "½"]
)
def test_strange_characters_are_answered_or_refused(client: TestClient, q: str) -> None:
    answer = client.get(SEARCH, params={"q": q})
    assert answer.status_code == (422 if q == "%" else 200)
    if answer.status_code == 200:
        assert answer.json()["q"] == q
    assert client.get(SUGGESTIONS, params={"q": q}).status_code == answer.status_code


def test_a_position_far_away_is_answered(client: TestClient) -> None:
    body = client.get(SEARCH, params={"q": "示范站", "lng": 114.06, "lat": 22.54, "crs": "wgs84"}).json()
    assert body["stations"] and all(one["walk_minutes"] is None for one in body["stations"])
    assert all(one["straight_m"] > 10_000 for one in body["stations"])


def test_suggestions(client: TestClient, station: StationInfo) -> None:
    body = client.get(SUGGESTIONS, params={"q": "茶", "limit": 3}).json()
    assert body["q"] == "茶" and body["suggestions"][0] == {"text": "茶艺", "kind": "skill", "code": None}
    assert len(body["suggestions"]) <= 3
    (one,) = client.get(SUGGESTIONS, params={"q": station.name, "limit": 1}).json()["suggestions"]
    assert one == {"text": station.name, "kind": "station", "code": station.code}
    for q in ("！", "\x00", "电" * 101):
        assert client.get(SUGGESTIONS, params={"q": q}).status_code == 422


def test_closed_stations_are_no_answer(client: TestClient, demo_snapshot: Snapshot) -> None:
    closed = [s for s in demo_snapshot.stations.table.stations if s.status == StationStatus.CLOSED]
    assert closed
    for one in closed:
        codes = [s["station"]["code"] for s in client.get(SEARCH, params={"q": one.code}).json()["stations"]]
        assert one.code not in codes


def test_positions_leave_no_trace(
    client: TestClient, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.CRITICAL)  # the client's own log, not the service's
    asked = {"q": "茶艺", "lng": 113.312345, "lat": 23.123456, "crs": "wgs84"}
    for params in (asked, {**asked, "crs": "nowhere"}, {**asked, "limit": 0}):
        client.get(SEARCH, params=params)
        client.post(SEARCH, json=params)
    out, err = capfd.readouterr()
    for trace in ("113.31", "23.12", "lng="):
        assert trace not in out + err + caplog.text


HEADERS = {"X-Request-ID": "search"}


def test_the_short_way_answers_as_the_endpoint_does(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right, odd and wrong questions: the same status, headers and bytes, whoever answers."""
    monkeypatch.setattr(routes, "time", FixedTime)  # both are asked in the same second
    short, taken = one_tap._answer, []

    def counted(*given: Any) -> Any:
        answer = short(*given)
        taken.append(answer is not None)
        return answer

    where = "lng=113.3312&lat=23.1379&crs=gcj02"
    for query in (
        "q=茶艺", f"q=茶艺&{where}", "q=%E8%8C%B6%E8%89%BA", "q=cha+yi&limit=3", "q=茶意", "q=zzzzzz",
        "q=茶&limit=50", "q=茶艺&crs=bd09", "q=a%20b%20c", "q=" + "茶" * 100, "q=茶艺&kinds=course",
        "q=茶艺&kinds=course&kinds=skill", "q=茶&q=艺", "q=", "q=%00", "", "q=茶&limit=x", "q=茶&limit=",
        "q=茶&x=1", "q=茶&lng=1", f"q=茶&{where}&crs=wgs84", "q=茶&crs=", "q=。",
        "q=茶&lng=nan&lat=1&crs=wgs84", "q=茶;q=艺", "q=茶&&limit=2", "Q=茶", "q=%FF%FE",
    ):  # fmt: skip
        for headers in (HEADERS, {**HEADERS, "Accept-Language": "en"}, {**HEADERS, "Accept-Encoding": "identity"}):
            monkeypatch.setattr(one_tap, "_answer", counted)
            first = client.get(f"{SEARCH}?{query}", headers=headers)
            monkeypatch.setattr(one_tap, "_answer", lambda *given: None)
            second = client.get(f"{SEARCH}?{query}", headers=headers)
            assert (first.status_code, first.content) == (second.status_code, second.content), query
            assert told(first.headers) == told(second.headers), query
    assert sum(taken) > 20 and not all(taken)


class FixedTime:
    @staticmethod
    def time() -> float:
        return 1_795_600_000.0


def told(headers: Any) -> dict[str, str]:
    """Without the length of what was compressed at another second; what an answer varies by in any order."""
    kept = {k: v for k, v in headers.items() if k != "content-length" or "content-encoding" not in headers}
    return {**kept, "vary": ", ".join(sorted(kept["vary"].split(", ")))}


def test_not_ready_without_a_network(empty_client: TestClient) -> None:
    assert empty_client.get(SEARCH, params={"q": "电"}).status_code == 503
    assert empty_client.get(SUGGESTIONS, params={"q": "电"}).status_code == 503
