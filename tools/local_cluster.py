"""What tools that run a cluster of their own share: `tools/cluster` as a module, free ports, and a
network namespace in which connections are cheap whatever else is set up on the machine.
"""

import importlib.machinery
import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def load():
    loader = importlib.machinery.SourceFileLoader("cluster", str(ROOT / "tools/cluster"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("cluster", loader))
    loader.exec_module(module)
    return module


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def enter_namespace(inside):
    """Runs this script again in a network namespace of its own, if that may be made; the environment
    variable `inside` is set there."""
    if inside in os.environ or not shutil.which("unshare") or not shutil.which("ip"):
        return
    prepare = (
        "ip link set lo up"
        " && echo 8192 > /proc/sys/net/core/somaxconn"
        " && echo 10000 65535 > /proc/sys/net/ipv4/ip_local_port_range"
    )
    if subprocess.run(["unshare", "-n", "sh", "-c", prepare], capture_output=True).returncode:
        return
    command = ["unshare", "-n", "sh", "-c", prepare + ' && exec "$0" "$@"', *sys.argv]
    os.environ[inside] = "1"
    os.execvp("unshare", command)


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def machine(inside):
    """What results are told with. `inside` as for `enter_namespace`."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "kernel": platform.release().split("-")[0],
        "network_namespace": inside in os.environ,
    }
