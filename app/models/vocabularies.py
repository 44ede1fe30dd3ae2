"""Vocabularies of the plan: English identifiers, Chinese titles (穗人社 2025-05-30, §3 and §4)."""

from __future__ import annotations

from enum import StrEnum


class Vocabulary(StrEnum):
    """A StrEnum whose members carry a Chinese and an English title."""

    title_zh: str
    title_en: str

    def __new__(cls, value: str, title_zh: str = "", title_en: str = "") -> Vocabulary:
        member = str.__new__(cls, value)
        member._value_ = value
        member.title_zh = title_zh
        member.title_en = title_en
        return member


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


class StationType(Vocabulary):
    COMMUNITY = "community", "社区型", "Community"
    RURAL = "rural", "乡村型", "Rural"
    PARK = "park", "园区型", "Park"
    INSTITUTION = "institution", "院校机构型", "School or institution"


class StationStatus(Vocabulary):
    PLANNED = "planned", "筹建", "Planned"
    SELECTED = "selected", "已遴选", "Selected"
    OPEN = "open", "运营中", "Open"
    SUSPENDED = "suspended", "暂停", "Suspended"
    CLOSED = "closed", "已关闭", "Closed"


class HostKind(Vocabulary):
    PARTY_SERVICE_CENTRE = "party_service_centre", "基层党群服务阵地", "Party and mass service centre"
    COMMUNITY_SERVICE_CENTRE = "community_service_centre", "社区服务中心", "Community service centre"
    TRAINING_INSTITUTION = "training_institution", "职业培训机构", "Vocational training institution"
    VOCATIONAL_COLLEGE = "vocational_college", "职业院校", "Vocational college"
    TECHNICIAN_COLLEGE = "technician_college", "技工院校", "Technician college"
    EMPLOYMENT_POST = "employment_post", "就业驿站", "Employment post"
    TALENT_POST = "talent_post", "人才驿站", "Talent post"
    CAMPUS_EMPLOYMENT_STATION = "campus_employment_station", "高校就业e站", "Campus employment e-station"
    HOUSEKEEPING_SERVICE_STATION = (
        "housekeeping_service_station",
        "南粤家政基层服务站",
        "Nanyue housekeeping service station",
    )
    HR_SERVICE_PARK = "hr_service_park", "人力资源服务产业园", "Human resources service park"
    SKILLED_TALENT_BASE = "skilled_talent_base", "高技能人才培训基地", "Highly skilled talent training base"
    MASTER_STUDIO = "master_studio", "大师工作室", "Master craftsman studio"
    INDUSTRY_EMPLOYMENT_BASE = "industry_employment_base", "产业就业基地", "Industry employment base"
    STARTUP_PARK = "startup_park", "创业园区", "Start-up park"
    INCUBATION_BASE = "incubation_base", "孵化基地", "Incubation base"
    OTHER = "other", "其他", "Other"
