"""SQLAlchemy tables. Importing this package registers all of them on ``Base.metadata``."""

from app.models.accounts import (
    ApiToken,
    AuthKey,
    AuthSession,
    RefreshToken,
    SignInFailure,
    SignInState,
    User,
)
from app.models.areas import Area
from app.models.audit import AnsweredRequest, AuditEntry
from app.models.base import Base
from app.models.calendar import CalendarYearRow
from app.models.coverage import CoverageAreaResult, CoverageCellResult, CoverageRun
from app.models.datasets import DatabaseIdentity, Dataset, LayerVersion
from app.models.jobs import Job
from app.models.network import WalkEdge, WalkNode
from app.models.population import PopulationCell
from app.models.quality import (
    Appraisal,
    AppraisalScore,
    Complaint,
    ComplaintContact,
    ComplaintStep,
    Exemplar,
    Finding,
    Inspection,
    Rating,
    VisitCode,
    VisitCodeBatch,
    VisitorCount,
    VisitorKey,
)
from app.models.reports import Report, ReportEvent
from app.models.scenarios import SavedScenario
from app.models.sign_ups import SessionAttendance, SessionSeats, SignUp
from app.models.stations import Organisation, Pairing, Station, StationVersion
from app.models.targets import Target, TargetVersion
from app.models.training import Course, CourseSession, TrainingEntry, TrainingEntryVersion

__all__ = [
    "AnsweredRequest",
    "ApiToken",
    "Appraisal",
    "AppraisalScore",
    "Area",
    "AuditEntry",
    "AuthKey",
    "AuthSession",
    "Base",
    "CalendarYearRow",
    "Complaint",
    "ComplaintContact",
    "ComplaintStep",
    "Course",
    "CourseSession",
    "CoverageAreaResult",
    "CoverageCellResult",
    "CoverageRun",
    "DatabaseIdentity",
    "Dataset",
    "Exemplar",
    "Finding",
    "Inspection",
    "Job",
    "LayerVersion",
    "Organisation",
    "Pairing",
    "PopulationCell",
    "Rating",
    "RefreshToken",
    "Report",
    "ReportEvent",
    "SavedScenario",
    "SessionAttendance",
    "SessionSeats",
    "SignInFailure",
    "SignInState",
    "SignUp",
    "Station",
    "StationVersion",
    "Target",
    "TargetVersion",
    "TrainingEntry",
    "TrainingEntryVersion",
    "User",
    "VisitCode",
    "VisitCodeBatch",
    "VisitorCount",
    "VisitorKey",
    "WalkEdge",
    "WalkNode",
]
