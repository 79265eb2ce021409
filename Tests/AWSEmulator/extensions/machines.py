"""EC2 instances over time, and the room that tells whoever plays a machine of its launch, its stop and its end.

With the knob `machine_room` every instance has a file DIR/INSTANCE-ID.json there: `id`, `state`, `image_id`,
`key_name`, `public_key`, `user_data`, decoded, `address` and `tags`. With `real_disks` an image of an instance stays pending until its
disk lies at DIR/AMI-ID.raw; DIR/AMI-ID.json names it and the instance.
"""

import json
import os
from pathlib import Path
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instances import Instance, InstanceState
from moto.ec2.responses import EC2Response

from .patching import replace_method
from .waiting import Wait

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
CAPTURABLE = {"running", "stopping", "stopped"}


def install(knobs) -> None:
    def pass_through(instance: Instance, name: str, end: str, kind: str) -> None:
        """The instance is in one state for a while, then in another."""
        instance.wait = Wait(knobs, kind)
        instance.outcome = end if instance.wait.is_needed else None
        set_state(instance, name if instance.outcome else end)
        tell(instance)

    def look(instance: Instance) -> None:
        if not getattr(instance, "outcome", None) or not instance.wait.is_over():
            return
        set_state(instance, instance.outcome)
        instance.outcome = None
        tell(instance)

    def tell(instance: Instance) -> None:
        if not knobs.machine_room:
            return
        instance.told_tags = tags_of(instance)
        pair = instance.ec2_backend.key_pairs.get(instance.key_name)
        write(
            knobs.machine_room,
            instance.id,
            {
                "id": instance.id,
                "state": instance.state,
                "image_id": instance.image_id,
                "key_name": instance.key_name,
                "public_key": pair.public_key if pair else None,
                "user_data": instance.user_data.decode() if instance.user_data else "",
                "address": instance.public_ip,
                "tags": instance.told_tags,
            },
        )

    @replace_method(EC2Response)
    def run_instances(old, self) -> ActionResult:
        reservation = old()
        for instance in reservation.result.instances:
            pass_through(instance, "pending", "running", "instance")
        return reservation

    @replace_method(EC2Response)
    def describe_instances(old, self) -> ActionResult:
        asked = self._get_param("InstanceIds", [])
        for instance in self.ec2_backend.all_instances():
            if not asked or instance.id in asked:
                look(instance)
            # Those of a stack come after the launch.
            if tags_of(instance) != getattr(instance, "told_tags", None):
                tell(instance)
        return old()

    @replace_method(EC2Response)
    def stop_instances(old, self) -> ActionResult:
        instances = [self.ec2_backend.get_instance(one) for one in self._get_param("InstanceIds", [])]
        for one in instances:
            if one.state in ("shutting-down", "terminated"):
                raise EC2ClientError("IncorrectInstanceState", f"This instance '{one.id}' is not in a state from which it can be stopped.")
        states = {one.id: one.state for one in instances}
        answer = old()
        for one in instances:
            if states[one.id] != "stopped":
                pass_through(one, "stopping", "stopped", "instance_stop")
        return answer

    @replace_method(EC2Response)
    def terminate_instances(old, self) -> ActionResult:
        instances = [self.ec2_backend.get_instance(one) for one in self._get_param("InstanceIds", [])]
        ended = {one.id for one in instances if one.state == "terminated"}
        answer = old()
        for one in instances:
            if one.id not in ended:
                pass_through(one, "shutting-down", "terminated", "instance_terminate")
        return answer

    @replace_method(Instance)
    def terminate(old, self) -> InstanceState:
        """Also when a stack goes, which is gone no sooner than its machine."""
        self.outcome = None
        before = old()
        tell(self)
        return before

    @replace_method(EC2Response)
    def create_image(old, self) -> ActionResult:
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        if instance.state not in CAPTURABLE:
            raise EC2ClientError("IncorrectState", f"The instance '{instance.id}' is not in a valid state: {instance.state}")
        answer = old()
        if knobs.machine_room:
            image = answer.result["ImageId"]
            write(knobs.machine_room, image, {"id": image, "instance_id": instance.id})
        return answer


def tags_of(instance: Instance) -> dict[str, str]:
    return {one["key"]: one["value"] for one in instance.get_tags()}


def set_state(instance: Instance, name: str) -> None:
    instance._state.name, instance._state.code = name, CODES[name]


def write(room: str, name: str, value: dict[str, Any]) -> None:
    """Whole from the moment it exists."""
    path = Path(room) / f"{name}.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps(value))
    os.replace(new, path)
