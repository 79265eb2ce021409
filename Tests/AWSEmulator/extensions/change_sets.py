"""CloudFormation's change sets and stacks over time: in progress for a few looks, rolled back when something fails.

moto does everything at once and never fails. Here the work is done at once as well, but shown step by step:
`outcome` is where a stack will be when its `wait` is over.
"""

import traceback
from typing import Any, Callable

from botocore.exceptions import BotoCoreError, ClientError
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import ChangeSet, CloudFormationBackend, Stack
from moto.cloudformation.responses import CloudFormationResponse, StackResourceDTO
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow

from .changes import changes_of
from .patching import add_method, replace_method
from .stack_events import note, reason_of
from .waiting import Wait

# moto works outputs out when they are looked at; of what is gone it would make the resources again.
WITHOUT_OUTPUTS = {"DELETE_COMPLETE", "REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}
IAM_CAPABILITIES = {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"}


def install(knobs) -> None:
    @replace_method(CloudFormationBackend)
    def execute_change_set(old, self, change_set_name: str, stack_name: str | None = None) -> None:
        change_set = find_change_set(self, change_set_name, stack_name)
        if change_set.execution_status != "AVAILABLE":
            raise ChangeSetError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{change_set.change_set_id}] cannot be executed in its current status of [{change_set.status}]",
            )
        stack = self.stacks[change_set.stack_id]
        stack._add_stack_event(f"{change_set.change_set_type}_IN_PROGRESS", "User Initiated")
        before = stack.parameters, stack.tags
        stack.parameters, stack.tags = change_set.parameters, change_set.tags or {}
        reason = apply(stack, change_set)
        if reason and change_set.change_set_type == "UPDATE":
            stack.parameters, stack.tags = before
        if not reason:
            stack.output_map = stack._create_output_map()
            stack.description = change_set.template_dict.get("Description")
        stack.reason = reason
        stack.updated = utcnow() if change_set.change_set_type == "UPDATE" else None
        rolled_back = "ROLLBACK" if change_set.change_set_type == "CREATE" else "UPDATE_ROLLBACK"
        verb = rolled_back if reason else change_set.change_set_type
        is_stuck = bool(reason) and fail_rollback(stack, change_set, knobs.stack_rollback_fail)
        outcome = f"{verb}_FAILED" if is_stuck else f"{verb}_COMPLETE"
        stack.status, stack.outcome, stack.wait = f"{verb}_IN_PROGRESS", outcome, Wait(knobs, "stack")
        change_set.execution_status = "EXECUTE_COMPLETE"

    @replace_method(CloudFormationBackend)
    def describe_stacks(old, self, name_or_stack_id: str) -> list[Stack]:
        found = old(name_or_stack_id)
        for stack in found:
            look(self, stack)
        if name_or_stack_id and all(one.status == "DELETE_COMPLETE" and one.stack_id != name_or_stack_id for one in found):
            raise ValidationError(name_or_stack_id)
        return found

    @replace_method(CloudFormationBackend)
    def delete_stack(old, self, name_or_stack_id: str) -> None:
        stack = next((one for one in self.stacks.values() if name_or_stack_id in (one.name, one.stack_id)), None)
        if stack is None or getattr(stack, "outcome", None) == "DELETE_COMPLETE":
            return
        # What it was becoming it will never be.
        stack.reason = stack.outcome = None
        blocked = {one: why for one, why in knobs.stack_delete_fail.items() if one in stack.resource_map.resources}
        if blocked and knobs.stack_delete_failures != 0:
            if knobs.stack_delete_failures:
                knobs.stack_delete_failures -= 1
            stack._add_stack_event("DELETE_IN_PROGRESS", "User Initiated")
            fail_deletion(stack, blocked)
        elif knobs.stack_delete_polls or "stack_delete" in knobs.seconds:
            stack._add_stack_event("DELETE_IN_PROGRESS", "User Initiated")
            stack.status, stack.outcome, stack.wait = "DELETE_IN_PROGRESS", "DELETE_COMPLETE", Wait(knobs, "stack_delete")
            stack.finish = lambda: remove(old, stack)
        else:
            remove(old, stack)

    @replace_method(CloudFormationBackend)
    def delete_change_set(old, self, change_set_name: str) -> None:
        """Deleting what is not there is no error at AWS."""
        if any(change_set_name in (one.change_set_id, one.change_set_name) for one in self.change_sets.values()):
            old(change_set_name)

    @replace_method(CloudFormationResponse)
    def delete_stack(old, self):  # noqa: F811
        backend, name = self.cloudformation_backend, self._get_param("StackName")
        stack = next((one for one in backend.stacks.values() if name in (one.name, one.stack_id)), None)
        if stack and stack.enable_termination_protection:
            raise ValidationError(message=f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
        return old()

    @add_method(CloudFormationResponse)
    def update_termination_protection(self):
        stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
        stack.enable_termination_protection = self._get_bool_param("EnableTerminationProtection")
        return ActionResult({"StackId": stack.stack_id})

    @replace_method(CloudFormationResponse)
    def create_change_set(old, self):
        refuse_unfit(self)
        answer = old()
        change_set = self.cloudformation_backend.change_sets[answer.result["Id"]]
        change_set.polls_left = knobs.change_set_polls
        change_set.listed_changes = changes_of(change_set)
        keep_previous(self, change_set)
        return answer

    @replace_method(CloudFormationResponse)
    def describe_change_set(old, self):
        change_set = find_change_set(self.cloudformation_backend, self._get_param("ChangeSetName"), self._get_param("StackName"))
        return ActionResult(description(change_set, look_at_change_set(change_set)))

    @replace_method(CloudFormationResponse)
    def delete_change_set(old, self):  # noqa: F811
        change_set = find_change_set(self.cloudformation_backend, self._get_param("ChangeSetName"), self._get_param("StackName"), needed=False)
        if change_set:
            del self.cloudformation_backend.change_sets[change_set.change_set_id]
        return EmptyResult()

    @replace_method(CloudFormationResponse)
    def list_stack_resources(old, self):
        stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
        resources = [one for one in stack.stack_resources if one is not None]
        return ActionResult({"StackResourceSummaries": [summary(stack, one) for one in resources]})

    @replace_method(CloudFormationResponse)
    def _validate_different_update(old, self, *arguments: Any) -> None:
        """An UpdateStack without changes is refused at once; a change set without changes fails later."""
        if self._get_action() == "UpdateStack":
            old(*arguments)

    parameters_of_moto = Stack.parameter_list.fget
    Stack.parameter_list = property(
        lambda self: [
            {**one, "ParameterValue": MASK if is_secret(self.template_dict, one["ParameterKey"]) else listed(one["ParameterValue"])}
            for one in parameters_of_moto(self)
        ]
    )
    outputs_of_moto = Stack.outputs.fget
    Stack.outputs = property(lambda self: None if self.status in WITHOUT_OUTPUTS else outputs_of_moto(self))
    Stack.stack_status_reason = property(lambda self: getattr(self, "reason", None))
    Stack.last_updated_time = property(lambda self: getattr(self, "updated", None))
    StackResourceDTO.stack_status_reason = None


def listed(value: Any) -> Any:
    """A list parameter as it was given, with commas; moto shows Python's spelling of the list."""
    return ",".join(value) if isinstance(value, list) else value


MASK = "****"


def is_secret(template: dict[str, Any], parameter: str) -> bool:
    """Whether its value is shown to nobody."""
    return str(template.get("Parameters", {}).get(parameter, {}).get("NoEcho", False)).lower() == "true"


class ChangeSetError(ValidationError):
    """An error of change sets, which have codes of their own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message=message)
        self.code = code


def remove(delete_of_moto: Callable[[str], None], stack: Stack) -> None:
    """Deletes the stack, with an event for each of its resources."""
    made = {name: one for name, one in stack.resource_map._parsed_resources.items() if hasattr(one, "logical_resource_id")}
    templates = dict(stack.resource_map._resource_json_map)
    delete_of_moto(stack.stack_id)
    last = stack.events.pop()
    for name, one in made.items():
        kept = templates.get(name, {}).get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate")
        for status in ["DELETE_SKIPPED"] if kept else ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]:
            note(stack, name, one.physical_resource_id, one.cf_resource_type, status)
    stack.events.append(last)


def find_change_set(backend: CloudFormationBackend, name: str, stack: str | None, needed: bool = True) -> ChangeSet | None:
    for one in backend.change_sets.values():
        if name == one.change_set_id or (name == one.change_set_name and stack in (one.stack_name, one.stack_id)):
            return one
    if needed:
        raise ChangeSetError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist")
    return None


def apply(stack: Stack, change_set: ChangeSet) -> str | None:
    """Does the work; returns the reason of a failure after taking back what was done."""
    before, template_before = stack.template_dict, stack.template
    stack.template, stack.template_dict = change_set.template, change_set.template_dict
    first_event = len(stack.events)
    try:
        if change_set.change_set_type == "CREATE":
            stack.resource_map = stack._create_resource_map()
            stack.resource_map.create(change_set.template_dict)
        else:
            change_set.apply()
        return None
    except Exception as error:
        if not isinstance(error, (ServiceException, BotoCoreError, ClientError)):
            traceback.print_exc()
        reason = failures(stack.events[first_event:]) or reason_of(error)
        if change_set.change_set_type == "CREATE":
            stack._add_stack_event("ROLLBACK_IN_PROGRESS", f"{reason}Rollback requested by user.")
            remove_all(stack)
        else:
            stack._add_stack_event("UPDATE_ROLLBACK_IN_PROGRESS", reason)
            remove_added(stack, before)
            stack.template, stack.template_dict = template_before, before
        return reason


def failures(events: list[Any]) -> str:
    """`The following resource(s) failed to create: [A, B]. `, as AWS sums them up."""
    text = ""
    for verb in ("create", "update"):
        failed = [one.logical_resource_id for one in events if one.resource_status == f"{verb.upper()}_FAILED"]
        if failed:
            text += f"The following resource(s) failed to {verb}: [{', '.join(dict.fromkeys(failed))}]. "
    return text


def remove_all(stack: Stack) -> None:
    made = {name: one for name, one in stack.resource_map._parsed_resources.items() if hasattr(one, "logical_resource_id")}
    stack.resource_map._resource_json_map = {name: one for name, one in stack.resource_map._resource_json_map.items() if name in made}
    stack.resource_map.delete()
    for one in made.values():
        note(stack, one.logical_resource_id, one.physical_resource_id, one.cf_resource_type, "DELETE_COMPLETE")
    # Looking at the stack would otherwise make them again.
    stack.resource_map._resource_json_map = {}


def remove_added(stack: Stack, before: dict[str, Any]) -> None:
    """Takes back the resources that the failed update added."""
    resources = stack.resource_map
    for name in set(resources._resource_json_map) - set(before["Resources"]):
        made = resources._parsed_resources.pop(name, None)
        if made is not None:
            resources._delete_resource(made, resources._resource_json_map[name])
    resources._template, resources._resource_json_map = before, before["Resources"]


def look(backend: CloudFormationBackend, stack: Stack) -> None:
    """One look at a stack is one step of it."""
    if not getattr(stack, "outcome", None) or not stack.wait.is_over():
        return
    outcome, stack.outcome = stack.outcome, None
    if outcome == "DELETE_COMPLETE":
        stack.finish()
        return
    stack.status = outcome
    stack._add_stack_event(outcome, stack.reason if "ROLLBACK" not in outcome else None)


def fail_rollback(stack: Stack, change_set: ChangeSet, blocked: dict[str, str]) -> bool:
    """What could not be taken back; whether there is any such thing."""
    verb = "DELETE" if change_set.change_set_type == "CREATE" else "UPDATE"
    resources = change_set.template_dict["Resources"]
    for logical_id in blocked.keys() & resources.keys():
        note(stack, logical_id, f"{logical_id.lower()}-1", resources[logical_id]["Type"], f"{verb}_FAILED", blocked[logical_id])
    return bool(blocked.keys() & resources.keys())


def fail_deletion(stack: Stack, blocked: dict[str, str]) -> None:
    for logical_id, why in blocked.items():
        resource = stack.resource_map[logical_id]
        note(stack, logical_id, resource.physical_resource_id, resource.cf_resource_type, "DELETE_FAILED", why)
    stack.status = "DELETE_FAILED"
    stack.reason = f"The following resource(s) failed to delete: [{', '.join(blocked)}]. "
    stack._add_stack_event("DELETE_FAILED", stack.reason)


def refuse_unfit(response: CloudFormationResponse) -> None:
    """What CreateChangeSet refuses at once."""
    name, kind = response._get_param("StackName"), response._get_param("ChangeSetType", "UPDATE")
    body = response._get_param("TemplateBody") or ""
    stack = next((one for one in response.cloudformation_backend.stacks.values() if name in (one.name, one.stack_id)), None)
    if "AWS::IAM::" in body and not set(response._get_param("Capabilities", [])) & IAM_CAPABILITIES:
        raise ChangeSetError("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]")
    if kind == "CREATE" and stack and stack.status != "REVIEW_IN_PROGRESS":
        raise ValidationError(message=f"Stack [{name}] already exists and cannot be created again with the changeSet [{response._get_param('ChangeSetName')}].")
    if kind == "UPDATE" and not stack:
        raise ValidationError(message=f"Stack [{name}] does not exist")
    if stack and stack.status.endswith(("ROLLBACK_COMPLETE", "_IN_PROGRESS", "_FAILED")) and stack.status not in UPDATABLE:
        raise ValidationError(message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated.")
    if stack and find_change_set(response.cloudformation_backend, response._get_param("ChangeSetName"), stack.name, needed=False):
        raise ChangeSetError("AlreadyExistsException", f"ChangeSet {response._get_param('ChangeSetName')} cannot be created due to a mismatch with existing attribute Template")
    if kind == "CREATE" and stack:
        # moto makes another stack of that name for every change set; the one under review is meant.
        del response.cloudformation_backend.stacks[stack.stack_id]


UPDATABLE = {"REVIEW_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"}


def keep_previous(response: CloudFormationResponse, change_set: ChangeSet) -> None:
    """An UPDATE without any change fails, also where moto saw one in parameters that have their defaults."""
    if change_set.change_set_type != "UPDATE" or change_set.status == "FAILED":
        return
    stack = change_set.stack
    defaults = {name: str(one["Default"]) for name, one in change_set.template_dict.get("Parameters", {}).items() if "Default" in one}
    same = stack.has_template(change_set.template) and {**defaults, **stack.parameters} == {**defaults, **change_set.parameters}
    if same and (change_set.tags or {}) == stack.tags:
        change_set.status, change_set.execution_status = "FAILED", "UNAVAILABLE"
        change_set.status_reason = "The submitted information didn't contain changes. Submit different information to create a change set."


def look_at_change_set(change_set: ChangeSet) -> bool:
    """Whether it is still being made."""
    waiting = getattr(change_set, "polls_left", 0) > 0
    if waiting:
        change_set.polls_left -= 1
    return waiting


def description(change_set: ChangeSet, waiting: bool) -> dict[str, Any]:
    return {
        "ChangeSetName": change_set.change_set_name,
        "ChangeSetId": change_set.change_set_id,
        "StackId": change_set.stack_id,
        "StackName": change_set.stack_name,
        "Description": change_set.description,
        "Parameters": {name: MASK if is_secret(change_set.template_dict, name) else one for name, one in (change_set.parameters or {}).items()},
        "CreationTime": change_set.creation_time,
        "ExecutionStatus": "UNAVAILABLE" if waiting else change_set.execution_status,
        "Status": "CREATE_IN_PROGRESS" if waiting else change_set.status,
        "StatusReason": None if waiting else change_set.status_reason,
        "Tags": [{"Key": key, "Value": value} for key, value in (change_set.tags or {}).items()],
        "ChangeSetType": change_set.change_set_type,
        "Changes": [] if waiting else change_set.listed_changes,
    }


def summary(stack: Stack, resource: Any) -> dict[str, Any]:
    events = [one for one in stack.events if one.logical_resource_id == resource.logical_resource_id]
    return {
        "LogicalResourceId": resource.logical_resource_id,
        "PhysicalResourceId": resource.physical_resource_id,
        "ResourceType": resource.cf_resource_type,
        "ResourceStatus": events[-1].resource_status if events else "CREATE_COMPLETE",
        "LastUpdatedTimestamp": events[-1].timestamp if events else stack.creation_time,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }
