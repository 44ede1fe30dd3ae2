from __future__ import annotations

import pytest

from app.api.language import Language, negotiate
from tests.api.conftest import TestClient


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", Language.ZH),
        ("fr", Language.ZH),
        ("*", Language.ZH),
        ("en", Language.EN),
        ("EN-gb", Language.EN),
        ("zh-TW,en;q=0.9", Language.ZH),
        ("en-US,en;q=0.9,zh-CN;q=0.8", Language.EN),
        ("zh-CN;q=0.5,en;q=0.9", Language.EN),
        ("fr;q=1,en;q=0.3", Language.EN),
        ("en;q=0", Language.ZH),
        ("en;q=0,*;q=0.5", Language.ZH),
        ("en;q=high,zh;q=0.1", Language.ZH),
        ("en;q=7", Language.ZH),
        (";;,,=q", Language.ZH),
        ("english", Language.ZH),
    ],
)
def test_negotiation(header: str, language: Language) -> None:
    assert negotiate(header) is language


def test_answers_and_problems_are_in_the_readers_language(known_client: TestClient) -> None:
    for path in ("/v1/stations/S-000", "/v1/stations/none"):
        for header, language in (("zh", "zh-CN"), ("en", "en")):
            answer = known_client.get(path, headers={"Accept-Language": header})
            assert answer.headers["content-language"] == language
            assert "Accept-Language" in answer.headers["vary"]
    assert known_client.get("/v1/stations/S-000").json()["type_title"] == "社区型"
    english = known_client.get("/v1/stations/S-000", headers={"Accept-Language": "en"}).json()
    assert english["type_title"] == "Community" and "synthetic" in english["data_notice"]["message"]
    assert english["type"] == "community"
    problem = known_client.get("/v1/stations/none", headers={"Accept-Language": "en"}).json()
    assert problem["title"] == "Not found" and problem["detail"] == "There is no station none."
