"""Is this a database that the project can use? Every "no" names its remedy, and never the password."""

from __future__ import annotations

import psycopg
from psycopg import errors as pg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from app.db.engine import CONNECT_TIMEOUT_SECONDS, libpq_url, masked_url
from app.errors import DatabaseUnavailable, ErrorItem

MINIMUM_VERSION = 140000
MINIMUM_POSTGIS_MAJOR = 3


def check_database(url: str) -> None:
    """Connect, and see to it that the server is new enough and that PostGIS is there (created if permitted).

    Raises DatabaseUnavailable, which names DATABASE_URL, what is wrong, and what to do.
    """
    conninfo = libpq_url(url)
    try:
        connection = psycopg.connect(conninfo, connect_timeout=CONNECT_TIMEOUT_SECONDS, autocommit=True)
    except (psycopg.OperationalError, psycopg.ProgrammingError) as fault:
        raise _cannot_connect(url, conninfo, fault) from None
    with connection:
        _check_server(url, connection)
        _check_postgis(url, connection)


def _check_server(url: str, connection: psycopg.Connection) -> None:
    version = connection.info.server_version
    if version < MINIMUM_VERSION:
        raise _fault(
            url,
            f"PostgreSQL {version // 10000} 太旧",
            f"PostgreSQL {version // 10000} is too old",
            "需要 PostgreSQL 14 或更新版本",
            "PostgreSQL 14 or newer is needed",
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise _fault(
            url,
            f"数据库编码是 {encoding}",
            f"the database's encoding is {encoding}",
            "请用 CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0 另建数据库",
            "make another one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0",
        )
    row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
    if row is not None and row[0]:
        raise _fault(
            url,
            "这是只读的备用服务器",
            "this is a read-only standby server",
            "请改用主服务器的地址",
            "name the primary server instead",
        )


def _check_postgis(url: str, connection: psycopg.Connection) -> None:
    query = "SELECT extversion FROM pg_extension WHERE extname = 'postgis'"
    row = connection.execute(query).fetchone()
    if row is None:
        _create_postgis(url, connection)
        row = connection.execute(query).fetchone()
    version = str(row[0]) if row else "0"
    if int(version.split(".")[0]) < MINIMUM_POSTGIS_MAJOR:
        raise _fault(
            url,
            f"PostGIS {version} 太旧",
            f"PostGIS {version} is too old",
            "需要 PostGIS 3 或更新版本:升级后执行 ALTER EXTENSION postgis UPDATE",
            "PostGIS 3 or newer is needed: upgrade it, then run ALTER EXTENSION postgis UPDATE",
        )


def _create_postgis(url: str, connection: psycopg.Connection) -> None:
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    except pg.InsufficientPrivilege:
        raise _fault(
            url,
            "数据库没有 PostGIS 扩展,而该用户无权建立",
            "the database has no PostGIS extension, and this user may not create it",
            "请数据库管理员在该数据库中执行 CREATE EXTENSION postgis",
            "ask the database's administrator to run CREATE EXTENSION postgis in it",
        ) from None
    except (pg.FeatureNotSupported, pg.UndefinedFile, pg.InternalError_) as fault:
        major = connection.info.server_version // 10000
        raise _fault(
            url,
            f"数据库服务器上没有安装 PostGIS({_first_line(fault)})",
            f"PostGIS is not installed on the database server ({_first_line(fault)})",
            f"在数据库服务器上安装 postgresql-{major}-postgis-3,或使用 postgis/postgis 镜像",
            f"install postgresql-{major}-postgis-3 on the database server, or use the postgis/postgis image",
        ) from None


def _cannot_connect(url: str, conninfo: str, fault: psycopg.Error) -> DatabaseUnavailable:
    parts = conninfo_to_dict(conninfo)
    name = str(parts.get("dbname") or "")
    if _is_missing(conninfo, name, fault):
        return _fault(
            url,
            f"服务器上没有数据库 {name}",
            f"the server has no database {name}",
            f"先建立它:createdb {name}",
            f"create it first: createdb {name}",
        )
    said = _scrubbed(_first_line(fault), parts.get("password"))
    lowered = said.lower()
    if "password" in lowered or "authentication" in lowered or "pg_hba" in lowered or "role" in lowered:
        return _fault(
            url,
            f"服务器拒绝登录({said})",
            f"the server refuses the login ({said})",
            "请核对 DATABASE_URL 中的用户名和密码(特殊字符须作百分号编码),以及服务器的 pg_hba.conf",
            "check user and password in DATABASE_URL (percent-encode special characters) and the server's pg_hba.conf",
        )
    return _fault(
        url,
        f"无法连接({said})",
        f"cannot connect ({said})",
        "请核对主机和端口,并确认数据库已启动;不设置 DATABASE_URL 则使用内置数据库",
        "check host and port, and that the server runs; unset DATABASE_URL to use the built-in database",
    )


def _is_missing(conninfo: str, name: str, fault: psycopg.Error) -> bool:
    """Whether only the database is missing. The server's words may be translated, so ask it where possible."""
    if f'database "{name}" does not exist' in str(fault):
        return True
    try:
        maintenance = make_conninfo(conninfo, dbname="postgres", connect_timeout=CONNECT_TIMEOUT_SECONDS)
        with psycopg.connect(maintenance) as connection:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            return connection.execute(query, [name]).fetchone() is None
    except psycopg.Error:
        return False


def _first_line(fault: psycopg.Error) -> str:
    """The telling line: psycopg lists every address it tried, the last line says what came of it."""
    lines = [line.strip(" -\t") for line in str(fault).splitlines() if line.strip()]
    return lines[0] if lines else type(fault).__name__


def _scrubbed(said: str, password: object) -> str:
    return said.replace(str(password), "***") if password else said


def _fault(url: str, zh: str, en: str, remedy_zh: str, remedy_en: str) -> DatabaseUnavailable:
    item = ErrorItem("DATABASE_URL", zh, en, value=masked_url(url), remedy_zh=remedy_zh, remedy_en=remedy_en)
    return DatabaseUnavailable(f"数据库不可用:{zh}。", f"The database cannot be used: {en}.", errors=[item])
