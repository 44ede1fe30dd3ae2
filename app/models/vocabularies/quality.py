"""Supervision: inspections, ratings, complaints, appraisal (穗人社 2025-05-30, §2.4, §4.3 and §7.3)."""

from __future__ import annotations

from app.models.vocabularies.base import Vocabulary


class Standard(Vocabulary):
    """三规范 (§2.4)."""

    SIGNAGE = "signage", "规范名称标识", "Name and sign"
    SERVICE = "service", "规范服务标准", "Standard of service"
    TRAINING = "training", "规范技能培训", "Standard of training"


class InspectionSubject(Vocabulary):
    """检查内容 (§7.3)."""

    CONSTRUCTION = "construction", "项目建设", "How it is built"
    OPERATION = "operation", "运营管理", "How it is run"
    SERVICE_QUALITY = "service_quality", "服务质量", "How it serves"


class Verdict(Vocabulary):
    MET = "met", "达标", "Met"
    PARTLY = "partly", "部分达标", "Partly met"
    NOT_MET = "not_met", "未达标", "Not met"
    NOT_CHECKED = "not_checked", "未检查", "Not checked"


class FindingSeverity(Vocabulary):
    MINOR = "minor", "一般", "Minor"
    MAJOR = "major", "较重", "Major"
    CRITICAL = "critical", "严重", "Critical"


class FindingState(Vocabulary):
    OPEN = "open", "待整改", "To be remedied"
    REMEDIED = "remedied", "已整改待复核", "Remedied, to be checked"
    CLOSED = "closed", "已销号", "Closed"


class RatingState(Vocabulary):
    PENDING = "pending", "待审核", "To be moderated"
    PUBLISHED = "published", "已公开", "Published"
    HIDDEN = "hidden", "不公开", "Hidden"


class ComplaintState(Vocabulary):
    RECEIVED = "received", "已受理", "Received"
    IN_PROGRESS = "in_progress", "处理中", "In progress"
    ANSWERED = "answered", "已答复", "Answered"
    CLOSED = "closed", "已办结", "Closed"


class ComplaintSubject(Vocabulary):
    OPENING = "opening", "开放时间", "Opening hours"
    FEES = "fees", "收费", "Fees"
    TEACHING = "teaching", "教学质量", "Teaching"
    STAFF = "staff", "服务态度", "Staff"
    SAFETY = "safety", "安全与卫生", "Safety and hygiene"
    ACCESS = "access", "无障碍", "Access"
    OTHER = "other", "其他", "Other"


class AppraisalGrade(Vocabulary):
    EXCELLENT = "excellent", "优秀", "Excellent"
    GOOD = "good", "良好", "Good"
    QUALIFIED = "qualified", "合格", "Qualified"
    UNQUALIFIED = "unqualified", "不合格", "Not qualified"


class AppraisalState(Vocabulary):
    DRAFT = "draft", "评估中", "Under way"
    PUBLISHED = "published", "已公布", "Published"


class RatingAspect(Vocabulary):
    """What a visitor may rate beside the whole."""

    TEACHING = "teaching", "教学", "Teaching"
    STAFF = "staff", "服务", "Staff"
    PREMISES = "premises", "场地", "Premises"
    ACCESS = "access", "到达与无障碍", "Getting there and in"


class ComplaintAction(Vocabulary):
    """A step in the handling of a complaint."""

    RECEIVED = "received", "受理", "Received"
    TAKEN = "taken", "承办", "Taken on"
    ANSWERED = "answered", "答复", "Answered"
    CLOSED = "closed", "办结", "Closed"
    REOPENED = "reopened", "重新办理", "Taken up again"


class ExemplarState(Vocabulary):
    """典型样板: a district proposes, the city names."""

    PROPOSED = "proposed", "区级推荐", "Proposed"
    NAMED = "named", "已评定", "Named"
    WITHDRAWN = "withdrawn", "已撤销", "Withdrawn"


class AppraisalComponent(Vocabulary):
    """What a yearly appraisal (评估) is made of."""

    STANDARDS = "standards", "三规范达标", "Standards met"
    INSPECTION = "inspection", "检查得分", "Inspection score"
    FINDINGS = "findings", "整改及时", "Findings remedied in time"
    TRAINING = "training", "培训量(人次对座位)", "Training against seats"
    STAFF_TRAINED = "staff_trained", "岗前培训率", "Staff trained before starting"
    RATING = "rating", "群众评价", "Public rating"
    COMPLAINTS = "complaints", "投诉按期答复", "Complaints answered in time"
