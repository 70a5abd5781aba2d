"""Settings from the command line reach the kernel as lines it can read, or are refused before the run."""

from itertools import pairwise
from pathlib import Path

import pytest

from bfimg.boot import BootOptions
from bfimg.boot.qemu import qemu_command
from bfimg.errors import UsageError
from bfimg.formats.boot_protocol import HOST_CONFIG_MAX


def handed_over(**options: object) -> list[str]:
    """The fw_cfg files of a run, but for the nonce."""
    command = qemu_command(BootOptions(Path("disk.img"), **options), "qemu", "nonce")
    return [after for before, after in pairwise(command) if before == "-fw_cfg"][1:]


def test_without_settings_there_is_no_file():
    assert handed_over() == []


def test_settings_are_lines_in_their_order_and_commas_are_kept():
    assert handed_over(config=("modules=sum,primes", " iterations = 3 ")) == [
        "name=opt/bareflow/config,string=modules = sum,,primes\niterations = 3\n"
    ]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"interactive": True}, "interactive = yes\n"),
        ({"keys": ("q",)}, "interactive = yes\n"),
        ({"profile": Path("out.json")}, "export = yes\n"),
        ({"dump": Path("out.txt")}, "jit_dump = yes\n"),
    ],
)
def test_options_say_what_their_run_needs(options, line):
    assert BootOptions(Path("disk.img"), config=("iterations=3",), **options).host_config == "iterations = 3\n" + line


def test_setting_that_an_option_decides_is_refused():
    with pytest.raises(UsageError, match="'export=no' is not free: the run needs export = yes; leave it out"):
        BootOptions(Path("disk.img"), config=("export=no",), profile=Path("out.json"))
    assert BootOptions(Path("disk.img"), config=("export=no",)).host_config == "export = no\n"


@pytest.mark.parametrize(
    "setting", ["", "iterations", "=3", "iterations=", "a=b\nc=d", "a=\t", "a=é", "a=b # c", "a\0=b"]
)
def test_what_is_no_setting_is_refused(setting):
    with pytest.raises(UsageError, match="is no KEY=VALUE in printable ASCII without #; such as iterations=100"):
        BootOptions(Path("disk.img"), config=(setting,))


def test_exactly_what_the_kernel_reads_is_accepted():
    room = HOST_CONFIG_MAX - len("modules = \n")
    assert len(BootOptions(Path("disk.img"), config=("modules=" + "a" * room,)).host_config) == HOST_CONFIG_MAX
    with pytest.raises(UsageError, match="the settings take 1025 bytes, the kernel reads 1024; put some into"):
        BootOptions(Path("disk.img"), config=("modules=" + "a" * (room + 1),))


def test_keys_are_typed_or_given_beforehand():
    with pytest.raises(UsageError, match="not both"):
        BootOptions(Path("disk.img"), interactive=True, keys=("q",))
