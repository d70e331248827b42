"""What was written is in the file, whole and once, however the process ends."""
import signal
import subprocess

import pytest
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader


@pytest.mark.parametrize("end", ["exit", "crash", "SIGTERM", "SIGINT"])
def test_nothing_is_lost(build_dir, tmp_path, end):
    how = "wait" if end.startswith("SIG") else end
    # What a shell starts in the background inherits that SIGINT is ignored.
    process = subprocess.Popen([build_dir / "bin" / "write_until_killed", tmp_path, how], stdout=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    if how == "wait":
        assert process.stdout.readline() == "ready\n"
        process.send_signal(getattr(signal, end))
    process.wait(timeout=60)
    # The default still happens: the process dies of the signal.
    assert process.returncode == {"exit": 0, "crash": -signal.SIGABRT}.get(end, -getattr(signal, end, 0))
    (path,) = tmp_path.glob("events.out.tfevents.*")
    events = list(LegacyEventFileLoader(str(path)).Load())
    assert [e.step for e in events[1:]] == list(range(1000))
