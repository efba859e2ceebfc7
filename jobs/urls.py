from django.urls import URLPattern, include, path

from jobs.views import jobs, orchestrations, retries, running, runs, terminations

of_orchestrations = [
    path("", orchestrations.overview, name="orchestrations"),
    path("<int:orchestration_id>/", runs.detail, name="orchestration"),
    path("<int:orchestration_id>/run/", running.run, name="orchestration-run"),
    path("<int:orchestration_id>/switch/", orchestrations.switch, name="orchestration-switch"),
    # the editor of tasks
    # new, edit, copy, export
    # runs at a glance
]
of_jobs = [
    path("", jobs.job_list, name="jobs"),
    path("<int:job_id>/", jobs.detail, name="job"),
    path("<int:job_id>/log/", jobs.log, name="job-log"),
    path("<int:job_id>/termination/", terminations.terminate, name="job-termination"),
    path("<int:job_id>/retry/", retries.retry, name="job-retry"),
]
of_components: list[URLPattern] = []
of_configurations: list[URLPattern] = []
urlpatterns = [
    path("projects/<int:project_id>/orchestrations/", include(of_orchestrations)),
    path("projects/<int:project_id>/jobs/", include(of_jobs)),
    path("projects/<int:project_id>/components/", include(of_components)),
    path("projects/<int:project_id>/configurations/", include(of_configurations)),
    # dashboard
]
