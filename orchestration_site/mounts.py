"""On what kind of file system a file lies. Linux only; elsewhere nothing is known."""

from __future__ import annotations

from pathlib import Path

MOUNTS = Path("/proc/self/mounts")
OF_A_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre"}
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone"}
)


def kind_of(file: Path, mounts: Path = MOUNTS) -> str:
    """``ext4``, ``nfs4`` …; "" when it is not known."""
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return ""
    place = file.resolve()
    kinds = {Path(_plain(fields[1])): fields[2] for fields in map(str.split, lines) if len(fields) > 2}
    return next((kinds[folder] for folder in [place, *place.parents] if folder in kinds), "")


def _plain(path: str) -> str:
    """The kernel writes blanks in octal."""
    return path.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
