"""Trees of values: from wire names to the model's, and held against what botocore reads."""

import base64
import datetime
from xml.etree import ElementTree


def revived(tree):
    """A tree with real times and bytes."""
    if isinstance(tree, list):
        return [revived(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if "$time" in tree:
        return datetime.datetime.fromtimestamp(tree["$time"], datetime.timezone.utc)
    if "$bytes" in tree:
        return base64.b64decode(tree["$bytes"])
    return {name: revived(value) for name, value in tree.items()}


def comparable(value):
    """The reverse: a parsed value as a tree."""
    if isinstance(value, dict):
        return {name: comparable(member) for name, member in value.items() if name != "ResponseMetadata"}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, datetime.datetime):
        return {"$time": value.timestamp()}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    return value


def wire_name(name, member, protocol, is_input):
    """How a member is called in a document or form."""
    serialization = member.serialization
    if protocol == "ec2" and is_input:
        if "queryName" in serialization:
            return serialization["queryName"]
        spelled = serialization.get("name", name)
        return spelled[0].upper() + spelled[1:]
    if serialization.get("flattened") and member.type_name == "list" and "name" not in serialization:
        return member.member.serialization.get("name", name) if protocol == "query" else name
    if protocol in ("json", "rest-json"):
        return serialization.get("name", name)
    return serialization.get("name", name)


class Mapping:
    """Follows a tree along a shape and collects what does not fit."""

    def __init__(self, complaints, optional):
        self.complaints = complaints
        self.optional = set(optional)

    def to_model(self, tree, shape, protocol, is_input=True, path=""):
        if shape is None:
            if tree:
                self.complaints.append(f"{path or 'the whole'} is not in the model")
            return {}
        if shape.type_name == "list":
            item = shape.member.serialization.get("name")
            if isinstance(tree, dict) and list(tree) == [item]:
                tree = tree[item]  # the element around the entries, spelled out
            return self.items(tree, shape, path, lambda item: self.to_model(item, shape.member, protocol, is_input, path))
        if shape.type_name != "structure":
            return revived(tree) if is_input else tree
        if not isinstance(tree, dict):
            self.complaints.append(f"{path} is a structure in the model")
            return {}
        names = {wire_name(name, member, protocol, is_input): name for name, member in shape.members.items()}
        result = {}
        for key, value in tree.items():
            here = f"{path}.{key}" if path else key
            if key not in names:
                self.complaints.append(f"{here} is not in the model, which knows {', '.join(sorted(names))}")
                continue
            name = names[key]
            if is_input and name in shape.required_members and here in self.optional:
                self.complaints.append(f"{here} is required by the model, but optional here")
            result[name] = self.to_model(value, shape.members[name], protocol, is_input, here)
        return result

    def by_member_names(self, tree, shape):
        """For trees that have the model's names already, beginning in lower case."""
        names = {name[0].lower() + name[1:]: name for name in shape.members}
        for name in tree:
            if name not in names:
                self.complaints.append(f"{name} is not a member in the model")
        return {names[name]: value for name, value in tree.items() if name in names}

    def items(self, tree, shape, path, convert):
        if not isinstance(tree, list):
            self.complaints.append(f"{path} is a list in the model")
            return []
        return [convert(item) for item in tree]

    def compare(self, ours, theirs, path):
        """Ours may know less, never otherwise."""
        if isinstance(ours, dict) and isinstance(theirs, dict) and "$time" not in theirs:
            for name, value in ours.items():
                self.compare(value, theirs.get(name), f"{path}.{name}")
        elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
            for index, (one, other) in enumerate(zip(ours, theirs)):
                self.compare(one, other, f"{path}[{index}]")
        elif ours == [] and theirs is None:
            pass
        elif ours != theirs or isinstance(ours, bool) != isinstance(theirs, bool):
            self.complaints.append(f"{path}: {ours!r} instead of {theirs!r}")


def xml_tree(document):
    """Name with namespace, text, children; these by name, and in their order where names are equal."""

    def tree(element):
        children = [tree(child) for child in element]
        return [element.tag, (element.text or "") if not children else "", sorted(children, key=lambda child: child[0])]

    return tree(ElementTree.fromstring(document))
