"""Engines and sessions, and the spellings of a database URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from app.errors import DatabaseUnavailable, ErrorItem

EXAMPLE = "postgresql://user:password@host:5432/skillsmap"
DRIVERS = ("postgres", "postgresql", "postgresql+psycopg")
CONNECT_TIMEOUT_SECONDS = 10


def parse_url(url: str) -> URL:
    """``postgres://``, ``postgresql://`` or ``postgresql+psycopg://`` as SQLAlchemy's URL for psycopg 3.

    Raises DatabaseUnavailable for anything else, without repeating what may be a password.
    """
    try:
        parsed = make_url(url.strip())
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername not in DRIVERS or not parsed.database:
        raise DatabaseUnavailable(
            "DATABASE_URL 不是可用的 PostgreSQL 地址。",
            "DATABASE_URL is not a usable PostgreSQL URL.",
            errors=[
                ErrorItem(
                    field="DATABASE_URL",
                    message_zh="格式不对,或没有写数据库名",
                    message_en="not of the expected form, or without a database name",
                    remedy_zh=f"应写成 {EXAMPLE}(密码中的特殊字符须作百分号编码);不设置则使用内置数据库",
                    remedy_en=f"write it as {EXAMPLE} (percent-encode special characters of the password); "
                    "unset it to use the built-in database",
                )
            ],
        )
    return parsed.set(drivername="postgresql+psycopg")


def libpq_url(url: str) -> str:
    """The same address as psycopg and psql take it, password included."""
    return render(parse_url(url))


def render(url: URL) -> str:
    """``postgresql://…`` as both libpq and SQLAlchemy read it: libpq takes a plus sign in the query for itself."""
    address, mark, query = url.set(drivername="postgresql").render_as_string(hide_password=False).partition("?")
    return address + mark + query.replace("+", "%20")


def masked_url(url: str) -> str:
    """The address with the password starred out, for messages."""
    parsed = parse_url(url).set(drivername="postgresql")
    if "password" in parsed.query:
        parsed = parsed.update_query_dict({"password": "***"})
    return parsed.render_as_string(hide_password=True)


def make_engine(url: str, *, pool_size: int = 5) -> Engine:
    """An engine on psycopg 3; no connection is made yet. Sessions of the server speak UTC.

    Raises DatabaseUnavailable when the URL is not one of PostgreSQL.
    """
    return create_engine(
        parse_url(url),
        pool_size=pool_size,
        max_overflow=10,
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "application_name": "skillsmap",
            "options": "-c timezone=UTC",
        },
    )


@contextmanager
def session_scope(engine: Engine) -> Iterator[Session]:
    """One transaction: committed when the block ends, rolled back when it raises."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session
