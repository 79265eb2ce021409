"""EC2 images: pending for a while, tagged with their snapshots, deprecated, registered from a given snapshot."""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, amis as ami_models, ec2_backends
from moto.ec2.models.amis import Ami
from moto.ec2.responses import EC2Response

from catalogue import images as canonical_images

from .disks import disk_of
from .patching import add_method, replace_method
from .waiting import Wait


def install(knobs) -> None:
    def start(ami: Ami) -> None:
        """From here on the image is pending, and snapshots with it."""
        ami.state, ami.wait = "pending", Wait(knobs, "ami")

    def waits_for_disk(ami: Ami) -> bool:
        return knobs.real_disks and hasattr(ami.ebs_snapshot, "disk_id") and disk_of(knobs, ami.ebs_snapshot) is None

    def look(ami: Ami) -> None:
        if ami.state != "pending" or not ami.wait.is_over():
            return
        if knobs.ami_fail or not waits_for_disk(ami):
            ami.state = "failed" if knobs.ami_fail else "available"
            if knobs.ami_fail:
                ami.state_reason = {"Code": "Server.InternalError", "Message": knobs.ami_fail}

    @replace_method(EC2Backend)
    def _load_amis(old, self) -> None:
        """A fresh catalogue for each region: moto changes the entries while it reads them."""
        ami_models.AMIS = canonical_images()
        old()

    @replace_method(EC2Response)
    def describe_images(old, self) -> ActionResult:
        asked = self._get_param("ImageIds", [])
        for image in self.ec2_backend.amis.values():
            if not asked or image.id in asked:
                look(image)
        images = old().result["Images"]
        for image in images:
            image.image_location = image.image_location or f"{image.owner_id}/{image.name}"
        if not self._get_bool_param("IncludeDeprecated", True):
            images = [image for image in images if image.owner_id == self.current_account or not getattr(image, "deprecation_time", None)]
        return ActionResult({"Images": images})

    @replace_method(EC2Response)
    def create_image(old, self) -> ActionResult:
        refuse_taken_name(self)
        specifications = self._get_param("TagSpecifications", [])
        self.params["TagSpecifications"] = [one for one in specifications if one["ResourceType"] == "image"]
        instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
        ami = self.ec2_backend.amis[old().result["ImageId"]]
        tag(self.ec2_backend, ami, specifications)
        copy_size_of_root(ami, instance)
        ami.ebs_snapshot.disk_id = ami.id
        start(ami)
        return ActionResult({"ImageId": ami.id})

    @replace_method(EC2Response)
    def register_image(old, self) -> ActionResult:
        refuse_taken_name(self)
        mappings = self._get_param("BlockDeviceMappings", [])
        wanted = next((one["Ebs"]["SnapshotId"] for one in mappings if one.get("Ebs", {}).get("SnapshotId")), None)
        if wanted:
            snapshot = self.ec2_backend.describe_snapshots(snapshot_ids=[wanted])[0]
            if snapshot.status != "completed":
                raise EC2ClientError("InvalidSnapshot.InUse", f"The snapshot '{wanted}' is not completed.")
        ami = self.ec2_backend.amis[old().result["ImageId"]]
        if wanted:
            self.ec2_backend.snapshots.pop(ami.ebs_snapshot.id)
            ami.ebs_snapshot = snapshot
        take_attributes(ami, self)
        tag(self.ec2_backend, ami, self._get_param("TagSpecifications", []))
        start(ami)
        return ActionResult({"ImageId": ami.id})

    @replace_method(EC2Response)
    def copy_image(old, self) -> ActionResult:
        refuse_taken_name(self)
        ami = self.ec2_backend.amis[old().result["ImageId"]]
        source_id, source_region = self._get_param("SourceImageId"), self._get_param("SourceRegion")
        source = ec2_backends[self.current_account][source_region]
        if self._get_bool_param("CopyImageTags", False):
            own = {key: value for key, value in source.tags[source_id].items() if not key.startswith("aws:")}
            self.ec2_backend.create_tags([ami.id], own)
        ami.ebs_snapshot.volume.size = source.amis[source_id].ebs_snapshot.volume.size
        ami.ebs_snapshot.description = (
            f"Copied for DestinationAmi {ami.id} from SourceAmi {source_id} for SourceSnapshot {source.amis[source_id].ebs_snapshot.id}."
        )
        ami.source_image_id, ami.source_image_region = source_id, source_region
        if hasattr(source.amis[source_id].ebs_snapshot, "disk_id"):
            ami.ebs_snapshot.disk_id = source.amis[source_id].ebs_snapshot.disk_id
        for name in COPIED:
            if hasattr(source.amis[source_id], name):
                setattr(ami, name, getattr(source.amis[source_id], name))
        tag(self.ec2_backend, ami, self._get_param("TagSpecifications", []))
        start(ami)
        return ActionResult({"ImageId": ami.id})

    @replace_method(EC2Response)
    def deregister_image(old, self) -> ActionResult:
        """With DeleteAssociatedSnapshots the image's snapshots go as well, as since 2025."""
        ami = self.ec2_backend.amis.get(self._get_param("ImageId"))
        answer = old()
        if ami and self._get_bool_param("DeleteAssociatedSnapshots", False):
            self.ec2_backend.snapshots.pop(ami.ebs_snapshot.id, None)
            results = [{"SnapshotId": ami.ebs_snapshot.id, "ReturnCode": "success"}]
            return ActionResult({"Return": True, "DeleteSnapshotResults": results})
        return answer

    @add_method(EC2Response)
    def enable_image_deprecation(self) -> ActionResult:
        self.error_on_dryrun()
        own_image(self).deprecation_time = utc_minutes(self._get_param("DeprecateAt"))
        return ActionResult({"Return": True})

    Ami.block_device_mappings = property(block_device_mappings)


COPIED = ("boot_mode", "ena_support", "imds_support", "root_device_name", "architecture", "tpm_support", "volume_type")


def own_image(response) -> Ami:
    return response.ec2_backend.describe_images(ami_ids=[response._get_param("ImageId")])[0]


def utc_minutes(moment: Any) -> str:
    """AWS keeps a deprecation date to the minute."""
    text = moment.strftime("%Y-%m-%dT%H:%M") if hasattr(moment, "strftime") else str(moment)[:16]
    return f"{text}:00.000Z"


def refuse_taken_name(response) -> None:
    name = response._get_param("Name")
    backend = response.ec2_backend
    taken = next((ami for ami in backend.amis.values() if ami.name == name and ami.owner_id == backend.account_id), None)
    if taken:
        raise EC2ClientError("InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {taken.id}")


def tag(backend: EC2Backend, ami: Ami, specifications: list[dict[str, Any]]) -> None:
    owners = {"image": ami.id, "snapshot": ami.ebs_snapshot.id}
    for one in specifications:
        backend.create_tags([owners[one["ResourceType"]]], {tag["Key"]: tag["Value"] for tag in one["Tags"]})


def copy_size_of_root(ami: Ami, instance) -> None:
    root = instance.block_device_mapping.get(instance.root_device_name)
    if root:
        ami.ebs_snapshot.volume.size = instance.ec2_backend.volumes[root.volume_id].size
    ami.ena_support, ami.root_device_type, ami.hypervisor = True, "ebs", "xen"


def take_attributes(ami: Ami, response) -> None:
    """What RegisterImage says about the machine, to be read again in DescribeImages."""
    ami.architecture = response._get_param("Architecture", "i386")
    ami.root_device_name = response._get_param("RootDeviceName", "/dev/sda1")
    ami.root_device_type = "ebs"
    ami.virtualization_type = response._get_param("VirtualizationType", "paravirtual")
    ami.hypervisor = "xen"
    ami.ena_support = response._get_bool_param("EnaSupport", False)
    ami.boot_mode = response._get_param("BootMode", None)
    ami.imds_support = response._get_param("ImdsSupport", None)
    ami.tpm_support = response._get_param("TpmSupport", None)
    for one in response._get_param("BlockDeviceMappings", []):
        ami.volume_type = one.get("Ebs", {}).get("VolumeType", "gp2")


def block_device_mappings(ami: Ami) -> list[dict[str, Any]]:
    snapshot = ami.ebs_snapshot
    volume = {
        "SnapshotId": snapshot.id,
        "VolumeSize": snapshot.volume.size,
        "DeleteOnTermination": True,
        "VolumeType": getattr(ami, "volume_type", "gp3"),
        "Encrypted": snapshot.encrypted,
    }
    return [{"DeviceName": ami.root_device_name, "Ebs": volume}]
