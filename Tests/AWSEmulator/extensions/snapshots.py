"""EC2 snapshots: only those asked for, in use while an image has them, pending for a while if a test wants it."""

from moto.core.responses import ActionResult
from moto.ebs.models import ebs_backends
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.elastic_block_store import Snapshot
from moto.ec2.responses import EC2Response

from .patching import replace_method


def install(knobs) -> None:
    @replace_method(EC2Response)
    def describe_snapshots(old, self) -> ActionResult:
        owners = [self.current_account if one == "self" else one for one in self._get_param("OwnerIds", [])]
        found = [one for one in old().result["Snapshots"] if not owners or one.owner_id in owners]
        for one in found:
            look(one)
            written = ebs_backends[self.current_account][self.region].snapshots.get(one.id)
            if written:
                one.full_snapshot_size_in_bytes = len(written.blocks) * written.block_size
        return ActionResult({"Snapshots": found})

    @replace_method(EC2Response)
    def create_snapshot(old, self) -> ActionResult:
        answer = old()
        answer.result.polls_left = knobs.snapshot_polls
        if knobs.snapshot_polls:
            answer.result.status = "pending"
        return answer

    @replace_method(EC2Response)
    def delete_snapshot(old, self):
        wanted = self._get_param("SnapshotId")
        user = next((ami for ami in self.ec2_backend.amis.values() if ami.ebs_snapshot.id == wanted), None)
        if user:
            raise EC2ClientError("InvalidSnapshot.InUse", f"The snapshot {wanted} is currently in use by {user.id}")
        return old()

    @replace_method(EC2Response)
    def modify_snapshot_attribute(old, self) -> ActionResult:
        """moto knows the permissions only in their older form, as names of groups and accounts."""
        old()
        change = self._get_param("CreateVolumePermission", {})
        for kind, apply in (
            ("Add", self.ec2_backend.add_create_volume_permission),
            ("Remove", self.ec2_backend.remove_create_volume_permission),
        ):
            groups = [one["Group"] for one in change.get(kind, []) if "Group" in one]
            users = [one["UserId"] for one in change.get(kind, []) if "UserId" in one]
            if groups or users:
                apply(self._get_param("SnapshotId"), user_ids=users, groups=groups)
        return ActionResult({"Return": True})

    Snapshot.progress = property(lambda self: "100%" if self.status == "completed" else "42%")


def look(snapshot: Snapshot) -> None:
    if snapshot.status == "pending" and hasattr(snapshot, "polls_left"):
        snapshot.polls_left -= 1
        if snapshot.polls_left < 0:
            snapshot.status = "completed"
