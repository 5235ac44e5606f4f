"""A cluster of three gateways without a proxy, made of the parts of tools/cluster."""

import os
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import local_cluster

ROOT = Path(__file__).resolve().parent.parent.parent
GATEWAYS = 3
MIB = 1024 * 1024


cluster = local_cluster.load()


def eventually(what, check, within=15):
    """Waits until `check` returns something true, and returns it."""
    deadline = time.monotonic() + within
    while not (result := check()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within} s: {what}")
        time.sleep(0.05)
    return result


class Lab:
    def __init__(self, proxies):
        """`proxies` are the https ports through which people will come."""
        self.directory = tempfile.TemporaryDirectory(prefix="hubbub-proxies-")
        state = Path(self.directory.name)
        redis, mongodb, worker, *rest = local_cluster.free_ports(3 + 2 * GATEWAYS)
        self.ports, self.admin_ports = rest[:GATEWAYS], rest[GATEWAYS:]
        ports = {}
        for i in range(GATEWAYS):
            ports[f"gateway {i + 1}"] = self.ports[i]
            ports[f"gateway {i + 1} admin"] = self.admin_ports[i]
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        public, *others = [f"https://localhost:{port}" for port in proxies]
        self.options = SimpleNamespace(
            state=state, gateways=GATEWAYS, ports=ports, redis_port=redis, mongodb_port=mongodb,
            worker_admin_port=worker, binaries=target / "debug",
            settings={
                "HUBBUB_PUBLIC_URL": public,
                "HUBBUB_ORIGINS": ",".join(others),
                "HUBBUB_TRUSTED_PROXIES": "1",
                "HUBBUB_DRAIN": "3s",
                "HUBBUB_SHUTDOWN_GRACE": "12s",
                "HUBBUB_MAX_CONNECTIONS_PER_USER": "1000",
            },
        )  # fmt: skip
        self.cluster = cluster.Cluster(self.options)
        self.certificate = make_certificate(state)

    def start(self):
        c, options = self.cluster, self.options
        c.prepare()
        c.start_group(c.redis(), lambda _: cluster.redis_answers(options.redis_port))
        c.start_group(c.mongod(), lambda _: cluster.mongodb_answers(options.mongodb_port))
        c.await_primary()
        c.start_group(c.worker(), lambda _: cluster.ready(options.worker_admin_port))
        c.start_group(
            [c.gateway(i) for i in range(GATEWAYS)], lambda i: cluster.ready(self.admin_ports[i])
        )
        self.gateways = {f"gateway-{i + 1}": c.groups[-1][i] for i in range(GATEWAYS)}

    def port_of(self, node):
        return self.ports[int(node.split("-")[1]) - 1]

    def kill(self, node):
        self.gateways[node].process.kill()
        self.gateways[node].process.wait()

    def restart(self, node):
        """Starts a gateway that has ended, and waits until it is ready."""
        gateway = self.gateways[node]
        gateway.process.wait(20)
        gateway.start("ab")
        admin = self.admin_ports[int(node.split("-")[1]) - 1]
        eventually(f"{node} is ready", lambda: cluster.ready(admin) is None, 30)

    def requests(self, node, route):
        """How many requests of a route this gateway has answered."""
        admin = self.admin_ports[int(node.split("-")[1]) - 1]
        with urllib.request.urlopen(f"http://127.0.0.1:{admin}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        wanted = [l for l in lines if l.startswith("hubbub_http_requests_total{") and f'route="{route}"' in l]
        return sum(float(line.rsplit(" ", 1)[1]) for line in wanted)

    def stop(self):
        self.cluster.stop()
        self.directory.cleanup()


def make_certificate(directory):
    """A certificate for localhost that signs itself: paths of the certificate, the key, and both."""
    cert, key, both = (directory / name for name in ("cert.pem", "key.pem", "both.pem"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    both.write_text(cert.read_text() + key.read_text())
    return SimpleNamespace(cert=cert, key=key, both=both)
