"""A session with the official Python client: typed, dynamic, watches, errors.

Runs against the server that KUBECONFIG names; the first thing that is not as expected ends it.
"""
from kubernetes import client, config, watch
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import ConflictError, NotFoundError

NAMESPACE = "python"


def main():
    config.load_kube_config()
    api = client.ApiClient()
    typed_objects(client.CoreV1Api(api))
    a_deployment_and_its_scale(client.AppsV1Api(api))
    a_watch(client.CoreV1Api(api))
    custom_objects(client.ApiextensionsV1Api(api), DynamicClient(api))
    the_dynamic_client_and_built_ins(DynamicClient(api))
    client.CoreV1Api(api).delete_namespace(NAMESPACE)


def typed_objects(core):
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE)))
    body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="typed", labels={"app": "a"}), data={"key": "one"})
    created = core.create_namespaced_config_map(NAMESPACE, body)
    assert created.metadata.uid and created.metadata.resource_version, created

    # The typed client patches with a strategic merge.
    patched = core.patch_namespaced_config_map("typed", NAMESPACE, {"data": {"other": "two"}})
    assert patched.data == {"key": "one", "other": "two"}, patched.data

    stale = patched
    stale.metadata.resource_version = created.metadata.resource_version
    assert status_of(core.replace_namespaced_config_map, "typed", NAMESPACE, stale) == 409
    assert status_of(core.create_namespaced_config_map, NAMESPACE, body) == 409
    assert status_of(core.read_namespaced_config_map, "nothing", NAMESPACE) == 404

    for i in range(5):
        name = client.V1ObjectMeta(name=f"page-{i}", labels={"app": "paged"})
        core.create_namespaced_config_map(NAMESPACE, client.V1ConfigMap(metadata=name))
    names, token = [], None
    while token != "":
        page = core.list_namespaced_config_map(NAMESPACE, label_selector="app=paged", limit=2, _continue=token)
        assert len(page.items) <= 2, page
        names += [item.metadata.name for item in page.items]
        token = page.metadata._continue or ""
    assert names == [f"page-{i}" for i in range(5)], names
    core.delete_collection_namespaced_config_map(NAMESPACE, label_selector="app=paged")
    assert [m.metadata.name for m in core.list_namespaced_config_map(NAMESPACE).items if m.metadata.name != "kube-root-ca.crt"] == ["typed"]
    print("typed objects: created, patched, refused when stale, paged, deleted")


def a_deployment_and_its_scale(apps):
    container = client.V1Container(name="main", image="example.com/image:1")
    template = client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels={"app": "web"}), spec=client.V1PodSpec(containers=[container]))
    spec = client.V1DeploymentSpec(selector=client.V1LabelSelector(match_labels={"app": "web"}), template=template)
    apps.create_namespaced_deployment(NAMESPACE, client.V1Deployment(metadata=client.V1ObjectMeta(name="web"), spec=spec))
    scale = apps.read_namespaced_deployment_scale("web", NAMESPACE)
    assert (scale.spec.replicas, scale.status.selector) == (1, "app=web"), scale
    apps.patch_namespaced_deployment_scale("web", NAMESPACE, {"spec": {"replicas": 3}})
    deployment = apps.read_namespaced_deployment("web", NAMESPACE)
    assert deployment.spec.replicas == 3 and deployment.metadata.generation == 2, deployment
    assert deployment.spec.strategy.type == "RollingUpdate", deployment.spec.strategy
    print("a deployment: defaulted, scaled")


def a_watch(core):
    start = core.list_namespaced_secret(NAMESPACE).metadata.resource_version
    core.create_namespaced_secret(NAMESPACE, client.V1Secret(metadata=client.V1ObjectMeta(name="seen"), string_data={"a": "b"}))
    core.patch_namespaced_secret("seen", NAMESPACE, {"metadata": {"labels": {"a": "b"}}})
    core.delete_namespaced_secret("seen", NAMESPACE)
    seen = []
    stream = watch.Watch()
    for event in stream.stream(core.list_namespaced_secret, NAMESPACE, resource_version=start, timeout_seconds=30):
        seen.append(event["type"])
        if event["type"] == "DELETED":
            stream.stop()
    assert seen == ["ADDED", "MODIFIED", "DELETED"], seen
    print("a watch: from a revision, in order")


def custom_objects(extensions, dynamic):
    schema = {"type": "object", "properties": {"spec": {"type": "object", "required": ["size"], "properties": {
        "size": {"type": "integer", "minimum": 1}, "colour": {"type": "string", "default": "green"}}}}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "shirts.python.example.com"},
        "spec": {"group": "python.example.com", "scope": "Namespaced", "names": {"plural": "shirts", "kind": "Shirt"},
                 "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]}}
    extensions.create_custom_resource_definition(definition)
    established(extensions, "shirts.python.example.com")

    shirts = dynamic.resources.get(api_version="python.example.com/v1", kind="Shirt")
    shirt = {"apiVersion": "python.example.com/v1", "kind": "Shirt", "metadata": {"name": "one"}, "spec": {"size": 4}}
    created = shirts.create(body=shirt, namespace=NAMESPACE)
    assert created.spec.to_dict() == {"size": 4, "colour": "green"}, created
    merged = shirts.patch(name="one", namespace=NAMESPACE, body={"spec": {"colour": "red"}}, content_type="application/merge-patch+json")
    assert merged.spec.colour == "red", merged
    try:
        shirts.replace(body=created.to_dict(), namespace=NAMESPACE)
        raise AssertionError("a stale object was taken")
    except ConflictError:
        pass
    assert status_of(shirts.create, body=shirt | {"metadata": {"name": "two"}, "spec": {"size": 0}}, namespace=NAMESPACE) == 422
    assert [item.metadata.name for item in shirts.get(namespace=NAMESPACE).items] == ["one"]
    shirts.delete(name="one", namespace=NAMESPACE)
    try:
        shirts.get(name="one", namespace=NAMESPACE)
        raise AssertionError("a deleted object is there")
    except NotFoundError:
        pass
    extensions.delete_custom_resource_definition("shirts.python.example.com")
    print("custom objects: discovered, defaulted, validated, patched, deleted")


def established(extensions, name):
    """Waits, without looping, until a definition is established: a watch says when."""
    stream = watch.Watch()
    for event in stream.stream(extensions.list_custom_resource_definition, field_selector=f"metadata.name={name}", timeout_seconds=30):
        conditions = {c.type: c.status for c in event["object"].status.conditions or []}
        if conditions.get("Established") == "True":
            return stream.stop()
    raise AssertionError(f"{name} was not established")


def the_dynamic_client_and_built_ins(dynamic):
    maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")
    maps.create(namespace=NAMESPACE, body={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "dynamic"}, "data": {"a": "b"}})
    assert maps.get(name="dynamic", namespace=NAMESPACE).data.a == "b"
    maps.delete(name="dynamic", namespace=NAMESPACE)
    print("the dynamic client: built-ins too")


def status_of(call, *args, **kwargs):
    """The status with which a call is refused."""
    try:
        call(*args, **kwargs)
    except client.exceptions.ApiException as error:
        return error.status
    return 200


if __name__ == "__main__":
    main()
