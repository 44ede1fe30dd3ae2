"""The example calls of the READMEs answer as the READMEs say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.db.engine import make_engine
from app.main import create_app
from app.services.snapshot_holder import SnapshotHolder
from app.settings import PROJECT_ROOT, home_settings
from tests.conftest import MakeDatabase
from tests.support.examples import Example, examples, missing

EXAMPLES = [(page, e) for page in ("README.md", "README.zh-CN.md") for e in examples(PROJECT_ROOT / page)]
IDS = [f"{page} {e.target}" for page, e in EXAMPLES]


def client_of(engine: Engine) -> Iterator[TestClient]:
    with TestClient(create_app(engine=engine, holder=SnapshotHolder(engine, home_settings()))) as client:
        yield client


@pytest.fixture(scope="module")
def small(demo_engine: Engine) -> Iterator[TestClient]:
    yield from client_of(demo_engine)


@pytest.fixture(scope="module")
def full(make_database: MakeDatabase) -> Iterator[TestClient]:
    """The service on the whole demonstration city, as ``up`` loads it."""
    from app.demo.load import load_demo
    from app.demo.spec import CitySpec

    engine = make_engine(make_database())
    load_demo(engine, CitySpec())
    yield from client_of(engine)
    engine.dispose()


def test_there_are_examples() -> None:
    assert len([e for page, e in EXAMPLES if page == "README.md"]) >= 5
    assert all(e.shown for _, e in EXAMPLES)


@pytest.mark.parametrize(("page", "example"), EXAMPLES, ids=IDS)
def test_the_answer_has_the_shape_that_is_shown(small: TestClient, page: str, example: Example) -> None:
    answer = small.request(example.method, example.target, content=example.body, headers=example.headers)
    assert answer.status_code == example.shown.get("status", 200), answer.text
    assert missing(example.shown, answer.json(), values=False) == []


@pytest.mark.slow
@pytest.mark.parametrize(("page", "example"), EXAMPLES, ids=IDS)
def test_the_whole_city_answers_with_the_figures_that_are_shown(
    full: TestClient, page: str, example: Example
) -> None:  # fmt: skip
    answer = full.request(example.method, example.target, content=example.body, headers=example.headers)
    assert missing(example.shown, answer.json(), values=True) == []
