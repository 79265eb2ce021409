"""EC2 ExportImage and its tasks, which moto has not."""

import fnmatch
import os
import subprocess
import uuid
from pathlib import Path
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from .disks import conversion, disk_of
from .patching import add_method
from .waiting import Wait

# The first bytes of each format, so that tools that look at them believe the file.
MAGIC = {"VMDK": b"KDMV", "VHD": b"conectix", "RAW": b"\x00"}
DEFAULT_ROLE = "vmimport"


class Task(dict):
    """An export as DescribeExportImageTasks shows it."""

    wait: Wait
    # Where a real disk is converted: the process that does it and the file that it writes.
    conversion: tuple[subprocess.Popen, Path] | None = None


def install(knobs) -> None:
    def advance(backend: EC2Backend, task: Task) -> None:
        """One look at a task is one step of it."""
        if task["Status"] == "deleting":
            task["Status"] = "deleted"
        if task["Status"] != "active":
            return
        is_over = task.wait.is_over()
        task["Progress"] = str(min(95, task.wait.percent))
        task["StatusMessage"] = "converting"
        if knobs.export_fail and task.wait.percent > 30:
            task.update(Status="deleting", StatusMessage=knobs.export_fail)
        elif task.conversion and task.conversion[0].poll() is None:
            pass
        elif task["S3ExportLocation"]["S3Bucket"] not in s3_backends[backend.account_id]["aws"].buckets:
            task.update(Status="deleting", StatusMessage="The S3 bucket does not exist any more")
        elif is_over:
            write_object(backend, task)
            task.update(Status="completed", Progress="100")
            del task["StatusMessage"]

    def write_object(backend: EC2Backend, task: Task) -> None:
        place = task["S3ExportLocation"]
        magic = MAGIC[task["DiskImageFormat"]]
        key = f"{place.get('S3Prefix', '')}{task['ExportImageTaskId']}.{task['DiskImageFormat'].lower()}"
        content = converted(task) if task.conversion else magic + os.urandom(knobs.export_size - len(magic))
        s3_backends[backend.account_id]["aws"].put_object(place["S3Bucket"], key, content)

    @add_method(EC2Response)
    def export_image(self) -> ActionResult:
        self.error_on_dryrun()
        task = Task({name: self._get_param(name) for name in ("ImageId", "DiskImageFormat", "Description", "S3ExportLocation") if self._get_param(name)})
        task["RoleName"] = self._get_param("RoleName", DEFAULT_ROLE)
        check(self, task)
        specifications = self._get_param("TagSpecifications", [])
        task.update(
            ExportImageTaskId="export-ami-" + uuid.uuid4().hex[:17],
            Status="active",
            Progress="0",
            StatusMessage="pending",
            Tags=[tag for one in specifications for tag in one["Tags"]],
        )
        task.wait = Wait(knobs, "export")
        disk = disk_of(knobs, self.ec2_backend.amis[task["ImageId"]].ebs_snapshot)
        if disk:
            target = disk.with_name(f"{task['ExportImageTaskId']}.{task['DiskImageFormat'].lower()}")
            task.conversion = (conversion(disk, task["DiskImageFormat"], target), target)
        tasks(self.ec2_backend)[task["ExportImageTaskId"]] = task
        return ActionResult(dict(task))

    @add_method(EC2Response)
    def describe_export_image_tasks(self) -> ActionResult:
        known = tasks(self.ec2_backend)
        ids = self._get_param("ExportImageTaskIds", [])
        missing = set(ids) - set(known)
        if missing:
            raise EC2ClientError("InvalidExportTaskID.NotFound", f"The task ID '{min(missing)}' does not exist")
        filters = self._filters_from_querystring()
        found = [one for one in known.values() if (not ids or one["ExportImageTaskId"] in ids) and fits(one, filters)]
        for one in found:
            advance(self.ec2_backend, one)
        return ActionResult({"ExportImageTasks": [dict(one) for one in found]})

    @add_method(EC2Response)
    def cancel_export_task(self) -> ActionResult:
        task = tasks(self.ec2_backend).get(self._get_param("ExportTaskId"))
        if task is None:
            raise EC2ClientError("InvalidExportTaskID.NotFound", f"The task ID '{self._get_param('ExportTaskId')}' does not exist")
        if task["Status"] in ("completed", "deleted"):
            raise EC2ClientError("IncorrectState", f"The export task is {task['Status']}")
        task.update(Status="deleting", StatusMessage="cancelled by user")
        return ActionResult({"Return": True})


def converted(task: Task) -> bytes:
    """What qemu-img has written; it is not needed any more."""
    process, target = task.conversion
    if process.returncode:
        raise RuntimeError(f"qemu-img ended with {process.returncode}")
    content = target.read_bytes()
    target.unlink()
    return content


def tasks(backend: EC2Backend) -> dict[str, Task]:
    """Kept on moto's backend, so that a reset of moto forgets them too."""
    return backend.__dict__.setdefault("export_image_tasks", {})


def fits(task: Task, filters: dict[str, list[str]]) -> bool:
    return all(any(fnmatch.fnmatchcase(value, pattern) for value in values_of(task, name) for pattern in patterns) for name, patterns in filters.items())


def values_of(task: Task, name: str) -> list[str]:
    if name.startswith("tag:"):
        return [tag["Value"] for tag in task["Tags"] if f"tag:{tag['Key']}" == name]
    if name == "task-state":
        return [task["Status"]]
    raise EC2ClientError("InvalidParameterValue", f"The filter '{name}' is invalid")


def check(response, task: Task) -> None:
    """What AWS refuses at once; its other refusals come hours later, as a status message."""
    image = response.ec2_backend.describe_images(ami_ids=[task["ImageId"]])[0]
    if image.state != "available":
        raise EC2ClientError("IncorrectState", f"The image {image.id} is not available")
    if task["DiskImageFormat"] not in MAGIC:
        raise EC2ClientError("InvalidParameter", "The disk image format must be VMDK, RAW or VHD")
    running = [one for one in tasks(response.ec2_backend).values() if one["ImageId"] == image.id and one["Status"] == "active"]
    if running:
        raise EC2ClientError("ResourceLimitExceeded", f"An export of {image.id} is already under way: {running[0]['ExportImageTaskId']}")
    if task["S3ExportLocation"]["S3Bucket"] not in s3_backends[response.current_account]["aws"].buckets:
        raise EC2ClientError("InvalidParameter", f"The given S3 bucket does not exist: {task['S3ExportLocation']['S3Bucket']}")
    roles = {one.name for one in iam_backends[response.current_account]["aws"].roles.values()}
    if task["RoleName"] not in roles:
        raise EC2ClientError("InvalidParameter", f"The service role {task['RoleName']} provided does not exist or does not have sufficient permissions")
