"""The small demonstration city, generated once for all tests here."""

from __future__ import annotations

import pytest

from app.demo.city import DemoCity, generate
from app.demo.spec import CitySpec

SMALL = CitySpec(node_target=20_000, stations=120)


@pytest.fixture(scope="session")
def small_city() -> DemoCity:
    return generate(SMALL)
