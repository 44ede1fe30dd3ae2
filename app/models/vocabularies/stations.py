"""Stations, as the plan has them (穗人社 2025-05-30, §3 and §4)."""

from __future__ import annotations

from app.models.vocabularies.base import Vocabulary


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


class OperatingMode(Vocabulary):
    """运营模式 (§4.1)."""

    INDEPENDENT = "independent", "独立运营", "Run by the station"
    PURCHASED = "purchased", "购买服务", "Purchased services"
    MARKET = "market", "市场化运作", "Run by the market"


class TrainingMode(Vocabulary):
    """自有类、共建类 (§4.1)."""

    OWN = "own", "自有类", "Its own"
    JOINT = "joint", "共建类", "Built jointly"


class PairingMode(Vocabulary):
    """结对 (§3.1)."""

    ONE_TO_ONE = "one_to_one", "一对一", "One to one"
    ONE_TO_MANY = "one_to_many", "一对多", "One to many"


class OrganisationKind(Vocabulary):
    GOVERNMENT = "government", "机关单位", "Government body"
    COLLEGE = "college", "职业院校", "Vocational or technician college"
    TRAINING_INSTITUTION = "training_institution", "培训机构", "Training institution"
    ENTERPRISE = "enterprise", "企业", "Enterprise"
    INDUSTRY_BODY = "industry_body", "行业组织", "Industry body"
    COMMUNITY = "community", "村居或社会组织", "Village, community or social body"
    OTHER = "other", "其他", "Other"


class TargetGroup(Vocabulary):
    """重点群体 (§3.1 to §3.3)."""

    GRADUATES = "graduates", "高校毕业生", "College graduates"
    VETERANS = "veterans", "退役军人", "Veterans"
    UNEMPLOYED = "unemployed", "失业人员", "Unemployed people"
    WOMEN = "women", "妇女", "Women"
    DISABLED = "disabled", "残疾人", "People with disabilities"
    RURAL_WORKERS = "rural_workers", "农村转移劳动力", "Rural workers changing jobs"
    RETURNING_FOUNDERS = "returning_founders", "返乡创业人群", "People who return to found a business"
    SKILLED_TALENT = "skilled_talent", "技术技能人才", "Skilled talent"
    INDUSTRIAL_WORKERS = "industrial_workers", "产业工人", "Industrial workers"
    FOUNDERS = "founders", "创业就业人员", "Founders and job seekers"
    HR_STAFF = "hr_staff", "人力资源服务人员", "Human resources staff"
    PARK_STAFF = "park_staff", "园区运营人才", "People who run parks"
    GENERAL = "general", "其他劳动者", "Other workers"
