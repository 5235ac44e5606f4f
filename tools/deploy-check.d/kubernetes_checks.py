"""What must be true of the manifests."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import kubernetes_validate
import yaml
from manifests import (
    CUSTOM_APIS,
    ROOT,
    RULE,
    binary,
    container,
    environment,
    everything,
    find,
    kustomize,
    memory,
    one,
    pod,
    prometheus_rule,
    redis_default_memory,
    seconds,
    selects,
    settings,
    stop_time,
    waiting_memory,
    with_component,
    workloads,
)

VERSION = "1.32"
BINARIES = {"hubbub-gateway": "hubbub-gateway", "hubbub-worker": "hubbub-worker"}
# Policies that are not held to, and why.
NOT_HELD_TO = {
    "CKV_K8S_43": "images by digest: the site's to pin, once it has pushed its own",
    "CKV_K8S_15": "always pulling: tags are not moved, and a registry that is away stops no restart",
}
built = {}


def setUpModule():
    built.update(everything())


class Schemas(unittest.TestCase):
    def test_every_manifest_fits_its_schema(self):
        known = 0
        for name, documents in built.items():
            for document in documents:
                if document["apiVersion"].startswith(CUSTOM_APIS):
                    continue
                with self.subTest(name, kind=document["kind"], name=document["metadata"]["name"]):
                    kubernetes_validate.validate(document, VERSION, strict=True)
                known += 1
        self.assertGreater(known, 50)

    def test_a_misspelt_field_would_be_found(self):
        document = json.loads(json.dumps(one(built["base"], "Deployment", "hubbub-gateway")))
        container(document)["readynessProbe"] = {}
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(document, VERSION, strict=True)

    def test_base_and_dev_need_no_custom_resources(self):
        for name in ("base", "overlays/dev"):
            custom = [d["kind"] for d in built[name] if d["apiVersion"].startswith(CUSTOM_APIS)]
            self.assertEqual(custom, [], name)

    def test_nothing_secret_is_in_the_repository(self):
        for name, documents in built.items():
            self.assertEqual(find(documents, "Secret"), [], name)


class Policies(unittest.TestCase):
    def check(self, documents):
        """The policies of checkov that fail, each with what it fails for."""
        with tempfile.TemporaryDirectory() as directory:
            (Path(directory) / "all.yaml").write_text(yaml.safe_dump_all(documents))
            ran = subprocess.run(
                [Path(sys.executable).parent / "checkov", "--framework", "kubernetes", "--skip-download",
                 "--quiet", "--compact", "--output", "json", "--skip-check", ",".join(NOT_HELD_TO),
                 "--directory", directory],
                capture_output=True, text=True, timeout=300,
                env={**os.environ, "LOG_LEVEL": "ERROR"},
            )  # fmt: skip
        results = json.loads(ran.stdout)
        self.assertGreater(results["summary"]["passed"], 50, ran.stderr)
        failed = results["results"]["failed_checks"]
        return sorted(f"{c['check_id']} {c['check_name']}: {c['resource']}" for c in failed)

    def test_the_overlays_hold_to_them(self):
        for name in ("overlays/dev", "overlays/production"):
            self.assertEqual(self.check(built[name]), [], name)

    def test_a_privileged_container_would_be_found(self):
        documents = json.loads(json.dumps(built["overlays/dev"]))
        container(one(documents, "Deployment", "hubbub-gateway"))["securityContext"]["privileged"] = True
        failed = self.check(documents)
        self.assertTrue(failed and all("hubbub-gateway" in policy for policy in failed), failed)

    def test_every_pod_is_restricted_and_has_no_token(self):
        for name, documents in built.items():
            for workload in workloads(documents):
                with self.subTest(name, workload=workload["metadata"]["name"]):
                    self.assertIs(pod(workload)["automountServiceAccountToken"], False)
                    security = pod(workload)["securityContext"]
                    self.assertTrue(security["runAsNonRoot"])
                    self.assertEqual(security["seccompProfile"], {"type": "RuntimeDefault"})
                    own = container(workload)["securityContext"]
                    self.assertEqual(own["capabilities"], {"drop": ["ALL"]})
                    self.assertTrue(own["readOnlyRootFilesystem"])
                    self.assertFalse(own["allowPrivilegeEscalation"])


class Agreement(unittest.TestCase):
    """With the binaries, and of one manifest with another."""

    def deployments(self):
        return [(documents, d) for documents in built.values() for d in find(documents, "Deployment")]

    def test_every_variable_is_a_setting_of_a_binary(self):
        known = {name: settings(name) for name in BINARIES}
        # Both share one ConfigMap: each passes over what only the other has.
        either = set().union(*known.values())
        for documents, deployment in self.deployments():
            variables = set(environment(documents, deployment))
            self.assertEqual({v for v in variables if v.startswith("HUBBUB_")} - either, set())
            own = {v["name"] for v in container(deployment).get("env", [])}
            self.assertEqual(own - set(known[deployment["metadata"]["name"]]), set())

    def test_a_stop_fits_into_the_grace_period(self):
        known = settings("hubbub-gateway")
        for documents, deployment in self.deployments():
            values = environment(documents, deployment)
            before = container(deployment).get("lifecycle", {}).get("preStop", {}).get("sleep", {})
            grace = seconds(values["HUBBUB_SHUTDOWN_GRACE"])
            self.assertGreater(grace, stop_time(values, known))
            allowed = pod(deployment)["terminationGracePeriodSeconds"]
            self.assertGreater(allowed, before.get("seconds", 0) + grace + 5)

    def test_what_may_wait_for_storage_fits_into_the_trial_redis(self):
        documents = built["overlays/dev"]
        self.assertIsNone(environment(documents, one(documents, "StatefulSet", "hubbub-redis")).get("REDIS_MAXMEMORY"))
        for deployment in find(documents, "Deployment"):
            needed = waiting_memory(environment(documents, deployment), settings("hubbub-worker"))
            self.assertLess(needed, memory(redis_default_memory()) / 2)

    def test_ports_are_those_the_binary_listens_on(self):
        for documents, deployment in self.deployments():
            values = environment(documents, deployment)
            ports = {p["name"]: p["containerPort"] for p in container(deployment)["ports"]}
            port = lambda variable: int(values[variable].rsplit(":", 1)[1])
            self.assertEqual(ports["admin"], port("HUBBUB_ADMIN_LISTEN"))
            if deployment["metadata"]["name"] == "hubbub-gateway":
                self.assertEqual(ports["http"], port("HUBBUB_LISTEN"))

    def test_probes_ask_for_what_the_binary_answers(self):
        paths = set()
        for _, deployment in self.deployments():
            ports = {p["name"] for p in container(deployment)["ports"]}
            for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
                asked = container(deployment)[kind]["httpGet"]
                self.assertIn(asked["port"], ports)
                paths.add((kind, asked["path"]))
        self.assertEqual(
            paths,
            {("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")},
        )
        paths = {path for _, path in paths} | {
            endpoint["path"]
            for monitor in find(built["base with prometheus-operator"], "ServiceMonitor")
            for endpoint in monitor["spec"]["endpoints"]
        }
        self.assertEqual(answers(sorted(paths)), {path: 200 for path in paths})

    def test_the_container_s_settings_start_the_binary(self):
        """All but the addresses of what is elsewhere: the values themselves are accepted."""
        for documents, deployment in self.deployments():
            values = environment(documents, deployment)
            name = deployment["metadata"]["name"]
            del values["HUBBUB_NODE"]
            with tempfile.TemporaryDirectory() as directory:
                # Secrets of the right form, and nothing there to connect to.
                for key, text in (
                    ("redis-url", "redis://:pw@127.0.0.1:1"),
                    ("mongodb-url", "mongodb://127.0.0.1:1/hubbub?replicaSet=rs0&connectTimeoutMS=100"),
                    ("signing-keys", "k1:" + "A" * 43),
                ):
                    (Path(directory) / key).write_text(text)
                for variable in values:
                    if variable.endswith("_FILE"):
                        values[variable] = str(Path(directory) / Path(values[variable]).name)
                values |= {"HUBBUB_ADMIN_LISTEN": "127.0.0.1:0", "HUBBUB_LISTEN": "127.0.0.1:0"}
                process = subprocess.Popen(
                    [binary(name)], env={"PATH": os.environ["PATH"], **values}, cwd=directory,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                )  # fmt: skip
                try:
                    output = process.communicate(timeout=3)[0]
                except subprocess.TimeoutExpired:
                    process.kill()
                    output = process.communicate()[0]
            # What is wrong with settings names them; what is away does not.
            self.assertNotRegex(output, r"HUBBUB_(?!REDIS_URL|MONGODB_URL)")
            self.assertRegex(output, r"(?i)redis|mongodb|connect")

    def test_services_and_policies_find_their_pods(self):
        for name, documents in built.items():
            pods = [(w, w["spec"]["template"]["metadata"]["labels"]) for w in workloads(documents)]
            for service in find(documents, "Service"):
                with self.subTest(name, service=service["metadata"]["name"]):
                    found = [w for w, labels in pods if selects(service["spec"]["selector"], labels)]
                    self.assertEqual(len(found), 1)
                    ports = {p["name"] for p in container(found[0])["ports"]}
                    self.assertLessEqual({p["targetPort"] for p in service["spec"]["ports"]}, ports)
            for kind, field in (("NetworkPolicy", "podSelector"), ("PodDisruptionBudget", "selector")):
                for document in find(documents, kind):
                    with self.subTest(name, document=document["metadata"]["name"]):
                        found = [w for w, labels in pods if selects(document["spec"][field], labels)]
                        self.assertNotEqual(found, [])
            for workload, labels in pods:
                self.assertTrue(selects(workload["spec"]["selector"], labels))
                closed = one(documents, "NetworkPolicy", "hubbub-nothing-else")
                self.assertTrue(selects(closed["spec"]["podSelector"], labels), "not closed by default")

    def test_monitors_find_one_port_of_each_process(self):
        documents = built["base with prometheus-operator"]
        for monitor in find(documents, "ServiceMonitor"):
            ports = [
                port["name"]
                for service in find(documents, "Service")
                if selects(monitor["spec"]["selector"], service["metadata"]["labels"])
                for port in service["spec"]["ports"]
            ]
            asked = [endpoint["port"] for endpoint in monitor["spec"]["endpoints"]]
            self.assertEqual([ports.count(port) for port in asked], [1], monitor["metadata"]["name"])

    def test_the_alerts_are_those_of_every_other_prometheus(self):
        self.assertEqual(RULE.read_text(), prometheus_rule(), "run tools/deploy-check --update")
        monitors = find(built["base with prometheus-operator"], "ServiceMonitor")
        jobs = {m["spec"]["selector"]["matchLabels"][m["spec"]["jobLabel"]] for m in monitors}
        # The alerts go by these names.
        self.assertEqual(set(re.findall(r'job="([^"]+)"', RULE.read_text())), jobs)

    def test_routes_lead_to_ports_that_are_there(self):
        documents = built["base with gateway-api"]
        gateway = one(documents, "Gateway", "hubbub")
        listeners = {listener["name"] for listener in gateway["spec"]["listeners"]}
        for route in find(documents, "HTTPRoute"):
            for parent in route["spec"]["parentRefs"]:
                self.assertIn(parent["sectionName"], listeners)
            for rule in route["spec"]["rules"]:
                for backend in rule.get("backendRefs", []):
                    service = one(documents, "Service", backend["name"])
                    self.assertIn(backend["port"], [p["port"] for p in service["spec"]["ports"]])
        documents = with_component("ingress")
        (rule,) = one(documents, "Ingress", "hubbub")["spec"]["rules"]
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            service = one(documents, "Service", backend["name"])
            self.assertIn(backend["port"]["name"], [p["name"] for p in service["spec"]["ports"]])

    def test_a_route_outlasts_the_gateway_s_own_timeouts(self):
        route = one(built["base with gateway-api"], "HTTPRoute", "hubbub")
        rules = {rule["name"]: rule for rule in route["spec"]["rules"]}
        default = settings("hubbub-gateway")["HUBBUB_REQUEST_TIMEOUT"]
        self.assertGreater(seconds(rules["requests"]["timeouts"]["request"]), seconds(default))
        self.assertEqual(seconds(rules["lasting"]["timeouts"]["request"]), 0)

    def test_the_autoscalers_fit_what_they_scale(self):
        documents = built["overlays/production"]
        gateway = one(documents, "HorizontalPodAutoscaler", "hubbub-gateway")["spec"]
        worker = one(documents, "HorizontalPodAutoscaler", "hubbub-worker")["spec"]
        values = environment(documents, one(documents, "Deployment", "hubbub-gateway"))
        wanted = int(gateway["metrics"][0]["pods"]["target"]["averageValue"])
        lost_one = wanted * gateway["minReplicas"] / (gateway["minReplicas"] - 1)
        self.assertLess(lost_one, int(values["HUBBUB_MAX_CONNECTIONS"]))
        self.assertLessEqual(worker["maxReplicas"], int(settings("hubbub-worker")["HUBBUB_PARTITIONS"]))
        for spec in (gateway, worker):
            target = one(documents, "Deployment", spec["scaleTargetRef"]["name"])
            self.assertNotIn("replicas", target["spec"], "the autoscaler's to say")
            down = spec["behavior"]["scaleDown"]
            self.assertGreaterEqual(down["stabilizationWindowSeconds"], 600)
            self.assertEqual([p["value"] for p in down["policies"]], [1])
        # A gateway has gone before the next one is told to.
        self.assertGreater(
            gateway["behavior"]["scaleDown"]["policies"][0]["periodSeconds"],
            pod(one(documents, "Deployment", "hubbub-gateway"))["terminationGracePeriodSeconds"],
        )
        documented = set(re.findall(r"`(hubbub_\w+)", (ROOT / "docs/METRICS.md").read_text()))
        asked = {"hubbub_connections", "hubbub_wal_oldest_seconds"}
        self.assertLessEqual(asked, documented)
        adapter = yaml.safe_load((ROOT / "k8s/components/autoscaling/adapter-rules.yaml").read_text())
        served = [rule["name"]["as"] for kind in ("custom", "external") for rule in adapter["rules"][kind]]
        self.assertEqual(set(served), asked)

    def test_secrets_have_the_keys_that_are_mounted(self):
        printed = subprocess.run(
            [ROOT / "k8s/make-secrets", "hubbub-dev"], capture_output=True, text=True, check=True
        ).stdout
        made = {s["metadata"]["name"]: s["stringData"] for s in yaml.safe_load_all(printed)}
        for workload in workloads(built["overlays/dev"]):
            for volume in pod(workload)["volumes"]:
                if secret := volume.get("secret"):
                    keys = {item["key"] for item in secret["items"]}
                    self.assertLessEqual(keys, set(made[secret["secretName"]]))
        databases = made["hubbub-databases"]
        self.assertEqual(len(set(databases.values())), len(databases), "one is used twice")
        external = one(built["overlays/production"], "ExternalSecret", "hubbub")["spec"]
        self.assertEqual({d["secretKey"] for d in external["data"]}, set(made["hubbub"]))
        self.assertEqual(external["target"]["name"], "hubbub")

    def test_only_pods_of_prometheus_reach_the_listener_for_operators(self):
        (rule,) = one(built["base"], "NetworkPolicy", "hubbub-monitoring")["spec"]["ingress"]
        for source in rule["from"]:
            self.assertEqual(set(source), {"namespaceSelector", "podSelector"})
        for name in ("base", "overlays/dev", "overlays/production"):
            for policy in find(built[name], "NetworkPolicy"):
                ports = {p["port"] for rule in policy["spec"].get("ingress") or [] for p in rule.get("ports", [])}
                self.assertTrue("admin" not in ports or policy["metadata"]["name"] == "hubbub-monitoring")

    def test_the_image_s_user_is_the_pod_s(self):
        dockerfile = (ROOT / "deploy/Dockerfile").read_text()
        user = re.search(r"(?m)^USER (\d+):(\d+)$", dockerfile)
        for _, deployment in self.deployments():
            security = pod(deployment)["securityContext"]
            self.assertEqual((security["runAsUser"], security["runAsGroup"]), tuple(map(int, user.groups())))


def answers(paths):
    """What a real standalone gateway's admin port answers to these paths."""
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "log"
        with open(log, "wb") as output:
            process = subprocess.Popen(
                [binary("hubbub-gateway"), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
                 "--log-format", "json", "--data-dir", directory],
                stdout=output, stderr=subprocess.STDOUT, cwd=directory,
            )  # fmt: skip
        try:
            deadline = time.monotonic() + 30
            while not (found := re.search(r'"admin_address":"([^"]+)"', log.read_text())):
                assert time.monotonic() < deadline and process.poll() is None, log.read_text()
                time.sleep(0.05)
            return {path: status(f"http://{found[1]}{path}", deadline) for path in paths}
        finally:
            process.terminate()
            process.wait(20)


def status(url, deadline):
    """The status of an answer, once it is not that of a server that is just starting."""
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            if error.code != 503 or time.monotonic() > deadline:
                return error.code
        time.sleep(0.1)
