"""Where PM2 is: Debian packages none; scripts/setup tests fetches one where npm can."""

import os
import shutil
from pathlib import Path

FETCHED = Path(__file__).resolve().parents[3] / "build/tools/pm2/node_modules/.bin/pm2"


def find_pm2() -> str | None:
    return os.environ.get("ROLLBACKD_TEST_PM2") or shutil.which("pm2") or (str(FETCHED) if FETCHED.exists() else None)
