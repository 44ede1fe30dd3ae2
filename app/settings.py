"""Settings from the environment, one class per concern."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

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
    """Limits of the walking method; every one of them is echoed in answers and in runs."""

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


class ServiceSettings(BaseSettings):
    """The HTTP service."""

    model_config = SettingsConfigDict(env_prefix="SKILLSMAP_", extra="ignore")

    log_level: str = Field(default="info", description="debug, info, warning or error")
    poll_seconds: float = Field(
        default=5.0, gt=0, description="Fallback check of the data version beside LISTEN/NOTIFY."
    )


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
