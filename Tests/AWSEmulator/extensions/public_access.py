"""What an account forbids of publicity: the knobs `image_public_access` and `snapshot_public_access`."""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response

from .patching import add_method, replace_method


def install(knobs) -> None:
    @add_method(EC2Response)
    def get_image_block_public_access_state(self) -> ActionResult:
        return ActionResult({"ImageBlockPublicAccessState": knobs.image_public_access, "ManagedBy": "account"})

    @add_method(EC2Response)
    def get_snapshot_block_public_access_state(self) -> ActionResult:
        return ActionResult({"State": knobs.snapshot_public_access, "ManagedBy": "account"})

    @replace_method(EC2Response)
    def modify_image_attribute(old, self) -> ActionResult:
        if adds_everybody(self, "LaunchPermission") and knobs.image_public_access != "unblocked":
            raise EC2ClientError("OperationNotPermitted", "You can't publicly share this image because block public access for AMIs is enabled.")
        return old()

    @replace_method(EC2Response)
    def modify_snapshot_attribute(old, self) -> ActionResult:
        if adds_everybody(self, "CreateVolumePermission"):
            if knobs.snapshot_public_access != "unblocked":
                raise EC2ClientError("OperationNotPermitted", "You can't publicly share this snapshot because block public access is enabled.")
            if self.ec2_backend.describe_snapshots(snapshot_ids=[self._get_param("SnapshotId")])[0].encrypted:
                raise EC2ClientError("InvalidParameter", "Encrypted snapshots with default aws kms key cannot be shared")
        return old()


def adds_everybody(response, change: str) -> bool:
    permissions: list[dict[str, Any]] = response._get_param(change, {}).get("Add", [])
    return any(one.get("Group") == "all" for one in permissions)
