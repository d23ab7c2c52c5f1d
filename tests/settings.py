"""The product's settings in test mode, out of reach of whatever the shell of the person at the desk has set.

A test run has a folder of its own for what it keeps, so it neither meets the demo's moved clock nor a second run, and
it uses a database and a Redis only where they are given to it by TEST_DATABASE_URL and TEST_REDIS_URL.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

from tests.servers import NAMES_FROM_THE_SHELL

for name in NAMES_FROM_THE_SHELL:
    if name not in ("VAR_DIR", "DJANGO_SETTINGS_MODULE"):  # both are handed on to the halves of a run
        os.environ.pop(name, None)
for name in ("DATABASE_URL", "REDIS_URL"):
    if given := os.environ.get(f"TEST_{name}"):
        os.environ[name] = given

if worker := os.environ.get("PYTEST_XDIST_WORKER"):  # started by a run that has made the folder already
    os.environ["VAR_DIR"] = str(Path(os.environ["VAR_DIR"]) / worker)
    if redis := os.environ.get("REDIS_URL"):  # a broker of its own, or its tasks would run in the database of another
        os.environ["REDIS_URL"] = f"{redis.rpartition('/')[0]}/{int(worker.removeprefix('gw')) + 1}"
else:
    os.environ["VAR_DIR"] = tempfile.mkdtemp(prefix="needlepoint-tests-")
    atexit.register(shutil.rmtree, os.environ["VAR_DIR"], ignore_errors=True)
os.environ["MODE"] = "test"

from clinic.settings import *  # noqa: E402, F403
