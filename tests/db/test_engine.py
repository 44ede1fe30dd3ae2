"""The spellings of a database URL."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Engine, text

from app.db.engine import libpq_url, make_engine, masked_url, parse_url, session_scope
from app.errors import DatabaseUnavailable


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_all_usual_schemes_mean_psycopg_3(scheme: str) -> None:
    url = parse_url(f"{scheme}://u:p%40ss@h:5433/d?sslmode=require")
    assert url.drivername == "postgresql+psycopg"
    parts = conninfo_to_dict(libpq_url(str(f"{scheme}://u:p%40ss@h:5433/d?sslmode=require")))
    assert parts == {
        "user": "u",
        "password": "p@ss",
        "host": "h",
        "port": "5433",
        "dbname": "d",
        "sslmode": "require",
    }


def test_a_socket_folder_with_blanks_reaches_libpq_unharmed() -> None:
    url = libpq_url("postgresql://skillsmap@/skillsmap?host=%2Ftmp%2F技能 地图%2B1%2Frun")
    assert conninfo_to_dict(url)["host"] == "/tmp/技能 地图+1/run"
    assert parse_url(url).query["host"] == "/tmp/技能 地图+1/run"


@pytest.mark.parametrize(
    "url", ["mysql://u:geheim@h/d", "postgresql+asyncpg://u:geheim@h/d", "h:geheim", "postgresql://u:geheim@h", ""]
)
def test_anything_else_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(DatabaseUnavailable) as caught:
        make_engine(url)
    fault = caught.value
    assert fault.errors[0].field == "DATABASE_URL"
    assert fault.errors[0].remedy_zh and fault.errors[0].remedy_en
    assert "geheim" not in repr((fault.message_zh, fault.message_en, fault.errors))


@pytest.mark.parametrize("url", ["postgresql://u:geheim@h/d", "postgresql://h/d?user=u&password=geheim"])
def test_passwords_are_starred_out(url: str) -> None:
    assert "geheim" not in masked_url(url)
    assert "***" in masked_url(url) or "%2A" in masked_url(url)


def test_a_scope_commits_or_rolls_back(engine: Engine) -> None:
    insert = text("INSERT INTO layer_versions VALUES ('scope', 1, now())")
    count = text("SELECT count(*) FROM layer_versions WHERE layer = 'scope'")
    with pytest.raises(ZeroDivisionError), session_scope(engine) as session:
        session.execute(insert)
        raise ZeroDivisionError
    with session_scope(engine) as session:
        assert session.scalar(count) == 0
        session.execute(insert)
    with session_scope(engine) as session:
        assert session.scalar(count) == 1
        session.execute(text("DELETE FROM layer_versions WHERE layer = 'scope'"))


def test_sessions_speak_utc(engine: Engine) -> None:
    with session_scope(engine) as session:
        assert session.scalar(text("SHOW timezone")) == "UTC"
