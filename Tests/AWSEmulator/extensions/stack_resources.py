"""CloudFormation resource types that moto does not make.

Each is made through moto's own API by boto3, so botocore checks every property of a template: a property that
does not exist or has the wrong type fails the stack, as it does at AWS.
"""

import json
from typing import Any, Callable

from botocore.validate import ParamValidator
from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.core.common_models import CloudFormationModel

from . import internal

Undo = Callable[[], Any]
Made = tuple[str, dict[str, str], Undo]


class Resource:
    """What was made: its physical id, the attributes that templates may ask for, and how to remove it."""

    type_name = ""
    make: Callable[[str, dict[str, Any], str], Made]

    def __init__(self, physical_id: str, attributes: dict[str, str], undo: Undo) -> None:
        self.physical_resource_id, self.attributes, self.undo = physical_id, attributes, undo

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return True

    def get_cfn_attribute(self, attribute_name: str) -> str:
        return self.attributes[attribute_name]

    def is_created(self) -> bool:
        return True

    def delete(self, account_id: str, region: str) -> None:
        self.undo()

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
        return cls(*cls.make(resource_name, cloudformation_json.get("Properties", {}), region_name))

    @classmethod
    def update_from_cloudformation_json(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name):
        """Makes it anew under another name, as for a property whose change means replacement."""
        original_resource.undo()
        return cls.create_from_cloudformation_json(new_resource_name + "u", cloudformation_json, account_id, region_name)


def install(knobs) -> None:
    drop_no_values()
    for type_name, make in TYPES.items():
        RESOURCES.append(resource_class(type_name, make))


def drop_no_values() -> None:
    """An element of a list that is `AWS::NoValue` is left out; moto does so in objects alone."""
    old = parsing.clean_json

    def clean_json(value: Any, resources: Any) -> Any:
        cleaned = old(value, resources)
        return [one for one in cleaned if one is not None] if isinstance(value, list) else cleaned

    parsing.clean_json = clean_json


def resource_class(type_name: str, make: Callable) -> type[CloudFormationModel]:
    """moto finds the class by itself, among the direct subclasses of its model."""
    members = {"cloudformation_type": staticmethod(lambda: type_name), "make": staticmethod(make)}
    return type(type_name.replace("::", ""), (Resource, CloudFormationModel), members)


def firewall(kind: str) -> Callable[[str, dict[str, Any], str], Made]:
    def make(name: str, properties: dict[str, Any], region: str) -> Made:
        if properties["Scope"] == "CLOUDFRONT" and region != "us-east-1":
            raise ValidationError(message="Scope CLOUDFRONT is only valid in us-east-1")
        wafv2 = internal.client("wafv2", region)
        made = getattr(wafv2, f"create_{kind}")(**{"Name": name, **arn_spelled_out(properties)})["Summary"]
        where = {"Name": made["Name"], "Id": made["Id"], "Scope": properties["Scope"]}

        def undo() -> None:
            lock = getattr(wafv2, f"get_{kind}")(**where)["LockToken"]
            getattr(wafv2, f"delete_{kind}")(**where, LockToken=lock)

        return f"{made['Name']}|{made['Id']}|{properties['Scope']}", {"Arn": made["ARN"], "Id": made["Id"]}, undo

    return make


def bucket_policy(name: str, properties: dict[str, Any], region: str) -> Made:
    s3, bucket = internal.client("s3", region), properties["Bucket"]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(properties["PolicyDocument"], default=str))
    return f"{bucket}-policy", {}, lambda: s3.delete_bucket_policy(Bucket=bucket)


def origin_access_control(name: str, properties: dict[str, Any], region: str) -> Made:
    cloudfront = internal.client("cloudfront", "us-east-1")
    made = cloudfront.create_origin_access_control(**properties)["OriginAccessControl"]["Id"]
    return made, {"Id": made}, lambda: cloudfront.delete_origin_access_control(Id=made)


def distribution(name: str, properties: dict[str, Any], region: str) -> Made:
    cloudfront = internal.client("cloudfront", "us-east-1")
    config = {"CallerReference": name, "Comment": "", **counted(properties["DistributionConfig"])}
    made = cloudfront.create_distribution(DistributionConfig=config)["Distribution"]

    def undo() -> None:
        """A distribution must be disabled before it can be deleted."""
        current = cloudfront.get_distribution_config(Id=made["Id"])
        disabled = {**current["DistributionConfig"], "Enabled": False}
        cloudfront.update_distribution(Id=made["Id"], IfMatch=current["ETag"], DistributionConfig=disabled)
        cloudfront.delete_distribution(Id=made["Id"], IfMatch=cloudfront.get_distribution_config(Id=made["Id"])["ETag"])

    return made["Id"], {"Id": made["Id"], "DomainName": made["DomainName"]}, undo


def response_headers_policy(name: str, properties: dict[str, Any], region: str) -> Made:
    """moto has none of these; the id is all that a distribution needs of it."""
    return f"headers-{name}"[:36].lower(), {"Id": f"headers-{name}"[:36].lower()}, lambda: None


def build_project(name: str, properties: dict[str, Any], region: str) -> Made:
    codebuild = internal.client("codebuild", region)
    wish = lower_camel({key: value for key, value in properties.items() if key != "Triggers"})
    wish["source"]["buildspec"] = wish["source"].pop("buildSpec", "")
    check_triggers(codebuild, name, properties)
    made = codebuild.create_project(**{"name": name, **wish})["project"]
    return made["name"], {"Arn": made["arn"]}, lambda: codebuild.delete_project(name=made["name"])


def check_triggers(codebuild: Any, name: str, properties: dict[str, Any]) -> None:
    """moto has no webhooks; botocore says whether CodeBuild would take the filters."""
    groups = properties.get("Triggers", {}).get("FilterGroups", [])
    shape = codebuild.meta.service_model.operation_model("CreateWebhook").input_shape
    wish = {"projectName": name, "filterGroups": lower_camel(groups)}
    report = ParamValidator().validate(wish, shape)
    if report.has_errors():
        raise ValidationError(message=report.generate_report())
    types = {"EVENT", "BASE_REF", "HEAD_REF", "ACTOR_ACCOUNT_ID", "FILE_PATH", "COMMIT_MESSAGE"}
    for group in groups:
        # Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_WebhookFilter.html
        if not any(one["Type"] == "EVENT" for one in group) or any(one["Type"] not in types for one in group):
            raise ValidationError(message="Each filter group needs an EVENT, and filters of known types")


def key_pair(name: str, properties: dict[str, Any], region: str) -> Made:
    ec2, wanted = internal.client("ec2", region), properties["KeyName"]
    if "PublicKeyMaterial" in properties:
        made = ec2.import_key_pair(KeyName=wanted, PublicKeyMaterial=properties["PublicKeyMaterial"])
    else:
        made = ec2.create_key_pair(KeyName=wanted)
    return wanted, {"KeyPairId": made["KeyPairId"]}, lambda: ec2.delete_key_pair(KeyName=wanted)


TYPES = {
    "AWS::WAFv2::IPSet": firewall("ip_set"),
    "AWS::WAFv2::WebACL": firewall("web_acl"),
    "AWS::S3::BucketPolicy": bucket_policy,
    "AWS::CloudFront::OriginAccessControl": origin_access_control,
    "AWS::CloudFront::ResponseHeadersPolicy": response_headers_policy,
    "AWS::CloudFront::Distribution": distribution,
    "AWS::CodeBuild::Project": build_project,
    "AWS::EC2::KeyPair": key_pair,
}
# moto looks for subclasses, and a class that nobody holds is collected as garbage.
RESOURCES: list[type[CloudFormationModel]] = []

# Names that a template spells otherwise than CloudFront's API.
RENAMED = {"IPV6Enabled": "IsIPV6Enabled", "AcmCertificateArn": "ACMCertificateArn", "SslSupportMethod": "SSLSupportMethod"}


def counted(value: Any) -> Any:
    """A template's lists as CloudFront's API has them: quantity and items."""
    if isinstance(value, list):
        return {"Quantity": len(value), "Items": [counted(one) for one in value]}
    if not isinstance(value, dict):
        return value
    result = {RENAMED.get(key, key): counted(one) for key, one in value.items()}
    if isinstance(result.get("Cookies"), dict):
        result["Cookies"].pop("WhitelistedNames", None)
    if "AllowedMethods" in result and "CachedMethods" in result:
        result["AllowedMethods"]["CachedMethods"] = result.pop("CachedMethods")
    return result


def arn_spelled_out(value: Any) -> Any:
    """`Arn` is `ARN` in the firewall's API."""
    if isinstance(value, dict):
        return {"ARN" if key == "Arn" else key: arn_spelled_out(one) for key, one in value.items()}
    return [arn_spelled_out(one) for one in value] if isinstance(value, list) else value


def lower_camel(value: Any) -> Any:
    """`ServiceRole` is `serviceRole` in CodeBuild's API."""
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: lower_camel(one) for key, one in value.items()}
    return [lower_camel(one) for one in value] if isinstance(value, list) else value
