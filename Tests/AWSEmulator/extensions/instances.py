"""EC2 instances and key pairs: a real host behind the address, console output, key pairs by id."""

import base64
from pathlib import Path

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instances import Instance
from moto.ec2.responses import EC2Response

from .patching import replace_method

ADDRESSES = ("public_dns_name", "public_ip", "public_ip_address")


def install(knobs) -> None:
    for name in ADDRESSES:
        put_host_before(name, knobs)

    @replace_method(EC2Response)
    def get_console_output(old, self) -> ActionResult:
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        text = console_of(instance)
        if not text:
            return old()
        output = base64.b64encode(text.encode()).decode()
        return ActionResult({"InstanceId": instance.id, "Timestamp": utcnow(), "Output": output})

    def console_of(instance: Instance) -> str:
        """What whoever plays the machine has written, else what a test says of all."""
        own = Path(knobs.machine_room) / f"{instance.id}.console"
        return own.read_text() if knobs.machine_room and own.exists() else knobs.console_output

    @replace_method(EC2Response)
    def delete_key_pair(old, self) -> ActionResult:
        """By id as well as by name; moto knows the name only."""
        wanted = self._get_param("KeyPairId")
        if not wanted:
            return old()
        self.error_on_dryrun()
        pair = next((one for one in self.ec2_backend.key_pairs.values() if one.id == wanted), None)
        if pair:
            self.ec2_backend.delete_key_pair(pair.key_name)
        return ActionResult({"Return": True, "KeyPairId": wanted})

    @replace_method(EC2Response)
    def describe_key_pairs(old, self) -> ActionResult:
        ids = self._get_param("KeyPairIds", [])
        pairs = old().result["KeyPairs"]
        if set(ids) - {one.id for one in pairs}:
            raise EC2ClientError("InvalidKeyPair.NotFound", f"The key pair '{ids}' does not exist")
        return ActionResult({"KeyPairs": [one for one in pairs if not ids or one.id in ids]})


def put_host_before(name: str, knobs) -> None:
    """Lets a test put a real SSH server behind the instance."""
    address_of_moto = getattr(Instance, name).fget
    setattr(Instance, name, property(lambda self: knobs.instance_host or address_of_moto(self)))
