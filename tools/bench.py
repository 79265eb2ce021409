#!/usr/bin/env python3
"""Measures every stage of `dss create-vm`, cold and warm, beside one `qemu-img convert` per format.

Prints seconds, megabytes and the peak memory of all processes of the build. Needs root.
Usage: tools/bench.py [--skip-cold]
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

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
        DSS_DEFAULT_PASSWORD="bench",
    )
    try:
        if "--skip-cold" in sys.argv:
            build("prepare", environment)
        else:
            build("from nothing", environment)
        build("nothing changed", environment)
        build("another asset id, all in the cache", environment, "--asset-id", "bench-2")
        changed_role(place, environment)
        convert_alone(place, environment)
    finally:
        for asset in ("*",):
            run([DSS, "delete-assets", "--asset-id", asset, "--yes"], environment)
        shutil.rmtree(place)


def build(title, environment, *arguments, definition=None):
    command = [DSS, "create-vm", "--json", *arguments]
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
    print(f"  {'whole':<12} {time.monotonic() - started:7.1f} s  exit code {process.returncode}")
    if process.returncode:
        sys.exit(process.returncode)


def changed_role(place, environment):
    """The project's own definition with one more task in the last role."""
    copy = place / "changed"
    shutil.copytree(ROOT / "playbook", copy / "playbook")
    for name in ("sandbox.yaml", "pins.yaml"):
        shutil.copy(ROOT / name, copy / name)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    tasks = copy / "playbook/roles/script_languages/tasks/main.yml"
    tasks.write_text(tasks.read_text() + "\n- name: One more\n  ansible.builtin.command: 'true'\n  changed_when: false\n")
    build("a change in the last role", environment, definition=str(copy / "sandbox.yaml"))


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
