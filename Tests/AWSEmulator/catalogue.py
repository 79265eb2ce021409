"""The images that Canonical and Debian offer in every region, as moto loads them."""

import json
import tempfile
from typing import Any

CANONICAL = "099720109477"
DEBIAN = "136693071363"
# Not in the order of their dates, as AWS lists them in no order either.
DATES = ("20240301", "20250115", "20241120")
RELEASES = {"jammy": "22.04", "noble": "24.04"}
DEBIAN_RELEASES = {"bookworm": "12", "trixie": "13"}
ARCHITECTURES = {"amd64": "x86_64", "arm64": "arm64"}


def images() -> list[dict[str, Any]]:
    kinds = [(release, short, date) for release in RELEASES for short in ARCHITECTURES for date in DATES]
    canonical = [ubuntu(number, *kind) for number, kind in enumerate(kinds, 1)]
    kinds = [(release, short, date) for release in DEBIAN_RELEASES for short in ARCHITECTURES for date in DATES]
    return canonical + [debian(number, *kind) for number, kind in enumerate(kinds, len(canonical) + 1)]


def ubuntu(number: int, release: str, short: str, date: str) -> dict[str, Any]:
    store = "hvm-ssd-gp3" if release == "noble" else "hvm-ssd"
    return image(number, short, date) | {
        "name": f"ubuntu/images/{store}/ubuntu-{release}-{RELEASES[release]}-{short}-server-{date}",
        "description": f"Canonical, Ubuntu, {RELEASES[release]}, {short} {release} image",
        "owner_id": CANONICAL,
    }


def debian(number: int, release: str, short: str, date: str) -> dict[str, Any]:
    return image(number, short, date) | {
        "name": f"debian-{DEBIAN_RELEASES[release]}-{short}-{date}-1234",
        "description": f"Debian {DEBIAN_RELEASES[release]} ({date}-1234)",
        "owner_id": DEBIAN,
        "root_device_name": "/dev/xvda",
    }


def image(number: int, short: str, date: str) -> dict[str, Any]:
    return {
        "ami_id": f"ami-0{number:016x}",
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
    number = DEBIAN_RELEASES.get(release)
    name = f"debian-{number}-" if number else f"ubuntu-{release}-"
    fitting = [one for one in images() if name in one["name"] and f"-{short}-" in one["name"]]
    return max(fitting, key=lambda one: one["creation_date"])["ami_id"]


def write_catalogue() -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
        json.dump(images(), file)
    return file.name
