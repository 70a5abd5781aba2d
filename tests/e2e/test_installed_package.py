"""What reaches somebody who installs the package: one import name, and enough to build and boot an image."""

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")


@pytest.fixture(scope="session")
def wheel(repository, tmp_path_factory):
    """The wheel, built from a copy of the sources: setuptools writes beside them."""
    folder = tmp_path_factory.mktemp("package")
    sources = folder / "sources"
    for name in ("bfimg", "formats", "kernel", "samples"):
        shutil.copytree(repository / name, sources / name)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(repository / name, sources)
    subprocess.run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, sources], check=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def installed(wheel):
    """The folder the wheel is installed into."""
    target = wheel.parent / "site"
    subprocess.run([*PIP, "install", "--no-deps", "--no-index", "--target", target, wheel], check=True)
    return target


def test_wheel_holds_one_package_with_kernel_samples_and_formats(wheel, repository):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"bfimg"}
    assert not [name for name in names if "__pycache__" in name]
    for folder, package in (("formats", "bfimg/formats"), ("kernel", "bfimg/kernel"), ("samples", "bfimg/samples")):
        sources = {
            f"{package}/{path.relative_to(repository / folder)}"
            for path in (repository / folder).rglob("*")
            if path.is_file() and path.suffix != ".pyc"
        }
        assert sources and sources <= names


def test_installed_package_builds_the_same_image_from_an_empty_folder(installed, default_build, tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(installed), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    folder = tmp_path / "empty"
    folder.mkdir()

    def python(*arguments):
        result = subprocess.run(
            [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    for module in ("bfimg", "bfimg.formats", "bfimg.kernel"):
        place = python("-c", f"import {module}; print({module}.__file__)")
        assert place.startswith(str(installed))
    python("-m", "bfimg", "build")
    assert [path.name for path in folder.iterdir()] == ["disk.img"]
    image = (folder / "disk.img").read_bytes()
    assert hashlib.sha256(image).digest() == hashlib.sha256(default_build.image.read_bytes()).digest()

    sample = python("-c", "import importlib.resources as r; print(r.files('bfimg.samples') / 'sha256.bc')").strip()
    python("-m", "bfimg", "add-module", sample)
    assert "passed: 13 modules" in python("-m", "bfimg", "boot")
