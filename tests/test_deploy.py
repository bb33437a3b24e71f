"""What `deploy/` and `compose.yaml` hand to an engine: whole, safe, and from one list of settings.

The manifests are checked against Kubernetes' published schemas, the alert rules and the dashboard
against Prometheus' grammar and our metrics. No cluster runs here.
"""

import json
import re

import promql_parser
import pytest
import yaml

from sequin_admin.core import shutdown
from sequin_admin.core.env import ROOT
from sequin_admin.core.long_polls import LONG_POLLS
from sequin_admin.credentials.outcomes import Verdict
from sequin_admin.health import worker_watch
from sequin_admin.health.status import Status
from sequin_admin.health.workers import RENEW
from sequin_admin.notifications.models import DeliveryState

FOLDER = ROOT / "deploy/kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
MANIFESTS = [
    manifest
    for path in (
        *map(FOLDER.joinpath, KUSTOMIZATION["resources"]),
        *FOLDER.glob("examples/*"),
        *(ROOT / "deploy/examples").glob("**/kubernetes/*"),
    )
    for manifest in yaml.safe_load_all(path.read_text())
]
PODS = {
    manifest["metadata"]["name"]: manifest["spec"]["template"]
    for manifest in MANIFESTS
    if manifest["kind"] in ("Deployment", "Job")
}
(CRONJOB,) = (each["spec"]["jobTemplate"] for each in MANIFESTS if each["kind"] == "CronJob")


def names_in(path):
    return set(re.findall(r"^(\w+)=", path.read_text(), re.MULTILINE))


def of_kind(kind):
    return [manifest for manifest in MANIFESTS if manifest["kind"] == kind]


@pytest.mark.parametrize(
    "manifest", MANIFESTS, ids=lambda each: f"{each['kind']} {each['metadata']['name']}"
)
def test_a_manifest_is_as_the_published_schema_says(manifest):
    # It takes more than a second to load, which every process that collects would pay.
    import kubernetes_validate

    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_every_manifest_is_applied():
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}

    assert files == set(KUSTOMIZATION["resources"])


def test_compose_and_kubernetes_have_one_list_of_settings():
    settings, secrets = (names_in(FOLDER / n) for n in ("settings.env", "secrets.env.example"))
    of_compose = set(COMPOSE["x-app"]["environment"])
    # Compose has a database of its own, which takes a password in place of a URL.
    example = names_in(ROOT / ".env.example") - {"POSTGRES_PASSWORD"} | {"DATABASE_URL"}

    assert settings | secrets == of_compose == example | {"BEHIND_TLS_PROXY"}
    assert not settings & secrets
    assert {name for name in of_compose if re.search("KEY|URL$|TOKEN|PASSWORD", name)} <= (
        secrets | {"PUBLIC_URL"}
    )


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_no_rights_that_it_does_not_need(name):
    spec = PODS[name]["spec"]
    (container,) = spec["containers"]
    security = container["securityContext"]

    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert f"--uid {spec['securityContext']['runAsUser']} " in DOCKERFILE
    assert f"USER {spec['securityContext']['runAsUser']}\n" in DOCKERFILE
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    assert {each["mountPath"] for each in container["volumeMounts"]} == {"/tmp"}
    assert [each.popitem()[1]["name"] for each in map(dict, container["envFrom"])] == [
        KUSTOMIZATION["configMapGenerator"][0]["name"],
        KUSTOMIZATION["secretGenerator"][0]["name"],
    ]


def test_the_recipes_pod_has_no_rights_that_it_does_not_need():
    """And mounts nothing that it does not declare; tests/recipes runs its command."""
    spec = CRONJOB["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    security = container["securityContext"]

    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}
    mounted = {each["name"] for each in container["volumeMounts"]}
    assert mounted == {each["name"] for each in spec["volumes"]}


@pytest.mark.parametrize("name", ["web", "worker"])
def test_it_is_asked_on_the_port_of_health_and_given_time_to_stop(name):
    spec = PODS[name]["spec"]
    (container,) = spec["containers"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    pause = int(container.get("lifecycle", {}).get("preStop", NO_PAUSE)["exec"]["command"][1])

    assert spec["terminationGracePeriodSeconds"] >= shutdown.KILL_AFTER_S + pause
    for probe in ("startupProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert f"EXPOSE {ports.get('http', 8000)} {ports['health']}\n" in DOCKERFILE


NO_PAUSE = {"exec": {"command": ["sleep", "0"]}}


def test_budgets_and_services_choose_pods_that_exist():
    labels = [pod["metadata"]["labels"] for pod in PODS.values()]
    chosen = [each["spec"]["selector"]["matchLabels"] for each in of_kind("PodDisruptionBudget")]
    chosen += [each["spec"]["selector"] for each in of_kind("Service")]

    assert len(chosen) == 3
    assert [each for each in chosen if each not in labels] == []
    targets = [
        each["spec"]["scaleTargetRef"]["name"] for each in of_kind("HorizontalPodAutoscaler")
    ]
    assert set(targets) <= set(PODS)


def test_no_pod_reaches_the_metadata_service_of_a_cloud():
    (egress,) = (each for each in of_kind("NetworkPolicy") if each["metadata"]["name"] == "egress")
    (anywhere,) = (rule for rule in egress["spec"]["egress"] if "ipBlock" in rule["to"][0])

    assert all(block["ipBlock"]["except"] for block in anywhere["to"])
    assert egress["spec"]["podSelector"] == {}


def test_compose_keeps_what_redis_counts():
    assert COMPOSE["services"]["redis"]["command"].endswith(
        "--appendonly yes --maxmemory-policy noeviction"
    )


RULES = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/grafana/alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
]
PANELS = json.loads((ROOT / "deploy/grafana/dashboard.json").read_text())["panels"]
EXPRESSIONS = [rule["expr"] for rule in RULES] + [
    target["expr"].replace("$__rate_interval", "5m")
    for each in PANELS
    for target in each["targets"]
]
PUBLISHED = json.loads((ROOT / "tests/published_names.json").read_text())["metrics"]
# What Prometheus adds to the name of a counter or a histogram.
ENDINGS = r"_(total|bucket|count|sum)$"
# Values that a rule asks for by name.
VALUES = {
    *(("code", code) for code in worker_watch.OPENED),
    ("job", RENEW),
    ("status", Status.SEQUIN),
    ("status", "5xx"),
    ("outcome", Verdict.OK),
    ("outcome", DeliveryState.DELIVERED),
}


def selectors_in(expression):
    found = []
    promql_parser.walk(
        promql_parser.parse(expression),
        pre_visit=lambda each: found.append(each) or True,
    )
    return [each for each in found if isinstance(each, promql_parser.VectorSelector)]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_asks_for_what_the_product_measures(expression):
    selectors = selectors_in(expression)
    matchers = {(m.name, m.value) for each in selectors for m in each.matchers.matchers}

    assert selectors
    assert {re.sub(ENDINGS, "", each.name) for each in selectors} <= {*PUBLISHED}
    assert matchers <= VALUES


def test_every_metric_is_on_the_dashboard():
    named = {each.name for expression in EXPRESSIONS for each in selectors_in(expression)}

    assert {re.sub(ENDINGS, "", name) for name in named} == {*PUBLISHED}


def test_an_alert_says_what_happened_and_what_to_do():
    for rule in RULES:
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["annotations"]["description"].endswith(".")
        assert rule["labels"]["severity"] in ("critical", "warning")


def test_the_image_can_back_up_the_database_of_compose():
    version = COMPOSE["services"]["database"]["image"].partition(":")[2]

    assert f"postgresql-client-{version} " in DOCKERFILE


def test_a_web_process_of_the_image_has_two_processes_of_eight_threads():
    """As the handbook says, with two connections more than threads for each: some of those wait."""
    (processes,) = re.findall(r'"--workers", "(\d+)"', DOCKERFILE)
    (threads,) = re.findall(r'"--threads", "(\d+)"', DOCKERFILE)
    handbook = (ROOT / "sequin_admin/dashboard/handbook/operate.md").read_text()

    connections = int(processes) * (int(threads) + LONG_POLLS + 2)
    sentence = f"| web | {processes} processes of {threads} threads, {connections} connections"
    assert sentence in handbook
