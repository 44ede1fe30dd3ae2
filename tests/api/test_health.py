"""Alive, ready, and what is said while nothing is loaded."""

from __future__ import annotations

from fastapi.testclient import TestClient


def test_alive_without_asking_the_database(client: TestClient, empty_client: TestClient) -> None:
    for service in (client, empty_client):
        answer = service.get("/healthz")
        assert answer.status_code == 200
        assert answer.json()["status"] == "ok"
        assert answer.headers["cache-control"] == "no-store"


def test_ready_over_data(client: TestClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "data": "loaded", "missing": [], "message": "服务就绪。"}
    assert client.get("/readyz", headers={"Accept-Language": "en"}).json()["message"] == "The service is ready."


def test_an_empty_service_is_ready_and_says_what_is_missing(empty_client: TestClient) -> None:
    answer = empty_client.get("/readyz", headers={"Accept-Language": "en"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["data"] == "none"
    assert body["missing"] == ["boundaries", "network", "population", "stations"]
    assert "walking network" in body["message"]
