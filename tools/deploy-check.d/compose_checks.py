"""What must be true of docker-compose.yml and of what goes with it."""

import re
import shutil
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml
from manifests import ROOT, memory, seconds, settings, stop_time, waiting_memory

SECRETS = {
    "REDIS_PASSWORD", "MONGODB_PASSWORD", "MONGODB_ROOT_PASSWORD", "MONGODB_KEY", "HUBBUB_SIGNING_KEYS",
    "GRAFANA_PASSWORD",
}  # fmt: skip


def read_env(path):
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def filled_in(text):
    """The text as it is with none of the variables set; secrets become `secret`."""
    text = re.sub(r"\$\{(\w+):\?[^}]*\}", "secret", text)
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


class Compose(unittest.TestCase):
    def setUp(self):
        self.text = (ROOT / "docker-compose.yml").read_text()
        self.services = yaml.safe_load(filled_in(self.text))["services"]

    def ours(self):
        return {"hubbub-gateway": self.services["gateway"], "hubbub-worker": self.services["worker"]}

    def test_every_variable_is_a_setting_of_its_binary_or_of_the_other(self):
        either = settings("hubbub-gateway").keys() | settings("hubbub-worker").keys()
        for name, service in self.ours().items():
            self.assertEqual(set(service["environment"]) - either, set(), name)

    def test_a_stop_fits_into_the_grace_period(self):
        for name, service in self.ours().items():
            grace = seconds(service["environment"]["HUBBUB_SHUTDOWN_GRACE"])
            self.assertGreater(seconds(service["stop_grace_period"]), grace + 5, name)
        gateway = self.services["gateway"]["environment"]
        grace = seconds(gateway["HUBBUB_SHUTDOWN_GRACE"])
        self.assertGreater(grace, stop_time(gateway, settings("hubbub-gateway")))

    def test_nginx_is_stopped_by_a_signal_that_its_script_heeds(self):
        nginx = self.services["nginx"]
        start = (ROOT / "deploy/nginx/start").read_text()
        trapped = re.search(r"(?m)^trap stop ([A-Z ]+)$", start)[1].split()
        self.assertIn(nginx["stop_signal"].removeprefix("SIG"), trapped)
        self.assertGreater(seconds(nginx["stop_grace_period"]), int(re.search(r"sleep (\d+) && kill -TERM", start)[1]) + 5)

    def test_what_may_wait_for_storage_fits_into_redis(self):
        of_redis = memory(self.services["redis"]["environment"]["REDIS_MAXMEMORY"])
        for name, service in self.ours().items():
            self.assertLess(waiting_memory(service["environment"], settings(name)), of_redis / 2, name)

    def test_ports_are_those_that_others_ask(self):
        prometheus = yaml.safe_load((ROOT / "deploy/observability/prometheus.yml").read_text())
        asked = {
            found["names"][0]: found["port"]
            for job in prometheus["scrape_configs"]
            for found in job["dns_sd_configs"]
        }
        for service, port in asked.items():
            listens = self.services[service]["environment"]["HUBBUB_ADMIN_LISTEN"]
            self.assertEqual(listens, f"0.0.0.0:{port}")
        self.assertIn("HUBBUB_LISTEN=0.0.0.0:8080", (ROOT / "deploy/Dockerfile").read_text())
        self.assertIn("server $address:8080 ", (ROOT / "deploy/nginx/start").read_text())

    def test_secrets_have_no_default_and_nothing_starts_without_them(self):
        required = set(re.findall(r"\$\{(\w+):\?", self.text))
        self.assertEqual(required, SECRETS)
        for secret in SECRETS:
            self.assertNotIn(f"${{{secret}:-", self.text)
        self.assertEqual({name for name, value in read_env(ROOT / ".env.example").items() if not value}, SECRETS)

    def test_only_mongodb_knows_its_administrator_s_password(self):
        knows = lambda s: any("MONGODB_ROOT_PASSWORD" in f"{k}{v}" for k, v in s.get("environment", {}).items())
        text = {name: s for name, s in yaml.safe_load(self.text)["services"].items() if knows(s)}
        self.assertEqual(set(text), {"mongodb"})

    def test_the_generator_makes_other_secrets_each_time_and_overwrites_none(self):
        made = []
        for _ in range(2):
            with tempfile.TemporaryDirectory() as directory:
                root = Path(directory)
                (root / "deploy").mkdir()
                shutil.copy(ROOT / "deploy/make-env", root / "deploy")
                shutil.copy(ROOT / ".env.example", root)
                run = lambda: subprocess.run([root / "deploy/make-env"], capture_output=True, timeout=30)
                self.assertEqual(run().returncode, 0)
                before = (root / ".env").read_text()
                self.assertNotEqual(run().returncode, 0)
                self.assertEqual((root / ".env").read_text(), before)
                self.assertEqual(stat.S_IMODE((root / ".env").stat().st_mode), 0o600)
                made.append(read_env(root / ".env"))
        self.assertEqual(len({made[0][secret] for secret in SECRETS}), len(SECRETS), "one is used twice")
        for secret in SECRETS:
            self.assertNotEqual(made[0][secret], made[1][secret])
            self.assertGreaterEqual(len(made[0][secret]), 24)
        self.assertRegex(made[0]["HUBBUB_SIGNING_KEYS"], r"^k1:[\w-]{43}$")

    def test_only_what_people_come_to_is_published_and_on_loopback(self):
        published = {name: s["ports"] for name, s in self.services.items() if "ports" in s}
        self.assertEqual(set(published), {"nginx", "grafana"})
        for (port,) in published.values():
            self.assertRegex(port, r"^127\.0\.0\.1:")

    def test_every_container_is_sealed_bounded_and_pinned(self):
        for name, service in self.services.items():
            with self.subTest(name):
                self.assertTrue(service["read_only"])
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                self.assertLessEqual({"cpus", "memory"}, set(service["deploy"]["resources"]["limits"]))
                self.assertRegex(service["image"], r":[\w.-]*\d")
                self.assertNotIn(":latest", service["image"])

    def test_everything_that_others_wait_for_has_a_health_check(self):
        image = "HEALTHCHECK" in (ROOT / "deploy/Dockerfile").read_text()
        for service in self.services.values():
            waits = service.get("depends_on", {})
            for other, condition in waits.items() if isinstance(waits, dict) else []:
                if condition["condition"] == "service_healthy":
                    self.assertTrue("healthcheck" in self.services[other] or (other == "gateway" and image))

    def test_what_is_mounted_is_there(self):
        for name, service in self.services.items():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith("./"):
                    self.assertTrue((ROOT / source).exists(), f"{name}: {source}")
