#!/usr/bin/env python3
"""Validates JSON on standard input against a schema of docs/schemas.

Usage: tools/validate-json.py SCHEMA [--lines] < FILE

With --lines, every line is a document. Prints one line per error and ends with 1 if there are any. Requires the Python
package jsonschema, which .venv-aws has.
"""

import json
import sys
from pathlib import Path

from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parent.parent / "docs/schemas"


def main(name: str, *options: str) -> int:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    text = sys.stdin.read()
    documents = text.splitlines() if "--lines" in options else [text]
    errors = 0
    for number, document in enumerate(documents, 1):
        for error in validator.iter_errors(json.loads(document)):
            print(f"document {number}: {error.json_path}: {error.message}")
            errors += 1
    return 1 if errors else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
