"""Questions made up from the document, asked by an officer about things that there are.

``test_contract.py`` asks them signed out, and gets no farther than 401; made-up codes get no farther than 404.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import schemathesis
from hypothesis import given
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection
from sqlalchemy import Engine, text

from app.db.engine import make_engine, session_scope
from app.main import create_app
from app.models.vocabularies import FindingSeverity, Role, Standard, Verdict
from app.services import appraisals, exemplars, inspections
from app.services.exemplars import NewExemplar
from app.services.inspections import FindingFacts, InspectionFacts
from app.settings import QualitySettings
from tests.api.conftest import FixedHolder, load_known_city, serving
from tests.api.test_contract import BOUNDED, OPERATIONS, PROMISES
from tests.conftest import MakeDatabase
from tests.support.accounts import signed_in
from tests.support.quality import CITY, HERE

FEWER = BOUNDED.__class__(BOUNDED, max_examples=8)
MINE = [(path, method) for path, method in OPERATIONS if path.startswith("/v1/quality/")]
NUMBER = "TS-20260901-7KQ4RM"
NO_INPUT = {"/v1/quality/appraisals"}


@pytest.fixture(scope="module")
def place(make_database: MakeDatabase) -> Iterator[Engine]:
    """The known city with something of every kind, numbered from 1 on."""
    made = make_engine(make_database())
    with session_scope(made) as writing:
        load_known_city(writing)
        for day in (date(2026, 5, 6), date(2026, 6, 7)):
            found = FindingFacts(FindingSeverity.MINOR, "问题", date(2026, 7, 1), Standard.SERVICE)
            inspections.add_inspection(writing, CITY, HERE, InspectionFacts(day, Verdict.MET), [found])
        exemplars.add_exemplar(writing, CITY, NewExemplar(HERE, 2026, "样板", "好"))
        appraisals.make_draft(writing, CITY, 2025, QualitySettings())
        writing.execute(
            text(
                "INSERT INTO complaints (number, station_code, subject, text, received_on, due_on, first_due_on) "
                "VALUES (:number, :code, 'fees', '贵', '2026-09-01', '2026-09-08', '2026-09-08')"
            ),
            {"number": NUMBER, "code": HERE},
        )
        writing.execute(
            text(
                "INSERT INTO ratings (station_code, stars, comment, by_code, rated_on, state) "
                "VALUES (:code, 5, '好', false, '2026-09-01', 'pending')"
            ),
            {"code": HERE},
        )
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def document(place: Engine) -> Iterator[Any]:
    with serving(create_app(engine=place, holder=FixedHolder())) as client:
        yield schemathesis.openapi.from_asgi("/openapi.json", client.app)


def about_what_there_is(case: Any) -> None:
    """Numbers, codes and versions of a question become those of things that there are."""
    for name, value in dict(case.path_parameters or {}).items():
        there = {"code": HERE, "number": NUMBER, "year": 2025}.get(name)
        case.path_parameters[name] = there if there is not None else int(value) % 2 + 1
    if isinstance(case.body, dict):
        if "station" in case.body:
            case.body["station"] = HERE
        if "version" in case.body and len(str(case.body["version"])) > 2:
            case.body["version"] = 1


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize(("path", "method"), MINE)
def test_an_officer_gets_what_is_promised(
    document: Any, place: Engine, path: str, method: str, mode: GenerationMode
) -> None:
    if mode is GenerationMode.NEGATIVE and method == "GET" and path in NO_INPUT:
        return  # nothing that could be wrong
    headers = signed_in(place, Role.CITY_OFFICER, "90")
    is_right = mode is GenerationMode.POSITIVE
    checks = PROMISES if is_right else [*PROMISES, negative_data_rejection]
    seen: set[int] = set()

    @FEWER
    @given(case=document[path][method].as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        if is_right:
            about_what_there_is(case)
        seen.add(case.call_and_validate(checks=checks, headers=headers).status_code)

    ask()
    assert 401 not in seen and (not is_right or seen & {200, 201, 409, 422, 429}), seen
