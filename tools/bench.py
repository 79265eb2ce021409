#!/usr/bin/env python3
"""Measures every stage of `dss create-vm`, cold and warm, beside one `qemu-img convert` per format, and the Docker
edition beside `tar | zstd` of its trees.

Prints seconds, megabytes and the peak memory of all processes of the build; for the Docker edition also what each may
take. Needs root.
Usage: tools/bench.py [--skip-cold | --only-docker]
"""
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
DSS = ROOT / ".build/debug/dss"
CONVERSIONS = {
    "vhd": ["-O", "vpc", "-o", "subformat=dynamic,force_size=on"],
    "vmdk": ["-O", "vmdk", "-o", "subformat=streamOptimized"],
}


def main():
    place = pathlib.Path(tempfile.mkdtemp(prefix="dss-bench.", dir="/var/tmp"))
    environment = dict(
        os.environ,
        DSS_BUCKET=str(place / "bucket"),
        DSS_CACHE=str(place / "cache"),
        DSS_STATE=str(place / "state"),
        DSS_DEFAULT_PASSWORD="bench-password",
    )
    try:
        if "--only-docker" not in sys.argv:
            machine_images(place, environment)
        docker(place, dict(environment, DSS_CACHE=str(place / "docker-cache")))
    finally:
        for asset in ("*",):
            run([DSS, "delete-assets", "--asset-id", asset, "--yes"], environment)
        shutil.rmtree(place)


def machine_images(place, environment):
    if "--skip-cold" in sys.argv:
        build("prepare", environment)
    else:
        build("from nothing", environment)
    build("nothing changed", environment)
    build("another asset id, all in the cache", environment, "--asset-id", "bench-2")
    changed_role(place, environment)
    convert_alone(place, environment)


def build(title, environment, *arguments, command="create-vm", definition=None, limit=None):
    """Prints what each stage took. Returns the last event, which is the report."""
    command = [DSS, command, "--json", *arguments]
    if definition:
        command += ["--definition", definition]
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    watch = MemoryWatch(process.pid)
    print(f"\n{title}")
    for line in process.stdout:
        event = json.loads(line)
        kind = event["event"]
        if kind == "stage-started":
            watch.peak = 0
        elif kind == "stage-finished":
            print(f"  {event['stage']:<12} {event['seconds']:7.1f} s  peak {watch.peak / 1e6:6.0f} MB  {event['outcome']}")
        elif kind == "artifact":
            print(f"  {event['format']:<12} {event['bytes'] / 1e6:7.0f} MB")
        elif kind == "failure":
            print(json.dumps(event, indent=2))
    process.wait()
    watch.stop()
    allowed = f"  of {limit} s" if limit else ""
    print(f"  {'whole':<12} {time.monotonic() - started:7.1f} s{allowed}  exit code {process.returncode}")
    if process.returncode:
        sys.exit(process.returncode)
    return event


def changed_role(place, environment):
    """The project's own definition with one more task in the last role."""
    copy = own_definition(place / "changed")
    tasks = copy / "playbook/roles/notebooks/tasks/main.yml"
    tasks.write_text(tasks.read_text() + "\n- name: One more\n  ansible.builtin.command: 'true'\n  changed_when: false\n")
    build("a change in the last role", environment, definition=str(copy / "sandbox.yaml"))


def own_definition(copy):
    shutil.copytree(ROOT / "playbook", copy / "playbook")
    for name in ("sandbox.yaml", "pins.yaml"):
        shutil.copy(ROOT / name, copy / name)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    return copy


def docker(place, environment):
    def image(title, limit, **options):
        return build(f"Docker: {title}", environment, "--asset-id", "docker", command="create-docker-image",
                     limit=limit, **options)

    image("from nothing", 100)
    image("nothing changed", 5)
    pushes(place, environment)
    compression(place)
    copy = own_definition(place / "notebook")
    notebook = next(copy.glob("playbook/roles/notebooks/files/**/*.ipynb"))
    document = json.loads(notebook.read_text())
    document["cells"].append({"cell_type": "markdown", "metadata": {}, "source": ["One more"]})
    notebook.write_text(json.dumps(document))
    image("a changed notebook", 15, definition=str(copy / "sandbox.yaml"))


def pushes(place, environment):
    """Pushes the image twice to a registry on this machine."""
    port = random.randrange(20000, 30000)
    configuration, log = place / "registry.yml", place / "registry.log"
    configuration.write_text(
        f"{{version: 0.1, storage: {{filesystem: {{rootdirectory: {place}/registry}}}}, http: {{addr: '127.0.0.1:{port}'}}}}")
    with log.open("w") as output:
        registry = subprocess.Popen(["docker-registry", "serve", configuration], stdout=output, stderr=output)
    try:
        answers(f"http://127.0.0.1:{port}/v2/")
        sent = 0
        for title, limit in (("the first push", ""), ("a push of the unchanged image", " of 0")):
            build(f"Docker: {title}", environment, "--asset-id", "docker", "--publish", "--repository",
                  f"127.0.0.1:{port}/exasol/sandbox", command="create-docker-image")
            before, sent = sent, sum("PATCH /v2/" in line for line in log.read_text().splitlines())
            print(f"  {'layers':<12} {sent - before} sent{limit}")
    finally:
        registry.terminate()
        registry.wait()


def answers(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(100):
        try:
            return opener.open(url)
        except OSError:
            time.sleep(0.1)
    sys.exit(f"no answer from {url}")


def compression(place):
    """The script that writes layers, and tar and zstd alone, in turn on the same trees: the best of five runs."""
    trees = [path for path in place.glob("docker-cache/[bl]a[sy]e*/*") if path.is_dir() and path.suffix != ".products"]
    alone = ["zstd", "--quiet", "-3"]
    together = [*alone, f"-T{os.cpu_count()}"]
    script = ROOT / "Sources/LocalProvider/Resources/layer.sh"
    plain = 'tar --create --directory="$1" . | "${@:3}" > "$2"'
    target = place / "blob"

    def seconds(command):
        started = time.monotonic()
        for tree in trees:
            with tempfile.TemporaryDirectory(dir=place) as scratch:
                subprocess.run(command(tree, scratch), check=True, stdout=subprocess.DEVNULL)
        return time.monotonic() - started

    def tar(compressor):
        return lambda tree, _: ["bash", "-o", "pipefail", "-c", plain, "plain", tree, target, *compressor]

    ways = {
        "layers": lambda tree, scratch: ["bash", script, tree, scratch, "1735689600", target, *together],
        "tar | zstd": tar(alone),
        f"tar | zstd {together[-1]}": tar(together),
    }
    best = {name: min(times) for name, times in
            zip(ways, zip(*[[seconds(command) for command in ways.values()] for _ in range(5)]))}
    print("\nDocker: compression of all trees by zstd")
    ours = best.pop("layers")
    print(f"  {'layers':<14} {ours:5.1f} s")
    for name, time_taken in best.items():
        print(f"  {name:<14} {time_taken:5.1f} s  layers take {ours / time_taken:.2f} of it, at most 1.20")


def convert_alone(place, environment):
    build("a raw disk to convert", environment, "--asset-id", "bench-raw", "--format", "raw")
    raw = next((place / "bucket").glob("*/bench-raw/*.raw"))
    print("\nqemu-img convert alone")
    for name, options in CONVERSIONS.items():
        target = place / f"alone.{name}"
        started = time.monotonic()
        run(["qemu-img", "convert", "-f", "raw", *options, raw, target], environment)
        print(f"  {name:<12} {time.monotonic() - started:7.1f} s  {target.stat().st_size / 1e6:7.0f} MB")
        target.unlink()


def run(command, environment):
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)


class MemoryWatch(threading.Thread):
    """Samples the resident memory of a process and all its descendants ten times a second."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.running = pid, 0, True
        self.start()

    def run(self):
        while self.running:
            self.peak = max(self.peak, self.sample())
            time.sleep(0.1)

    def stop(self):
        self.running = False

    def sample(self):
        parents, memory = {}, {}
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                    parents[int(entry.name)] = int(fields[1])
                    memory[int(entry.name)] = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
                except (OSError, IndexError):
                    pass
        total, family = 0, [self.pid]
        while family:
            pid = family.pop()
            total += memory.get(pid, 0)
            family += [child for child, parent in parents.items() if parent == pid]
        return total


if __name__ == "__main__":
    main()
