"""What jobs add to the Storage API."""

from jobs.api import events, files, loads, storage_jobs
from orchestrations.api.wire import route

urlpatterns = [
    route("events", events.events),
    route("jobs", storage_jobs.of_project),
    route("jobs/<job_id>", storage_jobs.job),
    route("files", files.files),
    route("files/prepare", files.prepare),
    route("files/<file_id>", files.file),
    route("buckets/<bucket_id>/tables-async", loads.new_table),
    route("tables/<table_id>/import-async", loads.into_table),
    route("tables/<table_id>/export-async", loads.out_of_table),
    route("tables/<table_id>/updates", loads.updates),
]
