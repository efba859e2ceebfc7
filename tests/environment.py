"""Loaded by pytest before Django's settings: tests get a data folder of their own, never the one of this checkout."""

import atexit
import os
import shutil
import tempfile

if "PYTEST_XDIST_WORKER" in os.environ or "TUTTI_TEST_DATA" not in os.environ:
    folder = tempfile.mkdtemp(prefix="tutti-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["TUTTI_TEST_DATA"] = folder
os.environ["TUTTI_DATA"] = os.environ["TUTTI_TEST_DATA"]
os.environ.setdefault("TUTTI_SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("TUTTI_ENCRYPTION_KEY", "only-for-tests-" + "y" * 40)
# Commits that do not wait for the disk: what a test kills are processes, never the machine (tests/databases.py).
os.environ.setdefault("TUTTI_SQLITE_SYNCHRONOUS", "NORMAL")
for name in [name for name in os.environ if name.startswith("TUTTI_ADMIN_")]:
    del os.environ[name]
