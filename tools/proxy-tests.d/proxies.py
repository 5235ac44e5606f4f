"""nginx and HAProxy with the configurations of the project. Only ports and paths are replaced."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from lab import ROOT, cluster


def replace(text, old, new):
    """Fails when the configuration no longer has what a test is about to replace."""
    assert old in text, f"{old!r} is not in the configuration any more"
    return text.replace(old, new)


class Proxy:
    """One running proxy. `http` and `https` are its ports."""

    def __init__(self, lab, http, https, gateways=None):
        """`gateways` are names and ports; those of the lab if absent."""
        self.lab, self.http, self.https = lab, http, https
        self.gateways = gateways or {node: lab.port_of(node) for node in lab.gateways}
        self.directory = Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=lab.options.state))
        self.configure()
        self.server = cluster.Server(self.name, self.command(), self.directory / "log")
        self.await_port()

    def await_port(self):
        deadline = time.monotonic() + 15
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.https), timeout=1).close()
            except OSError:
                self.server.check()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def stop(self):
        self.server.stop(hard=False)
        self.server.wait_stopped(time.monotonic() + 5)


class Nginx(Proxy):
    name = "nginx"

    def configure(self):
        source, own = ROOT / "nginx", self.directory
        (own / "hubbub").mkdir()
        (own / "temp").mkdir()
        shutil.copy(source / "hubbub.conf", own)
        shutil.copy(source / "hubbub/tls.conf", own / "hubbub")
        listen = (source / "hubbub/listen-tls.conf").read_text()
        listen = replace(listen, "listen [::]:443 ssl http2;\n", "")
        listen = replace(listen, "listen 443 ", f"listen 127.0.0.1:{self.https} ")
        certificate = self.lab.certificate
        listen = replace(listen, "/etc/ssl/chat.example.pem", str(certificate.cert))
        listen = replace(listen, "/etc/ssl/private/chat.example.key", str(certificate.key))
        listen = replace(listen, "server_name chat.example;", "server_name localhost;")
        (own / "hubbub/listen.conf").write_text(listen)
        redirect = (source / "redirect.conf").read_text()
        redirect = replace(redirect, "    listen [::]:80;\n", "")
        redirect = replace(redirect, "listen 80;", f"listen 127.0.0.1:{self.http};")
        (own / "redirect.conf").write_text(redirect)
        self.write_upstreams(removed=None)
        temporary = "".join(
            f"{kind}_temp_path {own}/temp/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = f"user {os.environ.get('USER', 'root')};\n" if os.geteuid() == 0 else ""
        (own / "nginx.conf").write_text(
            f"{user}daemon off; pid {own}/nginx.pid; error_log stderr warn; worker_processes 1;\n"
            "events { worker_connections 2048; }\n"
            f"http {{ access_log off; {temporary} include hubbub.conf; include redirect.conf; }}\n"
        )

    def write_upstreams(self, removed):
        """The `server` lines of the project, for as many gateways as there are."""
        for name in ("upstreams.conf", "socket-upstreams.conf"):
            line = next(
                line
                for line in (ROOT / "nginx/hubbub" / name).read_text().splitlines()
                if line.startswith("server gateway-1:8080")
            )
            lines = [
                line.replace("gateway-1:8080", f"127.0.0.1:{port}").replace(
                    ";", " down;" if node == removed else ";"
                )
                for node, port in self.gateways.items()
            ]
            (self.directory / "hubbub" / name).write_text("\n".join(lines) + "\n")

    def command(self):
        own = self.directory
        return [cluster.find("nginx"), "-c", own / "nginx.conf", "-p", own, "-e", "stderr"]

    def remove(self, node):
        self.write_upstreams(removed=node)
        subprocess.run([*self.command(), "-s", "reload"], check=True, capture_output=True)

    def bring_back(self, _node):
        self.remove(None)


class Haproxy(Proxy):
    name = "haproxy"

    def configure(self):
        text = (ROOT / "haproxy/hubbub.cfg").read_text()
        self.control = self.directory / "control"
        text = replace(text, "/run/haproxy/hubbub.sock", str(self.control))
        text = replace(text, "/etc/haproxy/chat.example.pem", str(self.lab.certificate.both))
        text = replace(text, "bind :80\n", f"bind 127.0.0.1:{self.http}\n")
        text = replace(text, "bind :443 ", f"bind 127.0.0.1:{self.https} ")
        text = replace(text, "maxconn 50000", "maxconn 2000")
        text = replace(text, "    server gateway-2 gateway-2:8080\n", "")
        servers = "".join(
            f"    server {node} 127.0.0.1:{port}\n" for node, port in self.gateways.items()
        )
        text = replace(text, "    server gateway-1 gateway-1:8080\n", servers)
        (self.directory / "hubbub.cfg").write_text(text)

    def command(self):
        return [cluster.find("haproxy"), "-db", "-f", self.directory / "hubbub.cfg"]

    def tell(self, command):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.control))
            control.sendall(command.encode() + b"\n")
            answer = control.makefile().read().strip()
        assert not answer, answer

    def remove(self, node):
        self.tell(f"set server gateways/{node} state drain")

    def bring_back(self, node):
        self.tell(f"set server gateways/{node} state ready")
