"""A real PostGIS for the tests, and no way to the data of anybody.

Without DATABASE_URL a private cluster of the tests' own (``SKILLSMAP_HOME/test``) is used, shared with other test runs
that happen at the same time. With DATABASE_URL, databases with names of their own are made on that server and dropped
afterwards; the named database itself is only used to reach the server.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db.check import check_database
from app.db.embedded import PrivateCluster
from app.db.engine import libpq_url, make_engine, parse_url, render, session_scope
from app.db.migrate import upgrade
from app.db.processes import process_exists
from app.errors import DomainError
from app.settings import PROJECT_ROOT, HomeSettings, home_settings, kernel_cache

if TYPE_CHECKING:
    from app.services.snapshot import Snapshot

# taken before any test sees the environment: tests get homes of their own
TEST_HOME = HomeSettings().home.expanduser().absolute() / "test"
SERVER_URL = (os.environ.pop("DATABASE_URL", None) or "").strip() or None
os.environ.setdefault("NUMBA_CACHE_DIR", str(kernel_cache(TEST_HOME.parent)))

MakeDatabase = Callable[[], str]


@pytest.fixture(scope="session", autouse=True)
def isolated_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home that code under test sees by default: an empty folder, never the user's."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKILLSMAP_HOME", str(home))
        home_settings.cache_clear()
        yield home
        home_settings.cache_clear()


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """URL of a database from which others can be made: DATABASE_URL, or the tests' private cluster."""
    if SERVER_URL is not None:
        yield SERVER_URL
        return
    cluster = PrivateCluster(TEST_HOME, durable=False)
    try:
        url = cluster.open()
    except DomainError as fault:
        give_up(fault)
    drop_leftovers(url)
    yield url
    cluster.close()


@pytest.fixture(scope="session")
def template_database(server_url: str) -> Iterator[str]:
    """Name of an empty migrated database that nobody is connected to."""
    with temporary_database(server_url, f"skillsmap_test_{os.getpid()}_template") as url:
        try:
            check_database(url)  # makes PostGIS: in this database, never in the one that DATABASE_URL names
        except DomainError as fault:
            give_up(fault)
        upgrade(url)
        yield str(parse_url(url).database)


@pytest.fixture(scope="session")
def make_database(server_url: str, template_database: str) -> Iterator[MakeDatabase]:
    """Makes further empty migrated databases, for tests that commit or run commands; dropped at the end."""
    numbers = itertools.count(1)
    opened = []

    def make() -> str:
        name = f"skillsmap_test_{os.getpid()}_{next(numbers)}"
        database = temporary_database(server_url, name, template=template_database)
        url = database.__enter__()
        opened.append(database)
        return url

    yield make
    for database in opened:
        database.__exit__(None, None, None)


@pytest.fixture(scope="session")
def database_url(make_database: MakeDatabase) -> str:
    """URL of an empty migrated database; what a test writes into it must be rolled back (see ``session``)."""
    return make_database()


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    made = make_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session inside an outer transaction that is rolled back: ``commit`` inside a test stays inside it."""
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as made:
            yield made
        outer.rollback()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with the real bundles beside the project; tests on them are skipped where it is missing."""
    folder = PROJECT_ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real data bundles are not on this machine ({folder})")
    return folder


@contextmanager
def temporary_database(server_url: str, name: str, *, template: str | None = None) -> Iterator[str]:
    """A database of our own on the server, dropped at the end whoever is still connected."""
    try:
        connection = psycopg.connect(libpq_url(server_url), autocommit=True)
    except psycopg.OperationalError:
        try:
            check_database(server_url)
        except DomainError as fault:
            give_up(fault)
        raise
    with connection:
        try:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template or "template0")
                )
            )
        except psycopg.errors.InsufficientPrivilege:  # names nothing of the URL: it may hold a password
            pytest.exit("the user of DATABASE_URL may not create databases: ALTER ROLE … CREATEDB", returncode=1)
    try:
        yield render(parse_url(server_url).set(database=name))
    finally:
        with psycopg.connect(libpq_url(server_url), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def give_up(fault: DomainError) -> NoReturn:
    """End the whole run at once, and readably: there is no database to test with."""
    pytest.exit(f"no database to test with: {fault.message_zh} {fault.message_en} {fault.errors}", returncode=1)


def drop_leftovers(server_url: str) -> None:
    """Drop the databases of test runs that were killed. Only for the tests' private cluster."""
    with psycopg.connect(libpq_url(server_url), autocommit=True) as connection:
        rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'skillsmap_test_%'").fetchall()
        for (name,) in rows:
            if not process_exists(int(name.split("_")[2])):
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def demo_database(make_database: MakeDatabase) -> str:
    """URL of a database with the small demonstration city (20,000 nodes, 120 stations). Not to be written to."""
    from app.demo.city import generate
    from app.demo.load import load_city
    from app.demo.spec import CitySpec

    url = make_database()
    engine = make_engine(url)
    with session_scope(engine) as writing:
        load_city(writing, generate(CitySpec(node_target=20_000, stations=120)))
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def demo_engine(demo_database: str) -> Iterator[Engine]:
    made = make_engine(demo_database)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def demo_snapshot(demo_engine: Engine, isolated_home: Path) -> Snapshot:
    """The snapshot of the small demonstration city."""
    from app.services.snapshot import ensure_snapshot

    return ensure_snapshot(demo_engine, home_settings())
