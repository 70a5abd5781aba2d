"""Keys given beforehand are pressed one by one, each when the kernel waits; too many and too few fail the run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bfimg.boot import BootOptions, BootReport, boot, monitor
from bfimg.errors import ToolError, UsageError

BEGIN = 'begin()\nevent("boot", nonce=nonce)\n'
DONE = 'event("done")\nsys.exit(33)'


@pytest.fixture
def press(fake_qemu: Callable[[str], str], with_monitor: str, disk: Path) -> Callable[..., BootReport]:
    """Function that boots a stand-in of this body, with these keys."""

    def run(body: str, keys: str, **options: object) -> BootReport:
        qemu = fake_qemu(with_monitor + body)
        return boot(BootOptions(disk, qemu=qemu, keys=tuple(keys.split()), **{"timeout": 20, **options}))

    return run


def test_each_key_is_pressed_when_the_kernel_waits(press):
    report = press(BEGIN + "wait_key()\nsay('between')\nwait_key()\nwait_key()\n" + DONE, "b shift-a ret")
    assert report.passed, report.reason
    said = [line for line in report.transcript.splitlines() if not line.startswith("@@")]
    assert said == ["pressed b", "between", "pressed shift+a", "pressed ret"]


def test_kernel_is_told_to_show_its_menu(press):
    report = press("begin()\nsay(repr(arguments))\nsys.exit(33)", "a")
    assert "name=opt/bareflow/config,string=interactive = yes" in report.transcript


def test_keys_that_nobody_waited_for_fail_the_run(press):
    report = press(BEGIN + "wait_key()\n" + DONE, "a b ret")
    assert report.reason == "the kernel did not wait for these keys: b ret"


def test_kernel_that_never_waits_for_keys_is_named_when_the_time_is_up(press):
    report = press(BEGIN + "time.sleep(60)", "a b", timeout=0.8)
    assert report.reason.startswith("timed out after 0.8 s, with these keys not used: a b; last line: @@ ")


def test_kernel_that_waits_for_more_keys_is_ended_at_once(press):
    report = press(BEGIN + "wait_key()\nwait_key()\ntime.sleep(60)", "a")
    assert report.reason == (
        "stopped: the kernel waits for another key, and all keys are used; end the list with the one that ends it"
    )
    assert report.seconds < 10


def test_kernel_that_goes_on_waiting_while_it_is_ended_is_ended_once(press):
    body = BEGIN + "wait_key()\nevent('wait_key')\nevent('wait_key')\nassert monitor()['execute'] == 'quit'\n"
    report = press(body + "channel.settimeout(0.5)\ntry: channel.recv(1)\nexcept OSError: say('silence')", "a")
    assert report.reason.startswith("stopped: the kernel waits")
    assert report.transcript.endswith("silence\n")


@pytest.mark.parametrize(
    ("key", "advice"),
    [("rett", "did you mean ret?"), ("shift-rett", "did you mean ret?"), ("??", "there are: a, b, shift, ret")],
)
def test_key_that_qemu_does_not_know_is_refused_before_the_guest_begins(press, key, advice):
    with pytest.raises(UsageError) as caught:
        press("say('began')\nbegin()", f"a {key}")
    assert str(caught.value) == f"QEMU has no key {key.rpartition('-')[2]!r}; {advice}"


def test_qemu_that_refuses_a_key_is_quoted(press):
    body = BEGIN + "event('wait_key')\nrequests.readline()\ntell(error={'desc': 'no keyboard'})\ntime.sleep(60)"
    with pytest.raises(ToolError, match="QEMU's monitor refuses send-key: no keyboard"):
        press(body, "a")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("requests.write(b'hello\\n')\ntime.sleep(60)", "sent what is no QMP; is this program QEMU"),
        ("requests.write(b'[]\\n')\ntime.sleep(60)", "sent what is no QMP"),
        ("time.sleep(60)", "did not answer within 0.5 s; is this program QEMU"),
        ("tell(QMP={})\nmonitor()\nmonitor([{}])\ntime.sleep(60)", "does not tell the names of its keys"),
    ],
)
def test_program_without_such_a_monitor_is_a_tool_error(press, monkeypatch, body, message):
    monkeypatch.setattr(monitor, "ANSWER_SECONDS", 0.5)
    with pytest.raises(ToolError, match=message):
        press(body, "a")


@pytest.mark.parametrize(
    "body",
    ["", "tell(QMP={})\n", "tell(QMP={})\nmonitor()\n", "begin()\nevent('wait_key')\nrequests.readline()\n"],
    ids=["at once", "greeting", "capabilities", "key"],
)
def test_qemu_that_ends_has_the_last_word(press, body):
    report = press(body + "say('bye')\nsys.exit(35)", "a")
    assert report.reason == "the image did not prove that it booted: it sent no boot line"


def test_qemu_that_refuses_the_machine_is_quoted(press):
    with pytest.raises(ToolError, match="does not start the machine: qemu: no such CPU"):
        press("sys.stderr.write('qemu: no such CPU\\n')\nsys.exit(1)", "a")


def test_no_descriptor_is_left_open(press):
    before = len(list(Path("/proc/self/fd").iterdir()))
    press(BEGIN + "wait_key()\n" + DONE, "a")
    with pytest.raises(UsageError):
        press("begin()", "zz")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
