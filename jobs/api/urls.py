"""The Queue API."""

from jobs.api import jobs, rerun_plans, search
from orchestrations.api.wire import route

urlpatterns = [
    route("jobs", jobs.jobs),
    route("jobs/<job_id>", jobs.job),
    route("jobs/<job_id>/kill", jobs.killed),
    route("search/jobs", search.search),
    route("orchestration-rerun-plan/<job_id>", rerun_plans.rerun_plan),
]
