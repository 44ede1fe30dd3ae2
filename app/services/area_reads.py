"""Areas as they are shown: figures, relations and outlines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import shapely
from sqlalchemy.orm import Session

from app.errors import ErrorItem, InvalidInput, LevelNotLoaded, NotFound
from app.geo.arrays import FloatArray
from app.geo.geodesy import metres_per_degree
from app.models.vocabularies import AreaLevel
from app.repositories import areas as area_repo
from app.repositories.areas import AreaFacts
from app.repositories.stations import Moment
from app.services.suggestions import unknown_code

OUTLINE_DECIMALS = 6  # a tenth of a metre


@dataclass(frozen=True)
class AreaView:
    """One area; ``outline`` (WGS84, exterior rings counter-clockwise) where it was asked for."""

    facts: AreaFacts
    parent_name: str | None
    outline: shapely.MultiPolygon | None


@dataclass(frozen=True)
class AreaDetail:
    """One area with what it belongs to and what belongs to it."""

    area: AreaView
    parent: AreaFacts | None
    children: list[AreaFacts]


def list_areas(
    session: Session,
    day: date,
    *,
    level: AreaLevel | None = None,
    parent_code: str | None = None,
    outlines: bool = False,
    simplify_m: float = 0.0,
    at: Moment | None = None,
) -> list[AreaView]:
    """Areas by code, with the stations as they are now or were at a moment; those open on ``day`` are counted apart.

    Raises LevelNotLoaded when nothing of the level is loaded, InvalidInput for a parent that there is not.
    """
    if level is not None and area_repo.count_by_level(session).get(level.value, 0) == 0:
        raise LevelNotLoaded(f"尚未导入{level.title_zh}级区划。", f"No areas of level {level.value} are loaded.")
    if parent_code is not None and not area_repo.levels_of_codes(session, [parent_code]):
        raise InvalidInput(
            f"没有代码为 {parent_code} 的区划。",
            f"There is no area {parent_code}.",
            errors=[_unknown(session, "parent", parent_code)],
        )
    facts = area_repo.list_area_facts(
        session, day, level=level.value if level else None, parent_code=parent_code, at=at
    )
    return _views(session, facts, outlines=outlines, simplify_m=simplify_m)


def get_area(
    session: Session, day: date, code: str, *, outlines: bool = False, simplify_m: float = 0.0, at: Moment | None = None
) -> AreaDetail:
    """One area with its parent and children; see ``list_areas``. Raises NotFound with the codes that look like it."""
    found = area_repo.list_area_facts(session, day, codes=[code], at=at)
    if not found:
        item = _unknown(session, "code", code)
        raise NotFound(f"没有代码为 {code} 的区划。", f"There is no area {code}.", errors=[item])
    parent_code = found[0].parent_code
    parents = area_repo.list_area_facts(session, day, codes=[parent_code], at=at) if parent_code else []
    return AreaDetail(
        area=_views(session, found, outlines=outlines, simplify_m=simplify_m)[0],
        parent=parents[0] if parents else None,
        children=area_repo.list_area_facts(session, day, parent_code=code, at=at),
    )


def simplified(outlines: list[shapely.Geometry], simplify_m: float) -> list[shapely.Geometry]:
    """Outlines in WGS84 with bends smaller than about ``simplify_m`` squared cut off; shared borders stay shared."""
    if simplify_m <= 0 or not outlines:
        return outlines
    _, south, _, north = shapely.total_bounds(outlines)
    east_m, north_m = (float(scale) for scale in metres_per_degree((south + north) / 2))
    scale = np.array([east_m, north_m])

    def flat(degrees: FloatArray) -> FloatArray:
        return np.asarray(degrees * scale)

    def back(metres: FloatArray) -> FloatArray:
        return np.asarray(metres / scale)

    plane = np.array([shapely.transform(outline, flat) for outline in outlines])
    plane = shapely.coverage_simplify(plane, simplify_m)
    return [shapely.transform(outline, back) for outline in plane]


def _views(session: Session, facts: list[AreaFacts], *, outlines: bool, simplify_m: float) -> list[AreaView]:
    parents = {f.parent_code for f in facts if f.parent_code is not None}
    names = area_repo.names_of_codes(session, parents) if parents else {}
    views = [AreaView(f, names.get(f.parent_code or ""), None) for f in facts]
    if not outlines:
        return views
    shapes: dict[str, shapely.Geometry] = {}
    rows = area_repo.list_areas(session, codes=[f.code for f in facts])
    for level in AreaLevel:  # areas of one level lie side by side; those of two lie on top of each other
        held = [row for row in rows if row.level == level.value]
        shapes |= zip((row.code for row in held), simplified([row.geom for row in held], simplify_m), strict=True)
    return [replace(view, outline=for_geojson(shapes[view.facts.code])) for view in views]


def for_geojson(outline: shapely.Geometry) -> shapely.MultiPolygon:
    """An outline (WGS84) as GeoJSON wants it: a tenth of a metre exact, exterior rings counter-clockwise."""

    def rounded(degrees: FloatArray) -> FloatArray:
        return np.round(degrees, OUTLINE_DECIMALS)

    turned = shapely.orient_polygons(shapely.transform(outline, rounded))
    return shapely.MultiPolygon(list(shapely.get_parts(turned)))


def _unknown(session: Session, field: str, code: str) -> ErrorItem:
    return unknown_code(
        field, code, area_repo.area_codes(session), "区划", "area", "全部代码见 /v1/areas", "all codes are at /v1/areas"
    )
