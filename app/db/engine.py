"""Engines and sessions, and the spellings of a database URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import URL, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, ProgrammingError
from sqlalchemy.orm import Session

from app.errors import DatabaseUnavailable, ErrorItem

EXAMPLE = "postgresql://user:password@host:5432/skillsmap"
DRIVERS = ("postgres", "postgresql", "postgresql+psycopg")
CONNECT_TIMEOUT_SECONDS = 10
SERVICE_ROLE = "skillsmap_app"  # made by migration 20261125_01

log = structlog.get_logger(__name__)


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


def make_engine(url: str, *, pool_size: int = 5, role: str | None = None) -> Engine:
    """An engine on psycopg 3; no connection is made yet. Sessions of the server speak UTC.

    With ``role`` every connection acts as that role, with no more than its rights. Raises DatabaseUnavailable when the
    URL is not one of PostgreSQL.
    """
    return create_engine(
        parse_url(url), pool_size=pool_size, max_overflow=10, pool_pre_ping=True, connect_args=connection_options(role)
    )


def connection_options(role: str | None = None) -> dict[str, str | int]:
    """What every connection of ours is made with: for psycopg, beside the address."""
    options = "-c timezone=UTC" if role is None else f"-c timezone=UTC -c role={role}"
    return {"connect_timeout": CONNECT_TIMEOUT_SECONDS, "application_name": "skillsmap", "options": options}


def usable_role(url: str) -> str | None:
    """The service's role where it can be used, None where it cannot; for whoever connects without an engine."""
    plain = make_engine(url, pool_size=1)
    try:
        return SERVICE_ROLE if _why_not(plain) is None else None
    finally:
        plain.dispose()


def make_service_engine(url: str, *, pool_size: int = 5) -> Engine:
    """The engine of a service: it acts as the role that can change neither the audit log nor the history.

    Where there is no such role, where the user of the URL may not take it, or where it has no rights in this database,
    the log says ``role_missing`` and the user's own rights are used; triggers keep the log and the history all the
    same. Makes one connection; the database's errors pass through.
    """
    plain = make_engine(url, pool_size=pool_size)
    reason = _why_not(plain)
    if reason is None:
        plain.dispose()
        return make_engine(url, pool_size=pool_size, role=SERVICE_ROLE)
    log.warning("role_missing", role=SERVICE_ROLE, reason=reason)
    return plain


def _why_not(engine: Engine) -> str | None:
    """Why the service's role cannot be used; None where it can."""
    with engine.connect() as connection:
        if not connection.scalar(text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :r)"), {"r": SERVICE_ROLE}):
            return "there is no such role"
        try:
            connection.execute(text("SELECT set_config('role', :r, true)"), {"r": SERVICE_ROLE})
        except ProgrammingError:
            return "the user of DATABASE_URL may not take it"
        table = connection.scalar(text("SELECT to_regclass('audit_log')::oid"))
        granted = text("SELECT has_table_privilege(CAST(:table AS oid), 'INSERT')")
        if table is None or not connection.scalar(granted, {"table": table}):
            return "it has no rights in this database"
    return None


@contextmanager
def session_scope(engine: Engine) -> Iterator[Session]:
    """One transaction: committed when the block ends, rolled back when it raises."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session
