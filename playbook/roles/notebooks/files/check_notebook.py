"""Fails with a name and a reason if a file is not a Jupyter notebook. Arguments: the name, the file."""

import json
import sys

name, path = sys.argv[1:]
try:
    with open(path, encoding="utf-8") as file:
        json.load(file)["cells"]
except (ValueError, TypeError, KeyError) as error:
    reason = f"it has no {error}" if isinstance(error, KeyError) else error
    sys.exit(f"{name} is not a notebook: {reason}")
