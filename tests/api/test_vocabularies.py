"""Vocabularies over HTTP: all of them, by themselves, with both titles."""

from __future__ import annotations

import re

import pytest

from app.models import vocabularies as package
from app.models.vocabularies import StationType, Vocabulary
from app.services import vocabularies as service
from tests.api.conftest import TestClient


def test_every_exported_vocabulary_is_listed(known_client: TestClient) -> None:
    body = known_client.get("/v1/vocabularies").json()
    listed = {held["name"]: held["terms"] for held in body["vocabularies"]}
    assert body["total"] == len(listed) and list(listed) == sorted(listed)
    kinds = [getattr(package, name) for name in package.__all__ if name != "Vocabulary"]
    assert len(listed) == len(kinds)
    for kind in kinds:
        terms = listed[re.sub(r"(?!^)([A-Z])", r"_\1", kind.__name__).lower()]
        told = [(t["code"], t["title_zh"], t["title_en"]) for t in terms]
        assert told == [(m.value, m.title_zh, m.title_en) for m in kind]
        assert all(t["title"] == t["title_zh"] and t["title_en"] for t in terms)


def test_one_of_them_in_english(known_client: TestClient) -> None:
    body = known_client.get("/v1/vocabularies/station_type", headers={"Accept-Language": "en"}).json()
    assert [t["title"] for t in body["terms"]] == [m.title_en for m in StationType]
    missing = known_client.get("/v1/vocabularies/station_typ")
    assert missing.status_code == 404 and "station_type" in missing.json()["errors"][0]["remedy"]


def test_unchanged_is_304(known_client: TestClient) -> None:
    first = known_client.get("/v1/vocabularies")
    again = known_client.get("/v1/vocabularies", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and not again.content


def test_a_new_one_appears_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    class CourseLanguage(Vocabulary):
        CANTONESE = "cantonese", "粤语", "Cantonese"

    from app.models.vocabularies import training

    before = service.version()
    monkeypatch.setattr(training, "CourseLanguage", CourseLanguage, raising=False)
    service.vocabularies.cache_clear()
    service.version.cache_clear()
    try:
        assert service.vocabularies()["course_language"] is CourseLanguage
        assert service.version() != before
    finally:
        service.vocabularies.cache_clear()
        service.version.cache_clear()
