"""The images that Canonical offers in every region, as moto loads them."""

import json
import tempfile
from typing import Any

CANONICAL = "099720109477"
# Not in the order of their dates, as AWS lists them in no order either.
DATES = ("20240301", "20250115", "20241120")
RELEASES = {"jammy": "22.04", "noble": "24.04"}
ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}


def images() -> list[dict[str, Any]]:
    kinds = [(release, short, date) for release in RELEASES for short in ARCHITECTURES for date in DATES]
    return [image(number, *kind) for number, kind in enumerate(kinds, 1)]


def image(number: int, release: str, short: str, date: str) -> dict[str, Any]:
    store = "hvm-ssd-gp3" if release == "noble" else "hvm-ssd"
    return {
        "ami_id": f"ami-0{number:016x}",
        "name": f"ubuntu/images/{store}/ubuntu-{release}-{RELEASES[release]}-{short}-server-{date}",
        "description": f"Canonical, Ubuntu, {RELEASES[release]}, {short} {release} image",
        "owner_id": CANONICAL,
        "public": True,
        "architecture": ARCHITECTURES[short],
        "state": "available",
        "virtualization_type": "hvm",
        "hypervisor": "xen",
        "root_device_type": "ebs",
        "boot_mode": "uefi-preferred",
        "creation_date": f"{date[:4]}-{date[4:6]}-{date[6:]}T00:00:00.000Z",
    }


def newest(release: str, short: str) -> str:
    """The id of the newest image of that release and architecture."""
    fitting = [one for one in images() if f"ubuntu-{release}-" in one["name"] and f"-{short}-" in one["name"]]
    return max(fitting, key=lambda one: one["creation_date"])["ami_id"]


def write_catalogue() -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump(images(), file)
    return file.name
