"""Signing up, waiting, cancelling, coming: seats are exact whoever comes at once, and phones are forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.db.engine import make_engine, session_scope
from app.errors import AlreadySignedUp, Conflict, DomainError, InvalidInput, NotFound, SessionFull
from app.models.vocabularies import SignUpState, TargetGroup
from app.repositories import courses as course_repo
from app.repositories import sign_ups as repo
from app.services import sign_ups
from app.services.sign_up_secrets import SignUpKeys, code_digest
from app.services.sign_ups import Wish
from app.services.visitors import Visitor, visitor_of
from app.settings import SignUpSettings
from tests.api.conftest import load_known_city
from tests.conftest import MakeDatabase

KEYS = SignUpKeys.of(["a secret of the tests"])
LIMITS = SignUpSettings(sign_up_waiting=5, sign_ups_a_day=1_000_000, sign_ups_open=1_000)
STATION = "S-001"


@pytest.fixture(scope="module")
def city(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database(), pool_size=20)
    with session_scope(made) as writing:
        load_known_city(writing)
    yield made
    made.dispose()


def plan(engine: Engine, seats: int | None, *, hours: float = 24, **more: Any) -> int:
    """A session of a new course that begins in some hours; its number."""
    starts = datetime.now(UTC) + timedelta(hours=hours)
    with session_scope(engine) as session:
        course = course_repo.insert_course(session, {
            "station_code": STATION, "title": "焊工", "kind": "special", "form": "evening_school",
            "target_groups": [], "seats": seats,
        })  # fmt: skip
        values = {"course_id": course, "starts_at": starts, "ends_at": starts + timedelta(hours=2), **more}
        return course_repo.insert_session(session, values)


def take(engine: Engine, number: int, phone: int, *, waiting: bool = False, limits: SignUpSettings = LIMITS) -> str:
    """The code of a new sign-up."""
    with session_scope(engine) as session:
        visitor = visitor_of(session, "192.0.2.1")
        wish = Wish(f"138{phone:08d}", TargetGroup.WOMEN, waiting=waiting)
        return sign_ups.sign_up(session, visitor, number, wish, KEYS, limits)[0]


def seats(engine: Engine, number: int) -> tuple[int, int, Counter[str]]:
    """Taken, waiting, and the states counted one by one."""
    with Session(engine) as session:
        held = repo.taken_of(session, number)
        return held.taken, held.waiting, Counter(row.state for row in repo.list_of_session(session, number))


def test_as_many_as_there_are_seats_whoever_comes_at_once(city: Engine) -> None:
    number = plan(city, 10)

    def one(k: int) -> str:
        try:
            take(city, number, k, waiting=k % 3 == 0)
            return "given"
        except SessionFull:
            return "full"

    with ThreadPoolExecutor(16) as pool:
        outcomes = Counter(pool.map(one, range(300)))
    assert outcomes["given"] == 10 + LIMITS.sign_up_waiting and outcomes["full"] == 300 - outcomes["given"]
    assert seats(city, number) == (10, 5, Counter(confirmed=10, waiting=5))


def test_the_same_person_twice_at_once_is_one(city: Engine) -> None:
    number = plan(city, 10)

    def one(_: int) -> bool:
        try:
            take(city, number, 7)
            return True
        except AlreadySignedUp:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(40))) == 1
    assert seats(city, number) == (1, 0, Counter(confirmed=1))


@given(steps=st.lists(st.tuples(st.sampled_from(["take", "wait", "cancel", "seats"]), st.integers(0, 11)), max_size=40))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_seats_waiting_list_and_states_agree(city: Engine, steps: list[tuple[str, int]]) -> None:
    """Beside a plain list: who has a seat, who waits, in which order."""
    room, number = 3, plan(city, 3)
    seated: list[int] = []
    waiting: list[int] = []
    codes: dict[int, str] = {}
    for act, who in steps:
        if act == "seats":
            room = who
            with session_scope(city) as session:
                course_repo.update_session(session, number, {"seats": room})
                sign_ups.give_free_seats(session, number)
        elif act == "cancel":
            if who not in codes:
                continue
            with session_scope(city) as session:
                sign_ups.cancel(session, codes.pop(who), KEYS)
            seated, waiting = [p for p in seated if p != who], [p for p in waiting if p != who]
        else:
            expected: type[DomainError] | None = None
            if who in codes:
                expected = AlreadySignedUp
            elif len(seated) >= room or waiting:
                expected = SessionFull if act == "take" or len(waiting) >= LIMITS.sign_up_waiting else None
            if expected is not None:
                with pytest.raises(expected):
                    take(city, number, who, waiting=act == "wait")
                continue
            codes[who] = take(city, number, who, waiting=act == "wait")
            (waiting if len(seated) >= room or waiting else seated).append(who)
        while waiting and len(seated) < room and act in ("cancel", "seats"):
            seated.append(waiting.pop(0))
        counted = seats(city, number)
        assert counted[:2] == (len(seated), len(waiting)) == (counted[2]["confirmed"], counted[2]["waiting"])
    with Session(city) as session:
        found = sign_ups.look_up(session, list(codes.values()), KEYS)
    assert {who for who, code in codes.items() if found[code].row.state == "confirmed"} == set(seated)
    assert [found[codes[who]].position for who in waiting] == list(range(1, len(waiting) + 1))


def test_a_repeated_request_has_the_same_code(city: Engine) -> None:
    number = plan(city, 1)
    wish = Wish("+86 139-0000-0001", request_key="k" * 20)
    codes = []
    for _ in range(2):
        with session_scope(city) as session:
            codes.append(sign_ups.sign_up(session, visitor_of(session, None), number, wish, KEYS, LIMITS)[0])
    assert codes[0] == codes[1] and seats(city, number)[0] == 1
    assert KEYS.code_of("other", number, "13900000001") != codes[0]
    assert code_digest(codes[0].lower()) == code_digest(f"{codes[0][:6]}-{codes[0][6:]}")


@pytest.mark.parametrize("phone", ["", "12345", "12800138000", "138001380001", "+8612345", "电话", "1380013800a"])
def test_what_is_no_phone_is_refused_without_being_repeated(phone: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        sign_ups.read_phone(phone)
    assert refused.value.errors[0].field == "phone" and refused.value.errors[0].value is None


def test_phones_in_one_spelling() -> None:
    for spelt in ("13800138000", "138 0013 8000", "+86 138-0013-8000", "8613800138000"):
        assert sign_ups.read_phone(spelt) == "13800138000"
    assert sign_ups.read_phone("+852 9123 4567") == "+85291234567"


@pytest.mark.parametrize(
    ("more", "hours"),
    [({"status": "cancelled"}, 24), ({"status": "held"}, -24), ({}, -1)],
    ids=["off", "held", "begun"],
)
def test_what_nobody_can_sign_up_for(city: Engine, more: dict[str, Any], hours: float) -> None:
    with pytest.raises(Conflict):
        take(city, plan(city, 5, hours=hours, **more), 1)
    with pytest.raises(NotFound):
        take(city, 10_000_000, 1)


def test_a_number_has_so_many_sign_ups_to_come_and_an_address_so_many_a_day(city: Engine) -> None:
    few = SignUpSettings(sign_ups_open=2, sign_ups_a_day=1_000_000)
    take(city, plan(city, 5), 555, limits=few)
    take(city, plan(city, 5), 555, limits=few)
    with pytest.raises(Conflict, match="too many"):
        take(city, plan(city, 5), 555, limits=few)
    number = plan(city, 1)
    with session_scope(city) as session:
        visitor = Visitor(date(2026, 1, 1), b"somebody")
        one = SignUpSettings(sign_ups_a_day=1)
        sign_ups.sign_up(session, visitor, number, Wish("13811110001"), KEYS, one)
        with pytest.raises(SessionFull):  # a refusal does not count
            sign_ups.sign_up(session, visitor, number, Wish("13811110002"), KEYS, one)
        with pytest.raises(DomainError, match="too often"):
            sign_ups.sign_up(session, visitor, plan(city, 1), Wish("13811110003"), KEYS, one)


def test_numbers_are_nowhere_to_be_read_and_are_erased(city: Engine) -> None:
    number, phone = plan(city, 5), 24_681_357
    code = take(city, number, phone)
    assert f"{phone}" not in dump(city)
    with session_scope(city) as session:
        (row,) = repo.list_of_session(session, number)
        assert row.phone_encrypted is not None and KEYS.decrypted(row.phone_encrypted) == f"138{phone:08d}"
        assert SignUpKeys.of(["another secret"]).decrypted(row.phone_encrypted) is None
        assert SignUpKeys.of(["a newer secret", "a secret of the tests"]).decrypted(row.phone_encrypted) is not None
        assert row.erase_after >= date.today() + timedelta(days=LIMITS.sign_up_phone_days)
        assert repo.erase_phones(session, row.erase_after) == 0
        assert repo.erase_phones(session, row.erase_after + timedelta(days=1)) >= 1
    with Session(city) as session:
        shown = sign_ups.look_up(session, [code], KEYS)[code]
    assert shown.phone is None and shown.row.state == SignUpState.CONFIRMED


def test_cancelling_erases_at_once_and_twice_is_once(city: Engine) -> None:
    number = plan(city, 1)
    first, second = take(city, number, 1), take(city, number, 2, waiting=True)
    for _ in range(2):
        with session_scope(city) as session:
            made = sign_ups.cancel(session, first.lower(), KEYS)
            assert made.row.state == "cancelled" and made.row.phone_encrypted is None
    with Session(city) as session:
        assert sign_ups.look_up(session, [second], KEYS)[second].row.state == "confirmed"
    assert seats(city, number)[:2] == (1, 0)
    take(city, number, 1, waiting=True)  # who cancelled may come again


def dump(engine: Engine) -> str:
    """Every value of every table as text."""
    with engine.connect() as connection:
        names = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"))
        return "\n".join(
            str(row[0])
            for (name,) in names.all()
            for row in connection.execute(text(f'SELECT t::text FROM "{name}" t'))
        )
