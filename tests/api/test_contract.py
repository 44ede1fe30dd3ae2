"""Questions made up from the OpenAPI document, right and wrong ones: every answer is one that the document promises.

Schemathesis makes the questions; its plugin for pytest is left out, since it does not keep up with pytest.
"""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.api.docs_page import operations
from app.main import create_app
from tests.api.conftest import FixedHolder, TestClient

PROMISES = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    allow_header_conformance,
]
DOCUMENT = create_app(holder=FixedHolder()).openapi()
OPERATIONS = [(path, method) for path, method, _ in operations(DOCUMENT)]
# signed out these answer 401 whatever is asked; test_contract_signed_in.py asks them signed in
SIGNED_IN = {(p, m) for p, m, operation in operations(DOCUMENT) if operation.get("security")}
WITH_INPUT = [(p, m) for p, m, operation in operations(DOCUMENT) if {"parameters", "requestBody"} & operation.keys()]
BOUNDED = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)


FEW = BOUNDED.__class__(BOUNDED, max_examples=3)


def bounded(path: str, method: str) -> settings:
    return FEW if (path, method) in SIGNED_IN else BOUNDED


@pytest.fixture(scope="session")
def document(client: TestClient) -> Any:
    """The document of the service on the demonstration city, and the way to ask it."""
    return schemathesis.openapi.from_asgi("/openapi.json", client.app)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_well_formed_questions(document: Any, path: str, method: str) -> None:
    """They may be refused (a made-up code, a box without an area), but only as documented."""

    @bounded(path, method)
    @given(case=document[path][method].as_strategy(generation_mode=GenerationMode.POSITIVE))
    def ask(case: Any) -> None:
        case.call_and_validate(checks=PROMISES)

    ask()


@pytest.mark.parametrize(("path", "method"), WITH_INPUT)
def test_ill_formed_questions_are_refused(document: Any, path: str, method: str) -> None:
    @bounded(path, method)
    @given(case=document[path][method].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def ask(case: Any) -> None:
        case.call_and_validate(checks=[*PROMISES, negative_data_rejection])

    ask()
