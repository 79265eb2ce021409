"""Real disks behind snapshots, where a test has put some into the machine room (knob `real_disks`)."""

import os
import subprocess
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from moto.ebs.models import Block
from moto.ec2.models.elastic_block_store import Snapshot

BLOCK_SIZE = 524288
# What qemu-img calls the formats of ExportImage, and the kind that AWS writes.
FORMATS = {
    "VMDK": ["-O", "vmdk", "-o", "subformat=streamOptimized"],
    "VHD": ["-O", "vpc", "-o", "subformat=dynamic,force_size=on"],
    "RAW": ["-O", "raw"],
}


def disk_of(knobs, snapshot: Snapshot) -> Path | None:
    """The raw disk of the image with which the snapshot was made."""
    path = Path(knobs.machine_room) / f"{getattr(snapshot, 'disk_id', '')}.raw"
    return path if knobs.real_disks and path.is_file() else None


def conversion(disk: Path, disk_format: str, target: Path) -> subprocess.Popen:
    return subprocess.Popen(["qemu-img", "convert", "-f", "raw", *FORMATS[disk_format], disk, target])


class DiskBlocks(Mapping):
    """The written blocks of a raw disk by their index, each read when it is asked for."""

    def __init__(self, disk: Path, checksum) -> None:
        self.disk, self.checksum = disk, checksum
        self.tokens = {str(index): f"{zlib.crc32(str(disk).encode()):08x}-{index}" for index in written_blocks(disk)}

    def __getitem__(self, index: str) -> Block:
        token = self.tokens[index]
        with self.disk.open("rb") as file:
            file.seek(int(index) * BLOCK_SIZE)
            data = file.read(BLOCK_SIZE).ljust(BLOCK_SIZE, b"\0")
        block = Block(data, self.checksum(data), "SHA256", str(BLOCK_SIZE))
        block.block_token = token
        return block

    def __iter__(self) -> Iterator[str]:
        return iter(self.tokens)

    def __len__(self) -> int:
        return len(self.tokens)


def written_blocks(disk: Path) -> list[int]:
    """Indexes of the blocks in which the file has data, found without reading the holes."""
    found: dict[int, None] = {}
    with disk.open("rb") as file:
        end = os.fstat(file.fileno()).st_size
        position = 0
        while position < end:
            try:
                start = os.lseek(file.fileno(), position, os.SEEK_DATA)
            except OSError:
                break
            position = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            found.update(dict.fromkeys(range(start // BLOCK_SIZE, (position - 1) // BLOCK_SIZE + 1)))
    return list(found)
