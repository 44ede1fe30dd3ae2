"""``skillsmap coverage run``: as it was on a day, as was known at a moment."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from app.cli.main import app as cli
from app.db.engine import libpq_url, make_engine, session_scope
from app.repositories.context import ledger_moment
from tests.conftest import MakeDatabase
from tests.support.cities import load_block_city

Run = Callable[..., Any]


@pytest.fixture
def run(make_database: MakeDatabase) -> Run:
    url = make_database()
    engine = make_engine(url)
    with session_scope(engine) as session:
        load_block_city(session)

    def write(statement: str) -> datetime:
        with session_scope(engine) as session:
            session.execute(text(statement))
            return ledger_moment(session)

    def asked(*arguments: str) -> Any:
        done = CliRunner().invoke(
            cli, ["coverage", "run", "--minutes", "5", "--json", *arguments], env={"DATABASE_URL": libpq_url(url)}
        )
        return json.loads(done.stdout) if done.exit_code == 0 else done

    asked.write = write  # type: ignore[attr-defined]
    return asked


def stations(told: dict[str, Any]) -> int:
    return next(area["stations"] for area in told["areas"] if area["level"] == "city")


def test_a_run_is_the_same_as_was_known(run: Run) -> None:
    day = ("--as-of", "2026-06-01")
    first = run(*day)
    known_at = run.write("SELECT 1")
    run.write("UPDATE stations SET status = 'suspended', valid_from = '2026-05-01' WHERE code = 'T-W'")
    changed = run(*day)
    assert (stations(first), stations(changed)) == (2, 1) and changed["run_id"] != first["run_id"]
    again = run(*day, "--known-at", known_at.isoformat())
    assert not again["is_new"] and again["known_at"] == known_at.isoformat() and again["imported_since"] == []
    for name in ("run_id", "results_sha256", "areas"):
        assert again[name] == first[name]
    assert stations(run("--as-of", "2026-04-30")) == 2
    early = run("--known-at", "2001-01-01T00:00:00Z")
    assert stations(early) == 0 and early["imported_since"] == ["boundaries", "network", "population"]


def test_a_moment_to_come_or_without_its_zone_is_refused(run: Run) -> None:
    for value in ((datetime.now(UTC) + timedelta(days=1)).isoformat(), "2026-06-01T00:00:00", "yesterday"):
        refused = run("--known-at", value)
        assert refused.exit_code != 0 and "known" in f"{refused.exception} {refused.output}", value
