"""Areas and datasets."""

from __future__ import annotations

from app.models.vocabularies.base import Vocabulary


class AreaLevel(Vocabulary):
    CITY = "city", "市", "City"
    DISTRICT = "district", "区", "District"
    TOWN = "town", "镇街", "Town or subdistrict"


class BoundaryKind(Vocabulary):
    OFFICIAL = "official", "官方界线", "Official"
    APPROXIMATE = "approximate", "近似界线", "Approximate"
    SYNTHETIC = "synthetic", "合成界线", "Synthetic"


class DatasetKind(Vocabulary):
    BOUNDARIES = "boundaries", "行政区划", "Boundaries"
    NETWORK = "network", "步行路网", "Walking network"
    POPULATION = "population", "人口", "Population"
    STATIONS = "stations", "站点台账", "Stations"


class DatasetRole(Vocabulary):
    """An alternative stands beside the main dataset of its kind: it widens intervals and shapes no other figure."""

    MAIN = "main", "主要来源", "Main source"
    ALTERNATIVE = "alternative", "备选来源", "Alternative source"
