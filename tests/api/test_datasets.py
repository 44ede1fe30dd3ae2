from __future__ import annotations

import pytest

from app.db.engine import make_engine, session_scope
from app.main import create_app
from app.models.vocabularies import AreaLevel, BoundaryKind, DatasetKind
from app.services.dataset_reads import NoticeSource, notice_of
from app.services.loading import load_boundaries
from tests.api import conftest
from tests.api.conftest import FixedHolder, TestClient, serving
from tests.conftest import MakeDatabase


def test_the_current_datasets(known_client: TestClient) -> None:
    answer = known_client.get("/v1/datasets").json()
    assert answer["total"] == 4
    assert [(d["kind"], d["level"], d["synthetic"]) for d in answer["datasets"]] == [
        ("boundaries", "city", False),
        ("boundaries", "district", False),
        ("boundaries", "town", False),
        ("stations", None, True),
    ]
    stations = answer["datasets"][3]
    assert stations["kind_title"] == "站点台账" and stations["licence"] == "CC0-1.0" and stations["is_current"] is True
    assert stations["report"]["added"] == 23 and stations["parameters"] == {"seed": 1}
    assert known_client.get(f"/v1/datasets/{stations['id']}").json() == stations


def test_what_was_replaced_is_history(make_database: MakeDatabase) -> None:
    engine = make_engine(make_database())
    with session_scope(engine) as session:
        conftest.load_known_city(session)
        facts = conftest._facts(DatasetKind.BOUNDARIES, AreaLevel.CITY, synthetic=False)
        renewed = type(facts)(**{**facts.__dict__, "sha256": "other"})
        load_boundaries(session, renewed, conftest.areas(BoundaryKind.OFFICIAL)[:1], {})
    with serving(create_app(engine=engine, holder=FixedHolder())) as client:
        assert [d["id"] for d in client.get("/v1/datasets").json()["datasets"]] == [2, 3, 4, 5]
        history = client.get("/v1/datasets?all=true").json()["datasets"]
        assert [(d["id"], d["is_current"]) for d in history] == [(1, False), (2, True), (3, True), (4, True), (5, True)]
        assert client.get("/v1/datasets/1").json()["is_current"] is False
    engine.dispose()


@pytest.mark.parametrize(
    ("id", "status", "remedy"),
    [("99", 404, "1, 2, 3, 4"), ("0", 422, "at least 1"), ("x", 422, "whole number"), ("9" * 30, 422, "at most")],
)
def test_unknown_datasets(known_client: TestClient, id: str, status: int, remedy: str) -> None:
    answer = known_client.get(f"/v1/datasets/{id}", headers={"Accept-Language": "en"})
    assert answer.status_code == status
    assert answer.json()["errors"][0]["field"] == "id" and remedy in answer.json()["errors"][0]["remedy"]


def source(id: int, kind: DatasetKind, *, synthetic: bool = False, inexact: bool = False) -> NoticeSource:
    return NoticeSource(id, kind, None, f"d{id}", synthetic, inexact)


def test_observed_and_official_data_needs_no_notice() -> None:
    assert notice_of([source(1, DatasetKind.STATIONS), source(2, DatasetKind.BOUNDARIES)]) is None


def test_a_notice_names_only_what_the_answer_used() -> None:
    sources = [
        source(1, DatasetKind.STATIONS),
        source(2, DatasetKind.NETWORK, synthetic=True),
        source(3, DatasetKind.BOUNDARIES, inexact=True),
    ]
    assert notice_of(sources, [DatasetKind.STATIONS]) is None
    network = notice_of(sources, [DatasetKind.NETWORK])
    assert network is not None and network.synthetic and [s.id for s in network.datasets] == [2]
    outlines = notice_of(sources, [DatasetKind.BOUNDARIES, DatasetKind.STATIONS])
    assert outlines is not None and not outlines.synthetic and "近似" in outlines.message_zh
    everything = notice_of(sources)
    assert everything is not None and [s.id for s in everything.datasets] == [2, 3]
    assert "walking network" in everything.message_en and "approximate" in everything.message_en
