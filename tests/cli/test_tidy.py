"""``skillsmap db tidy``: what is kept for a limited time is gone afterwards, and nothing else."""

from __future__ import annotations

from sqlalchemy import text
from typer.testing import CliRunner

from app.cli.main import app as cli
from app.db.engine import libpq_url, make_engine, session_scope
from tests.api.conftest import load_known_city
from tests.conftest import MakeDatabase


def test_contacts_and_counts_that_are_due_are_erased(make_database: MakeDatabase) -> None:
    url = make_database()
    engine = make_engine(url)
    with session_scope(engine) as writing:
        load_known_city(writing)
        for number, closed_on in (("old", "2025-06-01"), ("open", None)):
            made = text(
                "INSERT INTO complaints (number, station_code, subject, text, received_on, due_on, first_due_on, "
                "closed_on, state) VALUES (:number, 'S-001', 'fees', 'x', '2025-05-01', '2025-05-08', "
                "'2025-05-08', CAST(:closed_on AS date), CASE WHEN CAST(:closed_on AS date) IS NULL THEN 'received' "
                "ELSE 'closed' END) RETURNING id"
            )
            values = {"number": number, "closed_on": closed_on}
            held = writing.scalar(made, values)
            writing.execute(text("INSERT INTO complaint_contacts VALUES (:id, '138')"), {"id": held})
        for days, state in ((31, "done"), (29, "done"), (400, "queued")):
            job = text(
                "INSERT INTO jobs (id, kind, parameters, state, asked_by, asked_at, finished_at) VALUES "
                "(gen_random_uuid(), 'x', '{}', :state, :name, now() - :days * interval '1 day', "
                "CASE WHEN :state = 'done' THEN now() - :days * interval '1 day' END)"
            )
            writing.execute(job, {"days": days, "state": state, "name": f"{state} {days}"})
        writing.execute(text("INSERT INTO visitor_keys VALUES ('2025-06-01', 'k')"))
        writing.execute(text("INSERT INTO visitor_counts VALUES ('2025-06-01', 'm', 'rating', '', 1)"))
    done = CliRunner().invoke(cli, ["db", "tidy"], env={"DATABASE_URL": libpq_url(url)})
    assert done.exit_code == 0 and "1 contacts erased" in done.stdout, done.output
    assert "1 jobs erased" in done.stdout
    with session_scope(engine) as reading:
        left = reading.scalars(text("SELECT asked_by FROM jobs ORDER BY 1")).all()
        assert list(left) == ["done 29", "queued 400"], "what was over for long is gone, what is not over stays"
        query = "SELECT c.number, t.contact FROM complaints c JOIN complaint_contacts t ON t.complaint_id = c.id"
        assert {(row[0], row[1]) for row in reading.execute(text(query))} == {("old", None), ("open", "138")}
        assert reading.scalar(text("SELECT count(*) FROM visitor_keys")) == 0
        assert reading.scalar(text("SELECT count(*) FROM visitor_counts")) == 0
    engine.dispose()
