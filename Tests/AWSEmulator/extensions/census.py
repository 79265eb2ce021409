"""Everything that an account holds, read from moto's own stores, past every operation that could hide something.

What AWS gives to every account (Canonical's images, the default network) is left out.
"""

from moto.cloudformation.models import cloudformation_backends
from moto.ec2.models import ec2_backends
from moto.s3.models import s3_backends

from front.identities import ACCOUNT

ENDED = {"completed", "deleted"}


def census() -> dict[str, list[str]]:
    """Names by kind, sorted; what belongs to a region is preceded by its name."""
    found: dict[str, list[str]] = {}

    def note(kind: str, region: str, names) -> None:
        found.setdefault(kind, []).extend(f"{region} {name}" for name in names)

    for region, backend in cloudformation_backends[ACCOUNT].items():
        note("stacks", region, (one.name for one in backend.stacks.values() if one.status != "DELETE_COMPLETE"))
    for region, backend in ec2_backends[ACCOUNT].items():
        images = [one for one in backend.amis.values() if one.owner_id == ACCOUNT]
        given = {one.ebs_snapshot.id for one in backend.amis.values() if one.owner_id != ACCOUNT}
        note("instances", region, (one.id for one in backend.all_instances() if one.state != "terminated"))
        note("images", region, (f"{one.id} {one.name} {one.state}" for one in images))
        note("snapshots", region, (one for one in backend.snapshots if one not in given))
        note("volumes", region, backend.volumes)
        note("key pairs", region, backend.key_pairs)
        groups = (one for members in backend.groups.values() for one in members.values())
        note("security groups", region, (one.name for one in groups if one.name != "default"))
        tasks = backend.__dict__.get("export_image_tasks", {}).values()
        note("export tasks", region, (one["ExportImageTaskId"] for one in tasks if one["Status"] not in ENDED))
    for bucket in s3_backends[ACCOUNT]["aws"].buckets.values():
        note("buckets", bucket.region_name, [bucket.name])
        note("objects", bucket.name, (f"{name} {key.size}" for name, key in bucket.keys.items()))
        note("uploads", bucket.name, (one.key_name for one in bucket.multiparts.values()))
    return {kind: sorted(names) for kind, names in found.items()}
