"""Progress: plain lines where nobody watches, a bar on a terminal."""

import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios

from gfmn.common.progress import Progress

SCRIPT = """
from gfmn.common.progress import Progress
with Progress("train a", 4, "steps") as progress:
    for i in range(4):
        progress.advance(1, loss=3.5)
"""


def test_elsewhere_than_on_a_terminal_it_prints_plain_lines_with_rate_loss_and_time_left() -> None:
    stream = io.StringIO()
    with Progress("train a", 3, "steps", every=0, stream=stream) as progress:
        for _ in range(3):
            progress.advance(1, loss=12.5)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4 and lines[0].startswith("train a: 1/3 steps, ")
    assert all("/s, " in line and "s left" in line and "loss 12.5" in line for line in lines)
    assert "\r" not in stream.getvalue()


def test_on_a_terminal_it_draws_a_bar_with_rate_and_loss() -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    subprocess.run([sys.executable, "-c", SCRIPT], stderr=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    assert "train a: 100%" in shown and "4/4" in shown
    assert "steps/s" in shown and "loss 3.5" in shown and "\r" in shown
