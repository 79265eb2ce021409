"""Writes notebooks into the folder on the command line, and prints the names of those that were different.

Standard input is a JSON object of names and contents. Nothing is written if one of them is not a notebook.
"""

import json
import sys
from pathlib import Path

folder = Path(sys.argv[1])
notebooks = json.load(sys.stdin)
for name, content in notebooks.items():
    try:
        json.loads(content)["cells"]
    except (ValueError, TypeError, KeyError) as error:
        sys.exit(f"{name} is not a notebook: {'it has no cells' if isinstance(error, KeyError) else error}")
for name, content in notebooks.items():
    file = folder / name
    if not file.exists() or file.read_text(encoding="utf-8") != content:
        file.write_text(content, encoding="utf-8")
        print(name)
    file.chmod(0o644)
