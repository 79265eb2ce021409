"""A service's model as a plain tree, with the names that go over the wire in each direction."""

from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from .services import protocol, service_model, session

TRAITS = ("location", "timestampFormat", "flattened", "jsonvalue", "xmlAttribute")


def describe(service: str, operations: list[str]) -> dict[str, Any]:
    model = service_model(service)
    metadata = model.metadata
    return {
        "apiVersion": model.api_version,
        "protocol": protocol(service),
        "targetPrefix": metadata.get("targetPrefix"),
        "jsonVersion": metadata.get("jsonVersion"),
        "signingName": model.signing_name,
        "endpointPrefix": model.endpoint_prefix,
        "globalEndpoint": metadata.get("globalEndpoint"),
        "serviceId": str(model.service_id),
        "xmlNamespace": metadata.get("xmlNamespace"),
        "operations": {name: describe_operation(service, model, name) for name in operations},
    }


def describe_operation(service: str, model: ServiceModel, name: str) -> dict[str, Any]:
    operation = model.operation_model(name)
    return {
        "method": operation.http["method"],
        "requestUri": operation.http["requestUri"],
        "responseCode": operation.http.get("responseCode"),
        "input": Tree(protocol(service), "input").root(operation.input_shape),
        "output": Tree(protocol(service), "output").root(operation.output_shape),
        "resultWrapper": (operation.output_shape.serialization.get("resultWrapper") if operation.output_shape else None),
        "inputRoot": operation.input_shape.serialization.get("name") if operation.input_shape else None,
        "inputNamespace": operation.input_shape.serialization.get("xmlNamespace") if operation.input_shape else None,
        "errors": [describe_error(shape) for shape in operation.error_shapes],
        "paginator": paginator(service, operation),
        "httpChecksum": operation.http_checksum or None,
        "idempotencyTokens": [one for one in operation.idempotent_members],
        "endpoint": operation.endpoint,
        "unsigned": operation.auth_type == "none",
    }


def describe_error(shape: StructureShape) -> dict[str, Any]:
    return {
        "shape": shape.name,
        "code": shape.error_code,
        "status": shape.metadata.get("error", {}).get("httpStatusCode"),
        "senderFault": shape.metadata.get("error", {}).get("senderFault"),
    }


def paginator(service: str, operation: OperationModel) -> dict[str, Any] | None:
    try:
        return session.get_paginator_model(service).get_paginator(operation.name)
    except ValueError:
        return None


class Tree:
    """Expands shapes; a shape inside itself becomes `{"recursive": name}`."""

    def __init__(self, protocol_name: str, direction: str) -> None:
        self.protocol, self.direction = protocol_name, direction
        self.open: list[str] = []

    def root(self, shape: Shape | None) -> dict[str, Any] | None:
        return self.expand(shape) if shape else None

    def expand(self, shape: Shape) -> dict[str, Any]:
        if shape.name in self.open:
            return {"type": shape.type_name, "shape": shape.name, "recursive": shape.name}
        node: dict[str, Any] = {"type": shape.type_name, "shape": shape.name}
        node |= {trait: shape.serialization[trait] for trait in TRAITS if trait in shape.serialization}
        node |= {trait: shape.metadata[trait] for trait in ("enum", "idempotencyToken", "streaming", "sensitive", "min", "max") if trait in shape.metadata}
        if shape.serialization.get("streaming"):
            node["streaming"] = True
        self.open.append(shape.name)
        if isinstance(shape, StructureShape):
            node["payload"] = shape.serialization.get("payload")
            node["members"] = {name: self.member(shape, name, one) for name, one in shape.members.items()}
        elif isinstance(shape, ListShape):
            node["flattened"] = self.is_flattened(shape)
            node["member"] = self.expand(shape.member) | {"wire": self.list_member_name(shape)}
        elif isinstance(shape, MapShape):
            node["flattened"] = bool(shape.serialization.get("flattened"))
            node["key"] = self.expand(shape.key) | {"wire": shape.key.serialization.get("name", "key")}
            node["value"] = self.expand(shape.value) | {"wire": shape.value.serialization.get("name", "value")}
        self.open.pop()
        return node

    def member(self, owner: StructureShape, name: str, shape: Shape) -> dict[str, Any]:
        node = self.expand(shape)
        node["wire"] = self.wire_name(name, shape)
        node["required"] = name in owner.required_members
        return node

    def wire_name(self, name: str, shape: Shape) -> str:
        serialization = shape.serialization
        if self.protocol == "ec2" and self.direction == "input":
            if "queryName" in serialization:
                return serialization["queryName"]
            location = serialization.get("name")
            return location[0].upper() + location[1:] if location else name
        if isinstance(shape, ListShape) and self.is_flattened(shape) and self.protocol != "json":
            inner = shape.member.serialization.get("name")
            if inner:
                return inner
        return serialization.get("name", name)

    def is_flattened(self, shape: ListShape) -> bool:
        """Lists in EC2's requests are all flat."""
        if self.protocol == "ec2" and self.direction == "input":
            return True
        return bool(shape.serialization.get("flattened"))

    def list_member_name(self, shape: ListShape) -> str | None:
        if self.protocol in ("json", "rest-json") or (self.protocol == "ec2" and self.direction == "input"):
            return None
        if self.is_flattened(shape):
            return shape.member.serialization.get("name")
        return shape.member.serialization.get("name", "member")
