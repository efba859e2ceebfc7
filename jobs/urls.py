from django.urls import include, path

from jobs.views import (
    bucket_actions,
    buckets,
    components,
    configurations,
    configuring,
    connections,
    downloads,
    editor,
    events,
    explaining,
    finding,
    jobs,
    logs,
    notifications,
    pausing,
    retries,
    row_deletions,
    searches,
    table_actions,
    terminations,
    uploads,
)
from orchestrations.views import creating, transfers

of_orchestrations = [
    path("help/", explaining.how_they_run, name="orchestrations-help"),
    path("<int:orchestration_id>/notifications/", notifications.of_orchestration, name="orchestration-notifications"),
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
    path("<int:configuration_id>/connection-test/", connections.test, name="configuration-test"),
    path("<int:configuration_id>/switch/", configurations.switch, name="configuration-switch"),
]
of_storage = [
    path("", buckets.storage, name="storage"),
    path("new/", bucket_actions.new, name="bucket-new"),
    path("shared/", bucket_actions.shared, name="storage-shared"),
    path("shared/<int:source_id>/link/", bucket_actions.link, name="bucket-link"),
    path("buckets/<str:bucket_id>/", buckets.detail, name="bucket"),
    path("buckets/<str:bucket_id>/edit/", bucket_actions.edit, name="bucket-edit"),
    path("buckets/<str:bucket_id>/sharing/", bucket_actions.sharing, name="bucket-sharing"),
    path("buckets/<str:bucket_id>/unlinking/", bucket_actions.unlinking, name="bucket-unlinking"),
    path("buckets/<str:bucket_id>/deletion/", bucket_actions.deletion, name="bucket-deletion"),
    path("buckets/<str:bucket_id>/upload/", uploads.into_bucket, name="bucket-upload"),
    path("tables/<str:table_id>/edit/", table_actions.edit, name="table-edit"),
    path("tables/<str:table_id>/deletion/", table_actions.deletion, name="table-deletion"),
    path("tables/<str:table_id>/row-deletion/", row_deletions.delete, name="table-row-deletion"),
    path("tables/<str:table_id>/upload/", uploads.into_table, name="table-upload"),
    path("tables/<str:table_id>/download/", downloads.download, name="table-download"),
    path("tables/<str:table_id>/download/<int:job_id>/", downloads.file, name="table-file"),
]
urlpatterns = [
    path("projects/<int:project_id>/orchestrations/", include(of_orchestrations)),
    path("projects/<int:project_id>/jobs/", include(of_jobs)),
    path("projects/<int:project_id>/components/", include(of_components)),
    path("projects/<int:project_id>/configurations/", include(of_configurations)),
    path(
        "projects/<int:project_id>/notifications/<int:subscription_id>/test/",
        notifications.test,
        name="notification-test",
    ),
    path("notifications/", notifications.mine, name="my-notifications"),
    path("outbox/", notifications.outbox, name="outbox"),
    path("projects/<int:project_id>/storage/", include(of_storage)),
    # dashboard
    path("projects/<int:project_id>/pause/", pausing.pause, name="project-pause"),
    path("projects/<int:project_id>/search/", finding.search, name="search"),
]
