from scheduling.models.processes import Chore, Scheduler
from scheduling.models.schedules import Firing, Schedule
from scheduling.models.triggers import Evaluation, EventTrigger, FiresWhen, Verdict
from scheduling.policies import CatchUp, FiringOutcome, Overlap

__all__ = [
    "CatchUp",
    "Chore",
    "Evaluation",
    "EventTrigger",
    "FiresWhen",
    "Firing",
    "FiringOutcome",
    "Overlap",
    "Schedule",
    "Scheduler",
    "Verdict",
]
