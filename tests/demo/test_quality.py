"""Invented supervision: says that it is, is possible, and is the same every time."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Engine, text

from app.demo.quality import APPRAISED_YEAR, EXEMPLARS, FOLLOWED_UP, PART_QUALITY, _complaints, _ratings, served_by
from app.demo.spec import CitySpec
from app.models.vocabularies import HostKind, StationStatus, StationType
from app.services.loading import NewStation

AS_OF = CitySpec().as_of


def count(engine: Engine, query: str) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text(query), {"as_of": AS_OF}) or 0)


def test_there_is_some_of_everything(demo_engine: Engine) -> None:
    for table in ("inspections", "findings", "ratings", "complaints", "complaint_steps", "appraisal_scores"):
        assert count(demo_engine, f"SELECT count(*) FROM {table}") > 20, table
    assert count(demo_engine, "SELECT count(*) FROM exemplars WHERE state = 'named'") == EXEMPLARS
    published = f"SELECT count(*) FROM appraisals WHERE year = {APPRAISED_YEAR} AND state = 'published'"
    assert count(demo_engine, published) == 1
    assert count(demo_engine, f"SELECT count(*) FROM complaints WHERE number = '{FOLLOWED_UP[0]}'") == 1
    assert count(demo_engine, "SELECT count(*) FROM complaint_contacts") == 0
    for state in ("pending", "published"):
        assert count(demo_engine, f"SELECT count(*) FROM ratings WHERE state = '{state}'") > 0
    assert count(demo_engine, "SELECT count(DISTINCT grade) FROM appraisal_scores") >= 3


def test_all_of_it_says_what_it_is(demo_engine: Engine) -> None:
    for table, column in (
        ("inspections", "remarks"), ("findings", "text"), ("ratings", "comment"), ("complaints", "text"),
        ("complaint_steps", "text"), ("exemplars", "title"),
    ):  # fmt: skip
        assert count(demo_engine, f"SELECT count(*) FROM {table} WHERE {column} NOT LIKE '示范%'") == 0, table
    for table in ("inspections", "ratings", "complaints"):
        assert count(demo_engine, f"SELECT count(*) FROM {table} WHERE NOT synthetic") == 0, table
    assert count(demo_engine, "SELECT count(*) FROM audit_log WHERE kind = 'inspection' AND actor <> 'demo'") == 0


def test_nothing_happens_before_a_station_opens_or_after_the_day(demo_engine: Engine) -> None:
    for table, column in (("inspections", "inspected_on"), ("ratings", "rated_on"), ("complaints", "received_on")):
        wrong = (
            f"SELECT count(*) FROM {table} t JOIN stations s ON s.code = t.station_code "
            f"WHERE t.{column} < s.opened_on OR t.{column} > :as_of OR t.{column} >= s.closed_on"
        )
        assert count(demo_engine, wrong) == 0, table
    for column in ("remedied_on", "closed_on"):
        assert count(demo_engine, f"SELECT count(*) FROM findings WHERE {column} > :as_of") == 0


def test_the_same_city_has_the_same_ratings_and_complaints() -> None:
    spec = CitySpec()
    station = NewStation(
        code="S", name="示范站", type=StationType.COMMUNITY, host_kind=HostKind.OTHER, status=StationStatus.OPEN,
        address=None, selected_on=None, plaque_hung_on=None, opened_on=date(2025, 7, 1), closed_on=None, lng=113.2,
        lat=23.1, source_crs="wgs84", source_lng=113.2, source_lat=23.1,
    )  # fmt: skip
    planned = NewStation(**{**vars(station), "code": "P", "opened_on": None})
    served = served_by(spec, [station, planned])
    assert [one.code for one in served] == ["S"]
    first, second = (
        (list(_ratings(served[0], rng)), _complaints(served * 9, spec, rng))
        for rng in (spec.generator(PART_QUALITY) for _ in range(2))
    )
    assert first == second and first[0] and first[1][0]
