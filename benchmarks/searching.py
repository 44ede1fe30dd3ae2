"""Search over 350 stations and 50,000 sessions: alone, beside PostgreSQL with trigrams over the same texts, and over
HTTP with 16 connections.

The stations are those of the demonstration city, what they teach is invented here. Questions are seeded: parts of
names, addresses and titles of one character and more, pinyin, initials, several words, and one in ten with an error of
typing; every other one with a position. The service is the application with that offer in a process of its own.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import numpy as np
import psycopg

from app.cli.addresses import choose_port
from app.models.vocabularies import CourseForm, CourseKind, TargetGroup
from app.repositories.offer import OfferedCourse, SessionTuple
from app.services.offer import Offer, offer_of
from app.services.search import Asked, search_directly, search_forgivingly
from app.services.search_index import SearchIndex, index_of
from app.services.search_reading import checked_words
from app.services.search_text import squeezed, syllables
from app.services.snapshot import Snapshot
from app.services.station_table import StationInfo
from benchmarks import load
from benchmarks.timing import summary, versus
from benchmarks.walking import positions

COURSES, SESSIONS = 10_000, 50_000
QUESTIONS = 2_000
ASKED = 20_000  # under load
ROUNDS = 3
ALONE = 600  # questions asked one by one
MOST_P99_MS, MOST_BUILD_MS = 15.0, 1_000.0  # promised
SKILLS = (
    "电工", "电焊", "养老护理", "育婴", "中式烹调(粤菜师傅)", "家政服务(南粤家政)", "无人机操控", "人工智能训练",
    "电子商务(农村电商)", "短视频制作", "茶艺", "创业培训", "美容", "美发", "叉车驾驶", "新能源汽车维修", "数控车床",
    "插花花艺", "西式面点", "康复按摩", "网络直播", "室内设计", "会计实务", "物业管理", "广绣", "醒狮", "急救", "保育",
)  # fmt: skip
LEVELS = ("初级", "中级", "高级", "入门", "提高", "考证", "体验", "周末")


def offered(snapshot: Snapshot) -> Offer:
    """COURSES and SESSIONS of the snapshot's stations, beginning within the next weeks."""
    rng, now_s = np.random.default_rng(11), int(time.time())
    stations = [s for s in snapshot.stations.table.stations if s.opened_on]
    kinds, forms, groups = list(CourseKind), list(CourseForm), list(TargetGroup)
    courses = []
    for number in range(1, COURSES + 1):
        skill = SKILLS[int(rng.integers(len(SKILLS)))]
        level, count = LEVELS[int(rng.integers(len(LEVELS)))], int(rng.integers(1, 60))
        courses.append(OfferedCourse(
            id=number, station_code=stations[number % len(stations)].code, title=f"{skill}{level}班第{count}期",
            kind=kinds[int(rng.integers(len(kinds)))].value, form=forms[int(rng.integers(len(forms)))].value,
            skill=skill, industry="现代服务", target_groups=[groups[int(rng.integers(len(groups)))].value],
            fee_yuan=Decimal(int(rng.integers(0, 3)) * 50), subsidised=bool(rng.random() < 0.4), subsidy_note=None,
            seats=30, online_url=None, description=None,
        ))  # fmt: skip
    starts = now_s + rng.integers(3_600, 35 * 86_400, SESSIONS)
    sessions: list[SessionTuple] = [
        (k + 1, k % COURSES + 1, int(start), int(start) + 7_200, 30, None) for k, start in enumerate(starts)
    ]
    return offer_of(courses, sessions, snapshot.stations.table, "bench")


def questions(snapshot: Snapshot, count: int = QUESTIONS) -> list[str]:
    """What people may type, drawn from the texts that there are."""
    rng = np.random.default_rng(13)
    stations, courses = snapshot.stations.table.stations, snapshot.offer.courses
    areas = [area.name for area in snapshot.areas.areas]
    return [_drawn(rng, k, stations, courses, areas) for k in range(count)]


def _drawn(
    rng: np.random.Generator,
    k: int,
    stations: Sequence[StationInfo],
    courses: Sequence[OfferedCourse],
    areas: list[str],
) -> str:
    station: StationInfo = stations[int(rng.integers(len(stations)))]
    course: OfferedCourse = courses[int(rng.integers(len(courses)))]
    text = squeezed((station.name, station.address or station.name, course.title)[int(rng.integers(3))])
    length = int(rng.integers(1, 7))
    at = int(rng.integers(max(len(text) - length, 1)))
    part = text[at : at + length]
    match k % 10:
        case 0 | 1 | 2 | 3:
            return part
        case 4 | 5:
            return "".join(syllables(part))
        case 6:
            return "".join(one[0] for one in syllables(text[at : at + max(length, 2)]))
        case 7:
            return f"{areas[int(rng.integers(len(areas)))]} {course.skill}"
        case 8:
            return f"{(course.skill or '')[:4]} 夜校"
        case _:
            wrong = int(rng.integers(len(text)))
            return text[:wrong] + "鑫" + text[wrong + 1 :]


def run(url: str, snapshot: Snapshot) -> dict[str, Any]:
    """Figures over the stations of ``snapshot``, which is what the database at ``url`` holds."""
    made = replace(snapshot, offer=offered(snapshot))
    asked = questions(made)
    started = time.perf_counter()
    index = index_of(made)
    build_ms = (time.perf_counter() - started) * 1e3
    return {
        "search_index_built": {
            "median_ms": round(build_ms, 1), "promised_ms": MOST_BUILD_MS, "kept": build_ms <= MOST_BUILD_MS,
            "texts": len(index.texts),
        },
        "search_alone": _beside_trigrams(url, made, index, asked),
        **_under_load(url, made, asked),
    }  # fmt: skip


def _beside_trigrams(url: str, snapshot: Snapshot, index: SearchIndex, asked: list[str]) -> dict[str, Any]:
    """One question after the other; the peer is asked for the words as they are, so only what is found literally."""
    ours, peer = [], []
    plain = [
        words for words in map(checked_words, asked) if all(index.texts.written.joined.find(w) >= 0 for w in words)
    ]
    with psycopg.connect(url, autocommit=False) as connection:
        _fill(connection, snapshot)
        for words in plain[:ALONE]:
            started = time.perf_counter()
            found = search_directly(snapshot, index, words, Asked(int(time.time())))
            ours.append((time.perf_counter() - started) * 1e3)
            condition = " AND ".join(["told LIKE %s"] * len(words))
            started = time.perf_counter()
            rows = connection.execute(
                f"SELECT id FROM sought WHERE {condition} ORDER BY id LIMIT 10",
                [f"%{word}%" for word in words],
            ).fetchall()
            peer.append((time.perf_counter() - started) * 1e3)
            if rows and found is None:
                raise RuntimeError(f"the peer found {words}, and we did not")
        connection.rollback()
    every = []
    for question in asked[:ALONE]:
        words, at = checked_words(question), Asked(int(time.time()))
        started = time.perf_counter()
        _ = search_directly(snapshot, index, words, at) or search_forgivingly(snapshot, index, words, at)
        every.append((time.perf_counter() - started) * 1e3)
    figure = versus(summary(ours), summary(peer), "PostgreSQL, LIKE over a trigram index")
    return {**figure, "peer_p99_ms": summary(peer)["p99_ms"], "with_errors_of_typing": summary(every)}


def _fill(connection: psycopg.Connection[Any], snapshot: Snapshot) -> None:
    """The same texts as the index has, a line for every station and course; all of it is rolled back."""
    connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    connection.execute("CREATE TEMP TABLE sought (id int, told text) ON COMMIT DROP")
    stations = snapshot.stations.table
    where = [squeezed(f"{s.name}{s.code}{s.address or ''}") for s in stations.stations]
    rows = [(k, told) for k, told in enumerate(where)]
    for course in snapshot.offer.courses:
        told = squeezed(f"{course.title}{course.skill}{CourseForm(course.form).title_zh}")
        rows.append((len(rows), told + where[stations.at[course.station_code]]))
    with connection.cursor().copy("COPY sought FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute("CREATE INDEX ON sought USING gin (told gin_trgm_ops)")
    connection.execute("ANALYZE sought")


def _under_load(url: str, snapshot: Snapshot, asked: list[str]) -> dict[str, Any]:
    """With 16 connections: as people ask (the k-th question of the list 1/k as often as the first), and the worst case
    for whatever is kept, every question once before any is asked again.
    """
    rng = np.random.default_rng(17)
    often = 1 / np.arange(1, len(asked) + 1)
    drawn = rng.choice(len(asked), ASKED, p=often / often.sum()).tolist()
    with _service(url) as port:
        return {
            "search_under_load": _load(port, _targets(snapshot, [asked[k] for k in drawn])),
            "search_under_load_nothing_kept": _load(port, _targets(snapshot, asked)),
        }


def _targets(snapshot: Snapshot, asked: list[str]) -> list[str]:
    targets = []
    for k, (question, where) in enumerate(zip(asked, positions(snapshot, len(asked)), strict=True)):
        query = {"q": question}
        if k % 2:
            query |= {"lng": f"{where.lng:.6f}", "lat": f"{where.lat:.6f}", "crs": "wgs84"}
        targets.append(f"/v1/search?{urlencode(query)}")
    return targets


def _load(port: int, targets: list[str]) -> dict[str, Any] | str:
    figures = load.run("127.0.0.1", port, targets, rounds=ROUNDS)
    if isinstance(figures, str):
        return figures
    promised = {"promised_p99_ms": MOST_P99_MS, "kept": figures["p99_ms"] <= MOST_P99_MS}
    dropped = ("promised_share", "promised_p50_ms")
    return {**{name: value for name, value in figures.items() if name not in dropped}, **promised}


@contextmanager
def _service(url: str) -> Iterator[int]:
    """The port of the application over the database's city with that offer, once it answers."""
    port = choose_port("127.0.0.1", 0)
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.searching", str(port)], stdin=subprocess.PIPE)
    try:
        assert process.stdin is not None
        process.stdin.write(url.encode())  # not as an argument, which everybody on the machine can read
        process.stdin.close()
        _wait(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1_200):
        if process.poll() is not None:
            raise RuntimeError(f"the service ended with {process.returncode}")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request("GET", "/v1/search?q=1")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise RuntimeError("the service did not answer within two minutes")


class _Holder:
    """Holds one snapshot for ever."""

    error = None

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def current(self) -> Snapshot:
        return self._snapshot


def serve(port: int, url: str) -> None:
    """Serve until told to stop."""
    import uvicorn

    from app.db.engine import make_engine
    from app.main import create_app
    from app.services.snapshot import ensure_snapshot
    from app.settings import home_settings

    engine = make_engine(url)
    snapshot = ensure_snapshot(engine, home_settings())
    app = create_app(engine=engine, holder=_Holder(replace(snapshot, offer=offered(snapshot))))
    uvicorn.run(
        app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", access_log=False, server_header=False,
        log_level="warning",
    )  # fmt: skip


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.stdin.read())
