"""CloudFormation's instances and security groups, made through EC2's own API with all of their properties.

moto leaves out most of them: IPv6 rules, metadata options, what a shutdown means.
"""

import base64
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance
from moto.ec2.models.security_groups import SecurityGroup

from . import internal

# Properties that a template has in the same form as RunInstances.
SAME = {
    "BlockDeviceMappings",
    "DisableApiTermination",
    "EbsOptimized",
    "ImageId",
    "InstanceInitiatedShutdownBehavior",
    "InstanceType",
    "KeyName",
    "MetadataOptions",
    "NetworkInterfaces",
    "SecurityGroupIds",
    "SecurityGroups",
    "SubnetId",
    "UserData",
}
WHOLE_NUMBERS = {"HttpPutResponseHopLimit", "Iops", "Throughput", "VolumeSize"}


def install(knobs) -> None:
    Instance.create_from_cloudformation_json = classmethod(create_instance)
    SecurityGroup.create_from_cloudformation_json = classmethod(create_group)


def create_instance(cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_) -> Instance:
    properties = dict(cloudformation_json["Properties"])
    tags, propagates = properties.pop("Tags", []), properties.pop("PropagateTagsToVolumeOnCreation", False)
    wish = {name: properties.pop(name) for name in SAME & set(properties)}
    if "Monitoring" in properties:
        wish["Monitoring"] = {"Enabled": properties.pop("Monitoring")}
    if "CreditSpecification" in properties:
        wish["CreditSpecification"] = {"CpuCredits": properties.pop("CreditSpecification")["CPUCredits"]}
    # What is left is unknown here; botocore refuses it where RunInstances does not know it either.
    wish |= properties
    kinds = ["instance", "volume"] if str(propagates).lower() == "true" else ["instance"]
    if tags:
        wish["TagSpecifications"] = [{"ResourceType": kind, "Tags": tags} for kind in kinds]
    wish["UserData"] = decoded(wish.get("UserData", ""))
    made = internal.client("ec2", region_name).run_instances(MinCount=1, MaxCount=1, **typed(wish))["Instances"][0]
    return ec2_backends[account_id][region_name].get_instance(made["InstanceId"])


def create_group(cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str, **_) -> SecurityGroup:
    properties, ec2 = cloudformation_json["Properties"], internal.client("ec2", region_name)
    wish = {"GroupName": properties.get("GroupName", resource_name), "Description": properties["GroupDescription"]}
    if "VpcId" in properties:
        wish["VpcId"] = properties["VpcId"]
    if properties.get("Tags"):
        wish["TagSpecifications"] = [{"ResourceType": "security-group", "Tags": properties["Tags"]}]
    made = ec2.create_security_group(**wish)["GroupId"]
    if properties.get("SecurityGroupEgress"):
        everything = ec2.describe_security_groups(GroupIds=[made])["SecurityGroups"][0]["IpPermissionsEgress"]
        ec2.revoke_security_group_egress(GroupId=made, IpPermissions=everything)
    for name, authorize in (
        ("SecurityGroupIngress", ec2.authorize_security_group_ingress),
        ("SecurityGroupEgress", ec2.authorize_security_group_egress),
    ):
        # moto leaves nothing in the place of AWS::NoValue, where AWS takes the whole item out.
        rules = [permission(one) for one in properties.get(name, []) if one]
        if rules:
            authorize(GroupId=made, IpPermissions=rules)
    return ec2_backends[account_id][region_name].get_security_group_from_id(made)


def permission(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule of a template as EC2's API has it."""
    result: dict[str, Any] = {"IpProtocol": str(rule["IpProtocol"])}
    result |= {name: int(rule[name]) for name in ("FromPort", "ToPort") if name in rule}
    why = {"Description": rule["Description"]} if "Description" in rule else {}
    for name, member in (("CidrIp", "IpRanges"), ("CidrIpv6", "Ipv6Ranges")):
        if name in rule:
            result[member] = [{name: rule[name], **why}]
    if "SourceSecurityGroupId" in rule:
        result["UserIdGroupPairs"] = [{"GroupId": rule["SourceSecurityGroupId"], **why}]
    return result


def decoded(user_data: str) -> bytes:
    """boto3 encodes it, and the template has done so already."""
    return base64.b64decode(user_data)


def typed(value: Any, name: str = "") -> Any:
    """A template's parameters are strings where EC2's API has numbers and truth values."""
    if isinstance(value, dict):
        return {key: typed(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [typed(one) for one in value]
    if name in WHOLE_NUMBERS:
        return int(value)
    return value == "true" if value in ("true", "false") else value
