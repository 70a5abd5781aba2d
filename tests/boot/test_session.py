"""Each way a run can end gets its verdict, told by stand-ins for QEMU."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bfimg.boot import BootOptions, BootReport, ModuleResult, boot, session
from bfimg.errors import BusyError, InputError, ToolError, UsageError
from bfimg.image.store import Store

BOOT_LINE = 'event("boot", nonce=nonce)\n'
DONE_LINE = 'event("done")\n'


@pytest.fixture
def run(fake_qemu: Callable[[str], str], disk: Path) -> Callable[..., BootReport]:
    """Function that boots the disk in a stand-in with this body."""

    def run_body(body: str, **options: object) -> BootReport:
        return boot(BootOptions(disk, qemu=fake_qemu(body), **options))

    return run_body


def test_good_run_passes(run, good_run):
    report = run(good_run, expect=("SUM +OK", '"event": "done"'))
    assert report.passed
    assert report.reason == "1 module"
    assert (report.qemu_status, report.exit_value, report.boot_error) == (33, "PASSED", None)
    assert report.nonce_echoed and not report.timed_out
    assert [event["event"] for event in report.events] == ["boot", "module", "done"]
    assert report.modules == (
        ModuleResult("sum", "/SUM.MOD", "disk", "native", "passed", None, None, 7, 7, 1234, None, None, None, None),
    )
    assert [expectation.line for expectation in report.expected] == [
        "SUM OK",
        '@@ {"event": "done", "passed": 1, "failed": 0}',
    ]
    assert 0 < report.seconds < 10


def test_each_run_has_its_own_nonce(run, good_run):
    assert run(good_run).events[0]["nonce"] != run(good_run).events[0]["nonce"]


def test_module_not_yet_executable_is_counted_but_does_not_fail(run):
    report = run(BOOT_LINE + 'module()\nmodule("not yet executable")\n' + DONE_LINE + "sys.exit(33)")
    assert report.passed
    assert report.reason == "1 module, 1 not yet executable"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            'event("boot", nonce="other")\nevent("done")\nsys.exit(33)',
            "not prove that it booted: its boot line",
        ),
        ('event("boot")\nevent("done")\nsys.exit(33)', "not prove that it booted: its boot line"),
        ("sys.exit(33)", "not prove that it booted: it sent no boot line"),
        (BOOT_LINE + "sys.exit(33)", "no done line"),
        (BOOT_LINE + DONE_LINE + "sys.exit(35)", "the kernel reported failure"),
        (BOOT_LINE + 'event("done", volumes=0)\nsys.exit(35)', "the kernel reported failure: volumes 0"),
        (BOOT_LINE + DONE_LINE + "sys.exit(37)", "the kernel ended by a fault"),
        (BOOT_LINE + 'event("fault", vector=14, cr2=0xDEAD)\nsys.exit(37)', "a fault: vector 14, cr2 0xdead"),
        (BOOT_LINE + 'event("fault", vector=0)\n' + DONE_LINE + "sys.exit(33)", "a fault: vector 0"),
        (BOOT_LINE + 'module("failed")\n' + DONE_LINE + "sys.exit(35)", "1 of 1 modules failed: sum"),
        (
            BOOT_LINE + 'event("fault", module="", vector=0)\n' + DONE_LINE + "sys.exit(33)",
            "the kernel reported a fault: ",
        ),
        (
            BOOT_LINE
            + 'event("fault", module="sum", vector=32)\nmodule("stopped", reason="time limit")\n'
            + DONE_LINE
            + "sys.exit(35)",
            "1 of 1 modules stopped: sum (time limit)",
        ),
        (BOOT_LINE + 'module("stopped")\n' + DONE_LINE + "sys.exit(33)", "1 of 1 modules stopped: sum"),
        (BOOT_LINE + 'module("failed")\n' + DONE_LINE + "sys.exit(33)", "1 of 1 modules failed: sum"),
        (BOOT_LINE + 'module("invalid", name="")\n' + DONE_LINE + "sys.exit(35)", "invalid: /SUM.MOD"),
        (BOOT_LINE + 'say("@@ {oops")\n' + DONE_LINE + "sys.exit(33)", "1 malformed machine line: @@ {oops"),
        (
            BOOT_LINE
            + 'event("config", file="opt/bareflow/config", line=1, problem="why")\n'
            + DONE_LINE
            + "sys.exit(33)",
            "the kernel refused setting 1: why",
        ),
        (
            BOOT_LINE + 'event("config", module="summ", problem="no such module")\n' + DONE_LINE + "sys.exit(35)",
            "no module of this name: summ",
        ),
        (BOOT_LINE + DONE_LINE + "sys.exit(0x3F)", "unknown value 0x1f"),
        ("sys.exit(0x85)", "boot error 2: stage 2 has no descriptor"),
        ("sys.exit(0xFF)", "boot error 63: a number this version does not know"),
        ('say("Booting")\nsys.exit(0)', "triple fault) or shut down; last line: Booting"),
        ('sys.stderr.write("qemu: terminating on signal 15")', "stopped from outside: qemu: terminating"),
        ("sys.exit(0)", "QEMU ended without booting anything: no output, as from a boot sector that resets itself"),
        ('sys.stderr.write("qemu 7.2\\nusage")\nsys.exit(0)', "QEMU ended without booting anything: qemu 7.2"),
        (
            'sys.stderr.write("qemu: warning: old CPU\\nqemu: disk is gone\\n")\nsay("up")\nsys.exit(1)',
            "QEMU failed with status 1: qemu: disk is gone",
        ),
        ("sys.exit(1)", "QEMU failed with status 1 and gave no message"),
        (BOOT_LINE + "sys.exit(1)", "the guest ended with the value 0, which means nothing; last line: @@ "),
        (BOOT_LINE + DONE_LINE + "sys.exit(34)", "QEMU failed with status 34"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "QEMU was ended by SIGSEGV"),
    ],
)
def test_failures_name_their_cause(run, body, reason):
    report = run(body)
    assert not report.passed
    assert reason in report.reason
    assert "\n" not in report.reason


def test_qemu_that_refuses_to_start_is_a_tool_error_in_its_own_words(run):
    with pytest.raises(ToolError, match="does not start the machine: qemu: no such CPU; correct what it names"):
        run('sys.stderr.write("qemu: warning: old CPU\\nqemu: no such CPU\\nTry -help\\n")\nsys.exit(1)')


@pytest.mark.parametrize(
    ("modules", "reason"),
    [
        ("", "no modules run"),
        ('module("not yet executable")\n', "no modules run, 1 not yet executable"),
        ('module("unchecked")\n', "1 unchecked"),
    ],
)
def test_run_in_which_no_module_passed_says_so(run, modules, reason):
    report = run(BOOT_LINE + modules + DONE_LINE + "sys.exit(33)")
    assert (report.passed, report.reason) == (True, reason)


def test_boot_error_is_reported_with_its_meaning(run):
    report = run("sys.exit(((0x40 + 9) << 1) | 1)")
    assert (report.exit_value, report.boot_error) == ("BOOT_ERROR", 9)
    assert report.boot_error_meaning == "the CRC of the kernel is wrong"


def test_text_that_was_expected_and_did_not_come_fails_the_run(run, good_run):
    report = run(good_run, expect=("SUM OK", "^FFT"))
    assert not report.passed
    assert report.reason == "not found in the serial output: ^FFT"
    assert [(e.pattern, e.line) for e in report.expected] == [("SUM OK", "SUM OK"), ("^FFT", None)]


def test_expected_text_does_not_end_the_run(run):
    report = run('say("ready")\ntime.sleep(0.3)\nsys.exit(34)', expect=("ready",))
    assert report.reason.startswith("QEMU failed")


def test_time_limit_holds_against_a_qemu_that_ignores_sigterm(run):
    report = run('signal.signal(signal.SIGTERM, signal.SIG_IGN)\nsay("stuck")\ntime.sleep(60)', timeout=3)
    assert report.timed_out and not report.passed
    assert report.reason == "timed out after 3 s; last line: stuck"


def test_run_that_passed_only_by_its_words_times_out(run):
    report = run(BOOT_LINE + DONE_LINE + "time.sleep(60)", timeout=3)
    assert report.nonce_echoed and not report.passed
    assert report.reason.startswith("timed out")


def test_time_limit_without_output_says_so(run):
    assert run("time.sleep(60)", timeout=0.3).reason == "timed out after 0.3 s; no serial output"


def test_flood_is_stopped_at_the_output_limit(run, monkeypatch):
    monkeypatch.setattr(session, "OUTPUT_LIMIT", 100_000)
    report = run('while True: os.write(1, b"flood " * 1000)', timeout=20)
    assert report.reason == "stopped: the serial output exceeded 100,000 bytes"
    assert len(report.transcript) == 100_001  # the cut line gets its line end
    assert report.exit_value is None


def test_bytes_that_are_no_text_are_kept_visible(run, good_run):
    report = run('os.write(1, b"\\xff\\xfe caf\\xc3\\xa9\\r\\n")\n' + good_run)
    assert report.passed
    assert report.transcript.startswith("\\xff\\xfe café\n@@ ")


def test_machine_line_that_is_no_text_is_malformed(run, good_run):
    report = run('os.write(1, b\'@@ {"event": "\\xff"}\\n\')\n' + good_run)
    assert report.malformed == ('@@ {"event": "\\xff"}',)
    assert not report.passed


def test_line_ends_are_dropped_and_the_last_line_needs_none(run):
    report = run('os.write(1, b"one\\r\\ntwo\\n\\nthree")\nsys.exit(1)')
    assert report.transcript == "one\ntwo\n\nthree\n"


def test_lines_come_live(fake_qemu, disk):
    """The guest ends only when its first line has been handed over."""
    seen = disk.with_name("seen")
    body = f'say("first")\nwhile not os.path.exists({str(seen)!r}): time.sleep(0.01)\nsys.exit(1)'
    report = boot(BootOptions(disk, qemu=fake_qemu(body), timeout=120), lambda line: seen.write_text(line))
    assert seen.read_text() == "first"
    assert not report.timed_out


def test_transcript_holds_the_bytes_unchanged(run, tmp_path):
    path = tmp_path / "serial.log"
    run('os.write(1, b"a\\r\\n\\xff\\0b")\nsys.exit(1)', transcript=path)
    assert path.read_bytes() == b"a\r\n\xff\0b"


def test_image_that_is_to_be_written_has_one_writer(fake_qemu, good_run, disk):
    refused = []

    def open_meanwhile(line: str) -> None:
        with pytest.raises(BusyError, match="is being changed by another process"):
            Store.open(disk, write=True)
        refused.append(line)

    options = BootOptions(disk, qemu=fake_qemu(good_run), keep_writes=True)
    assert boot(options, open_meanwhile).passed
    assert refused
    with Store.open(disk, write=True), pytest.raises(BusyError):
        boot(options)
    # A run that writes nothing disturbs nobody.
    with Store.open(disk, write=True):
        assert boot(BootOptions(disk, qemu=fake_qemu(good_run))).passed


@pytest.mark.parametrize("role", ["image", "slave"])
def test_transcript_never_overwrites_a_disk(fake_qemu, good_run, disk, tmp_path, role):
    other = tmp_path / "other.img"
    other.write_bytes(b"data")
    target = disk if role == "image" else other
    link = tmp_path / "link"
    link.symlink_to(target)
    before = target.read_bytes()
    with pytest.raises(UsageError, match="would overwrite"):
        boot(BootOptions(disk, slave=other, transcript=link, qemu=fake_qemu(good_run)))
    assert target.read_bytes() == before


@pytest.mark.parametrize("place", ["missing/serial.log", "."])
def test_transcript_that_cannot_be_written_is_an_error(run, good_run, tmp_path, place):
    with pytest.raises(InputError, match="cannot be written"):
        run(good_run, transcript=tmp_path / place)


def test_full_disk_ends_the_run_with_an_error(run):
    with pytest.raises(InputError, match="No space left"):
        run('say("x")\ntime.sleep(60)', transcript=Path("/dev/full"))


@pytest.mark.parametrize("role", ["image", "slave"])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.mkdir(), "is no disk image"),
        (lambda path: path.touch(), "is empty"),
    ],
)
def test_disk_that_cannot_be_booted_is_named(disk, tmp_path, fake_qemu, good_run, role, make, message):
    bad = tmp_path / "bad.img"
    make(bad)
    disks = {"image": bad} if role == "image" else {"image": disk, "slave": bad}
    with pytest.raises(InputError, match=message) as caught:
        boot(BootOptions(**disks, qemu=fake_qemu(good_run)))
    assert caught.value.path == str(bad)


def test_fifo_as_image_does_not_block(tmp_path, fake_qemu, good_run):
    import os

    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(InputError, match="is no disk image"):
        boot(BootOptions(fifo, qemu=fake_qemu(good_run)))
