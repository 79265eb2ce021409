"""Errors in the words and on the wire as each of AWS's protocols has them."""

import json
import uuid
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from .messages import Answer
from .services import protocol_of
from .signature import Refusal


@dataclass(frozen=True)
class ServiceError:
    """An error as a service means it; `details` are S3's additional elements."""

    status: int
    code: str
    message: str
    details: dict[str, str] = field(default_factory=dict)


INVALID_TOKEN = "The security token included in the request is invalid."
EXPIRED_TOKEN = "The security token included in the request is expired"
NOT_VALIDATED = "AWS was not able to validate the provided access credentials"
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
S3_MISMATCH = "The request signature we calculated does not match the signature you provided. Check your key and signing method."

# Why it was refused → protocol → status, code and message; an empty message is replaced by the refusal's own.
REFUSALS: dict[str, dict[str, tuple[int, str, str]]] = {
    "no signature": {
        "query": (403, "MissingAuthenticationToken", "Missing Authentication Token"),
        "ec2": (401, "AuthFailure", NOT_VALIDATED),
        "s3": (403, "AccessDenied", "Access Denied"),
        "json": (400, "MissingAuthenticationTokenException", "Missing Authentication Token"),
    },
    "malformed": {
        "query": (400, "IncompleteSignature", ""),
        "ec2": (401, "AuthFailure", NOT_VALIDATED),
        "s3": (400, "AuthorizationHeaderMalformed", ""),
        "json": (400, "IncompleteSignatureException", ""),
    },
    "unknown key": {
        "query": (403, "InvalidClientTokenId", INVALID_TOKEN),
        "ec2": (401, "AuthFailure", NOT_VALIDATED),
        "s3": (403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
        "json": (400, "UnrecognizedClientException", INVALID_TOKEN),
    },
    "wrong scope": {
        "query": (403, "SignatureDoesNotMatch", ""),
        "ec2": (401, "AuthFailure", NOT_VALIDATED),
        "s3": (400, "AuthorizationHeaderMalformed", ""),
        "json": (400, "InvalidSignatureException", ""),
    },
    "skewed past": {
        "query": (403, "SignatureDoesNotMatch", ""),
        "ec2": (400, "RequestExpired", "Request has expired."),
        "s3": (403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
        "json": (400, "InvalidSignatureException", ""),
    },
    "skewed future": {
        "query": (403, "SignatureDoesNotMatch", ""),
        "ec2": (401, "AuthFailure", NOT_VALIDATED),
        "s3": (403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."),
        "json": (400, "InvalidSignatureException", ""),
    },
    "presigned expired": {
        "query": (403, "SignatureDoesNotMatch", "Signature expired"),
        "ec2": (400, "RequestExpired", "Request has expired."),
        "s3": (403, "AccessDenied", "Request has expired"),
        "json": (400, "InvalidSignatureException", "Signature expired"),
    },
    "unsigned headers": {
        "query": (403, "SignatureDoesNotMatch", ""),
        "ec2": (401, "AuthFailure", NOT_VALIDATED),
        "s3": (403, "AccessDenied", ""),
        "json": (400, "InvalidSignatureException", ""),
    },
    "wrong signature": {
        "query": (403, "SignatureDoesNotMatch", MISMATCH),
        "ec2": (401, "AuthFailure", NOT_VALIDATED),
        "s3": (403, "SignatureDoesNotMatch", S3_MISMATCH),
        "json": (400, "InvalidSignatureException", MISMATCH),
    },
    "wrong token": {
        "query": (403, "InvalidClientTokenId", INVALID_TOKEN),
        "ec2": (401, "AuthFailure", NOT_VALIDATED),
        "s3": (400, "InvalidToken", "The provided token is malformed or otherwise invalid."),
        "json": (400, "UnrecognizedClientException", INVALID_TOKEN),
    },
    "expired token": {
        "query": (403, "ExpiredToken", EXPIRED_TOKEN),
        "ec2": (400, "RequestExpired", "Request has expired."),
        "s3": (400, "ExpiredToken", "The provided token has expired."),
        "json": (400, "ExpiredTokenException", EXPIRED_TOKEN),
    },
    "no payload hash": {
        "s3": (400, "MissingSecurityHeader", "Your request was missing a required header: x-amz-content-sha256"),
    },
    "payload not signed": {"s3": (403, "AccessDenied", "")},
    "wrong payload hash": {
        "query": (403, "SignatureDoesNotMatch", MISMATCH),
        "ec2": (401, "AuthFailure", NOT_VALIDATED),
        "s3": (400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed."),
        "json": (400, "InvalidSignatureException", MISMATCH),
    },
}

# What the injected faults answer: kind → protocol → status, code and message.
FAULTS: dict[str, dict[str, tuple[int, str, str]]] = {
    "throttle": {
        "query": (400, "Throttling", "Rate exceeded"),
        "ec2": (503, "RequestLimitExceeded", "Request limit exceeded."),
        "s3": (503, "SlowDown", "Please reduce your request rate."),
        "json": (400, "ThrottlingException", "Rate exceeded"),
        "rest-json": (400, "RequestThrottledException", "Rate exceeded"),
    },
    "500": {
        "query": (500, "InternalFailure", "An internal error has occurred."),
        "ec2": (500, "InternalError", "An internal error has occurred"),
        "s3": (500, "InternalError", "We encountered an internal error. Please try again."),
        "json": (500, "InternalFailure", "An internal error has occurred."),
        "rest-json": (500, "InternalServerException", "An internal error has occurred."),
    },
    "503": {
        "query": (503, "ServiceUnavailable", "Service is unavailable."),
        "ec2": (503, "Unavailable", "The service is unavailable. Please try again shortly."),
        "s3": (503, "ServiceUnavailable", "Please reduce your request rate."),
        "json": (503, "ServiceUnavailableException", "Service is unavailable."),
    },
    "denied": {
        "query": (403, "AccessDenied", ""),
        "ec2": (403, "UnauthorizedOperation", ""),
        "s3": (403, "AccessDenied", ""),
        "json": (400, "AccessDeniedException", ""),
        "rest-json": (403, "AccessDeniedException", ""),
    },
}


def refusal_answer(refusal: Refusal, service: str, method: str) -> Answer:
    """The answer of AWS to a request that it did not accept."""
    protocol = protocol_of(service)
    rows = REFUSALS[refusal.reason]
    status, code, message = rows.get(protocol) or rows.get("json" if protocol == "rest-json" else "query") or rows["s3"]
    if protocol == "rest-json":
        status = 403
    message = message or refusal.message
    canonical = refusal.details.get("canonical_request")
    if canonical and protocol not in ("ec2", "s3"):
        message += (
            f"\n\nThe Canonical String for this request should have been\n'{canonical}'\n\n"
            f"The String-to-Sign should have been\n'{refusal.details['string_to_sign']}'\n"
        )
    details = s3_details(refusal) if protocol == "s3" else {}
    return error_answer(ServiceError(status, code, message, details), service, method)


def s3_details(refusal: Refusal) -> dict[str, str]:
    """The elements that S3 adds to say what it had expected."""
    given = refusal.details
    if refusal.reason == "wrong signature":
        return {
            "AWSAccessKeyId": given["access_key"],
            "StringToSign": given["string_to_sign"],
            "SignatureProvided": given["signature"],
            "StringToSignBytes": given["string_to_sign"].encode().hex(" "),
            "CanonicalRequest": given["canonical_request"],
            "CanonicalRequestBytes": given["canonical_request"].encode().hex(" "),
        }
    if refusal.reason.startswith("skewed"):
        return {"RequestTime": given["date"], "ServerTime": given["now"], "MaxAllowedSkewMilliseconds": "900000"}
    if refusal.reason == "presigned expired":
        return {"X-Amz-Expires": given["lifetime"], "Expires": given["ends"], "ServerTime": given["now"]}
    if refusal.reason == "wrong payload hash":
        return {"ClientComputedContentSHA256": given["claimed"], "S3ComputedContentSHA256": given["real"]}
    if refusal.reason == "unknown key":
        return {"AWSAccessKeyId": given["access_key"]}
    return {}


def fault_error(kind: str, service: str, action: str) -> ServiceError:
    """The error of an injected fault."""
    protocol = protocol_of(service)
    rows = FAULTS[kind]
    status, code, message = rows.get(protocol) or rows["json" if protocol == "rest-json" else "query"]
    if kind == "denied":
        message = (
            f"User: arn:aws:iam::123456789012:user/emulator is not authorized to perform: {service}:{action} "
            f"on resource: * because no identity-based policy allows the {service}:{action} action"
        )
        if protocol == "ec2":
            message = f"You are not authorized to perform this operation. {message}"
    return ServiceError(status, code, message)


def error_answer(error: ServiceError, service: str, method: str = "POST") -> Answer:
    """The error in the wire form of the service's protocol."""
    request_id = str(uuid.uuid4())
    writer = {"ec2": ec2_body, "s3": s3_body, "json": json_body, "rest-json": rest_json_body}.get(protocol_of(service), query_body)
    content_type, body = writer(error, request_id)
    headers = [("Content-Type", content_type)]
    if protocol_of(service) == "s3":
        headers += [("x-amz-request-id", request_id[:16].upper()), ("x-amz-id-2", request_id * 2)]
    else:
        headers.append(("x-amzn-RequestId", request_id))
    if protocol_of(service) == "rest-json":
        headers.append(("x-amzn-ErrorType", f"{error.code}:http://internal.amazon.com/coral/com.amazonaws.{service}/"))
    return Answer(error.status, headers, b"" if method == "HEAD" else body.encode())


def element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>"


def query_body(error: ServiceError, request_id: str) -> tuple[str, str]:
    side = "Sender" if error.status < 500 else "Receiver"
    inner = element("Type", side) + element("Code", error.code) + element("Message", error.message)
    return "text/xml", f"<ErrorResponse><Error>{inner}</Error>{element('RequestId', request_id)}</ErrorResponse>"


def ec2_body(error: ServiceError, request_id: str) -> tuple[str, str]:
    inner = element("Code", error.code) + element("Message", error.message)
    start = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return "text/xml;charset=UTF-8", f"{start}<Response><Errors><Error>{inner}</Error></Errors>{element('RequestID', request_id)}</Response>"


def s3_body(error: ServiceError, request_id: str) -> tuple[str, str]:
    inner = element("Code", error.code) + element("Message", error.message)
    inner += "".join(element(name, value) for name, value in error.details.items())
    inner += element("RequestId", request_id[:16].upper()) + element("HostId", request_id * 2)
    return "application/xml", f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inner}</Error>'


def json_body(error: ServiceError, request_id: str) -> tuple[str, str]:
    """Some services put a namespace before the code, so clients have to cope with it."""
    return "application/x-amz-json-1.1", json.dumps({"__type": f"com.amazon.coral.service#{error.code}", "message": error.message})


def rest_json_body(error: ServiceError, request_id: str) -> tuple[str, str]:
    return "application/json", json.dumps({"Message": error.message})
