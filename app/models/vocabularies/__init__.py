"""Vocabularies of the plan: English identifiers, Chinese titles. Listed at ``/v1/vocabularies``."""

from app.models.vocabularies.accounts import AuditAction, Channel, Role
from app.models.vocabularies.base import Vocabulary
from app.models.vocabularies.data import AreaLevel, BoundaryKind, DatasetKind, DatasetRole
from app.models.vocabularies.jobs import JobState
from app.models.vocabularies.quality import (
    AppraisalComponent,
    AppraisalGrade,
    AppraisalState,
    ComplaintAction,
    ComplaintState,
    ComplaintSubject,
    ExemplarState,
    FindingSeverity,
    FindingState,
    InspectionSubject,
    RatingAspect,
    RatingState,
    Standard,
    Verdict,
)
from app.models.vocabularies.stations import (
    HostKind,
    OperatingMode,
    OrganisationKind,
    PairingMode,
    StationStatus,
    StationType,
    TargetGroup,
    TrainingMode,
)
from app.models.vocabularies.training import (
    CourseForm,
    CourseKind,
    CourseStatus,
    ReportLevel,
    ReportState,
    ReportTimeliness,
    SessionStatus,
    SignUpState,
    TargetMeasure,
    TargetPace,
)

__all__ = [
    "AppraisalComponent", "AppraisalGrade", "AppraisalState", "AreaLevel", "AuditAction", "BoundaryKind", "Channel",
    "ComplaintAction", "ComplaintState", "ComplaintSubject", "CourseForm", "CourseKind", "CourseStatus",
    "DatasetKind", "DatasetRole", "ExemplarState", "FindingSeverity", "FindingState", "HostKind", "InspectionSubject",
    "JobState", "OperatingMode", "OrganisationKind", "PairingMode", "RatingAspect", "RatingState", "ReportLevel",
    "ReportState", "ReportTimeliness", "Role", "SessionStatus", "SignUpState", "Standard", "StationStatus",
    "StationType", "TargetGroup", "TargetMeasure", "TargetPace", "TrainingMode", "Verdict", "Vocabulary",
]  # fmt: skip
