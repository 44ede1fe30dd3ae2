"""The short way against the endpoint: the same bytes for every question, and nothing accepted that it would refuse."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.api import nearest_asked, one_tap
from app.api.one_tap import PATH, plain_question
from app.api.schemas.nearest import NearestParameters
from app.geo.crs import Crs, from_wgs84
from app.models.vocabularies import CourseForm, CourseKind, HostKind, StationType, TargetGroup
from app.services.profiles import PROFILES
from app.services.snapshot import Snapshot
from tests.api.conftest import TestClient
from tests.api.test_nearest import places

ID = {"X-Request-ID": "one-tap"}


class Both:
    """Asks a question in the short way and of the endpoint; knows which of them answered."""

    def __init__(self, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
        self.client = client
        self.monkeypatch = monkeypatch
        self.short = one_tap._answer
        self.taken = 0
        monkeypatch.setattr(one_tap, "_answer", self._counted)
        now_s = nearest_asked.this_second()
        monkeypatch.setattr(nearest_asked, "this_second", lambda: now_s)  # both are asked in the same second

    def _counted(self, *given: Any) -> Any:
        answer = self.short(*given)
        self.taken += answer is not None
        return answer

    def __call__(self, query: str, headers: dict[str, str] | None = None, method: str = "GET") -> bool:
        """Was the short way taken? Fails where the two differ."""
        target, sent = f"{PATH}?{query}", {**ID, **(headers or {})}
        before = self.taken
        first = self.client.request(method, target, headers=sent)
        with self.monkeypatch.context() as patch:
            patch.setattr(one_tap, "_answer", lambda *given: None)
            second = self.client.request(method, target, headers=sent)
        assert (first.status_code, first.content) == (second.status_code, second.content)
        size = {"content-length"} if "content-encoding" in second.headers else set()  # compressed at another second
        kept = [{k: v for k, v in answer.headers.items() if k not in size} for answer in (first, second)]
        kept[0]["vary"], kept[1]["vary"] = (
            ", ".join(sorted(headers["vary"].split(", "))) for headers in kept
        )  # fmt: skip
        assert kept[0] == kept[1]
        return self.taken > before


@pytest.fixture
def both(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Both]:
    return Both(client, monkeypatch)


NUMBERS = st.one_of(
    st.floats(-200, 200).map(str), st.floats(113, 113.6).map(lambda v: f"{v:.6f}"), st.integers(-5, 70).map(str),
    st.sampled_from(["", "0", "007", "+1", "1e1", "1_0", ".5", "5.", " 5", "5 ", "nan", "inf", "0x1", "１２", "-0"]),
    st.sampled_from(["60.0000001", "59.9999999", "60.0", "180.000000", "90", "50", "51"]),
)  # fmt: skip
VALUES: dict[str, st.SearchStrategy[str]] = {
    "lng": NUMBERS, "lat": NUMBERS, "limit": NUMBERS, "max_minutes": NUMBERS, "speed_kmh": NUMBERS,
    "crs": st.sampled_from([*(c.value for c in Crs), "", "GCJ02", "wgs84 ", "utm"]),
    "out_crs": st.sampled_from([*(c.value for c in Crs), "", "utm"]),
    "profile": st.sampled_from([*PROFILES, "", "Adult"]),
    "type": st.sampled_from(["park", "school"]), "open_on": st.sampled_from(["2026-11-20", "soon"]),
    "at": st.sampled_from(["2026-11-25T18:00:00+08:00", "2026-11-25T18:00:00", "1999-01-01T00:00:00Z", "now"]),
    "session_before": st.sampled_from(["2026-11-25T18:00:00Z", "2200-01-01T00:00:00Z", "2000-01-01T00:00:00Z"]),
    "accuracy_m": st.sampled_from(["50", "0", "x"]), "cell": st.sampled_from(["8a4118b29017fff", "zz", ""]),
    "skill": st.sampled_from(["", "焊", "\x00", "a" * 51]), "accessible": st.sampled_from(["true", "1", "yes", "ja"]),
    "lon": st.just("1"),
}  # fmt: skip


@st.composite
def queries(draw: st.DrawFn, snapshot: Snapshot) -> str:
    """A right question in any order, with some of its parts made wrong, rare, repeated, missing or escaped."""
    (place,) = places(snapshot, 1, seed=draw(st.integers(0, 50)))
    crs = draw(st.sampled_from(list(Crs)))
    x, y = from_wgs84(place.lng, place.lat, crs)
    parts = {"lng": f"{x:.6f}", "lat": f"{y:.6f}", "crs": crs.value}
    optional = {
        "limit": st.integers(1, 50).map(str), "max_minutes": st.floats(0.01, 60).map(lambda v: f"{v:.3f}"),
        "profile": st.sampled_from(list(PROFILES)), "out_crs": st.sampled_from([c.value for c in Crs]),
        "skill": st.sampled_from(["焊工", "电", "茶艺", "x"]), "accessible": st.sampled_from(["true", "false"]),
        "open_at": st.sampled_from(["now", "2026-12-01T10:00:00+08:00"]),
        "at": st.sampled_from(["2026-12-02T18:00:00+08:00", "2026-12-05T01:00:00Z"]),
        "session_within_hours": st.sampled_from(["3", "200.5"]), "order": st.sampled_from(["walk", "session"]),
    }  # fmt: skip
    for name in draw(st.sets(st.sampled_from(sorted(optional)))):
        parts[name] = draw(optional[name])
    pairs = list(parts.items())
    several = {
        "type": StationType, "host_kind": HostKind, "course_kind": CourseKind, "form": CourseForm, "group": TargetGroup
    }  # fmt: skip
    for name in draw(st.sets(st.sampled_from(sorted(several)), max_size=2)):
        words = draw(st.lists(st.sampled_from(list(several[name])), min_size=1, max_size=3))
        pairs += [(name, word.value) for word in words]
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        name = draw(st.sampled_from(sorted(VALUES)))
        pairs = [p for p in pairs if p[0] != name or draw(st.booleans())] + [(name, draw(VALUES[name]))]
    pairs = draw(st.permutations(pairs))
    query = urlencode(pairs)
    change = draw(st.sampled_from(["", "", "", "&", "escape", "amp"]))
    return (
        query.replace("=w", "=%77")
        if change == "escape"
        else query.replace("&", "&&", 1)
        if change == "amp"
        else query + change
    )


@given(data=st.data())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_short_way_answers_as_the_endpoint_does(data: st.DataObject, both: Both, demo_snapshot: Snapshot) -> None:
    headers = data.draw(
        st.sampled_from([
            {}, {"Accept-Language": "en"}, {"Accept-Language": "en;q=0.1, zh"}, {"Accept-Encoding": "identity"},
            {"Accept-Encoding": "br, gzip", "Accept-Language": "en"}, {"X-Request-ID": "abc"}, {"Origin": "https://a.example"},
        ])
    )  # fmt: skip
    both(data.draw(queries(demo_snapshot)), headers)


def test_plain_questions_take_the_short_way(both: Both, demo_snapshot: Snapshot) -> None:
    for step_free in (False, True):  # as the warming does
        searcher, stations, _ = demo_snapshot.variant(step_free=step_free)
        demo_snapshot.far.build(demo_snapshot.network, searcher, stations, step_free=step_free)
    for place in places(demo_snapshot, 5):
        where = f"lng={place.lng:.6f}&lat={place.lat:.6f}&crs=wgs84"
        for more in (
            "",
            "&limit=3",
            "&type=park&type=community",
            "&form=evening_school&skill=%E7%84%8A%E5%B7%A5&limit=%35",
            "&max_minutes=20.5&profile=senior",
            "&out_crs=gcj02&limit=50&profile=wheelchair",
        ):
            assert both(where + more) and both(where + more, {"Accept-Encoding": "gzip", "Accept-Language": "en"})
        assert both(f"crs=wgs84&lat={place.lat:.6f}&lng={place.lng:.6f}")
        assert both(where + "&max_minutes=0.01"), "the nearest beyond is in the far table"


def test_five_are_named_where_there_are_more(both: Both, client: TestClient, demo_snapshot: Snapshot) -> None:
    asked = [f"lng={p.lng:.6f}&lat={p.lat:.6f}&crs=wgs84" for p in places(demo_snapshot, 40)]
    most = max(asked, key=lambda query: len(client.get(f"{PATH}?{query}&limit=50").json()["hits"]))
    assert both(most) and len(client.get(f"{PATH}?{most}").json()["hits"]) == 5


@pytest.mark.parametrize(
    "more",
    ["&known_at=2026-11-25T04:00:00Z", "&accuracy_m=50", "&x=1", "&limit=5&limit=5", "&limit=51", "&limit=0",
     "&format=wx", "&max_minutes=0", "&max_minutes=60.1", "&profile=runner", "&out_crs=utm", "&lng=113",
     "&skill=a&skill=b", "&type=none", "&at=soon", "&session_before=2001-01-01T00:00:00Z"],
)  # fmt: skip
def test_all_else_goes_to_the_endpoint(both: Both, demo_snapshot: Snapshot, more: str) -> None:
    (place,) = places(demo_snapshot, 1)
    assert not both(f"lng={place.lng:.6f}&lat={place.lat:.6f}&crs=wgs84{more}")


def test_the_sea_the_missing_and_the_twice_said_go_to_the_endpoint(both: Both, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    where = f"lng={place.lng:.6f}&lat={place.lat:.6f}"
    assert not both("lng=114.9&lat=21.9&crs=wgs84") and not both("lng=23.1&lat=113.2&crs=wgs84")
    assert not both(where) and not both(f"{where}&crs=GCJ02") and not both("")
    assert not both(f"{where}&crs=wgs84", {"Content-Length": "0"})
    assert not both(f"{where}&crs=wgs84", method="HEAD")


def test_compressed_it_is_the_same(client: TestClient, demo_snapshot: Snapshot) -> None:
    (place,) = places(demo_snapshot, 1)
    target = f"{PATH}?lng={place.lng:.6f}&lat={place.lat:.6f}&crs=wgs84"
    with client.stream("GET", target, headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip" and int(answer.headers["content-length"]) == len(raw)
    assert gzip.decompress(raw) == client.get(target, headers={"Accept-Encoding": "identity"}).content


def test_what_is_read_here_the_endpoint_documents(app: FastAPI) -> None:
    documented = {p["name"] for p in app.openapi()["paths"][PATH]["get"]["parameters"]}
    assert set(NearestParameters.model_fields) == documented
    assert plain_question(b"") is None and plain_question(b"lng=1&lat=1") is None
