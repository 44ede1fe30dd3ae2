"""DATABASE_URL: every way in which it can be wrong has its own words and its own remedy."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from app.db import check
from app.db.check import check_database
from app.db.engine import libpq_url, parse_url, render
from app.db.open import open_database
from app.errors import DatabaseUnavailable
from tests.conftest import MakeDatabase, temporary_database

PASSWORD = "geheim-42"


def refusal(url: str) -> DatabaseUnavailable:
    """The error for this URL, after seeing that it is complete and keeps the password to itself."""
    with pytest.raises(DatabaseUnavailable) as caught:
        check_database(url)
    fault = caught.value
    (item,) = fault.errors
    assert item.field == "DATABASE_URL"
    assert item.remedy_zh and item.remedy_en and item.message_zh and item.value
    assert PASSWORD not in repr((fault.message_zh, fault.message_en, fault.errors))
    return fault


def with_password(url: str, **changes: object) -> str:
    return render(parse_url(url).set(password=PASSWORD, **changes))  # type: ignore[arg-type]


@contextmanager
def limited_user(server_url: str) -> Iterator[str]:
    """A role that may log in and nothing else."""
    name = f"skillsmap_test_{os.getpid()}_limited"
    with psycopg.connect(libpq_url(server_url), autocommit=True) as connection:
        try:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), sql.Literal(PASSWORD))
            )
        except psycopg.errors.InsufficientPrivilege:
            pytest.skip("the user of DATABASE_URL may not create roles")
        yield name
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def test_a_good_one_passes(make_database: MakeDatabase) -> None:
    check_database(make_database())


def test_nothing_listens() -> None:
    with socket.socket() as reserved:  # bound, but not listening
        reserved.bind(("127.0.0.1", 0))
        fault = refusal(f"postgresql://u:{PASSWORD}@127.0.0.1:{reserved.getsockname()[1]}/d")
    assert "cannot connect" in fault.message_en
    assert "无法连接" in fault.message_zh


def test_an_unknown_host() -> None:
    assert "cannot connect" in refusal(f"postgresql://u:{PASSWORD}@no-such-host.invalid/d").message_en


def test_no_such_database(server_url: str) -> None:
    fault = refusal(with_password(server_url, database="no_such_database"))
    assert "no database no_such_database" in fault.message_en
    assert fault.errors[0].remedy_en == "create it first: createdb no_such_database"


def test_no_such_user(server_url: str) -> None:
    fault = refusal(with_password(server_url, username="no_such_user"))
    assert "refuses the login" in fault.message_en


def test_missing_postgis_is_created(server_url: str) -> None:
    with temporary_database(server_url, f"skillsmap_test_{os.getpid()}_plain") as url:
        check_database(url)
        with psycopg.connect(libpq_url(url)) as connection:
            assert connection.execute("SELECT postgis_lib_version()").fetchone()


def test_missing_postgis_that_may_not_be_created(server_url: str) -> None:
    with limited_user(server_url) as user, temporary_database(server_url, f"skillsmap_test_{os.getpid()}_plain") as url:
        fault = refusal(with_password(url, username=user))
    assert "may not create it" in fault.message_en
    assert "CREATE EXTENSION postgis" in str(fault.errors[0].remedy_en)


def test_postgis_that_is_not_on_the_server(server_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the server says it: the same statement for an extension that no server has."""
    original = psycopg.Connection.execute

    def execute(self: psycopg.Connection, query: str, *arguments: object) -> object:
        return original(self, query.replace("EXISTS postgis", "EXISTS no_such_extension"), *arguments)  # type: ignore[arg-type]

    with temporary_database(server_url, f"skillsmap_test_{os.getpid()}_plain") as url:
        monkeypatch.setattr(psycopg.Connection, "execute", execute)
        fault = refusal(url)
        monkeypatch.undo()
    assert "not installed on the database server" in fault.message_en
    assert "-postgis-3" in str(fault.errors[0].remedy_en)


def test_too_old(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "MINIMUM_VERSION", 990000)
    assert "too old" in refusal(database_url).message_en
    monkeypatch.undo()
    monkeypatch.setattr(check, "MINIMUM_POSTGIS_MAJOR", 99)
    fault = refusal(database_url)
    assert "PostGIS" in fault.message_en and "too old" in fault.message_en


def test_another_encoding(server_url: str) -> None:
    name = f"skillsmap_test_{os.getpid()}_ascii"
    with psycopg.connect(libpq_url(server_url), autocommit=True) as connection:
        create = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'"
        connection.execute(sql.SQL(create).format(sql.Identifier(name)))
        try:
            fault = refusal(render(parse_url(server_url).set(database=name)))
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    assert "SQL_ASCII" in fault.message_en


def test_the_given_database_is_used_and_no_private_one_is_made(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch, isolated_home: object
) -> None:
    url = make_database()
    monkeypatch.setenv("DATABASE_URL", f"  {url} ")
    with open_database() as opened:
        assert opened == url
    assert not (isolated_home / "postgres").exists()  # type: ignore[operator]
