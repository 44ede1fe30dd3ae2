"""What is kept of vector tiles: of one state of the data, and bounded."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.services.bounded import BoundedCache

TILE_BYTES = 64_000_000
SOURCES = 64


def _tile_sources() -> BoundedCache:
    return BoundedCache(SOURCES)


def _tiles() -> BoundedCache:
    return BoundedCache(TILE_BYTES, weight=lambda tile: len(tile) + 200)


@dataclass(frozen=True)
class TileCache:
    """Ready tiles by layer, day and place, and what they are drawn from."""

    sources: BoundedCache = field(default_factory=_tile_sources)
    tiles: BoundedCache = field(default_factory=_tiles)
