"""Exits with 1 if this Python environment has to be installed, because it is incomplete or was never finished.

Standard input lists what it must have: `name==version`, or a name alone. The first argument is the record of the
environment, which is written last. With `exact` as the second, it must have nothing else.
"""

import os
import re
import sys
from importlib.metadata import distributions

wanted = set(sys.stdin.read().split())
installed = {re.sub("[-_.]+", "-", d.metadata["Name"]).lower(): d.version for d in distributions()}
versions = {f"{name}=={version}" for name, version in installed.items()}
missing = wanted - versions - set(installed)
surplus = versions - wanted if sys.argv[2:] == ["exact"] else set()
sys.exit(1 if missing or surplus or not os.path.exists(sys.argv[1]) else 0)
