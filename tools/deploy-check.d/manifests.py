"""The manifests as Kustomize builds them, and what is read out of them."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
K8S = ROOT / "k8s"
RULE = K8S / "components/prometheus-operator/alerts.yaml"
# Kinds that a plain cluster does not know.
CUSTOM_APIS = ("gateway.networking.k8s.io/", "monitoring.coreos.com/", "external-secrets.io/")


def kustomize(directory):
    kubectl = shutil.which("kubectl") or ROOT / ".cache/tools/kubectl/usr/bin/kubectl"
    built = subprocess.run(
        [kubectl, "kustomize", str(directory)], capture_output=True, text=True, timeout=60
    )
    if built.returncode:
        raise AssertionError(f"{directory} does not build: {built.stderr}")
    return [document for document in yaml.safe_load_all(built.stdout) if document]


def with_component(name):
    """The base with one component, in a namespace."""
    with tempfile.TemporaryDirectory(dir=K8S) as directory:
        (Path(directory) / "kustomization.yaml").write_text(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: some\n"
            f"resources: [../base]\ncomponents: [../components/{name}]\n"
        )
        return kustomize(directory)


def everything():
    """Name and documents of everything that can be built."""
    built = {f"overlays/{path.name}": kustomize(path) for path in sorted((K8S / "overlays").iterdir())}
    built["base"] = kustomize(K8S / "base")
    for path in sorted((K8S / "components").iterdir()):
        built[f"base with {path.name}"] = with_component(path.name)
    return built


def prometheus_rule():
    """The alerts of deploy/observability as the Prometheus Operator takes them."""
    source = "deploy/observability/alerts.yml"
    rule = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "hubbub"},
        "spec": yaml.safe_load((ROOT / source).read_text()),
    }
    head = f"# Made from {source} by `tools/deploy-check --update`.\n"
    return head + yaml.safe_dump(rule, sort_keys=False, width=100)


def find(documents, kind, name=None):
    return [d for d in documents if d["kind"] == kind and name in (None, d["metadata"]["name"])]


def one(documents, kind, name):
    (document,) = find(documents, kind, name)
    return document


def workloads(documents):
    return [d for d in documents if d["kind"] in ("Deployment", "StatefulSet")]


def pod(workload):
    return workload["spec"]["template"]["spec"]


def container(workload):
    (only,) = pod(workload)["containers"]
    return only


def environment(documents, workload):
    """The variables of a container and their values; None for what is not written down."""
    found = {}
    for source in container(workload).get("envFrom", []):
        found |= one(documents, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in container(workload).get("env", []):
        found[variable["name"]] = variable.get("value")
    return found


def selects(selector, labels):
    """Whether a selector, with or without `matchLabels`, matches."""
    wanted = selector.get("matchLabels", {} if "matchExpressions" in selector else selector)
    expressions = selector.get("matchExpressions", [])
    assert all(e["operator"] == "In" for e in expressions)
    return all(labels.get(k) == v for k, v in wanted.items()) and all(
        labels.get(e["key"]) in e["values"] for e in expressions
    )


def binary(name):
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / "debug" / name


def settings(name):
    """Each setting of a binary with its default, as its `--help` has them."""
    text = subprocess.run(
        [binary(name), "--help"], capture_output=True, text=True, timeout=30, check=True
    ).stdout
    return dict(re.findall(r"\[env: (HUBBUB_\w+)\](?: \[default: ([^\]]*)\])?", text))


def stop_time(values, known):
    """How long a gateway with these settings takes for the parts of its stop, in seconds: notice and drain."""
    notice = values.get("HUBBUB_DRAIN_NOTICE") or known.get("HUBBUB_DRAIN_NOTICE", "0s")
    # The default says what it is in a cluster first.
    return seconds(notice.split()[0]) + seconds(values["HUBBUB_DRAIN"])


# What an event that waits for storage takes in Redis (docs/operations/sizing.md), in bytes.
WAITING_EVENT = 1330


def waiting_memory(values, known):
    """What Redis needs for all events that may wait for storage, in bytes."""
    of = lambda name: int(values.get(name) or known[name])
    return of("HUBBUB_WAL_LIMIT") * of("HUBBUB_PARTITIONS") * WAITING_EVENT


def memory(text):
    """Redis's way to write bytes."""
    number, unit = re.fullmatch(r"(\d+)(mb|gb)", text).groups()
    return int(number) * {"mb": 2**20, "gb": 2**30}[unit]


def redis_default_memory():
    return re.search(r"REDIS_MAXMEMORY:-(\w+)", (ROOT / "deploy/databases/redis-start").read_text())[1]


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h)", text).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit]
