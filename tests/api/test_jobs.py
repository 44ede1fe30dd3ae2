"""Jobs over HTTP, as the service's own role: started, done by a real worker, looked at, cancelled, listed, refused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, event, text

from app.db.engine import libpq_url, make_engine, session_scope
from app.main import create_app
from app.models.vocabularies import AreaLevel, Role
from app.settings import PROJECT_ROOT, database_settings, job_settings
from tests.api.conftest import FixedHolder, TestClient, serving
from tests.conftest import MakeDatabase
from tests.support.accounts import signed_in
from tests.support.cities import load_block_city

RUNS = "/v1/coverage/runs"
ASKED = {"minutes": 5, "as_of": "2026-11-20"}
Headers = dict[str, str]


@pytest.fixture(scope="module")
def owner(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_block_city(writing)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def client(owner: Engine) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", owner.url.render_as_string(hide_password=False))
        database_settings.cache_clear()
        try:
            with serving(create_app(holder=FixedHolder())) as made:
                yield made
        finally:
            database_settings.cache_clear()


@pytest.fixture
def town(owner: Engine) -> Headers:
    return signed_in(owner, Role.TOWN_OFFICER, "T101", level=AreaLevel.DISTRICT)


@pytest.fixture
def chief(owner: Engine) -> Headers:
    return signed_in(owner, Role.ADMINISTRATOR, "T1", level=AreaLevel.CITY)


def work(owner: Engine) -> None:
    """``./skillsmap jobs work --once``, as somebody else's process."""
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "jobs", "work", "--once"], cwd=PROJECT_ROOT, check=False, text=True,
        env={**os.environ, "DATABASE_URL": libpq_url(owner.url.render_as_string(hide_password=False))},
        capture_output=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def begin(client: TestClient, headers: Headers, **asked: Any) -> Any:
    answer = client.post(RUNS, json=ASKED | asked, headers=headers)
    assert answer.status_code == 202, answer.text
    return answer


def test_a_run_from_question_to_figures(client: TestClient, owner: Engine, town: Headers) -> None:
    answer = begin(client, town)
    job, where = answer.json(), answer.headers["Location"]
    assert where == f"/v1/jobs/{job['id']}" and UUID(job["id"]).version == 4
    assert (job["state"], job["ahead"], job["progress"], job["result"]) == ("queued", 0, 0.0, None)
    assert int(answer.headers["Retry-After"]) > 0 and answer.headers["Cache-Control"] == "no-store"
    assert job["parameters"] == {
        "minutes": 5.0, "profile": "adult", "speed_kmh": None, "as_of": "2026-11-20", "known_at": None,
        "station_types": [],
    }  # fmt: skip
    work(owner)
    looked = client.get(where, headers=town | {"Accept-Language": "en"})
    done = looked.json()
    assert (done["state"], done["progress"], done["attempts"], done["problem"]) == ("done", 1.0, 1, None)
    assert "Retry-After" not in looked.headers and done["kind_title"] == "Coverage run"
    assert done["result"]["is_new"] and done["result"]["synthetic"]
    run = client.get(done["result_path"]).json()
    assert run["results_sha256"] == done["result"]["results_sha256"]
    assert (len(run["rows"]), run["cells"]) == (done["result"]["areas"], done["result"]["cells"])
    with owner.connect() as connection:
        assert connection.scalar(text("SELECT run_id FROM jobs WHERE id = :id"), {"id": job["id"]}) == run["id"]


def test_a_failed_job_has_a_problem_in_the_reader_s_language(make_database: MakeDatabase) -> None:
    engine = make_engine(make_database())  # with nothing in it
    with serving(create_app(engine=engine, holder=FixedHolder())) as desk:
        headers = signed_in(engine, Role.TOWN_OFFICER, "T101", level=AreaLevel.DISTRICT)
        where = begin(desk, headers).headers["Location"]
        work(engine)
        zh, en = (desk.get(where, headers=headers | {"Accept-Language": one}).json() for one in ("zh", "en"))
    assert zh["state"] == "failed" and zh["problem"]["code"] == "not_ready" and zh["problem"]["status"] == 503
    assert "import" in en["problem"]["detail"] and zh["problem"]["detail"] != en["problem"]["detail"]
    assert zh["problem"]["instance"] == where and "Traceback" not in str(en)
    engine.dispose()


def test_cancelling(client: TestClient, owner: Engine, town: Headers) -> None:
    where = begin(client, town).headers["Location"]
    first, again = (client.post(f"{where}/cancel", headers=town) for _ in range(2))
    assert first.status_code == again.status_code == 200 and first.json() == again.json()
    assert first.json()["state"] == "cancelled" and "Retry-After" not in first.headers
    done = begin(client, town).headers["Location"]
    work(owner)
    assert client.get(where, headers=town).json()["attempts"] == 0
    late = client.post(f"{done}/cancel", headers=town)
    assert late.status_code == 409 and late.json()["code"] == "job_finished"
    assert client.get(done, headers=town).json()["state"] == "done"


def test_jobs_are_one_s_own(client: TestClient, owner: Engine, town: Headers, chief: Headers) -> None:
    where = begin(client, town).headers["Location"]
    other = signed_in(owner, Role.CITY_OFFICER, "T1", level=AreaLevel.CITY)
    for headers, status in ((other, 404), (chief, 200), ({}, 401)):
        assert client.get(where, headers=headers).status_code == status
    assert client.post(f"{where}/cancel", headers=other).status_code == 404
    assert client.get(f"/v1/jobs/{uuid4()}", headers=town).json()["code"] == "not_found"
    bad = client.get("/v1/jobs/7", headers=town)
    assert bad.status_code == 422 and bad.json()["errors"][0]["field"] == "id"
    assert client.get("/v1/jobs", headers=other).json()["jobs"] == []
    assert where.rpartition("/")[2] in [one["id"] for one in client.get("/v1/jobs", headers=chief).json()["jobs"]]
    assert client.post(f"{where}/cancel", headers=chief).json()["state"] == "cancelled", "an administrator may"


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.TOWN_OFFICER, 202), (Role.CITY_OFFICER, 202)])
def test_who_may_start(client: TestClient, owner: Engine, role: Role, status: int) -> None:
    headers = signed_in(owner, role, "T1", level=AreaLevel.CITY)
    assert client.post(RUNS, json=ASKED, headers=headers).status_code == status
    assert client.post(RUNS, json=ASKED).status_code == 401


def test_a_token_that_only_reads_starts_and_cancels_nothing(client: TestClient, owner: Engine, town: Headers) -> None:
    where = begin(client, town).headers["Location"]
    made = client.post("/v1/auth/tokens", json={"name": "reader", "may_write": False, "days": 1}, headers=town)
    assert made.status_code == 201, made.text
    reader = {"Authorization": f"Bearer {made.json()['secret']}"}
    assert client.get(where, headers=reader).status_code == 200
    assert client.post(RUNS, json=ASKED, headers=reader).status_code == 403
    assert client.post(f"{where}/cancel", headers=reader).status_code == 403


def test_pages_newest_first(client: TestClient, owner: Engine) -> None:
    headers = signed_in(owner, Role.TOWN_OFFICER, "T101", level=AreaLevel.DISTRICT)
    made = [begin(client, headers, minutes=k).json()["id"] for k in (1, 2, 3)]
    client.post(f"/v1/jobs/{made[1]}/cancel", headers=headers)
    seen, path = [], "/v1/jobs?limit=2"
    while path:
        answer = client.get(path, headers=headers)
        seen.append([one["id"] for one in answer.json()["jobs"]])
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    assert seen == [[made[2], made[1]], [made[0]]]
    for query, wanted in (
        ("state=cancelled", [made[1]]), ("state=queued", [made[2], made[0]]), ("kind=coverage_run&state=done", []),
        ("kind=other", []),
    ):  # fmt: skip
        assert [one["id"] for one in client.get(f"/v1/jobs?{query}", headers=headers).json()["jobs"]] == wanted
    wrong = client.get("/v1/jobs?cursor=WyJhIiwiYiJd", headers=headers)
    assert wrong.status_code == 422 and wrong.json()["errors"][0]["field"] == "cursor"
    ahead = [client.get(f"/v1/jobs/{one}", headers=headers).json()["ahead"] for one in made]
    assert ahead[1] is None and ahead[2] == ahead[0] + 1, "the cancelled one is in nobody's way"


def test_one_account_has_only_so_many_at_once(client: TestClient, owner: Engine) -> None:
    headers = signed_in(owner, Role.TOWN_OFFICER, "T101", level=AreaLevel.DISTRICT)
    made = [begin(client, headers).headers["Location"] for _ in range(job_settings().jobs_open)]
    refused = client.post(RUNS, json=ASKED, headers=headers)
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
    client.post(f"{made[0]}/cancel", headers=headers)
    begin(client, headers)


def test_sent_twice_it_is_started_once(client: TestClient, owner: Engine) -> None:
    headers = signed_in(owner, Role.TOWN_OFFICER, "T101", level=AreaLevel.DISTRICT) | {"Idempotency-Key": "run-1"}
    first, again = begin(client, headers), begin(client, headers)
    assert first.json() == again.json() and again.headers["Idempotency-Replayed"] == "true"
    assert first.headers["Location"] == again.headers["Location"]
    assert client.post(RUNS, json=ASKED | {"minutes": 6}, headers=headers).json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"minutes": 0}, "minutes"), ({"minutes": 61}, "minutes"), ({"profile": "runner"}, "profile"),
        ({"speed_kmh": 9}, "speed_kmh"), ({"as_of": "2026-13-01"}, "as_of"), ({"station_types": ["x"]}, None),
        ({"known_at": "2026-11-20T00:00:00"}, "known_at"), ({"known_at": "2099-01-01T00:00:00Z"}, "known_at"),
        ({"minute": 5}, "minute"),
    ],
)  # fmt: skip
def test_what_cannot_be_computed_is_refused_at_once(
    client: TestClient, owner: Engine, asked: dict[str, Any], field: str | None
) -> None:
    headers = signed_in(owner, Role.TOWN_OFFICER, "T101", level=AreaLevel.DISTRICT)
    answer = client.post(RUNS, json=asked, headers=headers)
    assert answer.status_code == 422, answer.text
    assert field is None or answer.json()["errors"][0]["field"] == field
    assert client.get("/v1/jobs", headers=headers).json()["jobs"] == []


def test_the_audit_log_has_who_started_and_cancelled(client: TestClient, town: Headers, chief: Headers) -> None:
    job = begin(client, town).json()
    client.post(f"/v1/jobs/{job['id']}/cancel", headers=chief)
    entries = client.get(f"/v1/audit?kind=job&key={job['id']}", headers=chief).json()["entries"]
    assert [(one["action"], one["actor"] == job["asked_by"]) for one in entries] == [
        ("cancel_job", False), ("start_job", True),
    ]  # fmt: skip
    assert entries[1]["after"]["parameters"]["minutes"] == 5.0


def test_a_job_is_answered_with_one_query(client: TestClient, owner: Engine, town: Headers) -> None:
    where = begin(client, town).headers["Location"]
    asked: list[str] = []
    engine = client.app.state.resources.engine  # type: ignore[attr-defined]
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert client.get(where, headers=town).status_code == 200
    assert len([one for one in asked if "FROM jobs" in one and one.lstrip().startswith("SELECT")]) == 1
    assert len(asked) <= 3, asked  # and who is signed in
