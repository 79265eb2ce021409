"""Complete answers, made from the models: every member there, every value another."""

import base64
import datetime
import email.utils
from xml.sax.saxutils import escape

from trees import wire_name

DEEPEST = 8
EPOCH = 1_770_000_000


class Example:
    """One answer to one operation.

    `items` is the length of lists; `set` gives members a value of their own, `root` the document's root where the
    model does not know it.
    """

    def __init__(self, model, operation, question):
        self.model = model
        self.operation = operation
        self.protocol = model.metadata["protocol"]
        self.items = question.get("items", 2)
        self.fixed = question.get("set", {})
        self.root = question.get("root")
        self.status = operation.http.get("responseCode", 200)
        self.counter = 0

    def answer(self):
        shape = self.operation.output_shape
        headers, body = [("x-amzn-requestid", "request-1")], b""
        if self.protocol in ("query", "ec2"):
            body = self.wrapped_document(shape)
            headers.append(("content-type", "text/xml"))
        elif shape is not None:
            headers += self.headers(shape)
            body = self.body(shape)
        return {"status": self.status, "headers": headers, "body": base64.b64encode(body).decode()}

    def wrapped_document(self, shape):
        name = self.operation.name
        inner = self.xml_members(shape, ()) if shape else ""
        if self.protocol == "ec2":
            inner = f"<requestId>request-1</requestId>{inner}"
        else:
            wrapper = shape.serialization.get("resultWrapper") if shape else None
            inner = f"<{wrapper}>{inner}</{wrapper}>" if wrapper else inner
            inner += "<ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata>"
        namespace = self.model.metadata.get("xmlNamespace", "urn:example")
        return f'<?xml version="1.0"?>\n<{name}Response xmlns="{namespace}">{inner}</{name}Response>'.encode()

    def headers(self, shape):
        pairs = []
        for name, member in shape.members.items():
            location = member.serialization.get("location")
            if location == "header":
                pairs.append((member.serialization["name"], self.text(name, member, "header")))
            elif location == "headers":
                pairs.append((member.serialization["name"] + "color", "blue"))
        return pairs

    def body(self, shape):
        payload = shape.serialization.get("payload")
        if payload and shape.members[payload].type_name == "blob":
            return base64.b64decode(self.fixed.get(payload, ""))
        if self.protocol in ("json", "rest-json"):
            import json

            return json.dumps(self.json(shape, ())).encode()
        if payload:
            member = shape.members[payload]
            name = member.serialization.get("name", payload)
            return self.document(self.root or name, self.xml_members(member, ()))
        return self.document(self.root, self.xml_members(shape, ())) if self.root else b""

    def document(self, root, inner):
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="urn:example">{inner}</{root}>'.encode()

    def members(self, shape, above):
        """Those that stand in the document; a union has but one."""
        if shape.name in above or len(above) > DEEPEST:
            return []
        found = [(name, m) for name, m in shape.members.items() if not m.serialization.get("location")]
        return found[:1] if getattr(shape, "is_tagged_union", False) else found

    def xml_members(self, shape, above):
        found = self.members(shape, above)
        return "".join(self.xml(name, member, (*above, shape.name)) for name, member in found)

    def xml(self, name, member, above):
        if member.serialization.get("xmlAttribute") or member.type_name == "map":
            return ""
        tag = wire_name(name, member, self.protocol, is_input=False)
        if member.type_name == "structure":
            return f"<{tag}>{self.xml_members(member, above)}</{tag}>"
        if member.type_name != "list":
            return f"<{tag}>{escape(self.text(name, member, 'xml'))}</{tag}>"
        item = "item" if self.protocol == "ec2" else "member"
        item = member.member.serialization.get("name", item)
        flat = member.serialization.get("flattened")
        entries = "".join(self.xml_item(name, tag if flat else item, member.member, above) for _ in range(self.items))
        return entries if flat else f"<{tag}>{entries}</{tag}>"

    def xml_item(self, name, tag, shape, above):
        if shape.type_name == "structure":
            return f"<{tag}>{self.xml_members(shape, above)}</{tag}>"
        return f"<{tag}>{escape(self.text(name, shape, 'xml'))}</{tag}>"

    def json(self, shape, above, name=""):
        if shape.type_name == "structure":
            found = self.members(shape, above)
            names = {n: m.serialization.get("name", n) for n, m in found}
            return {names[n]: self.json(m, (*above, shape.name), n) for n, m in found}
        if shape.type_name == "list":
            return [self.json(shape.member, above, name) for _ in range(self.items)]
        if shape.type_name == "map":
            return {"key": self.json(shape.value, above, name)}
        self.counter += 1
        match shape.type_name:
            case "boolean":
                return True
            case "integer" | "long":
                return 1000 + self.counter
            case "double" | "float":
                return 0.5 + self.counter
            case "timestamp":
                return EPOCH + self.counter + 0.25
        return self.text(name, shape, "json")

    def text(self, name, shape, place):
        if name in self.fixed and shape.type_name != "blob":
            return str(self.fixed[name])
        self.counter += 1
        match shape.type_name:
            case "boolean":
                return "true"
            case "integer" | "long":
                return str(1000 + self.counter)
            case "double" | "float":
                return str(0.5 + self.counter)
            case "blob":
                return base64.b64encode(f"{name} {self.counter}".encode()).decode()
            case "timestamp":
                time = datetime.datetime.fromtimestamp(EPOCH + self.counter, datetime.timezone.utc)
                if place == "header":
                    return email.utils.format_datetime(time, usegmt=True)
                return time.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return f"{name} é<&> {self.counter}" if place != "header" else f"{name}-{self.counter}"
