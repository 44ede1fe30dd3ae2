"""What is found, against plain Python over the same texts; and what comes first."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypinyin import lazy_pinyin

from app.errors import InvalidInput
from app.models.vocabularies import CourseForm, StationStatus
from app.repositories.offer import OfferedCourse, SessionTuple
from app.services.nearest import walks_from
from app.services.offer import offer_of
from app.services.positions import Position, read_position
from app.services.profiles import resolve_profile
from app.services.search import Asked, Found, Kind, search_directly, search_forgivingly
from app.services.search_forms import How
from app.services.search_index import SearchIndex, index_of
from app.services.search_reading import checked_words
from app.services.search_suggestions import near_in_spelling, suggestions
from app.services.snapshot import Snapshot
from app.services.station_table import StationInfo, today

NOW_S = int(time.time())
SKILLS = (
    ("电焊", "智能装备"), ("电工", "智能装备"), ("养老护理", "养老托育"), ("育婴", "养老托育"), ("茶艺", "生活服务"),
    ("中式烹调(粤菜师傅)", "生活服务"), ("无人机操控", "低空经济"), ("短视频制作", "数字经济"),
)  # fmt: skip
FORMS = (CourseForm.EVENING_SCHOOL, CourseForm.DAY_CLASS, CourseForm.SALON, CourseForm.ONLINE)


def course(number: int, station: StationInfo, skill: int, form: CourseForm) -> OfferedCourse:
    name, industry = SKILLS[skill]
    return OfferedCourse(
        id=number, station_code=station.code, title=f"{name}第{number % 7}期", kind="skill_improvement",
        form=form.value, skill=name, industry=industry, target_groups=["unemployed"] if number % 3 == 0 else [],
        fee_yuan=Decimal(number % 2), subsidised=number % 5 == 0, subsidy_note=None, seats=30, online_url=None,
        description=None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def place(demo_snapshot: Snapshot) -> Snapshot:
    """The demonstration city with courses of its own: three at every station, each with two sessions."""
    stations = demo_snapshot.stations.table.stations
    rng = random.Random(3)
    courses = [
        course(3 * k + j + 1, station, rng.randrange(len(SKILLS)), rng.choice(FORMS))
        for k, station in enumerate(stations)
        for j in range(3)
    ]
    sessions: list[SessionTuple] = [
        (2 * c.id + j, c.id, NOW_S + 3600 * (c.id % 50 + 1 + 24 * j), NOW_S + 3600 * (c.id % 50 + 3 + 24 * j), 30, None)
        for c in courses
        for j in range(2)
    ]
    return replace(demo_snapshot, offer=offer_of(courses, sessions, demo_snapshot.stations.table, "test"))


@pytest.fixture(scope="module")
def index(place: Snapshot) -> SearchIndex:
    return index_of(place)


Ask = Callable[..., Found]


def searched(place: Snapshot, index: SearchIndex, text: str, asked: Asked) -> Found:
    words = checked_words(text)
    return search_directly(place, index, words, asked) or search_forgivingly(place, index, words, asked)


@pytest.fixture(scope="module")
def ask(place: Snapshot, index: SearchIndex) -> Ask:
    def asked(text: str, limit: int = 10_000, kinds: Kind = Kind(), position: Position | None = None) -> Found:  # noqa: B008
        return searched(place, index, text, Asked(NOW_S, limit, kinds, position))

    return asked


def plain(text: str | None) -> str:
    """Independent of the index: letters and digits, small."""
    return "".join(c for c in (text or "").lower() if c.isalnum())


def serving(place: Snapshot) -> list[StationInfo]:
    return [s for s in place.stations.table.stations if s.is_open_on(today())]


def holding(place: Snapshot, part: str) -> tuple[set[str], set[int]]:
    """Stations and courses any own text of which contains a part, by looking at each."""
    areas = place.areas
    stations, courses = set(), set()
    for s in place.stations.table.stations:
        names = [areas.get(code).name for code in (s.district_code, s.town_code) if code]
        if s.status != StationStatus.CLOSED and any(part in plain(t) for t in (s.name, s.code, s.address, *names)):
            stations.add(s.code)
    for c in place.offer.courses:
        if place.stations.table.stations[place.stations.table.at[c.station_code]].is_open_on(today()) and any(
            part in plain(t) for t in (c.title, c.skill, c.industry)
        ):
            courses.add(c.id)
    return stations, courses


def codes(place: Snapshot, found: Found) -> list[str]:
    return [place.stations.table.stations[s.number].code for s in found.stations]


def ids(place: Snapshot, found: Found) -> list[int]:
    return [place.offer.courses[c.course].id for c in found.courses]


def real_texts(place: Snapshot) -> list[str]:
    stations = [s for s in place.stations.table.stations if s.status != StationStatus.CLOSED]
    found = {s.name for s in stations} | {s.address for s in stations if s.address} | {s.code for s in stations}
    return sorted(found | {c.title for c in place.offer.courses} | {skill for skill, _ in SKILLS})


@pytest.fixture(scope="module")
def texts(place: Snapshot) -> list[str]:
    return real_texts(place)


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_every_part_of_a_text_finds_all_that_hold_it(
    place: Snapshot, ask: Ask, texts: list[str], data: st.DataObject
) -> None:
    letters = plain(data.draw(st.sampled_from(texts)))
    begin = data.draw(st.integers(0, len(letters) - 1))
    part = letters[begin : begin + data.draw(st.integers(1, len(letters)))]
    found, (stations, courses) = ask(part), holding(place, part)
    assert found.reading.how is How.EXACT
    assert stations <= set(codes(place, found))
    assert courses <= set(ids(place, found))
    if not part.isascii():  # nothing is found by characters that it does not have
        titles = {"运营", "社区", "乡村", "园区", "院校"}
        for one in found.stations:
            assert any(part in plain(m.text) or m.text in titles for m in one.matched)


def aloud(name: str) -> list[str]:
    return lazy_pinyin(plain(name), errors=list)


def test_pinyin_and_initials_of_any_name_find_it(place: Snapshot, ask: Ask) -> None:
    rng = random.Random(5)
    stations = [s for s in place.stations.table.stations if s.status != StationStatus.CLOSED]
    for station in rng.sample(stations, min(25, len(stations))):
        sounds = aloud(station.name)
        at = rng.randrange(len(sounds) - 3)
        part = sounds[at : at + rng.randint(2, 8)]
        for typed, how in (
            ("".join(part), How.PINYIN), (" ".join(part), How.PINYIN), ("".join(part)[:-1], How.INITIALS),
            ("".join(one[0] for one in part), How.INITIALS), ("".join(part).upper(), How.PINYIN),
        ):  # fmt: skip
            found = ask(typed)
            assert station.code in codes(place, found), (station.name, typed)
            assert found.reading.how >= how
        mixed = part[0] + plain(station.name)[at + 1] + part[2] if len(part) > 2 else None
        if mixed:
            assert station.code in codes(place, ask(mixed)), (station.name, mixed)


def test_pinyin_begins_with_a_syllable(ask: Ask) -> None:
    """``an`` lies within ``dian han``, but is no syllable of it."""
    assert ask("anhan").reading.how is How.FUZZY
    assert {s.skill for s in ask("dian").skills} == {"电焊", "电工"}
    assert [s.skill for s in ask("dianh").skills] == ["电焊"], "a syllable that is only begun"


@pytest.mark.parametrize(
    "typed", ["dianhan", "dian han", "DianHan", "ｄｉａｎｈａｎ", "dian'han", "dian焊", "电han", "dhan", "dianh"]
)
def test_ways_to_type_one_skill(ask: Ask, typed: str) -> None:
    assert [s.skill for s in ask(typed).skills][:1] == ["电焊"]


@pytest.mark.parametrize(
    ("typed", "meant", "how"),
    [
        ("电汗", "电焊", How.PINYIN),
        ("店铺汗", None, How.NONE),
        ("焊电", "电焊", How.FUZZY),
        ("养老胡理", "养老护理", How.PINYIN),
        ("样老护里", "养老护理", How.PINYIN),
        ("养老户", None, How.PINYIN),
        ("养护理", "养老护理", How.FUZZY),
        ("无人飞机操控", "无人机操控", How.FUZZY),
        ("无人机操纵", "无人机操控", How.FUZZY),
        ("yanglaohulii", "养老护理", How.FUZZY),
        ("yanlaohuli", "养老护理", How.INITIALS),
        ("yanglaofuli", "养老护理", How.FUZZY),
        ("wurenjicaokong", "无人机操控", How.PINYIN),
        ("wurengjicaokon", "无人机操控", How.FUZZY),
    ],
)
def test_errors_of_typing(index: SearchIndex, ask: Ask, typed: str, meant: str | None, how: How) -> None:
    found = ask(typed)
    if meant is not None:
        assert [s.skill for s in found.skills] == [meant]
        assert found.reading.understood in (None, meant)
    assert found.reading.how is how


def test_any_single_error_in_a_name_finds_it(place: Snapshot, ask: Ask) -> None:
    rng = random.Random(7)
    stations = [s for s in place.stations.table.stations if s.status != StationStatus.CLOSED]
    for station in rng.sample(stations, min(20, len(stations))):
        name = plain(station.name)
        for kind in ("other", "missing", "too many", "swapped"):
            at = rng.randrange(len(name) - 1)
            wrong = {
                "other": name[:at] + "鑫" + name[at + 1 :], "missing": name[:at] + name[at + 1 :],
                "too many": name[:at] + "鑫" + name[at:],
                "swapped": name[:at] + name[at + 1] + name[at] + name[at + 2 :],
            }[kind]  # fmt: skip
            assert station.code in codes(place, ask(wrong))[:3], (name, wrong)


def test_all_words_have_to_fit_one_thing(place: Snapshot, ask: Ask) -> None:
    stations = serving(place)
    taught = {c.station_code for c in place.offer.courses if (c.skill, c.form) == ("电工", "evening_school")}
    district = place.areas.get(next(s.district_code for s in stations if s.district_code and s.code in taught)).name
    for typed in (f"{district} 电工 夜校", f"{district.removesuffix('区')}电工夜校", f"夜校,电工,{district}"):
        found = ask(typed)
        expected = {
            c.id
            for c in place.offer.courses
            for s in stations
            if s.code == c.station_code and s.district_code and c.skill == "电工" and c.form == "evening_school"
            and place.areas.get(s.district_code).name == district
        }  # fmt: skip
        assert expected and set(ids(place, found)) >= expected
        for one in found.courses:
            assert place.offer.courses[one.course].skill == "电工"
            assert place.offer.courses[one.course].form == "evening_school"
        by_code = {c.station_code for c in place.offer.courses if c.id in expected}
        assert by_code <= set(codes(place, found)), "the stations that teach it, too"


@pytest.mark.parametrize(
    ("typed", "fits"),
    [
        ("免费", lambda c: c.fee_yuan == 0), ("补贴", lambda c: c.subsidised), ("失业", lambda c: c.target_groups),
        ("夜校", lambda c: c.form == "evening_school"), ("免费 茶艺", lambda c: c.fee_yuan == 0 and c.skill == "茶艺"),
        ("yexiao", lambda c: c.form == "evening_school"), ("evening", lambda c: c.form == "evening_school"),
        ("我想学茶艺", lambda c: c.skill == "茶艺"), ("线上", lambda c: c.form == "online"),
    ],
)  # fmt: skip
def test_words_of_vocabularies(place: Snapshot, ask: Ask, typed: str, fits: Callable[[OfferedCourse], bool]) -> None:
    open_codes = {s.code for s in serving(place)}
    expected = {c.id for c in place.offer.courses if c.station_code in open_codes and fits(c)}
    assert expected and set(ids(place, ask(typed))) == expected


def test_better_texts_come_first(place: Snapshot, ask: Ask) -> None:
    station = serving(place)[3]
    assert codes(place, ask(station.name))[0] == station.code
    assert codes(place, ask(station.code))[0] == station.code
    found = ask("电工")
    skills = [place.offer.courses[c.course].skill for c in found.courses]
    assert skills == ["电工"] * len(skills) and [s.skill for s in found.skills] == ["电工"]
    assert found.skills[0].courses == len(found.courses)
    assert found.skills[0].stations == len({place.offer.courses[c.course].station_code for c in found.courses})
    assert {m.text for s in found.stations for m in s.matched} <= {"电工"} | {c.title for c in place.offer.courses}


def test_order_without_ties_is_the_same_again(place: Snapshot, ask: Ask) -> None:
    for typed in ("羊城", "a", "dh", "电", "1"):
        first, again = ask(typed, 50), ask(typed, 50)
        assert codes(place, first) == codes(place, again) and ids(place, first) == ids(place, again)
        assert codes(place, ask(typed, 5)) == codes(place, first)[:5], "fewer are the first of more"
        assert ids(place, ask(typed, 5)) == ids(place, first)[:5]


def opened(place: Snapshot, moment_s: int) -> list[bool]:
    return [place.hours.opening(k, moment_s).state == "open" for k in range(len(place.stations.table))]


def test_near_open_and_soon_come_first(place: Snapshot, index: SearchIndex, ask: Ask) -> None:
    """Against the stated score, computed anew; among stations that fit alike: all have it inside of their names."""
    stations = place.stations.table.stations
    everyone, profile = np.ones(len(stations), dtype=bool), resolve_profile()
    around = [read_position(s.lng + 0.001, s.lat, "wgs84") for s in stations]
    where = max(around, key=lambda at: len(walks_from(place, at, profile, 60, everyone)))
    walks = walks_from(place, where, profile, 60, everyone)
    hours = range(NOW_S // 3600 * 3600, NOW_S + 3 * 86_400, 3600)
    moment_s = max(hours, key=lambda s: abs(sum(opened(place, s)[k] for k in walks) - len(walks) / 2) * -1)
    found = searched(place, index, "示范站", Asked(moment_s, 10_000, position=where))
    assert len(walks) >= 4 and len({opened(place, moment_s)[k] for k in walks}) == 2

    def score(number: int) -> float:
        station, walk = stations[number], walks.get(number)
        if not station.is_open_on(today()):
            return 0.0
        metres = next(s.straight_m for s in found.stations if s.number == number)
        assert metres is not None
        minutes = walk / 60 if walk is not None else max(60, metres / 60)
        is_open = place.hours.opening(number, moment_s).state == "open"
        return 0.05 + 0.6 * 15 / (15 + minutes) + 0.3 * is_open

    order = [s.number for s in found.stations]
    scores = [score(k) for k in order]  # that of places beyond an hour's walk is reckoned on flat ground
    assert all(one >= other - 1e-4 for one, other in pairwise(scores))
    for one in found.stations:
        assert one.walk_seconds == walks.get(one.number)
    courses = ask("茶艺", position=where).courses
    for one in courses:
        course_of = place.offer.courses[one.course]
        number = place.stations.table.at[course_of.station_code]
        assert one.walk_seconds == (None if course_of.form == "online" else walks.get(number))
        assert one.next_session is not None and place.offer.starts_s[one.next_session] >= NOW_S
    titles = [place.offer.courses[c.course] for c in ask("茶艺").courses]
    begins = {c.id: place.offer.starts_s[x.next_session] for c, x in zip(titles, ask("茶艺").courses, strict=True)}
    assert [begins[c.id] for c in titles] == sorted(begins.values()), "without a position the sooner come first"


def test_one_next_door_comes_before_open_ones_far_away(place: Snapshot, index: SearchIndex) -> None:
    stations = place.stations.table.stations
    hours = range(NOW_S // 3600 * 3600, NOW_S + 3 * 86_400, 3600)
    moment_s = max(hours, key=lambda s: min(sum(opened(place, s)), opened(place, s).count(False)))
    is_open = opened(place, moment_s)
    home = next(k for k, s in enumerate(stations) if not is_open[k] and s.is_open_on(today()))
    where = read_position(stations[home].lng, stations[home].lat, "wgs84")
    found = searched(place, index, "示范站", Asked(moment_s, 10_000, position=where)).stations
    order = [one.number for one in found]
    far = [one.number for one in found if is_open[one.number] and (one.straight_m or 0) > 10_000]
    assert far and order.index(home) < min(map(order.index, far))


def test_stations_that_are_closed_are_not_found(demo_snapshot: Snapshot) -> None:
    table = demo_snapshot.stations.table
    closed = [s for s in table.stations if s.status == StationStatus.CLOSED]
    index = index_of(demo_snapshot)
    for station in closed:
        found = searched(demo_snapshot, index, station.code, Asked(NOW_S))
        assert station.code not in codes(demo_snapshot, found)
    serve = {s.code for s in serving(demo_snapshot)}
    found = searched(demo_snapshot, index, "课", Asked(NOW_S, 10_000))
    assert {demo_snapshot.offer.courses[c.course].station_code for c in found.courses} <= serve


def test_kinds_and_limit(ask: Ask) -> None:
    found = ask("电", 3, kinds=Kind(stations=False, courses=True, skills=False))
    assert (found.stations, found.skills, len(found.courses)) == ([], [], 3)
    found = ask("电", 1, kinds=Kind(stations=True, courses=False, skills=True))
    assert (len(found.stations), found.courses, len(found.skills)) == (1, [], 1)


STRANGE = [
    "(?:a+)+$", ".*", "[", "\\", "'dian'han", "𠮷", "𪚥电", "龘", "e\u0301", "ﷺ", "İ", "ß", "a" * 100, "电" * 100,
    "zh" * 50, "xianxianxian" * 8, "١٢", "½", "한국", "かな", "🔥电工🔥", "%_", "'; DROP TABLE", "\u200d电", "nü", "lv",
]  # fmt: skip


@pytest.mark.parametrize("typed", STRANGE)
def test_strange_questions_are_answered_in_no_time(ask: Ask, index: SearchIndex, typed: str) -> None:
    try:
        words = checked_words(typed)
    except InvalidInput:
        assert not any(c.isalnum() for c in typed)
        return
    ask(typed)
    near_in_spelling(index, words)


@settings(max_examples=60, deadline=None)
@given(typed=st.text(min_size=1, max_size=100))
def test_any_text_is_answered_or_refused(place: Snapshot, index: SearchIndex, ask: Ask, typed: str) -> None:
    try:
        checked_words(typed)
    except InvalidInput as refused:
        assert refused.errors[0].field == "q"
        return
    ask(typed)
    suggestions(place, index, typed, 8, NOW_S)


def test_suggestions_hold_what_is_typed(place: Snapshot, index: SearchIndex) -> None:
    assert [s.text for s in suggestions(place, index, "电", 2, NOW_S)] == ["电工", "电焊"]
    assert suggestions(place, index, "dg", 1, NOW_S)[0].kind == "skill"
    station = serving(place)[0]
    (first,) = suggestions(place, index, station.name[:-1], 1, NOW_S)
    assert (first.text, first.kind, first.code) == (station.name, "station", station.code)
    for typed in ("羊城", "路", "yang", "yc", "1"):
        texts = [s.text for s in suggestions(place, index, typed, 20, NOW_S)]
        assert texts and len(set(texts)) == len(texts)
        if not typed.isascii():
            assert all(typed in text for text in texts)
    assert suggestions(place, index, "电汗", 3, NOW_S)[0].text == "电焊"


def test_near_in_spelling_where_nothing_is_found(index: SearchIndex, ask: Ask) -> None:
    assert ask("钢琴调律").stations == []
    assert near_in_spelling(index, ["养老院护士"])[0] == "养老护理"


def test_one_index_for_one_offer(place: Snapshot, index: SearchIndex) -> None:
    assert index_of(place) is index
    assert index_of(replace(place, keys=None)) is index
    other = replace(place, offer=offer_of([], [], place.stations.table, "none"))
    empty = index_of(other)
    found = searched(other, empty, "羊城", Asked(NOW_S))
    assert found.stations and not found.courses and not found.skills
