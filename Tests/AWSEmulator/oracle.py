"""botocore's opinion on requests, answers and models: JSON lines in, JSON lines out.

The Swift tests keep one of these running and compare. README.md lists what can be asked.
"""

import json
import sys
import traceback
from typing import Any

from oracle_parts import cache_keys, endpoints, messages, models, signing

ANSWERS = {
    "sign": signing.sign,
    "serialize": messages.serialize,
    "parse": messages.parse,
    "model": models.describe,
    "endpoint": endpoints.resolve,
    "cli-cache-key": cache_keys.assume_role,
    "sso-cache-key": cache_keys.sso,
}


def main() -> None:
    for line in sys.stdin:
        if line.strip():
            print(json.dumps(answer(line)), flush=True)


def answer(line: str) -> dict[str, Any]:
    """An error is an answer too: the asking test shall fail, not hang."""
    try:
        question = json.loads(line)
        return ANSWERS[question.pop("do")](**question)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}


main()
