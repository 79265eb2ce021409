"""IAM SimulatePrincipalPolicy, which moto has not.

The stand-in's own user may do everything that the knob `denied` does not name; a user or role of moto's may do what
its policies say.
"""

from typing import Any

from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse

from .patching import add_method
from .sessions import USER_NAME


def install(knobs) -> None:
    @add_method(IamResponse)
    def simulate_principal_policy(self) -> ActionResult:
        policies = policies_of(self.backend, self._get_param("PolicySourceArn"))
        resources = self._get_param("ResourceArns", []) or ["*"]
        actions = self._get_param("ActionNames", [])
        results = [result(action, one, policies, knobs.denied) for action in actions for one in resources]
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def policies_of(backend: IAMBackend, arn: str) -> list[Any] | None:
    """The documents of all policies; none where everything is allowed."""
    kind, name = arn.split(":", 5)[5].split("/", 1)
    if (kind, name) == ("user", USER_NAME):
        return None
    known = backend.roles.values() if kind == "role" else backend.users.values()
    owner = next((one for one in known if one.arn == arn), None)
    if owner is None:
        raise NotFoundException(f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    inline = owner.policies.values() if isinstance(owner.policies, dict) else owner.policies
    documents = [one if isinstance(one, str) else one.document for one in inline]
    return documents + [one.document for one in owner.managed_policies.values()]


def result(action: str, resource: str, policies: list[Any] | None, denied: list[str]) -> dict[str, Any]:
    decision = "explicitDeny" if action in denied else "allowed"
    if policies is not None and decision == "allowed":
        said = {IAMPolicy(document).is_action_permitted(action, resource) for document in policies}
        if PermissionResult.DENIED in said:
            decision = "explicitDeny"
        elif PermissionResult.PERMITTED not in said:
            decision = "implicitDeny"
    return {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decision, "MissingContextValues": []}
