"""The schema comes up, goes down again, and is what the models say."""

from __future__ import annotations

import psycopg
import pytest
from alembic import command
from sqlalchemy import Engine, inspect, text
from sqlalchemy.orm import Session

from app.db.engine import libpq_url, make_engine
from app.db.migrate import alembic_config, head_revision, upgrade
from app.errors import DatabaseUnavailable
from app.models import Base, Dataset
from app.models.jobs import QUEUE_TABLES
from migrations.support import newest_queue_schema
from tests.conftest import MakeDatabase


def run(engine: Engine, step: object, *arguments: object) -> None:
    config = alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        step(config, *arguments)  # type: ignore[operator]


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"spatial_ref_sys"}


def test_up_down_up(make_database: MakeDatabase) -> None:
    engine = make_engine(make_database())
    wanted = set(Base.metadata.tables) | QUEUE_TABLES | {"alembic_version"}
    assert tables(engine) == wanted
    run(engine, command.downgrade, "base")
    assert tables(engine) == {"alembic_version"}
    with engine.connect() as connection:
        left = connection.scalar(text("SELECT count(*) FROM pg_proc WHERE proname = 'raise_layer_version'"))
        left += connection.scalar(text("SELECT count(*) FROM pg_proc WHERE proname LIKE 'procrastinate%'"))
        left += connection.scalar(text("SELECT count(*) FROM pg_type WHERE typname LIKE '%procrastinate%'"))
    assert left == 0
    assert upgrade(engine) is True
    assert tables(engine) == wanted
    assert upgrade(engine) is False
    engine.dispose()


def test_the_models_say_what_the_migrations_do(engine: Engine) -> None:
    run(engine, command.check)


def test_the_queue_has_the_schema_that_the_library_expects(engine: Engine) -> None:
    """Fails when the library brings schema changes that no migration of ours applies yet."""
    with engine.connect() as connection:
        noted = connection.scalar(text("SELECT obj_description('procrastinate_jobs'::regclass)"))
    assert noted == f"schema {newest_queue_schema()}" == "schema 03.04.00_50_post_add_retry_failed_job_procedure"


def test_a_failing_migration_leaves_nothing(make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make_engine(make_database())
    run(engine, command.downgrade, "base")
    monkeypatch.setattr("alembic.op.create_index", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        upgrade(engine)
    assert tables(engine) == {"alembic_version"}
    engine.dispose()


def test_a_database_of_a_newer_version_is_refused(make_database: MakeDatabase) -> None:
    engine = make_engine(make_database())
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    with pytest.raises(DatabaseUnavailable, match=r"newer version.*from_the_future"):
        upgrade(engine)
    engine.dispose()


def test_two_upgrades_at_once_do_the_work_once(make_database: MakeDatabase) -> None:
    from concurrent.futures import ThreadPoolExecutor

    url = make_database()
    engine = make_engine(url)
    run(engine, command.downgrade, "base")
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: upgrade(url), range(2)))
    assert sorted(done) == [False, True]
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == head_revision()
    engine.dispose()


def test_a_change_raises_the_layer_version_and_notifies(make_database: MakeDatabase) -> None:
    url = make_database()
    engine = make_engine(url)

    def versions(session: Session) -> dict[str, int]:
        return {row.layer: row.version for row in session.execute(text("SELECT layer, version FROM layer_versions"))}

    with psycopg.connect(libpq_url(url), autocommit=True) as listener:
        listener.execute("LISTEN skillsmap_changed")
        with Session(engine) as session, session.begin():
            facts = {"name": "n", "source": "s", "licence": "l", "vintage": "v", "sha256": "0", "synthetic": True}
            dataset = Dataset(kind="population", is_current=True, parameters={}, report={}, **facts)
            session.add(dataset)
            session.flush()
            values = {"dataset": dataset.id}
            session.execute(text("INSERT INTO population_cells VALUES (:dataset, 1, 2.5), (:dataset, 2, 1.5)"), values)
        with Session(engine) as session:
            assert versions(session) == {"datasets": 1, "population": 1}, "once per statement, not per row"
        with Session(engine) as session:
            session.execute(text("UPDATE population_cells SET people = 3"))
            session.rollback()
        with Session(engine) as session, session.begin():
            session.execute(text("TRUNCATE population_cells"))
            assert versions(session) == {"datasets": 1, "population": 2}, "what is rolled back raises nothing"
        heard = [note.payload for note in listener.notifies(timeout=5, stop_after=3)]
    assert heard == ["datasets", "population", "population"]
    engine.dispose()


def test_what_snapshots_are_made_of_has_a_layer(engine: Engine) -> None:
    """A table that workers hold must tell them when it changes; all others are read from the database."""
    triggers = "SELECT event_object_table FROM information_schema.triggers WHERE trigger_name LIKE :name"
    with engine.connect() as connection:
        loud = set(connection.scalars(text(triggers), {"name": "%raise_layer_version"}))
    assert loud == {
        "areas", "calendar_years", "course_sessions", "courses", "datasets", "population_cells", "stations",
        "walk_edges", "walk_nodes",
    }  # fmt: skip
