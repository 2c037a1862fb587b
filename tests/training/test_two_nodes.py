"""One training on two nodes, by torchrun: two network namespaces joined by a cable.

It needs the right to make them and takes a minute or two, so it runs only where asked for:
`pytest -m slow tests/training/test_two_nodes.py`.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from builders import seeds_study
from builders.seeds_study import MODULES, Study, in_processes
from builders.waiting import until

pytestmark = pytest.mark.slow
NODES = {"gfmn-a": "10.213.7.1", "gfmn-b": "10.213.7.2"}  # namespaces and addresses
CABLE = "cable"  # its name at both ends
LAST = 120.0  # seconds for what takes a few
STEPS = 60  # more than are done before a cable is pulled


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def nodes() -> Iterator[None]:
    """The namespaces, with a loopback and one end of the cable each."""
    if not shutil.which("ip"):
        pytest.skip("no ip: Debian's package iproute2 is not installed")
    with ExitStack() as stack:
        for node in NODES:
            try:
                ip("netns", "add", node)
            except subprocess.CalledProcessError as error:
                pytest.skip(f"no right to make a network namespace: {error.stderr.decode()}")
            stack.callback(ip, "netns", "del", node)
        first, second = NODES
        ends = ("type", "veth", "peer", "name", CABLE, "netns", second)
        ip("link", "add", CABLE, "netns", first, *ends)
        for node, address in NODES.items():
            ip("-n", node, "addr", "add", f"{address}/24", "dev", CABLE)
            for link in (CABLE, "lo"):
                ip("-n", node, "link", "set", link, "up")
        yield


def start(study: Study, node: str) -> subprocess.Popen[bytes]:
    """Start torchrun on a node, in the study's folder, which both see; one process there."""
    host, address = NODES["gfmn-a"], NODES[node]
    environment = {
        **os.environ,
        "PYTHONPATH": MODULES,
        "GLOO_SOCKET_IFNAME": CABLE,
        "OMP_NUM_THREADS": "1",
    }
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2"]
    torchrun += ["--nproc-per-node", "1", "--rdzv-backend", "c10d", "--rdzv-id", study.folder.name]
    torchrun += ["--rdzv-endpoint", f"{host}:29500", "--local-addr", address]
    # Both have this machine's name, by which torchrun would look for the host.
    torchrun += ["--rdzv-conf", f"is_host={str(address == host).lower()}"]
    command = ["ip", "netns", "exec", node, *torchrun, seeds_study.__file__, "x"]
    with (study.folder / f"{node}.log").open("ab") as log:
        return subprocess.Popen(command, cwd=study.folder, env=environment, stdout=log, stderr=log)


def ended(study: Study, agents: list[subprocess.Popen[bytes]]) -> list[int]:
    """The exit codes of both nodes; what they wrote where they do not end."""
    end = time.monotonic() + LAST
    try:
        return [agent.wait(max(0.0, end - time.monotonic())) for agent in agents]
    except subprocess.TimeoutExpired:
        for agent in agents:
            agent.kill()
        pytest.fail("\n".join(log(study, node) for node in NODES))


def log(study: Study, node: str) -> str:
    return (study.folder / f"{node}.log").read_text()


def on_both(study: Study) -> list[subprocess.Popen[bytes]]:
    return [start(study, node) for node in NODES]


def has_begun(study: Study) -> bool:
    """Whether several steps are done."""
    history = study.folder / "reports/history/x/seed-3.tsv"
    return history.is_file() and len(history.read_text().splitlines()) > 5


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files of two processes on this node alone."""
    study = Study(tmp_path_factory.mktemp("whole") / "study")
    with pytest.MonkeyPatch.context() as patch:
        in_processes(patch)
        patch.chdir(study.folder)
        return study.train([3], processes=2, steps=STEPS)


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nodes: None) -> Study:
    study = Study(tmp_path / "study")
    monkeypatch.chdir(study.folder)
    study.write([3], processes=2, steps=STEPS)
    return study


def test_two_nodes_leave_the_bytes_of_one(study: Study, whole: dict[str, str]) -> None:
    assert ended(study, on_both(study)) == [0, 0]
    assert study.files() == whole


def test_two_nodes_stopped_on_one_resume_to_the_same_bytes(
    study: Study, whole: dict[str, str]
) -> None:
    agents = on_both(study)
    until(lambda: has_begun(study))
    agents[1].send_signal(signal.SIGTERM)
    assert 0 not in ended(study, agents)
    assert ended(study, on_both(study)) == [0, 0]
    assert study.files() == whole
    assert "resuming from step" in log(study, "gfmn-a")


def test_two_nodes_end_without_their_cable_and_resume_with_it(
    study: Study, whole: dict[str, str]
) -> None:
    agents = on_both(study)
    until(lambda: has_begun(study))
    ip("-n", "gfmn-b", "link", "set", CABLE, "down")
    until(lambda: all("expected a sign of life" in log(study, node) for node in NODES))
    ip("-n", "gfmn-b", "link", "set", CABLE, "up")
    for agent in agents:
        agent.terminate()  # torchrun itself waits for the other for minutes
    assert 0 not in ended(study, agents)
    assert ended(study, on_both(study)) == [0, 0]
    assert study.files() == whole
