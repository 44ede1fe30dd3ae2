"""Accounts as services see them: who may, what goes together, and two administrators at once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db.engine import make_engine, session_scope
from app.errors import Conflict, DomainError, Forbidden, InvalidInput, NotFound, StaleVersion
from app.models.vocabularies import AreaLevel, Role
from app.repositories.scope import Scope
from app.services import accounts
from app.services.accounts import NewUser, UserChange
from app.services.actors import of_command
from app.services.areas_of_accounts import check_role_and_area, holds_area, scope_of_area
from tests.api.conftest import load_known_city
from tests.conftest import MakeDatabase
from tests.support.accounts import actor, add_user

ROOT = of_command("root")
AREAS = {"90": (), "9001": ("90",), "9002": ("90",), "900101": ("9001", "90"), "900102": ("9001", "90"),
         "900201": ("9002", "90"), "900202": ("9002", "90")}  # fmt: skip
LEVELS = {2: AreaLevel.CITY, 4: AreaLevel.DISTRICT, 6: AreaLevel.TOWN}


@pytest.fixture(scope="module")
def place(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_known_city(writing)
    yield made
    made.dispose()


@pytest.fixture
def here(place: Engine) -> Iterator[Session]:
    """A session on the city whose writes are taken back."""
    with place.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as made:
            yield made
        outer.rollback()


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("code", list(AREAS))
def test_roles_and_areas(here: Session, role: Role, code: str) -> None:
    level = LEVELS[len(code)]
    fits = {
        Role.VIEWER: True, Role.TOWN_OFFICER: level is AreaLevel.TOWN,
        Role.DISTRICT_OFFICER: level is AreaLevel.DISTRICT, Role.CITY_OFFICER: level is AreaLevel.CITY,
        Role.ADMINISTRATOR: level is AreaLevel.CITY,
    }[role]  # fmt: skip
    if fits:
        assert check_role_and_area(here, role, code) == Scope(level, code)
    else:
        with pytest.raises(InvalidInput) as caught:
            check_role_and_area(here, role, code)
        assert caught.value.errors[0].value == code


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.sampled_from(list(AREAS)), st.sampled_from(list(AREAS)))
def test_what_lies_in_what(here: Session, outer: str, inner: str) -> None:
    expected = outer == inner or outer in AREAS[inner] or outer == "90"
    assert holds_area(here, scope_of_area(here, outer), scope_of_area(here, inner)) is expected


def test_the_first_administrator_comes_before_the_data(session: Session) -> None:
    """Only as somebody of the city: a district that is not loaded is refused, and so is a city without a name."""
    made = accounts.add_user(session, ROOT, NewUser("first", Role.ADMINISTRATOR, "4401"))
    assert (made.user.area_level, made.user.area_code, made.user.area_name) == ("city", "4401", None)
    with pytest.raises(InvalidInput, match="no area 440106"):
        accounts.add_user(session, ROOT, NewUser("second", Role.DISTRICT_OFFICER, "440106"))
    with pytest.raises(InvalidInput):
        accounts.add_user(session, ROOT, NewUser("second", Role.ADMINISTRATOR))


def test_a_city_that_is_not_the_one_that_is_loaded(here: Session) -> None:
    with pytest.raises(InvalidInput, match="no area 4401"):
        accounts.add_user(here, ROOT, NewUser("second", Role.ADMINISTRATOR, "4401"))
    assert accounts.add_user(here, ROOT, NewUser("second", Role.ADMINISTRATOR)).user.area_code == "90"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_nobody_else_may(here: Session, role: Role) -> None:
    code = {Role.TOWN_OFFICER: "900101", Role.DISTRICT_OFFICER: "9001"}.get(role, "90")
    somebody = actor(here, role, code, username="somebody")
    change = UserChange("x", Role.ADMINISTRATOR, "90", False, 1)
    for call in (
        lambda: accounts.add_user(here, somebody, NewUser("newcomer", Role.VIEWER, "90")),
        lambda: accounts.change_user(here, somebody, "somebody", change),
        lambda: accounts.reset_password(here, somebody, "somebody"),
        lambda: accounts.get_user(here, somebody, "somebody"),
        lambda: accounts.list_users(here, somebody),
        lambda: accounts.set_disabled(here, somebody, "somebody", is_disabled=True),
    ):
        with pytest.raises(Forbidden):
            call()


def test_unknown_names_are_told_with_those_like_them(here: Session) -> None:
    add_user(here, Role.VIEWER, "90", username="tianhe")
    with pytest.raises(NotFound) as caught:
        accounts.get_user(here, ROOT, "tianhee")
    assert "tianhe" in (caught.value.errors[0].remedy_en or "")


def test_a_stale_change_is_refused_and_the_newer_one_stays(here: Session) -> None:
    add_user(here, Role.VIEWER, "90", username="edited")
    seen = accounts.get_user(here, ROOT, "edited")
    accounts.change_user(here, ROOT, "edited", UserChange("newer", Role.VIEWER, "90", False, seen.version))
    with pytest.raises(StaleVersion) as caught:
        accounts.change_user(here, ROOT, "edited", UserChange("older", Role.VIEWER, "9001", False, seen.version))
    assert [item.field for item in caught.value.errors] == ["display_name", "area_code"]
    assert accounts.get_user(here, ROOT, "edited").display_name == "newer"


def test_the_last_administrator_stays(here: Session) -> None:
    add_user(here, Role.ADMINISTRATOR, "90", username="only")
    add_user(here, Role.ADMINISTRATOR, "90", username="asleep", is_disabled=True)
    for change in (
        UserChange("x", Role.ADMINISTRATOR, "90", True, 1),
        UserChange("x", Role.CITY_OFFICER, "90", False, 1),
    ):
        with pytest.raises(Conflict):
            accounts.change_user(here, ROOT, "only", change)
    add_user(here, Role.ADMINISTRATOR, "90", username="other")
    assert accounts.set_disabled(here, ROOT, "only", is_disabled=True).is_disabled


def test_two_administrators_cannot_lower_each_other_at_once(make_database: MakeDatabase) -> None:
    engine = make_engine(make_database())
    names = ("left", "right")
    with session_scope(engine) as writing:
        for name in names:
            add_user(writing, Role.ADMINISTRATOR, "4401", username=name)

    def disable(name: str) -> bool:
        try:
            with session_scope(engine) as session:
                accounts.set_disabled(session, ROOT, name, is_disabled=True)
        except DomainError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        for _ in range(5):
            assert sorted(pool.map(disable, names)) == [False, True]
            with session_scope(engine) as session:
                left = [user.username for user in accounts.list_users(session, ROOT) if not user.is_disabled]
                assert len(left) == 1
                gone = next(name for name in names if name not in left)
                accounts.set_disabled(session, ROOT, gone, is_disabled=False)
    engine.dispose()


def test_one_name_is_given_once(make_database: MakeDatabase) -> None:
    engine = make_engine(make_database())

    def add(_: int) -> bool:
        try:
            with session_scope(engine) as session:
                accounts.add_user(session, ROOT, NewUser("same", Role.VIEWER, "4401"))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(add, range(4))) == [False, False, False, True]
    engine.dispose()
