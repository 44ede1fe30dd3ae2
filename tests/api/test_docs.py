"""docs/api.md is true: its examples answer as shown, and its table of errors is whole."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import Engine

from app.api.docs_page import operations, problem_kinds
from app.main import MAX_BODY_BYTES, create_app
from app.models.vocabularies import Role
from app.services.coverage_cells import MAX_CELLS
from app.services.isochrones import MAX_BANDS
from app.services.nearest import MAX_HITS
from app.services.profiles import PROFILES
from app.settings import PROJECT_ROOT, MethodSettings
from tests.api.conftest import FixedHolder, TestClient
from tests.support.accounts import signed_in
from tests.support.examples import Example, examples, missing

PAGE = PROJECT_ROOT / "docs" / "api.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLES = examples(PAGE)


@pytest.fixture(scope="module")
def token(demo_engine: Engine) -> str:
    """What ``$TOKEN`` stands for on the page: that of an administrator."""
    return signed_in(demo_engine, Role.ADMINISTRATOR, "4401")["Authorization"].removeprefix("Bearer ")


def test_there_are_examples_and_all_show_an_answer() -> None:
    assert len(EXAMPLES) >= 10 and all(example.shown for example in EXAMPLES)
    assert TEXT.count("curl -s") == len(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{e.method} {e.target}" for e in EXAMPLES])
def test_examples_answer_as_shown(client: TestClient, example: Example, token: str) -> None:
    headers = {name: value.replace("$TOKEN", token) for name, value in example.headers.items()}
    answer = client.request(example.method, example.target, content=example.body, headers=headers)
    expected = (example.shown["status"],) if "errors" in example.shown else (200, 201, 202)
    assert answer.status_code in expected, answer.text
    body = answer.json()
    assert missing(example.shown, body, values=False) == []
    if "errors" in example.shown:
        for name in ("type", "title", "code", "instance"):
            assert example.shown.get(name, body[name]) == body[name]
        assert example.shown["errors"][0]["field"] == body["errors"][0]["field"]


def test_every_error_has_a_line_with_its_status() -> None:
    rows = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \| (\d+|–) \| ([^|]+) \|$", TEXT, re.MULTILINE)
    listed = {code: status for codes, status, _ in rows for code in re.findall(r"`([a-z_]+)`", codes)}
    assert set(listed) == {kind.code for kind in problem_kinds()}
    for kind in problem_kinds():
        assert listed[kind.code] in (str(kind.status), "–")
    assert all(remedy.strip() for _, _, remedy in rows)


def test_every_call_is_listed() -> None:
    for path, _, _ in operations(create_app(holder=FixedHolder()).openapi()):
        assert f"{path}`" in TEXT, path


def test_the_limits_are_those_of_the_code() -> None:
    assert f"`limit` ≤ {MAX_HITS}," in TEXT and f"至多 {MAX_BANDS} 圈" in TEXT
    assert f"≤ {MAX_CELLS:,}" in TEXT and f"≤ {MAX_BODY_BYTES / 1e6:g} MB" in TEXT
    assert f"{MethodSettings().snap_limit_m:g} 米内" in TEXT
    for profile in PROFILES.values():
        assert f"`{profile.name}`" in TEXT
        assert f"{profile.speed_kmh:g} km/h" in TEXT or profile.name == "gb50180"
