"""Settings from the environment, one class per concern."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent


class HomeSettings(BaseSettings):
    """Where the state lives (``SKILLSMAP_HOME``): private cluster, snapshots, kernel cache."""

    model_config = SettingsConfigDict(env_prefix="SKILLSMAP_", extra="ignore")

    home: Path = Field(default=PROJECT_ROOT / "var", description="State folder; never inside git.")

    @property
    def snapshots(self) -> Path:
        return self.home.absolute() / "snapshots"


class DatabaseSettings(BaseSettings):
    """Which database (``DATABASE_URL``); unset means the private one that the launcher makes."""

    model_config = SettingsConfigDict(extra="ignore")

    database_url: str | None = Field(default=None, description="postgresql://… with PostGIS")


class MethodSettings(BaseSettings):
    """Limits of the walking method, echoed in answers and in runs; and how far intervals depart from them."""

    model_config = SettingsConfigDict(env_prefix="SKILLSMAP_", extra="ignore")

    snap_limit_m: float = Field(
        default=500.0, gt=0, le=5000, description="A position farther from every street is refused."
    )
    link_limit_m: float = Field(
        default=500.0, gt=0, le=5000, description="A populated cell farther from every street is off-network."
    )
    min_component_m: float = Field(
        default=1000.0, ge=0, description="Street islands shorter than this are not snapped to."
    )
    reach_limit_minutes: int = Field(
        default=60, ge=15, le=60, description="How far the reach table goes, at adult speed."
    )
    uncertainty_speed_share: float = Field(
        default=0.1, ge=0, le=0.5, description="Intervals: walkers slower and faster by this share; 0: as they are."
    )
    uncertainty_limit_factor: float = Field(
        default=2.0, ge=1, le=4, description="Intervals: both limits divided and multiplied by this; 1: as they are."
    )

    def shaping_figures(self) -> dict[str, Any]:
        """The settings that figures depend on: all but those of intervals."""
        return self.model_dump(mode="json", exclude={"uncertainty_speed_share", "uncertainty_limit_factor"})


class ServiceSettings(BaseSettings):
    """The HTTP service."""

    model_config = SettingsConfigDict(env_prefix="SKILLSMAP_", extra="ignore")

    log_level: str = Field(default="info", description="debug, info, warning or error")
    poll_seconds: float = Field(
        default=5.0, gt=0, description="Fallback check of the data version beside LISTEN/NOTIFY."
    )
    seats_seconds: float = Field(default=2.0, gt=0, description="How often seats that are taken are read again.")


class AuthSettings(BaseSettings):
    """Sign-ins: how long they last, and how many may fail."""

    model_config = SettingsConfigDict(env_prefix="SKILLSMAP_", extra="ignore")

    access_token_minutes: float = Field(default=15.0, gt=0, le=120, description="An access token's life.")
    session_idle_hours: float = Field(
        default=12.0, gt=0, le=24 * 30, description="A session that is not refreshed for so long has ended."
    )
    session_days: float = Field(default=7.0, gt=0, le=90, description="A session's life at most.")
    lock_after_failures: int = Field(default=5, ge=1, le=100, description="Wrong passwords in a row until a lock-out.")
    lock_minutes: float = Field(default=15.0, gt=0, le=24 * 60, description="How long a lock-out lasts.")
    address_failures: int = Field(
        default=30, ge=1, le=100_000, description="Failed sign-ins of one address within address_window_minutes."
    )
    address_window_minutes: float = Field(default=10.0, gt=0, le=24 * 60, description="See address_failures.")


class QualitySettings(BaseSettings):
    """Supervision: ratings, complaints, appraisals."""

    model_config = SettingsConfigDict(env_prefix="SKILLSMAP_", extra="ignore")

    ratings_per_station_a_day: int = Field(
        default=3, ge=0, le=10_000, description="Ratings without a visit code of one address and station."
    )
    ratings_a_day: int = Field(default=10, ge=0, le=100_000, description="The same over all stations.")
    complaints_a_day: int = Field(default=5, ge=0, le=100_000, description="Complaints of one address.")
    rating_weight_without_code: float = Field(
        default=0.25, ge=0, le=1, description="What a rating without a visit code counts, beside 1 with one."
    )
    rating_prior_stars: float = Field(default=3.5, ge=1, le=5, description="An average begins with so many stars …")
    rating_prior_weight: float = Field(default=5.0, ge=0, le=1000, description="… which weigh as many ratings as this.")
    complaint_working_days: int = Field(default=5, ge=1, le=60, description="Monday to Friday, until an answer is due.")
    contact_days: int = Field(
        default=180, ge=0, le=3650, description="Contacts of complaints are erased so many days after closing."
    )
    appraisal_days_open: int = Field(default=90, ge=1, le=366, description="Open for fewer days: not appraised.")
    appraisal_visits_per_seat: float = Field(
        default=24.0, gt=0, le=10_000, description="Trainee-visits by seat and year that have all points."
    )
    appraisal_excellent: float = Field(default=90.0, ge=0, le=100, description="From this score on: excellent.")
    appraisal_good: float = Field(default=80.0, ge=0, le=100, description="From this score on: good.")
    appraisal_qualified: float = Field(default=60.0, ge=0, le=100, description="From this score on: qualified.")


class SignUpSettings(BaseSettings):
    """Signing up for sessions."""

    model_config = SettingsConfigDict(env_prefix="SKILLSMAP_", extra="ignore")

    sign_up_key: str | None = Field(
        default=None,
        description="Secret for phone numbers and codes, older ones after commas; unset: secrets/sign-up.key at home.",
    )
    sign_up_phone_days: int = Field(
        default=30, ge=0, le=366, description="Phone numbers are erased so many days after the session."
    )
    sign_up_waiting: int = Field(default=50, ge=0, le=10_000, description="Places on the waiting list of a session.")
    sign_ups_open: int = Field(default=10, ge=1, le=1000, description="Sign-ups of one number that are still to come.")
    sign_ups_a_day: int = Field(
        default=100, ge=0, le=1_000_000, description="Places given to one address a day; refusals do not count."
    )


class ReportSettings(BaseSettings):
    """Quarterly reports: days after the quarter's end until which each level reports."""

    model_config = SettingsConfigDict(env_prefix="SKILLSMAP_", extra="ignore")

    report_days_station: int = Field(default=5, ge=0, le=90, description="Stations to their town.")
    report_days_town: int = Field(default=8, ge=0, le=90, description="Towns to their district.")
    report_days_district: int = Field(default=12, ge=0, le=90, description="Districts to the city.")


class JobSettings(BaseSettings):
    """Long work."""

    model_config = SettingsConfigDict(env_prefix="SKILLSMAP_", extra="ignore")

    job_workers: int = Field(
        default=1, ge=0, le=16, description="Processes for jobs beside the service; 0: they run elsewhere, or never."
    )
    jobs_open: int = Field(default=5, ge=1, le=1000, description="Jobs of one account that are queued or running.")
    job_tries: int = Field(default=3, ge=1, le=100, description="A job that breaks off so often has failed.")
    job_stalled_seconds: float = Field(
        default=20.0, ge=1, le=3600, description="A worker that is not heard of for so long is dead."
    )
    job_days: int = Field(
        default=30, ge=0, le=3650, description="Jobs and their results are erased so many days after."
    )


def kernel_cache(home: Path) -> Path:
    """Where compiled kernels of the code as it is now are kept.

    numba looks whether the file of a kernel has changed, not the files of the kernels that it calls: after a change of
    any of them a stale one would go on answering. So every state of the code has a folder of its own.
    """
    digest = hashlib.sha256()
    for path in sorted((PROJECT_ROOT / "app" / "geo").glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return home / "numba" / digest.hexdigest()[:16]


@lru_cache
def home_settings() -> HomeSettings:
    return HomeSettings()


@lru_cache
def database_settings() -> DatabaseSettings:
    return DatabaseSettings()


@lru_cache
def method_settings() -> MethodSettings:
    return MethodSettings()


@lru_cache
def service_settings() -> ServiceSettings:
    return ServiceSettings()


@lru_cache
def auth_settings() -> AuthSettings:
    return AuthSettings()


@lru_cache
def quality_settings() -> QualitySettings:
    return QualitySettings()


@lru_cache
def sign_up_settings() -> SignUpSettings:
    return SignUpSettings()


@lru_cache
def report_settings() -> ReportSettings:
    return ReportSettings()


@lru_cache
def job_settings() -> JobSettings:
    return JobSettings()
