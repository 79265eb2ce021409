"""CloudFormation's ValidateTemplate and GetTemplateSummary, from the template itself.

moto runs a linter, which takes seconds and knows more than AWS's validation does.
"""

import json
from typing import Any

import yaml
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudformation.utils import yaml_tag_constructor
from moto.core.responses import ActionResult

from .patching import replace_method


def install(knobs) -> None:
    yaml.add_multi_constructor("", yaml_tag_constructor)

    @replace_method(CloudFormationResponse)
    def validate_template(old, self) -> ActionResult:
        template = parsed(body_of(self))
        return ActionResult(
            {
                "Description": template.get("Description"),
                "Parameters": [parameter(name, one) for name, one in template.get("Parameters", {}).items()],
                **capabilities(template),
                "DeclaredTransforms": transforms(template),
            }
        )

    @replace_method(CloudFormationResponse)
    def get_template_summary(old, self) -> ActionResult:
        name = self._get_param("StackName")
        body = self.cloudformation_backend.get_stack(name).template if name else body_of(self)
        template = parsed(body)
        types = [one["Type"] for one in template["Resources"].values()]
        return ActionResult(
            {
                "Description": template.get("Description"),
                "Parameters": [declaration(key, one) for key, one in template.get("Parameters", {}).items()],
                **capabilities(template),
                "ResourceTypes": types,
                "Version": str(template.get("AWSTemplateFormatVersion", "2010-09-09")),
                "DeclaredTransforms": transforms(template),
            }
        )


def body_of(response: CloudFormationResponse) -> str:
    url = response._get_param("TemplateURL")
    return response._get_stack_from_s3_url(url) if url else response._get_param("TemplateBody")


def parsed(body: Any) -> dict[str, Any]:
    if isinstance(body, dict):
        return body
    try:
        template = json.loads(body) if body.lstrip().startswith("{") else yaml.load(body, Loader=yaml.Loader)
    except (yaml.YAMLError, ValueError) as error:
        raise ValidationError(message=f"Template format error: YAML not well-formed. ({error})") from None
    if not isinstance(template, dict):
        raise ValidationError(message="Template format error: unsupported structure.")
    if not template.get("Resources"):
        raise ValidationError(message="Template format error: At least one Resources member must be defined.")
    unknown = set(template) - SECTIONS
    if unknown:
        raise ValidationError(message=f"Invalid template property or properties [{', '.join(sorted(unknown))}]")
    return template


SECTIONS = {
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Hooks",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
    "Transform",
}


def capabilities(template: dict[str, Any]) -> dict[str, Any]:
    iam = [name for name, one in template["Resources"].items() if one["Type"].startswith("AWS::IAM::")]
    if not iam:
        return {"Capabilities": []}
    named = any("RoleName" in template["Resources"][name].get("Properties", {}) for name in iam)
    kinds = sorted({template["Resources"][name]["Type"] for name in iam})
    return {
        "Capabilities": ["CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"],
        "CapabilitiesReason": f"The following resource(s) require capabilities: [{', '.join(kinds)}]",
    }


def transforms(template: dict[str, Any]) -> list[str]:
    value = template.get("Transform", [])
    return [value] if isinstance(value, str) else value


def default_of(value: dict[str, Any]) -> str | None:
    return str(value["Default"]) if "Default" in value else None


def parameter(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {
        "ParameterKey": name,
        "DefaultValue": default_of(value),
        "NoEcho": value.get("NoEcho", False),
        "Description": value.get("Description"),
    }


def declaration(name: str, value: dict[str, Any]) -> dict[str, Any]:
    allowed = [str(one) for one in value.get("AllowedValues", [])]
    return parameter(name, value) | {"ParameterType": value.get("Type", "String"), "ParameterConstraints": {"AllowedValues": allowed}}
