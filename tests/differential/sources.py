"""Fetches the Debian source packages that the tests lower: python tests/differential/sources.py FOLDER.

A private package list, made of the system's own with source packages added, is used; nothing is installed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGES = ("zlib", "lz4", "libmd", "xxhash", "jsmn")
_SYSTEM = Path("/etc/apt")


def fetch(folder: Path) -> None:
    """Put the sources of each package that is not there yet into FOLDER/PACKAGE."""
    missing = [package for package in PACKAGES if not (folder / package).is_dir()]
    if not missing:
        return
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        apt = _private_apt(work)
        if subprocess.run([*apt, "update"], check=False, cwd=work).returncode:
            sys.exit("the lists of source packages cannot be fetched: see that apt-get update works")
        for package in missing:
            # One file of a package may be missing on a mirror; the one that is needed is looked for.
            subprocess.run([*apt, "source", "--download-only", package], check=False, cwd=work)
            archives = [path for path in work.glob(f"{package}_*.orig.tar.*") if path.suffix != ".asc"]
            if len(archives) != 1:
                sys.exit(f"the source package {package} cannot be fetched: see that apt-get reaches its sources")
            (archive,) = archives
            shutil.unpack_archive(archive, work / package)
            (inside,) = (work / package).iterdir()
            folder.mkdir(parents=True, exist_ok=True)
            subprocess.run(["mv", inside, folder / package], check=True)


def _private_apt(work: Path) -> list[str]:
    lists = work / "sources.list.d"
    lists.mkdir()
    (work / "lists" / "partial").mkdir(parents=True)
    # One of the two places: a source that stands in both, once with its key and once without, is an error to apt.
    plain = _SYSTEM / "sources.list"
    lines = [line for line in plain.read_text().splitlines() if line.startswith("deb ")] if plain.is_file() else []
    if lines:
        (lists / "plain.list").write_text("".join(f"deb-src{line[3:]}\n" for line in lines))
    else:
        for path in (_SYSTEM / "sources.list.d").glob("debian*.sources"):
            (lists / path.name).write_text(path.read_text().replace("Types: deb\n", "Types: deb-src\n"))
    options = {
        "Dir::Etc::sourcelist": "-",
        "Dir::Etc::sourceparts": lists,
        "Dir::State::lists": work / "lists",
        "APT::Sandbox::User": "root",
    }
    return ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in options.items())]


if __name__ == "__main__":
    fetch(Path(sys.argv[1]).resolve())
