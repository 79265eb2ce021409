"""Client tokens: the same call with the same token is answered as before and not done again.

moto knows none of them, so the answers are kept here, in front of it.
"""

import hashlib
import json
import re
import threading
from typing import Any, Callable

from .errors import ServiceError, error_answer
from .messages import Answer, Request
from .services import region_of

# Service and operation → the parameter that carries the token.
TOKENS = {
    ("cloudformation", "CreateStack"): "ClientRequestToken",
    ("cloudformation", "CreateChangeSet"): "ClientToken",
    ("cloudformation", "ExecuteChangeSet"): "ClientRequestToken",
    ("cloudformation", "DeleteStack"): "ClientRequestToken",
    ("ec2", "CopyImage"): "ClientToken",
    ("ec2", "ExportImage"): "ClientToken",
    ("ec2", "RunInstances"): "ClientToken",
    ("ebs", "StartSnapshot"): "ClientToken",
    ("codebuild", "StartBuild"): "idempotencyToken",
    ("cloudfront", "CreateInvalidation"): "CallerReference",
}
# What the services say when a token comes again with other parameters.
MISMATCH = {
    "cloudformation": (400, "ValidationError", "The client token was used before with other parameters"),
    "ec2": (400, "IdempotentParameterMismatch", "The client token was used before with other parameters"),
    "ebs": (503, "ConflictException", "The client token was used before with other parameters"),
    "codebuild": (400, "InvalidInputException", "The idempotency token was used before with other parameters"),
    "cloudfront": (400, "InvalidArgument", "The caller reference was used before with other paths"),
}


class Idempotency:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        self.done: dict[tuple[str, ...], tuple[str, Answer]] = {}

    def answer(self, service: str, action: str, request: Request, apply: Callable[[Request], Answer]) -> Answer:
        name = TOKENS.get((service, action))
        parameters = parameters_of(request) if name else {}
        token = parameters.pop(name, None)
        if not token:
            return apply(request)
        with self.lock:
            return self.answer_once(service, action, request, token, parameters, apply)

    def answer_once(self, service: str, action: str, request: Request, token: str, parameters: dict, apply) -> Answer:
        key = (service, region_of(request), action, token)
        digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()
        if key in self.done:
            earlier, answer = self.done[key]
            return answer if earlier == digest else error_answer(ServiceError(*MISMATCH[service]), service)
        answer = apply(request)
        if answer.status < 300:
            self.done[key] = digest, answer
        return answer


def parameters_of(request: Request) -> dict[str, Any]:
    if request.form:
        return dict(request.form)
    if request.body.startswith(b"{"):
        return json.loads(request.body)
    text = request.body.decode("utf-8", "replace")
    reference = re.search(r"<CallerReference>(.*?)</CallerReference>", text)
    rest = re.sub(r"<CallerReference>.*?</CallerReference>", "", text)
    return {"path": request.path, "body": rest, "CallerReference": reference[1] if reference else None}
