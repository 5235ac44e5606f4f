"""What both proxies must do. Every test runs on each of them."""

import collections
import re
import signal
import socket
import ssl
import time
import unittest
import uuid

from lab import MIB, ROOT, Lab, eventually
from local_cluster import free_ports
from people import Person, create_connection, receive, say
from proxies import Haproxy, Nginx
from witness import Witness

# Longer than the proxies' timeouts (75 s), which only the heartbeat (25 s) keeps from closing it.
QUIET = 80
FILE_MAX = 50 * MIB
lab = None
proxies = {}


def setUpModule():
    global lab
    ports = free_ports(4)
    lab = Lab(proxies=[ports[1], ports[3]])
    unittest.addModuleCleanup(lab.stop)
    lab.start()
    for kind, http, https in ((Nginx, *ports[:2]), (Haproxy, *ports[2:])):
        proxies[kind] = kind(lab, http, https)
        unittest.addModuleCleanup(proxies[kind].stop)


class Contract:
    @classmethod
    def setUpClass(cls):
        cls.proxy = proxies[cls.kind]
        eventually("a gateway is found", lambda: Person(cls.proxy).request("GET", "/readyz").status == 200)
        cls.person = Person(cls.proxy, cookie="first").register()
        cls.room = cls.person.api("POST", "/rooms", {"name": "Room", "kind": "public"})["id"]
        cls.quiet = cls.person.with_cookie("quiet").socket()
        cls.quiet_since = time.monotonic()
        # What goes on is read meanwhile, as every client does.
        cls.quiet_read = cls.quiet.read_on()

    @classmethod
    def tearDownClass(cls):
        cls.quiet.close()

    def browsers(self, count):
        return [self.person.with_cookie(uuid.uuid4().hex) for _ in range(count)]

    def browser_on(self, node):
        """A browser whose cookie brings it to this gateway."""
        return next(b for b in iter(lambda: self.browsers(1)[0], None) if b.node() == node)

    def node_other_than_quiet(self):
        return next(node for node in lab.gateways if node != self.quiet.node)

    # TLS

    def test_http_is_sent_to_https(self):
        with socket.create_connection(("127.0.0.1", self.proxy.http), timeout=5) as plain:
            plain.sendall(b"GET /join/abc?x=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = plain.makefile("rb").read().decode()
        self.assertRegex(answer, r"^HTTP/1\.1 308 ")
        self.assertRegex(answer, r"(?im)^location: https://localhost/join/abc\?x=1\r$")

    def handshake(self, **versions):
        context = ssl.create_default_context(cafile=str(lab.certificate.cert))
        # This side would not even ask for what is old.
        context.set_ciphers(versions.pop("ciphers", "ALL:@SECLEVEL=0"))
        for name, version in versions.items():
            setattr(context, name, version)
        with context.wrap_socket(create_connection(self.proxy.https, 5), server_hostname="localhost") as s:
            return s.version(), s.cipher()[0]

    def test_tls_1_2_and_1_3_are_spoken_and_nothing_older(self):
        one_one, one_two = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2
        self.assertEqual(self.handshake()[0], "TLSv1.3")
        self.assertEqual(self.handshake(maximum_version=one_two)[0], "TLSv1.2")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.handshake(minimum_version=ssl.TLSVersion.TLSv1, maximum_version=one_one)

    def test_ciphers_without_forward_secrecy_or_authentication_are_refused(self):
        one_two = ssl.TLSVersion.TLSv1_2
        for ciphers in ("ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-SHA384"):
            with self.subTest(ciphers), self.assertRaises((ssl.SSLError, ConnectionError)):
                self.handshake(maximum_version=one_two, ciphers=f"{ciphers}:@SECLEVEL=0")

    def test_no_header_comes_twice(self):
        for path in ("/", "/api/v1/me", "/api/v1/rooms", "/nothing/there.js", "/readyz"):
            answer = self.person.request("GET", path)
            names = collections.Counter(name.lower() for name, _ in answer.headers)
            twice = [name for name, count in names.items() if count > 1 and name not in ("set-cookie", "vary")]
            self.assertEqual(twice, [], path)
            self.assertRegex(answer.header("strict-transport-security"), r"^max-age=\d{7,}")
            if path.startswith("/api"):
                self.assertEqual(answer.header("x-content-type-options"), "nosniff", path)

    # Who comes where

    def test_a_cookie_leads_sockets_and_requests_to_one_gateway(self):
        browser = self.browsers(1)[0]
        nodes = [browser.node() for _ in range(10)]
        self.assertEqual(set(nodes), {nodes[0]})
        route = "/api/v1/me/sessions"
        before = {node: lab.requests(node, route) for node in lab.gateways}
        for _ in range(10):
            browser.api("GET", "/me/sessions")
        more = {node: lab.requests(node, route) - before[node] for node in lab.gateways}
        self.assertEqual(more, {node: 10 if node == nodes[0] else 0 for node in lab.gateways})

    def test_without_a_cookie_an_address_leads_to_one_gateway(self):
        elsewhere = [self.person.with_cookie(None) for _ in range(20)]
        nodes = [{person.node() for _ in range(3)} for person in elsewhere]
        self.assertEqual([len(seen) for seen in nodes], [1] * len(nodes))
        self.assertEqual(set.union(*nodes), set(lab.gateways), "addresses are not spread")

    def test_cookies_are_spread_over_all_gateways(self):
        shares = collections.Counter(browser.node() for browser in self.browsers(60))
        self.assertEqual(set(shares), set(lab.gateways))
        self.assertGreater(min(shares.values()), 5, shares)

    def test_what_a_gateway_is_told_of_a_request_can_not_be_made_up(self):
        claims = {
            "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "gopher", "X-Request-Id": "{mine}",
        }  # fmt: skip
        with Witness() as witness:
            proxy = self.kind(lab, *free_ports(2), gateways={"witness": witness.port})
            try:
                person = Person(proxy)
                eventually("it is up", lambda: person.request("GET", "/readyz").status == 200)
                seen = person.request("GET", "/api/v1/me", headers=claims).json()
            finally:
                proxy.stop()
        # HUBBUB_TRUSTED_PROXIES=1: the gateway believes the last one.
        forwarded = ",".join(value for name, value in seen if name == "x-forwarded-for").split(",")
        self.assertEqual(forwarded[-1].strip(), person.address)
        self.assertEqual([v for name, v in seen if name == "x-forwarded-proto"], ["https"])
        self.assertEqual([v for name, v in seen if name == "host"], [f"localhost:{proxy.https}"])
        (request_id,) = [v for name, v in seen if name == "x-request-id"]
        self.assertRegex(request_id, r"^[0-9a-f-]{32,36}$")

    # Sockets

    def test_a_socket_speaks_both_ways(self):
        with self.browsers(1)[0].socket() as there:
            self.assertEqual(there.subprotocol, "hubbub.v1")
            say(there, self.room)

    def test_the_upgrade_is_refused_in_the_gateway_s_words(self):
        answer = self.person.request("GET", "/ws")
        self.assertEqual(answer.json()["code"], "upgrade_required")

    def test_zz_a_quiet_socket_stays_open(self):
        left = self.quiet_since + QUIET - time.monotonic()
        time.sleep(max(0, left))
        self.assertFalse(self.quiet_read.done(), "the proxy has closed it")
        with self.browsers(1)[0].socket() as there:
            say(there, self.room)

    # Files

    def upload(self, body, headers=None):
        path = f"/api/v1/rooms/{self.room}/attachments?name=file.bin"
        headers = {"Content-Type": "application/x-hubbub-test", **(headers or {})}
        return self.person.request("POST", path, body, headers, timeout=120)

    def test_the_largest_file_passes(self):
        content = bytes(range(256)) * (FILE_MAX // 256)
        answer = self.upload(content)
        self.assertEqual(answer.status, 201, answer.body[:500])
        back = self.person.request("GET", f"/api/v1/attachments/{answer.json()['id']}")
        self.assertEqual((back.status, len(back.body)), (200, FILE_MAX))
        self.assertTrue(back.body == content, "other bytes came back")

    def assert_refused_by_gateway(self, answer):
        self.assertEqual(answer.status, 413, answer.body[:500])
        self.assertEqual(answer.header("content-type"), "application/problem+json")
        self.assertEqual(answer.json()["code"], "payload_too_large")

    def test_a_larger_file_is_refused_in_the_gateway_s_words(self):
        self.assert_refused_by_gateway(self.upload(b"x" * (FILE_MAX + 1)))

    def test_a_larger_file_of_unknown_length_is_refused_in_the_gateway_s_words(self):
        chunks = (b"x" * MIB for _ in range(FILE_MAX // MIB + 1))
        self.assert_refused_by_gateway(self.upload(chunks))

    def test_other_bodies_that_are_too_large_are_refused_in_the_gateway_s_words(self):
        answer = self.person.request("POST", "/api/v1/rooms", {"name": "x" * 3 * MIB, "kind": "public"})
        self.assert_refused_by_gateway(answer)

    # Gateways that go

    def test_a_killed_gateway_is_left_within_seconds(self):
        victim = self.node_other_than_quiet()
        browsers = [self.browser_on(victim) for _ in range(5)]
        lab.kill(victim)
        try:
            began = time.monotonic()
            for browser in browsers:
                self.assertNotEqual(browser.node(), victim)
                self.assertEqual(browser.request("GET", "/api/v1/rooms").status, 200)
            self.assertLess(time.monotonic() - began, 5)
        finally:
            lab.restart(victim)
        eventually("its clients come back to it", lambda: {b.node() for b in browsers} == {victim})

    def test_a_gateway_that_stops_hands_its_clients_over(self):
        leaving = self.node_other_than_quiet()
        browser = self.browser_on(leaving)
        old = browser.socket()
        lab.gateways[leaving].process.send_signal(signal.SIGTERM)
        try:
            receive(old, "goaway")
            # Make before break: the new socket is there while the old one still is.
            with browser.socket() as new:
                self.assertNotEqual(new.node, leaving)
                say(old, self.room)
                say(new, self.room)
                self.assertEqual(browser.request("GET", "/api/v1/rooms").status, 200)
                old.close()
                lab.gateways[leaving].process.wait(15)
                say(new, self.room)
        finally:
            lab.restart(leaving)
        eventually("its clients come back to it", lambda: browser.node() == leaving)

    def test_a_removed_gateway_keeps_its_sockets_and_gets_no_more(self):
        removed = self.node_other_than_quiet()
        others = [browser for browser in self.browsers(30)]
        before = {browser: browser.node() for browser in others}
        browser = self.browser_on(removed)
        with browser.socket() as old:
            self.proxy.remove(removed)
            try:
                # A reloaded nginx still accepts some with its old workers.
                eventually(
                    "new sockets go elsewhere",
                    lambda: all(browser.node() != removed for _ in range(5)),
                )
                say(old, self.room)
                after = {browser: browser.node() for browser in others}
                moved = [b for b in others if before[b] != removed and after[b] != before[b]]
                self.assertEqual(len(moved), 0, "others were moved as well")
                self.assertNotIn(removed, after.values())
            finally:
                self.proxy.bring_back(removed)
        eventually("it gets its share again", lambda: browser.node() == removed)

    def test_zzz_without_gateways_the_answer_is_a_problem_document(self):
        for node in lab.gateways:
            lab.kill(node)
        try:
            answer = eventually(
                "the proxy answers for itself",
                lambda: (a := Person(self.proxy).request("GET", "/api/v1/me")).status == 503 and a,
            )
            self.assertEqual(answer.header("content-type"), "application/problem+json")
            self.assertEqual(answer.json()["code"], "unavailable")
            self.assertGreater(answer.json()["retry_after_ms"], 0)
        finally:
            for node in lab.gateways:
                lab.restart(node)


class NginxTest(Contract, unittest.TestCase):
    kind = Nginx

    def test_timeouts_and_limits_fit_those_of_the_gateway(self):
        text = (ROOT / "nginx/hubbub.conf").read_text()
        sockets = text.split("location = /ws {")[1].split("}")[0]
        read, sent = (re.search(rf"proxy_{kind}_timeout (\d+)s;", sockets)[1] for kind in ("read", "send"))
        heartbeat = int(default_of("HUBBUB_HEARTBEAT").removesuffix("s"))
        self.assertGreaterEqual(min(int(read), int(sent)), 2 * heartbeat)
        rest = int(re.search(r"location / \{[^}]*proxy_read_timeout (\d+)s;", text)[1])
        self.assertGreater(rest, int(default_of("HUBBUB_REQUEST_TIMEOUT").removesuffix("s")))
        self.assertEqual(re.findall(r"client_max_body_size (\w+);", text), ["0"])
        self.assertEqual(default_of("HUBBUB_ATTACHMENT_BYTES"), f"{FILE_MAX // MIB}MiB")


class HaproxyTest(Contract, unittest.TestCase):
    kind = Haproxy

    def test_timeouts_fit_those_of_the_gateway(self):
        text = (ROOT / "haproxy/hubbub.cfg").read_text()
        tunnel = int(re.search(r"timeout tunnel (\d+)s", text)[1])
        self.assertGreaterEqual(tunnel, 2 * int(default_of("HUBBUB_HEARTBEAT").removesuffix("s")))
        server = int(re.search(r"timeout server (\d+)s", text)[1])
        self.assertGreater(server, int(default_of("HUBBUB_REQUEST_TIMEOUT").removesuffix("s")))


def default_of(setting):
    """The default of a gateway's setting, as the generated reference has it."""
    text = (ROOT / "docs/SETTINGS.md").read_text()
    return re.search(rf"^\| `{setting}`[^|]*\|[^|]*\| `([^`]*)` \|", text, re.MULTILINE)[1]
