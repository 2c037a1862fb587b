"""SLURM on this machine: one node of two CPUs, from Debian's `slurm-wlm` and `munge`.

As a script it starts one in a folder, prints its SLURM_CONF and ends with its standard input:
`python tests/slurm/cluster.py FOLDER`.
"""

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")
PATH = f"/usr/sbin{os.pathsep}/sbin{os.pathsep}{os.environ['PATH']}"
CONFIGURATION = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
KillWait=10
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completed
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """The programs that are not installed."""
    return [program for program in PROGRAMS if not shutil.which(program, path=PATH)]


@contextmanager
def cluster(folder: Path) -> Iterator[Path]:
    """A cluster while the context lasts; its slurm.conf, which SLURM_CONF has to name.

    Raises `RuntimeError` with what its daemons wrote where it does not start.
    """
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "munge.key").write_bytes(secrets.token_bytes(128))
    (folder / "munge.key").chmod(0o400)
    configuration = folder / "slurm.conf"
    host = socket.gethostname().partition(".")[0]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    values = {"host": host, "user": getpass.getuser(), "folder": folder, "memory": memory}
    values |= {"ports": _ports()}
    configuration.write_text(CONFIGURATION.format(**values))
    environment = {**os.environ, "PATH": PATH, "SLURM_CONF": str(configuration)}
    munged = ["munged", "--foreground", "--force"]
    for name in ("socket", "key-file", "log-file", "pid-file", "seed-file"):
        munged.append(f"--{name}={folder}/munge.{name.removesuffix('-file')}")
    daemons = (munged, ["slurmctld", "-D"], ["slurmd", "-D"])
    with ExitStack() as stack:
        output = stack.enter_context((folder / "output").open("w"))
        for command in daemons:
            daemon = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            stack.callback(daemon.wait)
            stack.callback(daemon.terminate)
        _wait_for_node(environment, folder)
        try:
            yield configuration
        finally:
            subprocess.run(["scancel", "--me"], env=environment, capture_output=True)


def _ports() -> list[int]:
    """Two that are free."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _wait_for_node(environment: dict[str, str], folder: Path, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    command = ["sinfo", "--noheader", "--format=%T"]
    while time.monotonic() < end:
        answer = subprocess.run(command, env=environment, capture_output=True, text=True)
        if answer.stdout.strip() == "idle":
            return
        time.sleep(0.5)
    written = [path.read_text() for path in (*folder.glob("*.log"), folder / "output")]
    raise RuntimeError("\n".join((answer.stdout + answer.stderr, *written)))


if __name__ == "__main__":
    with cluster(Path(sys.argv[1]).resolve()) as path:
        print(f"export SLURM_CONF={path}", flush=True)
        sys.stdin.read()
