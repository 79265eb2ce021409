"""The front: what happens to a request, from the first byte to the answer."""

from typing import Any, Callable

from .checksums import body_error
from .clock import Clock
from .control import Control
from .errors import ServiceError, error_answer, fault_error, refusal_answer
from .faults import Faults
from .identities import Identities
from .idempotency import Idempotency
from .keyring import Keyring
from .messages import Answer, Delivery, Request
from .operations import operation_of, s3_path
from .recorder import Recorder
from .s3_wire import as_s3_sends_it
from .services import region_of, service_of
from .signature import Refusal, verify

UNSIGNED = {("sts", "AssumeRoleWithWebIdentity")}
CHECKED_BODIES = {"PutObject", "UploadPart", "DeleteObjects"}


class Front:
    def __init__(self, moto, knobs, keyring: Keyring, clock: Clock) -> None:
        self.moto, self.knobs, self.keyring, self.clock = moto, knobs, keyring, clock
        self.strict = True
        self.faults = Faults(clock)
        self.recorder = Recorder(clock)
        self.idempotency = Idempotency()
        self.identities = Identities(knobs, keyring, clock)
        self.control = Control(self)

    def answer(self, request: Request) -> Answer:
        if request.path == "/_control":
            return self.control.answer(request)
        identity = self.identities.find(request)
        if identity:
            return self.recorded("identity", "-", identity.name, request, lambda: identity.answer(request))
        service = service_of(request)
        action = operation_of(request, service)
        return self.recorded(service, region_of(request), action, request, lambda: self.refuse_or_apply(service, action, request))

    def recorded(self, service: str, region: str, action: str, request: Request, apply: Callable[[], Answer]) -> Answer:
        """Answers with the fault that is ordered for this call or with what `apply` says, and keeps a record."""
        call = self.recorder.begin(service, region, action, request.access_key)

        def applied() -> Answer:
            answer = apply()
            call["applied"] = True
            return answer

        try:
            if service != "identity":
                self.verify(service, action, request)
            fault = self.faults.take(service, action, request.access_key)
            if fault:
                call["fault"] = fault.kind
                answer = self.faults.answer(fault, request, service, action, applied)
            else:
                answer = applied()
        except Refusal as refusal:
            call["refused"] = f"{refusal.reason}: {refusal.message}" if refusal.message else refusal.reason
            answer = refusal_answer(refusal, service, request.method)
        except NotApplied as error:
            answer = error_answer(error.error, service, request.method)
        # Nothing was answered where the connection was lost.
        call["status"] = None if answer.delivery in (Delivery.RESET, Delivery.HANG) else answer.status
        return answer

    def verify(self, service: str, action: str, request: Request) -> None:
        if self.strict and (service, action) not in UNSIGNED:
            verify(request, service, self.keyring, self.clock)

    def refuse_or_apply(self, service: str, action: str, request: Request) -> Answer:
        error = self.error_before_applying(service, action, request)
        if error:
            raise NotApplied(error)
        answer = self.idempotency.answer(service, action, request, self.moto)
        return as_s3_sends_it(answer, action) if service == "s3" else answer

    def error_before_applying(self, service: str, action: str, request: Request) -> ServiceError | None:
        if f"{service}:{action}" in self.knobs.denied:
            return fault_error("denied", service, action)
        if service != "s3":
            return None
        if request.headers.get("transfer-encoding"):
            return ServiceError(501, "NotImplemented", "A header you provided implies functionality that is not implemented: Transfer-Encoding")
        expected = self.moto.bucket_region(s3_path(request).split("/")[1])
        if expected and expected != region_of(request):
            message = f"The authorization header is malformed; the region '{region_of(request)}' is wrong; expecting '{expected}'"
            return ServiceError(400, "AuthorizationHeaderMalformed", message, {"Region": expected})
        return body_error(request) if action in CHECKED_BODIES else None

    def reset(self) -> None:
        """As if freshly started: nothing recorded, nothing ordered, an empty account."""
        self.strict = True
        self.clock.shift_seconds = 0
        self.faults.clear()
        self.recorder.clear()
        self.idempotency.clear()
        self.identities.clear()
        self.keyring.reset()
        self.knobs.reset()
        self.moto.reset()

    def state(self, after: int, access_key: str = "") -> dict[str, Any]:
        return {
            "calls": self.recorder.after(after, access_key),
            "faults": [vars(one) for one in self.faults.orders],
            "knobs": self.knobs.as_json(),
            "issued": self.keyring.issued,
            "secrets": self.keyring.secrets + sorted(self.identities.metadata_tokens),
            "strict": self.strict,
            "clock": self.clock.shift_seconds,
        }

    def census(self) -> dict[str, Any]:
        # Imported here, since moto is only there once the server runs.
        from extensions.census import census

        with self.moto.lock:
            return census()


class NotApplied(Exception):
    """The service refuses what the request asks for, before anything changes."""

    def __init__(self, error: ServiceError) -> None:
        super().__init__(error.code)
        self.error = error
