"""The walking engine on two real cities, held against others: the figures of section 10 of docs/method.md.

``./skillsmap bench --real FOLDER`` prints them; FOLDER holds ``helsinki/`` and ``porto-alegre/``.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any


def figures(folder: Path) -> dict[str, Any]:
    """All figures by name; ``pandana`` is a text that says what is missing where pandana is not installed.

    Raises FileUnreadable or OSError when a file of the bundles is missing.
    """
    from benchmarks.real import helsinki, pandana_peer, porto_alegre
    from benchmarks.real.exactness import against_scipy, rounding

    helsinki_city = helsinki.load(folder / "helsinki")
    town = porto_alegre.load(folder / "porto-alegre")
    return {
        "helsinki_r5": {name: asdict(helsinki.compare(helsinki_city, name)) for name in helsinki.RESULTS},
        "scipy": {
            "helsinki": asdict(against_scipy(helsinki_city.network, helsinki_city.lng, helsinki_city.lat, 300.0)),
            "porto_alegre": asdict(against_scipy(town.network, town.station_lng, town.station_lat, 500.0)),
        },
        "rounding": asdict(rounding(town.rows, town.network, town.stations)),
        "plain_lengths": asdict(porto_alegre.lengths_beside_plain(town)),
        "coverage": porto_alegre.coverage(town),
        "pandana": asdict(pandana_peer.compare(town)) if pandana_peer.installed() else pandana_peer.MISSING,
    }
