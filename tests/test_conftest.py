"""The promises that the fixtures make to the other tests."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app.settings import PROJECT_ROOT, HomeSettings
from tests.conftest import MakeDatabase


def test_what_a_session_commits_is_gone_afterwards(engine: Engine, session: Session) -> None:
    session.execute(text("INSERT INTO layer_versions VALUES ('leak', 1, now())"))
    session.commit()
    assert session.scalar(text("SELECT count(*) FROM layer_versions WHERE layer = 'leak'")) == 1
    with engine.connect() as other:
        assert other.scalar(text("SELECT count(*) FROM layer_versions WHERE layer = 'leak'")) == 0


def test_made_databases_are_apart(make_database: MakeDatabase, database_url: str) -> None:
    assert len({make_database(), make_database(), database_url}) == 3


def test_the_home_is_not_the_users(isolated_home: Path) -> None:
    assert HomeSettings().home == isolated_home
    assert not isolated_home.is_relative_to(PROJECT_ROOT)
