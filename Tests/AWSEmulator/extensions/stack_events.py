"""CloudFormation's events per resource, refusal of unknown types, and failures that a test orders."""

from typing import Any

from moto.cloudformation import models, parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import Stack, cloudformation_backends


def install(knobs) -> None:
    create_of_moto = parsing.parse_and_create_resource

    def create(logical_id: str, resource_json: dict, resources_map: Any, account_id: str, region_name: str) -> Any:
        """Makes a resource, noting start, end and failure; moto would skip a type that it does not know."""
        stack = cloudformation_backends[account_id][region_name].stacks.get(resources_map.stack_id)
        type_name = resource_json["Type"]
        refuse_unknown(type_name)
        condition = resource_json.get("Condition")
        if condition and not resources_map.lazy_condition_map[condition]:
            return None
        note(stack, logical_id, "", type_name, "CREATE_IN_PROGRESS")
        try:
            if logical_id in knobs.stack_fail:
                raise ValidationError(message=knobs.stack_fail[logical_id])
            resource = create_of_moto(logical_id, resource_json, resources_map, account_id, region_name)
        except Exception as error:
            note(stack, logical_id, "", type_name, "CREATE_FAILED", reason_of(error))
            raise
        if resource is not None:
            note(stack, logical_id, resource.physical_resource_id, type_name, "CREATE_COMPLETE")
        return resource

    update_of_moto = parsing.parse_and_update_resource

    def update(logical_id: str, resource_json: dict, resources_map: Any, account_id: str, region_name: str) -> Any:
        stack = cloudformation_backends[account_id][region_name].stacks.get(resources_map.stack_id)
        type_name = resource_json["Type"]
        note(stack, logical_id, resources_map[logical_id].physical_resource_id, type_name, "UPDATE_IN_PROGRESS")
        try:
            if logical_id in knobs.stack_fail:
                raise ValidationError(message=knobs.stack_fail[logical_id])
            resource = update_of_moto(logical_id, resource_json, resources_map, account_id, region_name)
        except Exception as error:
            note(stack, logical_id, "", type_name, "UPDATE_FAILED", reason_of(error))
            raise
        # moto leaves a resource as it is where it does not know how to update it.
        resource = resource or resources_map[logical_id]
        note(stack, logical_id, resource.physical_resource_id, type_name, "UPDATE_COMPLETE")
        return resource

    parsing.parse_and_create_resource = create
    parsing.parse_and_update_resource = update
    tolerate_spaces()


def tolerate_spaces() -> None:
    """`${ VMBucket }` is legal in Fn::Sub."""
    get = parsing.ResourceMap.__getitem__
    parsing.ResourceMap.__getitem__ = lambda self, key: get(self, key.strip())


def refuse_unknown(type_name: str) -> None:
    known = type_name in parsing.get_model_map() or type_name in parsing.NULL_MODELS or type_name.startswith("Custom::")
    if not known:
        raise ValidationError(message=f"Template format error: Unrecognized resource types: [{type_name}]")


def note(stack: Stack | None, logical_id: str, physical_id: str | None, type_name: str, status: str, reason: str | None = None) -> None:
    if stack is not None:
        event = models.Event(stack.stack_id, stack.name, logical_id, physical_id or "", type_name, status, reason, None)
        stack.events.append(event)


def reason_of(error: Exception) -> str:
    return str(getattr(error, "message", None) or error)
