"""Pages for lists that moto answers whole.

Clients that forget the second page must not pass a test, so `page_size` can make all pages small.
"""

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response
from moto.cloudformation.responses import CloudFormationResponse

from .patching import replace_method

EC2_LISTS = {
    "describe_images": "Images",
    "describe_snapshots": "Snapshots",
    "describe_export_image_tasks": "ExportImageTasks",
}
CLOUDFORMATION_LISTS = {"list_stack_resources": "StackResourceSummaries", "describe_stack_events": "StackEvents"}
CLOUDFORMATION_PAGE = 100


def install(knobs) -> None:
    for name, member in EC2_LISTS.items():
        page_ec2(name, member, knobs)
    for name, member in CLOUDFORMATION_LISTS.items():
        page_cloudformation(name, member, knobs)


def page_ec2(name: str, member: str, knobs) -> None:
    def paged(old, self) -> ActionResult:
        size = int(self._get_param("MaxResults") or knobs.page_size or 0)
        return page(old().result, member, size, self._get_param("NextToken"))

    paged.__name__ = name
    replace_method(EC2Response)(paged)


def page_cloudformation(name: str, member: str, knobs) -> None:
    def paged(old, self) -> ActionResult:
        return page(old().result, member, knobs.page_size or CLOUDFORMATION_PAGE, self._get_param("NextToken"))

    paged.__name__ = name
    replace_method(CloudFormationResponse)(paged)


def page(result: dict[str, Any], member: str, size: int, token: str | None) -> ActionResult:
    items = list(result[member])
    try:
        start = int(token or 0)
    except ValueError:
        raise EC2ClientError("InvalidParameterValue", f"Invalid value '{token}' for NextToken") from None
    end = start + size if size else len(items)
    more = str(end) if end < len(items) else None
    return ActionResult({**result, member: items[start:end], "NextToken": more})
