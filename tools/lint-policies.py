#!/usr/bin/env python3
"""Holds policies that dss prints against AWS's tables of actions, as parliament ships them.

Reads one JSON object from standard input and prints complaints, one a line; none means that all is well.

  actions    IAM actions that must exist
  policies   {name: policy}, judged by parliament; an action on all resources must be one that AWS cannot narrow
  resources  {CloudFormation's resource type: actions}: what reading and removing may need must be there, and nothing
             that AWS does not list for the type. The lists are those that cfn-lint ships.
"""

import json
import sys
from pathlib import Path
from typing import Any, Iterator

import cfnlint
import parliament

KNOWN = {
    f"{service['prefix']}:{privilege['privilege']}": privilege
    for service in json.loads((Path(parliament.__file__).parent / "iam_definition.json").read_text())
    for privilege in service["privileges"]
}
# What parliament may find, and why.
ALLOWED = {
    "RESOURCE_POLICY_PRIVILEGE_ESCALATION": "Who makes the bucket gives it its policy and its lifecycle; nobody else needs that permission.",
}


def main() -> None:
    given = json.load(sys.stdin)
    for complaint in complaints(given):
        print(complaint)


def complaints(given: dict[str, Any]) -> Iterator[str]:
    for action in given.get("actions", []):
        if action not in KNOWN:
            yield f"there is no action {action}"
    for name, policy in given.get("policies", {}).items():
        yield from (f"{name}: {one}" for one in judge(policy))
    for kind, actions in given.get("resources", {}).items():
        yield from (f"{kind}: {one}" for one in compare(kind, set(actions)))


def judge(policy: dict[str, Any]) -> Iterator[str]:
    checked = parliament.analyze_policy_string(json.dumps(policy), ignore_private_auditors=True)
    for one in checked.findings:
        issue = parliament.enhance_finding(one)
        if issue.issue in ALLOWED:
            continue
        yield f"{issue.issue} {issue.title} {issue.detail} {issue.location}"
    for statement in policy["Statement"]:
        for action in statement["Action"]:
            if action not in KNOWN:
                yield f"there is no action {action}"
            elif statement["Resource"] == ["*"] and takes_resources(action):
                yield f"{action} is allowed on all resources"
    sids = [statement["Sid"] for statement in policy["Statement"]]
    if len(set(sids)) < len(sids) or not all(sid.isalnum() for sid in sids):
        yield f"the ids of the statements are not right: {sids}"
    if len(json.dumps(policy, separators=(",", ":"))) > 6144:
        yield "it is longer than the 6,144 characters that AWS takes"


def takes_resources(action: str) -> bool:
    return any(one["resource_type"] for one in KNOWN[action]["resource_types"])


def compare(kind: str, actions: set[str]) -> Iterator[str]:
    schema = schema_of(kind)
    if "handlers" not in schema:
        # AWS gives no lists with some of its older types.
        yield from (f"there is no action {action}" for action in sorted(actions - KNOWN.keys()))
        return
    handlers = {name: set(handler["permissions"]) for name, handler in schema["handlers"].items() if name != "list"}
    listed = set().union(*handlers.values(), schema.get("tagging", {}).get("permissions", []))
    needed = {one for name in ("read", "delete") for one in handlers[name] if one in KNOWN}
    for action in sorted(actions - listed):
        yield f"AWS does not list {action}"
    for action in sorted(needed - actions):
        yield f"{action} is missing"


def schema_of(kind: str) -> dict[str, Any]:
    folder = Path(cfnlint.__file__).parent / "data" / "schemas" / "resources"
    for path in folder.glob("*.json"):
        text = path.read_text()
        # Few of some thousand files name the type, and one of those is the type's own.
        if f'"{kind}"' in text and json.loads(text).get("typeName") == kind:
            return json.loads(text)
    raise SystemExit(f"{kind}: cfn-lint does not know it")


if __name__ == "__main__":
    main()
