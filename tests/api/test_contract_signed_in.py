"""Questions made up from the document, asked by an administrator: accounts and the ledger answer as they promise.

``test_contract.py`` asks them signed out, and gets no farther than 401.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import given
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection
from sqlalchemy import Engine

from app.db.engine import make_engine, session_scope
from app.main import create_app
from app.models.vocabularies import Role
from tests.api.conftest import FixedHolder, load_known_city, serving
from tests.api.test_contract import BOUNDED, OPERATIONS, PROMISES
from tests.conftest import MakeDatabase
from tests.support.accounts import signed_in

FEWER = BOUNDED.__class__(BOUNDED, max_examples=6)
MINE = [(path, method) for path, method in OPERATIONS if path.startswith(("/v1/auth/", "/v1/ledger/"))]


@pytest.fixture(scope="module")
def place(make_database: MakeDatabase) -> Iterator[Engine]:
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_known_city(writing)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def document(place: Engine) -> Iterator[Any]:
    with serving(create_app(engine=place, holder=FixedHolder())) as client:
        yield schemathesis.openapi.from_asgi("/openapi.json", client.app)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize(("path", "method"), MINE)
def test_an_administrator_gets_what_is_promised(
    document: Any, place: Engine, path: str, method: str, mode: GenerationMode
) -> None:
    if mode is GenerationMode.NEGATIVE and (path, method) in (("/v1/auth/me", "GET"), ("/v1/auth/sign-out", "POST")):
        return  # nothing that could be wrong
    headers = signed_in(place, Role.ADMINISTRATOR, "90")
    checks = PROMISES if mode is GenerationMode.POSITIVE else [*PROMISES, negative_data_rejection]
    seen: set[int] = set()

    @FEWER
    @given(case=document[path][method].as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        seen.add(case.call_and_validate(checks=checks, headers=headers).status_code)

    ask()
    assert seen - {401} or path in ("/v1/auth/token", "/v1/auth/sign-out"), "signed in it was"
