"""Puts files, directories and links in place in one step, where `copy`, `template` and `file` take a second for each.

`files` is a list of objects with `path` and one of:

- `content`: the text of a file. With `keep`, a file that exists is left alone.
- `directory`: true.
- `link`: what a symbolic link points to.

`mode` is 0644 for files and 0755 for directories, `owner` is also the group. Missing parent directories belong to root.
"""

import os
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

OPTIONS = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str"},
    "keep": {"type": "bool", "default": False},
    "directory": {"type": "bool"},
    "link": {"type": "str"},
    "owner": {"type": "str", "default": "root"},
    "mode": {"type": "str"},
}


def put_link(module, path, target):
    if path.is_symlink() and os.readlink(path) == target:
        return False
    if not module.check_mode:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        new.unlink(missing_ok=True)
        new.symlink_to(target)
        new.replace(path)
    return True


def put_content(module, path, content, keep):
    if path.is_file() and (keep or path.read_bytes() == content.encode()):
        return False
    if not module.check_mode:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("wb", dir=module.tmpdir, delete=False) as new:
            new.write(content.encode())
        module.atomic_move(new.name, str(path))
    return True


def put_directory(module, path):
    if path.is_dir():
        return False
    if not module.check_mode:
        path.mkdir(parents=True)
    return True


def put(module, item):
    path = Path(item["path"])
    if item["link"]:
        return put_link(module, path, item["link"])
    if item["directory"]:
        changed = put_directory(module, path)
    else:
        changed = put_content(module, path, item["content"], item["keep"])
    if not path.exists() or (item["keep"] and not changed):
        return changed
    mode = item["mode"] or ("0755" if item["directory"] else "0644")
    attributes = {"path": str(path), "owner": item["owner"], "group": item["owner"], "mode": mode}
    return module.set_fs_attributes_if_different(module.load_file_common_arguments(attributes), changed)


def main():
    kinds = ["content", "directory", "link"]
    files = {
        "type": "list", "elements": "dict", "required": True, "options": OPTIONS,
        "mutually_exclusive": [kinds], "required_one_of": [kinds],
    }
    module = AnsibleModule(argument_spec={"files": files}, supports_check_mode=True)
    changed = []
    for item in module.params["files"]:
        try:
            if put(module, item):
                changed.append(item["path"])
        except OSError as error:
            module.fail_json(msg=f"{item['path']} cannot be written: {error}")
    module.exit_json(changed=bool(changed), paths=changed)


if __name__ == "__main__":
    main()
