"""The built-in demonstration city: real names, codes, outlines and totals; generated streets, people and stations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.demo.spec import CitySpec

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import Engine

__all__ = ["CitySpec", "load_demo_if_missing"]


def load_demo_if_missing(engine: Engine, console: Console | None = None, spec: CitySpec | None = None) -> bool:
    """Load the demonstration city unless anything is loaded already; see ``app.demo.load``."""
    from app.demo.load import load_demo_if_missing as load  # numpy, scipy and shapely: not for every command

    return load(engine, console, spec or CitySpec())
