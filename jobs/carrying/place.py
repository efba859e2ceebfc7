"""Where the tables are."""

from pathlib import Path

from django.conf import settings


def storage_url() -> str:
    """The root of the tables: a folder, or the URL of an object store."""
    return settings.STORAGE_URL or str(Path(settings.DATA_DIR) / "storage")
