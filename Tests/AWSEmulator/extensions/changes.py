"""What a change set would change, as DescribeChangeSet lists it: with ids, replacements and the properties concerned.

moto wraps each of these in a `Change` when it answers.
"""

from typing import Any

from moto.cloudformation.models import ChangeSet

# Properties whose change makes a resource anew, of the types that dss deploys.
REPLACING = {
    "AWS::S3::Bucket": {"BucketName"},
    "AWS::S3::BucketPolicy": {"Bucket"},
    "AWS::IAM::Role": {"RoleName", "Path"},
    "AWS::EC2::Instance": {"ImageId", "KeyName", "SubnetId", "AvailabilityZone", "BlockDeviceMappings"},
    "AWS::EC2::SecurityGroup": {"GroupName", "GroupDescription", "VpcId"},
    "AWS::EC2::KeyPair": {"KeyName", "KeyType", "PublicKeyMaterial"},
    "AWS::WAFv2::WebACL": {"Name", "Scope"},
    "AWS::WAFv2::IPSet": {"Name", "Scope"},
    "AWS::CodeBuild::Project": {"Name"},
}


def changes_of(change_set: ChangeSet) -> list[dict[str, Any]]:
    resources = change_set.stack.resource_map
    old, new = resources._resource_json_map, change_set.template_dict["Resources"]
    parameters = change_set.parameters if change_set.change_set_type == "UPDATE" else None
    names = resources.build_resource_diff(change_set.template_dict, parameters)
    changes = [change("Add", name, new[name], None) for name in names["Add"]]
    changes += [modification(name, old[name], new[name], resources._parsed_resources.get(name)) for name in names["Modify"]]
    changes += [change("Remove", name, old[name], resources._parsed_resources.get(name)) for name in names["Remove"]]
    return changes


def change(action: str, name: str, resource: dict[str, Any], made: Any) -> dict[str, Any]:
    return {
        "Action": action,
        "LogicalResourceId": name,
        "PhysicalResourceId": getattr(made, "physical_resource_id", None),
        "ResourceType": resource["Type"],
        "Scope": [],
        "Details": [],
    }


def modification(name: str, old: dict[str, Any], new: dict[str, Any], made: Any) -> dict[str, Any]:
    """Where both templates are the same, a parameter changed; which property it reaches is not worked out."""
    before, after = old.get("Properties", {}), new.get("Properties", {})
    changed = sorted(one for one in before.keys() | after.keys() if before.get(one) != after.get(one))
    replaced = bool(REPLACING.get(new["Type"], set()) & set(changed))
    value = change("Modify", name, new, made)
    value["Replacement"] = "True" if replaced else "False" if changed else "Conditional"
    value["Scope"] = ["Tags" if changed == ["Tags"] else "Properties"]
    value["Details"] = [
        {
            "Target": {"Attribute": "Properties", "Name": one, "RequiresRecreation": "Always" if one in REPLACING.get(new["Type"], ()) else "Never"},
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }
        for one in changed
    ]
    return value
