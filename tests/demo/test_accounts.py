"""The accounts of the demonstration city: made once, and only there."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import shapely
from sqlalchemy import Engine

from app.db.engine import make_engine, session_scope
from app.demo import facts
from app.demo.accounts import ACCOUNTS, CITY, make_demo_accounts
from app.demo.load import SOURCE
from app.models.vocabularies import AreaLevel, BoundaryKind, DatasetKind
from app.repositories.accounts import list_users, password_hash_of
from app.services.loading import DatasetFacts, NewArea, load_boundaries
from app.services.passwords import is_right
from tests.conftest import MakeDatabase

LEVELS = {4: AreaLevel.CITY, 6: AreaLevel.DISTRICT, 9: AreaLevel.TOWN}


@pytest.fixture
def place(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    yield made
    made.dispose()


def load_areas(engine: Engine, source: str) -> None:
    """The areas of the accounts, one square upon the other."""
    codes = sorted({user.area_code for user in ACCOUNTS if user.area_code is not None})
    square = shapely.MultiPolygon([shapely.box(113.2, 23.0, 113.3, 23.1)])
    areas = [NewArea(code, LEVELS[len(code)], code, None, BoundaryKind.SYNTHETIC, square) for code in codes]
    dataset = DatasetFacts(
        kind=DatasetKind.BOUNDARIES, level=None, name="n", source=source, licence="l", vintage="v", sha256="0",
        synthetic=True, parameters={},
    )  # fmt: skip
    with session_scope(engine) as session:
        load_boundaries(session, dataset, areas, {})


def test_they_are_made_once_with_passwords_of_their_own(place: Engine) -> None:
    load_areas(place, SOURCE)
    assert make_demo_accounts(place, wanted=False).made == ()
    assert not make_demo_accounts(place, wanted=False).is_any
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: make_demo_accounts(place), range(2))
    given = first.made or second.made
    assert sorted(map(len, (first.made, second.made))) == [0, len(ACCOUNTS)], "two starts at once make them once"
    passwords = [one.password for one in given]
    assert None not in passwords and len(set(passwords)) == len(ACCOUNTS)
    assert make_demo_accounts(place) == make_demo_accounts(place, wanted=False)
    with session_scope(place) as session:
        assert [user.username for user in list_users(session)] == sorted(user.username for user in ACCOUNTS)
        held = password_hash_of(session, "tianhe")
        mine = next(one.password for one in given if one.user.username == "tianhe")
        assert held is not None and mine is not None and is_right(mine, held[1])


def test_none_are_made_for_a_city_of_somebody_s_own(place: Engine) -> None:
    assert make_demo_accounts(place).made == (), "nothing loaded"
    load_areas(place, "the mapping agency")
    state = make_demo_accounts(place)
    assert (state.made, state.is_any) == ((), False)


def test_the_areas_of_the_accounts_are_those_of_the_city() -> None:
    towns = {town.code for town in facts.towns()}
    districts = {code[:6] for code in towns}
    known = {CITY} | towns | districts
    assert {user.area_code for user in ACCOUNTS} <= known
