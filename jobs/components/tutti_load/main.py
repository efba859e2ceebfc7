"""The component `tutti.load`: hands a file that was uploaded on as an output table. Without a file: no rows.

A program of its own with nothing but the standard library. Exit codes as in the Common Interface.
"""

from __future__ import annotations

import json
import os
import shutil
import sys

USER_ERROR = 1


def main() -> int:
    data = os.environ["KBC_DATADIR"]
    with open(os.path.join(data, "config.json"), encoding="utf-8") as file:
        parameters = json.load(file)["parameters"]
    to = os.path.join(data, "out", "tables", os.path.basename(parameters["name"]))
    if parameters.get("file"):
        # A sibling of the folder that programs of the project share: nobody's program looks there by chance.
        uploads = os.path.join(os.path.dirname(os.environ["TUTTI_PROJECT_FILES"]), "uploads")
        if not take(os.path.join(uploads, os.path.basename(parameters["file"])), to):
            print("The uploaded file is not here any more: upload it again.", file=sys.stderr)
            return USER_ERROR
    else:
        open(to, "wb").close()
    with open(f"{to}.manifest", "w", encoding="utf-8") as file:
        json.dump(parameters["manifest"], file)
    print(f"{size_of(to):,} bytes are to be loaded.")
    return 0


def take(source: str, to: str) -> bool:
    """The same file, or folder of slices, under another name where the disk allows, else a copy. False: it is gone."""
    if os.path.isdir(source):
        os.mkdir(to)
        return all(take(os.path.join(source, name), os.path.join(to, name)) for name in os.listdir(source))
    try:
        os.link(source, to)
    except FileNotFoundError:
        return False
    except OSError:
        shutil.copyfile(source, to)
    return True


def size_of(path: str) -> int:
    if os.path.isdir(path):
        return sum(size_of(os.path.join(path, name)) for name in os.listdir(path))
    return os.path.getsize(path)


if __name__ == "__main__":
    sys.exit(main())
