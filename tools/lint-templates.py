#!/usr/bin/env python3
"""Holds CloudFormation templates against checkov, and their policies against parliament and the rules of the house.

Usage: lint-templates.py ALLOWANCES TEMPLATE...

Findings are errors unless ALLOWANCES has them, with a reason; an allowance that nothing needs is an error too.
cfn-lint runs beside it, from tools/lint-templates.sh.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator

import parliament
import yaml

Finding = tuple[str, str]
SUBSTITUTES = {
    "AWS::Partition": "aws",
    "AWS::AccountId": "123456789012",
    "AWS::Region": "eu-central-1",
    "AWS::StackName": "DATA-SCIENCE-SANDBOX-STACK",
    "ConnectionArn": "arn:aws:codeconnections:eu-central-1:123456789012:connection/00000000-0000-0000-0000-000000000000",
    "DefaultPasswordSecret": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:password-AbCdEf",
    "GitHubTokenSecret": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:token-AbCdEf",
    "RegistrySecret": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:registry-AbCdEf",
}


def main(allowances_file: str, *templates: str) -> int:
    allowances, mistakes = read_allowances(Path(allowances_file))
    found: dict[Finding, str] = checkov(templates)
    for template in templates:
        for resource, kind, document in policies(Path(template)):
            found.update(judge(resource, kind, document))
    mistakes += [f"{check} {resource}: {text}" for (check, resource), text in found.items() if (check, resource) not in allowances]
    mistakes += [f"{allowances_file}: nothing needs {' '.join(one)} any more" for one in allowances if one not in found]
    for mistake in mistakes:
        print(mistake, file=sys.stderr)
    return 1 if mistakes else 0


def read_allowances(path: Path) -> tuple[set[Finding], list[str]]:
    allowances, mistakes = set(), []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split(None, 2)
        if not words or line.startswith("#"):
            continue
        if len(words) < 3 or len(words[2]) < 20:
            mistakes.append(f"{path}:{number}: an entry is a check, a resource and a reason")
        else:
            allowances.add((words[0], words[1]))
    return allowances, mistakes


def checkov(templates: tuple[str, ...]) -> dict[Finding, str]:
    program = Path(sys.executable).parent / "checkov"
    files = [word for template in templates for word in ("--file", template)]
    command = [str(program), *files, "--framework", "cloudformation", "--output", "json", "--skip-download", "--quiet"]
    run = subprocess.run(command, capture_output=True, text=True)
    try:
        report = json.loads(run.stdout)
    except json.JSONDecodeError:
        sys.exit(f"checkov ended with {run.returncode}: {run.stderr or run.stdout}")
    if report["summary"]["parsing_errors"] or not report["summary"]["passed"]:
        sys.exit(f"checkov could not read the templates: {report['summary']}")
    return {(one["check_id"], one["resource"].rsplit(".", 1)[1]): one["check_name"] for one in report["results"]["failed_checks"]}


def policies(template: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every policy: the resource that has it, `trust`, `bucket` or `identity`, and the document."""
    for name, resource in yaml.load(template.read_text(), Loader=Loader)["Resources"].items():
        properties = resource.get("Properties", {})
        if "AssumeRolePolicyDocument" in properties:
            yield name, "trust", properties["AssumeRolePolicyDocument"]
        if "PolicyDocument" in properties:
            yield name, "bucket", properties["PolicyDocument"]
        for policy in properties.get("Policies", []):
            yield name, "identity", policy["PolicyDocument"]


def judge(resource: str, kind: str, document: dict[str, Any]) -> dict[Finding, str]:
    found = dict(house_rules(resource, document))
    if kind == "trust":
        # parliament knows no policies of roles' trust; that somebody is confused into using it is what matters there.
        if not all("aws:SourceAccount" in json.dumps(one.get("Condition", {})) for one in document["Statement"]):
            found["CONFUSED_DEPUTY", resource] = "a service may assume the role for other accounts"
        return found
    checked = parliament.analyze_policy_string(json.dumps(document), ignore_private_auditors=True)
    for one in checked.findings:
        issue = parliament.enhance_finding(one)
        found[issue.issue, resource] = f"{issue.title} {issue.detail} {issue.location}"
    return found


def house_rules(resource: str, document: dict[str, Any]) -> Iterator[tuple[Finding, str]]:
    for statement in document["Statement"]:
        if statement["Effect"] != "Allow":
            continue
        for key in ("NotAction", "NotResource", "NotPrincipal"):
            if key in statement:
                yield (key, resource), "allows everything but something"
        for action in listed(statement["Action"]):
            if "*" in action:
                yield ("ACTION_STAR", resource), f"allows {action}"
        if "*" in listed(statement.get("Resource", [])):
            yield ("RESOURCE_STAR", resource), f"allows {statement['Action']} on all resources"


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class Loader(yaml.SafeLoader):
    """Reads a template with its functions worked out as far as policies need it."""


def function(loader: Loader, suffix: str, node: yaml.Node) -> Any:
    if suffix == "If":
        # What may be allowed is what counts.
        return loader.construct_sequence(node, deep=True)[1]
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    text = node.value
    if suffix == "Ref":
        return SUBSTITUTES.get(text, text.lower())
    if suffix == "GetAtt":
        return arn(text)
    for name, value in SUBSTITUTES.items():
        text = text.replace(f"${{{name}}}", value)
    while "${" in text:
        start, end = text.index("${"), text.index("}")
        text = text[:start] + arn(text[start + 2 : end]) + text[end + 1 :]
    return text


def arn(name: str) -> str:
    """The templates ask for the ARN of buckets alone."""
    return f"arn:aws:s3:::{name[: -len('.Arn')].lower()}" if name.endswith(".Arn") else name


Loader.add_multi_constructor("!", function)

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
