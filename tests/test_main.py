from __future__ import annotations

import logging
import warnings
from threading import Event

import pytest
from sqlalchemy import Engine

from app.errors import DatabaseUnavailable
from app.main import create_app
from app.services.snapshot import Snapshot
from app.settings import database_settings
from tests.api.conftest import FixedHolder

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # starlette would rather have httpx2
    from starlette.testclient import TestClient


def test_the_holder_lives_as_long_as_the_application(engine: Engine) -> None:
    holder = FixedHolder()
    with TestClient(create_app(engine=engine, holder=holder)) as client:
        assert holder.calls == ["start"]
        assert client.get("/readyz").status_code == 200
    assert holder.calls == ["start", "stop"]
    with engine.connect():  # what was given stays open
        pass


def test_the_database_of_the_settings_is_used(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    database_settings.cache_clear()
    try:
        with TestClient(create_app(holder=FixedHolder())) as client:
            assert client.get("/readyz").json()["data"] == "none"
    finally:
        database_settings.cache_clear()


def test_without_a_database_the_start_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    database_settings.cache_clear()
    try:
        with pytest.raises(DatabaseUnavailable) as caught, TestClient(create_app(holder=FixedHolder())):
            pass
    finally:
        database_settings.cache_clear()
    remedy = caught.value.errors[0].remedy_en
    assert remedy is not None and "./skillsmap up" in remedy


def test_the_real_holder_serves_an_empty_database(engine: Engine) -> None:
    with TestClient(create_app(engine=engine)) as client:
        assert client.get("/readyz").json()["data"] == "none"
        assert client.get("/v1/stations").json()["total"] == 0


def test_complete_data_without_a_snapshot_is_not_ready(demo_engine: Engine) -> None:
    for error, said in ((None, "being loaded"), ("disk full", "disk full")):
        with TestClient(create_app(engine=demo_engine, holder=FixedHolder(error=error))) as client:
            answer = client.get("/readyz", headers={"Accept-Language": "en"})
        assert answer.status_code == 503 and answer.json()["code"] == "not_ready"
        assert said in answer.json()["detail"] and int(answer.headers["retry-after"]) > 0


def test_a_worker_warms_up_without_anybody_waiting(
    demo_engine: Engine, demo_snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, warmed = Event(), Event(), []

    def slowly(snapshot: Snapshot) -> float:
        begun.set()
        go_on.wait(20)
        warmed.append(snapshot)
        return 0.0

    monkeypatch.setattr("app.main.warm", slowly)
    with TestClient(create_app(engine=demo_engine, holder=FixedHolder(demo_snapshot))) as client:
        assert begun.wait(20)
        assert client.get("/readyz").json()["data"] == "loaded" and warmed == []
        go_on.set()
    assert warmed == [demo_snapshot]  # the end waits for it: no kernel runs in a process that is going away


def test_nothing_is_logged_for_a_question(engine: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("uvicorn").setLevel("INFO")
    with TestClient(create_app(engine=engine, holder=FixedHolder())) as client:
        for path in ("/v1/stations?q=113.264385", "/v1/stations?lng=113.264385", "/x?lng=113.264385"):
            client.get(path)
    assert "113.264385" not in "".join(capfd.readouterr())
