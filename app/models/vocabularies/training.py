"""Courses, sessions, the training ledger and its reports (穗人社 2025-05-30, §1, §4.2 and §5)."""

from __future__ import annotations

from app.models.vocabularies.base import Vocabulary


class CourseKind(Vocabulary):
    """培训内容 (§4.2)."""

    SKILL_IMPROVEMENT = "skill_improvement", "职业技能提升", "Skill improvement"
    APPRENTICESHIP = "apprenticeship", "学徒制", "Apprenticeship"
    PROJECT = "project", "项目制", "Project-based"
    SPECIAL = "special", "专项", "Special"
    PRE_JOB = "pre_job", "岗前(转岗)", "Before a job or changing jobs"
    PUBLIC_BENEFIT = "public_benefit", "公益性", "Public benefit"
    STARTUP_GUIDANCE = "startup_guidance", "创业指导", "Guidance for founders"
    EMPLOYMENT_PRACTICE = "employment_practice", "就业实训", "Employment practice"
    LIFE_SERVICE = "life_service", "生活服务", "Everyday services"


class CourseForm(Vocabulary):
    """培训形式 (§1)."""

    EVENING_SCHOOL = "evening_school", "夜校", "Evening school"
    SALON = "salon", "沙龙", "Salon"
    WORKSHOP = "workshop", "技能工坊", "Skills workshop"
    ONLINE = "online", "线上技能学院", "Online skills academy"
    DAY_CLASS = "day_class", "日间班", "Day class"


class CourseStatus(Vocabulary):
    OFFERED = "offered", "开设中", "Offered"
    ENDED = "ended", "已停开", "No longer offered"


class SessionStatus(Vocabulary):
    PLANNED = "planned", "计划中", "Planned"
    HELD = "held", "已举办", "Held"
    CANCELLED = "cancelled", "已取消", "Cancelled"


class SignUpState(Vocabulary):
    CONFIRMED = "confirmed", "已报名", "Signed up"
    WAITING = "waiting", "候补", "On the waiting list"
    CANCELLED = "cancelled", "已取消", "Cancelled"
    ATTENDED = "attended", "已到课", "Attended"
    ABSENT = "absent", "未到课", "Absent"


class ReportLevel(Vocabulary):
    """Who reports: a station to its town, a town to its district, a district to the city (§5)."""

    STATION = "station", "站点", "Station"
    TOWN = "town", "镇街", "Town"
    DISTRICT = "district", "区", "District"


class ReportState(Vocabulary):
    DRAFT = "draft", "草稿", "Draft"
    SUBMITTED = "submitted", "已报送", "Submitted"
    RETURNED = "returned", "已退回", "Returned"
    ACCEPTED = "accepted", "已接收", "Accepted"


class ReportTimeliness(Vocabulary):
    ON_TIME = "on_time", "按时", "On time"
    LATE = "late", "逾期报送", "Late"
    DUE = "due", "待报送", "Not due yet"
    MISSING = "missing", "逾期未报", "Missing"


class TargetMeasure(Vocabulary):
    """年度目标 (§1)."""

    STATIONS = "stations", "建成站点数", "Stations open"
    TRAINEE_VISITS = "trainee_visits", "培训人次", "Trainee-visits"
    DISTRICTS_COVERED = "districts_covered", "有站点的区", "Districts with a station"
    SELECTED_STATIONS = "selected_stations", "完成遴选站点数", "Stations selected"


class TargetPace(Vocabulary):
    """Where an area stands against its target (年度目标) on a day."""

    MET = "met", "已达成", "Met"
    AHEAD = "ahead", "不慢于进度", "On time or ahead"
    BEHIND = "behind", "慢于进度", "Behind"
    MISSED = "missed", "逾期未达成", "Missed"
    NO_TARGET = "no_target", "未定目标", "No target"
