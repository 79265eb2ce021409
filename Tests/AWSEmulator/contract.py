"""Holds what the operations of AWSServices send and read against the service models that botocore ships.

Reads one question a line from standard input, a JSON object, and answers each with one line. A *tree* is a value of
ours with the names it has on the wire; times are {"$time": seconds}, bytes {"$bytes": base64}.
"""

import base64
import json
import os
import sys

# AWS's own endpoints, not those that old clients were promised.
os.environ.update(AWS_STS_REGIONAL_ENDPOINTS="regional", AWS_S3_US_EAST_1_REGIONAL_ENDPOINT="regional")

from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.validate import ParamValidator

from examples import Example
from oracle_parts import endpoints
from oracle_parts.services import service_model, session
from trees import Mapping, comparable, revived, xml_tree


def model_of(question):
    service = service_model(question["service"])
    return service, service.operation_model(question["operation"])


def service(question):
    """How the service is named, signed and reached."""
    model = service_model(question["service"])
    return {
        "serviceId": model.service_id, "version": model.api_version, "signingName": model.signing_name,
        "endpointPrefix": model.endpoint_prefix, "protocol": model.metadata["protocol"],
        "targetPrefix": model.metadata.get("targetPrefix", ""),
        "endpoints": {region: endpoint(question["service"], region) for region in question["regions"]},
    }


def endpoint(name, region):
    found = endpoints.resolve(name, region)
    return {"host": found["url"].removeprefix("https://"), "signingRegion": found["signing_region"]}


def input_(question):
    """Complaints about a full input: its names, kinds, what is required, and how it is written on the wire."""
    model, operation = model_of(question)
    complaints = []
    if "parameters" in question:
        parameters = revived(question["parameters"])
    else:
        mapping = Mapping(complaints, question["optional"])
        parameters = mapping.to_model(question["tree"], operation.input_shape, model.metadata["protocol"])
    if operation.input_shape:
        report = ParamValidator().validate(parameters, operation.input_shape)
        if report.has_errors():
            complaints.append(report.generate_report())
    if complaints:
        return {"complaints": complaints}
    serializer = create_serializer(model.metadata["protocol"], include_validation=False)
    return {"complaints": differences(question["request"], serializer.serialize_to_request(parameters, operation))}


def differences(ours, theirs):
    """What differs between two requests, apart from what is free to differ, such as the order of members."""
    complaints = []

    def compare(what, mine, botocore):
        if mine != botocore:
            complaints.append(f"{what}: {mine!r} instead of {botocore!r}")

    path, _, fixed = theirs["url_path"].partition("?")
    query = [tuple(part.partition("=")[::2]) for part in fixed.split("&") if part]
    dynamic = theirs["query_string"]
    query += [(name, str(value)) for name, value in (dynamic.items() if isinstance(dynamic, dict) else dynamic)]
    compare("method", ours["method"], theirs["method"])
    compare("path", ours["path"], path)
    compare("query", sorted(map(tuple, ours["query"])), sorted(query))

    mine = {name: value for name, value in ours["headers"] if name not in ours.get("extra", [])}
    headers = {name.lower(): str(value) for name, value in theirs["headers"].items()}
    kind = mine.pop("content-type", None)
    expected = headers.pop("content-type", None)
    if expected and "xml" not in (kind or ""):
        compare("content type", kind, expected)
    headers.pop("content-length", None)
    compare("headers", mine, headers)

    body, other = base64.b64decode(ours["body"]), theirs["body"]
    if isinstance(other, dict):
        from urllib.parse import parse_qsl

        pairs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True)
        compare("form", sorted(pairs), sorted((name, str(value)) for name, value in other.items()))
    elif "json" in (kind or ""):
        compare("document", json.loads(body), json.loads(other))
    elif body.startswith(b"<") or other[:1] == b"<":
        compare("document", xml_tree(body), xml_tree(other))
    else:
        compare("body", body, other if isinstance(other, bytes) else other.encode())
    return complaints


def example(question):
    """A complete answer, made from the model."""
    model, operation = model_of(question)
    return Example(model, operation, question).answer()


def output(question):
    """Complaints about what was read out of an answer, leaf by leaf."""
    model, operation = model_of(question)
    complaints = []
    shape = operation.output_shape
    if shape is None:
        return {"complaints": [] if question["tree"] == {} else ["there is nothing to read"]}
    answer = question["answer"]
    parser = create_parser(model.metadata["protocol"])
    parsed = parser.parse(
        {"status_code": answer["status"], "headers": Headers(answer["headers"]),
         "body": base64.b64decode(answer["body"])}, shape)
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name == "structure":
        shape, parsed = shape.members[payload], parsed[payload]
    elif payload:
        parsed[payload] = base64.b64decode(answer["body"])  # which botocore takes for text
    mapping = Mapping(complaints, [])
    if question["names"] == "model":
        found = mapping.by_member_names(question["tree"], shape)
    else:
        found = mapping.to_model(question["tree"], shape, model.metadata["protocol"], is_input=False)
    mapping.compare(found, comparable(parsed), operation.name)
    return {"complaints": complaints}


class Headers(dict):
    """Header names in any case, as HTTP has them."""

    def __init__(self, pairs):
        super().__init__((name.lower(), value) for name, value in pairs)

    def get(self, name, default=None):
        return super().get(name.lower(), default)

    def __contains__(self, name):
        return super().__contains__(name.lower())

    def __getitem__(self, name):
        return super().__getitem__(name.lower())


def traits(question):
    """What else the model knows of an operation: tokens, pages, errors of the whole service."""
    model, operation = model_of(question)
    paginators = session.get_component("data_loader").load_service_model(question["service"], "paginators-1")
    paging = paginators["pagination"].get(question["operation"])
    members = operation.input_shape.members if operation.input_shape else {}
    return {
        "tokens": operation.idempotent_members,
        "members": list(members),
        "paging": paging and {
            "input": as_list(paging["input_token"]), "output": as_list(paging["output_token"]),
            "result": as_list(paging["result_key"]), "limit": paging.get("limit_key")},
        "errors": sorted({shape.error_code for shape in model.error_shapes} | {s.name for s in model.error_shapes}),
    }


def as_list(value):
    return value if isinstance(value, list) else [value]


QUESTIONS = {"service": service, "input": input_, "example": example, "output": output, "traits": traits}

for line in sys.stdin:
    question = json.loads(line)
    try:
        answer = QUESTIONS[question["do"]](question)
    except Exception as error:  # the test is to show it beside the operation that was asked about
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
