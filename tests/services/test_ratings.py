"""Ratings: codes that are good once, limits that forget, averages that one rating does not turn."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.errors import Conflict, Forbidden, InvalidInput, NotFound, OutOfScope, StaleVersion, TooManyRequests
from app.models.vocabularies import RatingAspect, RatingState
from app.repositories.quality_places import Place
from app.repositories.quality_ratings import NO_RATINGS, RatingRow, RatingSums, rating_sums
from app.services import ratings
from app.services.ratings import NewRating, average
from app.services.station_quality import station_quality
from app.services.visitors import Visitor, count_visit, network_of, visitor_of
from app.settings import QualitySettings
from tests.api.conftest import load_known_city
from tests.support.quality import CITY, ELSEWHERE, FIRST, HERE, SECOND, TOWN, VIEWER, whole_table

RULES = QualitySettings()
DAY = date(2026, 11, 25)
ADDRESS = "203.0.113.77"


@pytest.fixture
def city(session: Session) -> Session:
    load_known_city(session)
    return session


def visitor(session: Session, address: str = ADDRESS, day: date = DAY) -> Visitor:
    return visitor_of(session, address, day=day)


def rate(session: Session, station: str = HERE, stars: int = 5, who: Visitor | None = None, **more: Any) -> RatingRow:
    return ratings.rate(session, who or visitor(session), NewRating(station, stars, **more), RULES)


def codes(session: Session, count: int = 3, days: int = 30) -> list[str]:
    return list(ratings.issue_codes(session, TOWN, HERE, count, days, day=DAY).codes)


def test_codes_are_hard_to_misread_and_kept_as_hashes(city: Session) -> None:
    issued = ratings.issue_codes(city, TOWN, HERE, 200, 30, day=DAY)
    assert len(set(issued.codes)) == 200 and issued.batch.expires_on == date(2026, 12, 25)
    plain = [code.replace("-", "") for code in issued.codes]
    assert all(len(code) == 8 and not set(code) & set("0O1IL2Z5S8B") for code in plain)
    kept = whole_table(city, "visit_codes") + whole_table(city, "audit_log")
    assert city.scalar(text("SELECT count(*) FROM visit_codes")) == 200
    assert not any(code in kept or code.encode().hex() in kept for code in plain)
    assert city.scalar(text("SELECT count(*) FROM audit_log WHERE kind = 'visit_codes'")) == 1
    with pytest.raises(OutOfScope):
        ratings.issue_codes(city, SECOND, HERE, 1, 30)
    with pytest.raises(Forbidden):
        ratings.issue_codes(city, VIEWER, HERE, 1, 30)


def test_a_code_is_good_once_however_it_is_written(city: Session) -> None:
    first, second, _ = codes(city)
    told = rate(city, visit_code=f" {first.lower()} ")
    assert told.by_code and told.state == RatingState.PUBLISHED
    full_width = "".join(chr(ord(c) + 0xFEE0) if c != "-" else c for c in first)
    with pytest.raises(Conflict, match="has been used"):
        rate(city, visit_code=full_width)
    rate(city, visit_code=second)
    (batch,) = ratings.list_batches(city, FIRST, Place(), before_id=None, limit=5)
    assert (batch.count, batch.used) == (3, 2)


def test_a_code_is_of_its_station_and_its_time(city: Session) -> None:
    first, second, third = codes(city)
    for station, code in ((ELSEWHERE, first), (HERE, "AAAA-AAAA")):
        with pytest.raises(InvalidInput) as refused:
            rate(city, station, visit_code=code)
        assert ratings.is_wrong_code(refused.value)
    with pytest.raises(Conflict, match="no longer"):
        rate(city, who=visitor(city, day=date(2026, 12, 26)), visit_code=second)
    rate(city, who=visitor(city, day=date(2026, 12, 25)), visit_code=second)
    (batch,) = ratings.list_batches(city, FIRST, Place(), before_id=None, limit=5)
    assert ratings.revoke_codes(city, TOWN, batch.id, "遗失").is_revoked
    with pytest.raises(Conflict, match="no longer"):
        rate(city, visit_code=third)


def test_without_a_code_there_are_so_many_a_day(city: Session) -> None:
    for _ in range(3):
        rate(city)
    with pytest.raises(TooManyRequests) as refused:
        rate(city)
    assert 0 < refused.value.retry_after_s <= 86_400
    rate(city, who=visitor(city, "203.0.113.78"))
    rate(city, visit_code=codes(city)[0])  # with a code there is no limit
    rate(city, who=visitor(city, day=date(2026, 11, 26)))


def test_there_are_so_many_a_day_in_all(city: Session) -> None:
    opened = [k for k in range(20) if k % 3 != 2]
    for k in opened[: RULES.ratings_a_day]:
        rate(city, f"S-{k:03d}")
    with pytest.raises(TooManyRequests):
        rate(city, "S-021")


def test_a_refused_visit_is_not_counted(city: Session) -> None:
    who = visitor(city)
    for _ in range(2):
        with pytest.raises(TooManyRequests), city.begin_nested():
            count_visit(city, who, "x", 0)
    count_visit(city, who, "x", 1)


def test_addresses_are_kept_by_nobody_and_forgotten(city: Session) -> None:
    first = visitor(city)
    rate(city)
    kept = "".join(whole_table(city, table) for table in ("visitor_counts", "visitor_keys", "ratings"))
    assert ADDRESS.encode().hex() not in kept
    assert ADDRESS not in kept and visitor(city) == first and visitor(city, "203.0.113.78").mark != first.mark
    following = visitor(city, day=date(2026, 11, 26))
    assert following.mark != first.mark
    for table in ("visitor_counts", "visitor_keys"):
        assert city.scalar(text(f"SELECT count(*) FROM {table} WHERE day < '2026-11-26'")) == 0
    log = whole_table(city, "audit_log")
    assert ADDRESS not in log and first.mark.hex() not in log


def test_networks_of_addresses() -> None:
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:0DB8:1:2::9") != network_of("2001:db8:1:3::9")
    assert network_of("::ffff:203.0.113.77") == ADDRESS == network_of(ADDRESS)
    assert network_of(None) == "unknown" and network_of("testclient") == "testclient"


def test_comments_wait_for_moderation_and_hidden_ones_do_not_count(city: Session) -> None:
    secret = "讲师某某的电话是 13800000000"
    told = rate(city, stars=1, comment=secret, visit_code=codes(city)[0])
    good = rate(city, stars=5, comment="老师很好")
    assert told.state == good.state == RatingState.PENDING
    shown = station_quality(city, HERE, RULES)
    assert shown.comments == [] and shown.average.ratings == 2
    with pytest.raises(Forbidden):
        ratings.moderate(city, TOWN, told.id, 1, RatingState.HIDDEN, "隐私")
    with pytest.raises(OutOfScope):
        ratings.moderate(city, SECOND, told.id, 1, RatingState.HIDDEN, "隐私")
    with pytest.raises(InvalidInput):
        ratings.moderate(city, FIRST, told.id, 1, RatingState.HIDDEN, None)
    hidden = ratings.moderate(city, FIRST, told.id, 1, RatingState.HIDDEN, "含个人信息")
    assert (hidden.state, hidden.moderated_by, hidden.version) == (RatingState.HIDDEN, FIRST.username, 2)
    with pytest.raises(StaleVersion):
        ratings.moderate(city, CITY, told.id, 1, RatingState.PUBLISHED, None)
    with pytest.raises(Conflict):
        ratings.moderate(city, FIRST, told.id, 2, RatingState.HIDDEN, "再次")
    ratings.moderate(city, FIRST, good.id, 1, RatingState.PUBLISHED, None)
    shown = station_quality(city, HERE, RULES)
    assert [(c.text, c.stars) for c in shown.comments] == [("老师很好", 5)] and shown.average.ratings == 1
    assert "13800000000" not in whole_table(city, "audit_log")


def test_sums_and_aspects(city: Session) -> None:
    first, second, _ = codes(city)
    rate(city, stars=4, visit_code=first, aspects={RatingAspect.TEACHING: 5, RatingAspect.STAFF: 2})
    rate(city, stars=2, visit_code=second, aspects={RatingAspect.TEACHING: 4})
    rate(city, stars=1)
    assert rating_sums(city) == {
        HERE: RatingSums(2, 6, 1, 1, (1, 1, 0, 1, 0), {"teaching": (2, 9), "staff": (1, 2)}),
    }
    made = station_quality(city, HERE, RULES)
    # (5 × 3.5 + 4 + 2 + 0.25 × 1) / (5 + 2 + 0.25)
    assert made.average.stars == pytest.approx(23.75 / 7.25) and made.average.weight == 2.25
    assert made.aspects == {RatingAspect.TEACHING: 4.5, RatingAspect.STAFF: 2.0}
    assert rating_sums(city, since=date(2026, 11, 26)) == {} == rating_sums(city, until=date(2026, 11, 24))


def test_stations_that_have_not_opened_and_unknown_ones_are_refused(city: Session) -> None:
    with pytest.raises(Conflict):
        rate(city, "S-002")  # planned
    rate(city, "S-004")  # closed since
    with pytest.raises(NotFound):
        rate(city, "S-999")


COUNTS = st.integers(0, 500)


@given(COUNTS, COUNTS, st.floats(0, 1), st.floats(0, 50))
def test_an_average_lies_between_its_parts_and_rises_with_stars(
    with_code: int, without: int, weight: float, prior: float
) -> None:
    rules = replace_rules(rating_weight_without_code=weight, rating_prior_weight=prior)
    assert average(NO_RATINGS, rules).stars is None
    sums = replace(NO_RATINGS, with_code=with_code + 1, without_code=without)
    low = average(replace(sums, with_code_stars=with_code + 1, without_code_stars=without), rules).stars
    more = average(replace(sums, with_code_stars=with_code + 2, without_code_stars=without), rules).stars
    high = average(replace(sums, with_code_stars=5 * (with_code + 1), without_code_stars=5 * without), rules).stars
    assert low is not None and more is not None and high is not None
    assert 1 - 1e-9 <= low <= rules.rating_prior_stars + 1e-9 and rules.rating_prior_stars - 1e-9 <= high <= 5 + 1e-9
    assert low < more <= high + 1e-9


def replace_rules(**values: Any) -> QualitySettings:
    return RULES.model_copy(update=values)
