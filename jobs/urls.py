from django.urls import include, path

from jobs.views import (
    automating,
    components,
    configurations,
    configuring,
    dashboard,
    editor,
    events,
    finding,
    jobs,
    logs,
    orchestrations,
    retries,
    running,
    runs,
    searches,
    terminations,
)
from orchestrations.views import creating, transfers

of_orchestrations = [
    path("", orchestrations.overview, name="orchestrations"),
    path("<int:orchestration_id>/", runs.detail, name="orchestration"),
    path("<int:orchestration_id>/run/", running.run, name="orchestration-run"),
    path("<int:orchestration_id>/switch/", orchestrations.switch, name="orchestration-switch"),
    # the editor of tasks
    path("<int:orchestration_id>/tasks/", editor.tasks, name="orchestration-tasks"),
    # new, edit, copy, export
    path("new/", creating.new, name="orchestration-new"),
    path("import/", transfers.import_file, name="orchestration-import"),
    path("<int:orchestration_id>/edit/", creating.edit, name="orchestration-edit"),
    path("<int:orchestration_id>/export/", transfers.export, name="orchestration-export"),
    # runs at a glance
]
of_jobs = [
    path("", searches.job_list, name="jobs"),
    path("suggestions/", searches.suggest, name="jobs-suggestions"),
    path("help/", searches.explain, name="jobs-help"),
    path("<int:job_id>/", jobs.detail, name="job"),
    path("<int:job_id>/log/", logs.log, name="job-log"),
    path("<int:job_id>/log/download/", logs.download, name="job-log-download"),
    path("<int:job_id>/events/", events.event_list, name="job-events"),
    path("<int:job_id>/termination/", terminations.terminate, name="job-termination"),
    path("<int:job_id>/retry/", retries.retry, name="job-retry"),
]
of_components = [
    path("", components.catalogue, name="components"),
    path("<str:component_id>/", components.detail, name="component"),
    path("<str:component_id>/new/", configuring.new, name="configuration-new"),
]
of_configurations = [
    path("<int:configuration_id>/", configurations.detail, name="configuration"),
    path("<int:configuration_id>/edit/", configuring.edit, name="configuration-edit"),
    path("<int:configuration_id>/run/", configurations.run, name="configuration-run"),
    path("<int:configuration_id>/automate/", automating.automate, name="configuration-automate"),
    path("<int:configuration_id>/switch/", configurations.switch, name="configuration-switch"),
]
urlpatterns = [
    path("projects/<int:project_id>/orchestrations/", include(of_orchestrations)),
    path("projects/<int:project_id>/jobs/", include(of_jobs)),
    path("projects/<int:project_id>/components/", include(of_components)),
    path("projects/<int:project_id>/configurations/", include(of_configurations)),
    # dashboard
    path("projects/<int:project_id>/", dashboard.dashboard, name="dashboard"),
    path("projects/<int:project_id>/search/", finding.search, name="search"),
]
