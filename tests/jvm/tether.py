"""A child process that can't outlive the process that started it, even if that one is killed with SIGKILL.

The child starts as a shell that leaves a watcher in its own process group and then becomes the command itself, under the
same pid. The watcher waits for the end of a pipe whose other end only we hold: when we go, however, the kernel closes it,
and the watcher kills the group. Chosen over prctl(PR_SET_PDEATHSIG), which fires when the *thread* that forked ends, needs
Python between fork and exec, and is Linux's alone. The group's number can't be given to another process while the watcher
is in it, so a late kill hits nobody else.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

# File 3 is the pipe. A shell gives background commands an empty stdin, hence the copy.
_TETHER = """
exec 3<&0 </dev/null
{ while read -r _; do :; done <&3; kill -s KILL -- "-$$"; } &
exec "$@" 3<&-
"""


class TetheredProcess:
    """`command`, leading a process group of its own, its output appended to the file `log`.

    It runs in the log's folder, so that whatever it leaves lying about stays there; give it absolute paths.
    """

    def __init__(self, command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _TETHER, "tether", *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                cwd=log.parent,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number if a signal ended it."""
        return self._process.poll()

    def wait(self, timeout_s: float | None = None) -> int:
        """The exit code; raises `subprocess.TimeoutExpired` if it still runs after `timeout_s`."""
        return self._process.wait(timeout_s)

    def terminate(self) -> None:
        """Asks the command to end (SIGTERM); the watcher stays until `kill`."""
        self._process.terminate()

    def kill(self) -> None:
        """SIGKILL to the command, its children and the watcher; returns when the command is gone."""
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        pipe.close()
