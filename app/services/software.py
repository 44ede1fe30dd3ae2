"""Which software computes: a run names it, so that figures can be traced to what made them."""

from __future__ import annotations

import platform
from importlib.metadata import version

import pyproj
import shapely
from sqlalchemy.orm import Session

from app import __version__
from app.repositories.runs import server_versions

SHAPING = ("numpy", "scipy", "numba", "shapely", "pyproj", "h3")  # libraries that figures come from


def software(session: Session) -> dict[str, str]:
    """Version by name: this service, Python, the libraries that figures come from, the database."""
    return {
        "skillsmap": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in SHAPING},
        "geos": shapely.geos_version_string,
        "proj": pyproj.proj_version_str,
        **server_versions(session),
    }
