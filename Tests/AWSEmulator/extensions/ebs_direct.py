"""EBS direct: blocks of 512 KiB, checksums checked, tokens compared, only finished snapshots readable."""

import base64
import hashlib
import json
import secrets
from pathlib import Path
from typing import Any

from moto.ebs.models import Block, EBSBackend, EBSSnapshot
from moto.ebs.responses import EBSResponse

from .disks import BLOCK_SIZE, DiskBlocks, disk_of
from .patching import replace_method

BLOCKS_PER_PAGE = 10000
TOKEN_LIFETIME = 7 * 24 * 3600


def install(knobs) -> None:
    @replace_method(EBSResponse)
    def start_snapshot(old, self) -> Any:
        wish = json.loads(self.body)
        parent = wish.get("ParentSnapshotId")
        if parent and parent not in self.ebs_backend.ec2_backend.snapshots:
            return error(404, "ResourceNotFoundException", f"The snapshot '{parent}' does not exist.")
        answer = json.loads(old())
        snapshot = self.ebs_backend.snapshots[answer["SnapshotId"]]
        snapshot.block_size = BLOCK_SIZE
        real = self.ebs_backend.ec2_backend.snapshots[snapshot.snapshot_id]
        # moto made a volume to take the snapshot of; on AWS there is none.
        self.ebs_backend.ec2_backend.volumes.pop(real.volume.id, None)
        real.status = "pending"
        if parent in self.ebs_backend.snapshots:
            snapshot.blocks.update(self.ebs_backend.snapshots[parent].blocks)
        # Tags go out as they came in: moto reads them before it has added them.
        snapshot.tags = wish.get("Tags", [])
        return 201, {"status": 201}, json.dumps({**snapshot.to_json(), "ParentSnapshotId": parent})

    @replace_method(EBSResponse)
    def put_snapshot_block(old, self) -> Any:
        headers = {name.lower(): value for name, value in self.headers.items()}
        snapshot = self.ebs_backend.snapshots.get(self.parsed_url.path.split("/")[2])
        if snapshot is None:
            return error(404, "ResourceNotFoundException", "The snapshot does not exist.")
        if snapshot.status != "pending":
            return error(400, "ValidationException", "The snapshot is not in the pending state.", "INVALID_SNAPSHOT_STATE")
        if len(self.body) != BLOCK_SIZE or headers.get("x-amz-data-length") != str(BLOCK_SIZE):
            return error(400, "ValidationException", f"The block must have {BLOCK_SIZE} bytes.", "INVALID_BLOCK")
        if headers.get("x-amz-checksum-algorithm") != "SHA256":
            return error(400, "ValidationException", "The checksum algorithm must be SHA256.", "INVALID_PARAMETER_VALUE")
        if headers.get("x-amz-checksum") != sha256(self.body):
            return error(400, "ValidationException", "The checksum does not match the block.", "INVALID_BLOCK")
        index = int(self.parsed_url.path.split("/")[-1])
        if not 0 <= index < snapshot.volume_size * (1 << 30) // BLOCK_SIZE:
            return error(400, "ValidationException", "The block index is outside the volume.", "INVALID_PARAMETER_VALUE")
        return old()

    @replace_method(EBSResponse)
    def complete_snapshot(old, self) -> Any:
        headers = {name.lower(): value for name, value in self.headers.items()}
        snapshot = self.ebs_backend.snapshots.get(self.parsed_url.path.split("/")[-1])
        if snapshot is None:
            return error(404, "ResourceNotFoundException", "The snapshot does not exist.")
        if snapshot.status == "completed":
            return 202, {"status": 202}, json.dumps({"Status": "completed"})
        if int(headers.get("x-amz-changedblockscount", -1)) != len(snapshot.blocks):
            return error(400, "ValidationException", f"{len(snapshot.blocks)} blocks were written.", "INVALID_PARAMETER_VALUE")
        if "x-amz-checksum" in headers and headers["x-amz-checksum"] != linear_checksum(snapshot):
            return error(400, "ValidationException", "The checksum of all blocks does not match.", "INVALID_PARAMETER_VALUE")
        old()
        real = self.ebs_backend.ec2_backend.snapshots[snapshot.snapshot_id]
        real.polls_left = knobs.snapshot_polls
        real.status = "pending" if knobs.snapshot_polls else "completed"
        return 202, {"status": 202}, json.dumps({"Status": real.status})

    @replace_method(EBSResponse)
    def list_snapshot_blocks(old, self) -> Any:
        snapshot = readable(self.ebs_backend, self.path.split("/")[-2], knobs)
        if snapshot is None:
            return error(404, "ResourceNotFoundException", "The snapshot does not exist.")
        start = int(self._get_param("pageToken") or self._get_param("startingBlockIndex") or 0)
        size = int(self._get_param("maxResults") or knobs.page_size or BLOCKS_PER_PAGE)
        indexes = sorted(int(one) for one in snapshot.blocks if int(one) >= start)
        answer = {
            "Blocks": [{"BlockIndex": one, "BlockToken": lent(snapshot, token_of(snapshot, str(one)), knobs)} for one in indexes[:size]],
            "ExpiryTime": snapshot.start_time + TOKEN_LIFETIME,
            "VolumeSize": snapshot.volume_size,
            "BlockSize": BLOCK_SIZE,
        }
        if indexes[size:]:
            answer["NextToken"] = str(indexes[size])
        return json.dumps(answer)

    @replace_method(EBSResponse)
    def get_snapshot_block(old, self) -> Any:
        snapshot = readable(self.ebs_backend, self.path.split("/")[-3], knobs)
        block = snapshot and snapshot.blocks.get(self.path.split("/")[-1])
        if not block:
            return error(404, "ResourceNotFoundException", "The block does not exist.")
        if not is_valid(snapshot, self._get_param("blockToken"), block.block_token):
            return error(400, "ValidationException", "The block token is invalid.", "INVALID_BLOCK_TOKEN")
        return old()


def readable(backend: EBSBackend, snapshot_id: str, knobs) -> EBSSnapshot | None:
    """Any finished snapshot of EC2's can be read; one that an image made gets its blocks at first sight."""
    real = backend.ec2_backend.snapshots.get(snapshot_id)
    if real is None or real.status != "completed":
        return None
    if snapshot_id not in backend.snapshots:
        disk = disk_of(knobs, real)
        backend.snapshots[snapshot_id] = taken_from(disk, backend, real) if disk else invented(backend, real)
    return backend.snapshots[snapshot_id]


def taken_from(disk: Path, backend: EBSBackend, real) -> EBSSnapshot:
    snapshot = EBSSnapshot(backend.account_id, real)
    snapshot.status, snapshot.block_size = "completed", BLOCK_SIZE
    snapshot.blocks = DiskBlocks(disk, sha256)
    return snapshot


def token_of(snapshot: EBSSnapshot, index: str) -> str:
    blocks = snapshot.blocks
    return blocks.tokens[index] if isinstance(blocks, DiskBlocks) else blocks[index].block_token


def lent(snapshot: EBSSnapshot, token: str, knobs) -> str:
    """A token that is good for so many reads of the snapshot as the knob `block_token_reads` says."""
    last = getattr(snapshot, "reads", 0) + knobs.block_token_reads
    return f"{token}@{last}" if knobs.block_token_reads else token


def is_valid(snapshot: EBSSnapshot, given: str, token: str) -> bool:
    name, _, last = given.partition("@")
    snapshot.reads = getattr(snapshot, "reads", 0) + 1
    return name == token and (not last or snapshot.reads <= int(last))


def invented(backend: EBSBackend, real) -> EBSSnapshot:
    """A disk that is mostly holes: its first, second and last block are written."""
    snapshot = EBSSnapshot(backend.account_id, real)
    snapshot.status, snapshot.block_size = "completed", BLOCK_SIZE
    last = real.volume.size * (1 << 30) // BLOCK_SIZE - 1
    for index in (0, 1, last):
        data = secrets.token_bytes(64) * (BLOCK_SIZE // 64)
        snapshot.blocks[str(index)] = Block(data, sha256(data), "SHA256", str(BLOCK_SIZE))
    return snapshot


def sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def linear_checksum(snapshot: EBSSnapshot) -> str:
    """SHA-256 over the blocks' checksums in the order of their indexes."""
    digests = [base64.b64decode(snapshot.blocks[one].checksum) for one in sorted(snapshot.blocks, key=int)]
    return sha256(b"".join(digests))


def error(status: int, code: str, message: str, reason: str | None = None) -> tuple[int, dict[str, Any], str]:
    body = {"Message": message} | ({"Reason": reason} if reason else {})
    return status, {"status": status, "x-amzn-ErrorType": code}, json.dumps(body)
