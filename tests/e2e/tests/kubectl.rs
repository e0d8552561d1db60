//! Sessions with an unmodified kubectl.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use e2e::{Host, Kubectl, compared};
use serde_json::Value;

/// A host and a kubectl for it; `None` where one of them is missing.
fn session() -> Option<(Host, Kubectl)> {
    let host = Host::start()?;
    let kubectl = Kubectl::of(&host)?;
    Some((host, kubectl))
}

#[track_caller]
fn has(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "no {word:?} in:\n{text}");
    }
}

#[test]
fn it_learns_what_the_server_is_and_serves() {
    let Some((_host, kubectl)) = session() else { return };
    has(&kubectl.run(&["version"]).success(), &["Client Version: v1.36.3", "Server Version: v1.36"]);
    has(&kubectl.run(&["api-versions"]).success(), &["v1\n", "apps/v1\n", "apiextensions.k8s.io/v1\n"]);

    let resources = kubectl.run(&["api-resources"]).success();
    let line = |name| resources.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap_or_default();
    for (name, words) in [
        ("pods", ["po", "v1", "true", "Pod"]),
        ("namespaces", ["ns", "v1", "false", "Namespace"]),
        ("deployments", ["deploy", "apps/v1", "true", "Deployment"]),
        ("customresourcedefinitions", ["crd,crds", "apiextensions.k8s.io/v1", "false", "CustomResourceDefinition"]),
    ] {
        assert_eq!(line(name).split_whitespace().skip(1).collect::<Vec<_>>(), words, "{resources}");
    }

    has(
        &kubectl.run(&["get", "ns"]).success(),
        &["default", "kube-node-lease", "kube-public", "kube-system", "Active"],
    );
    has(&kubectl.run(&["get", "--raw", "/readyz?verbose"]).success(), &["[+]ping ok", "readyz check passed"]);
    has(&kubectl.run(&["explain", "deployment.spec.replicas"]).success(), &["replicas <integer>", "How many"]);
    has(
        &kubectl.run(&["explain", "pod"]).success(),
        &["Containers that run together", "metadata\t<ObjectMeta>", "The state that is asked for"],
    );
}

#[test]
fn it_creates_shows_edits_and_deletes_built_in_objects() {
    let Some((_host, kubectl)) = session() else { return };
    let create = |what: &[&str]| kubectl.run(&[&["create"], what].concat()).success();
    has(&create(&["ns", "shop"]), &["namespace/shop created"]);
    create(&["-n", "shop", "configmap", "settings", "--from-literal=colour=green"]);
    create(&["-n", "shop", "secret", "generic", "password", "--from-literal=a=b"]);
    create(&["-n", "shop", "serviceaccount", "robot"]);
    create(&["-n", "shop", "deployment", "web", "--image=example.com/web:1", "--replicas=2"]);
    create(&["-n", "shop", "service", "clusterip", "web", "--tcp=80:8080"]);

    // Shown in each form.
    let get = |what: &[&str]| kubectl.run(&[&["-n", "shop", "get"], what].concat()).success();
    has(&get(&["configmap", "settings"]), &["NAME", "DATA", "AGE", "settings   1"]);
    has(&get(&["deployment", "-o", "wide"]), &["READY", "UP-TO-DATE", "IMAGES", "0/2", "example.com/web:1", "app=web"]);
    has(&get(&["service", "web"]), &["CLUSTER-IP", "80/TCP"]);
    has(&get(&["cm", "settings", "-o", "yaml"]), &["apiVersion: v1\n", "  colour: green\n", "kind: ConfigMap\n"]);
    let json: Value = serde_json::from_str(&get(&["secret", "password", "-o", "json"])).expect("it is JSON");
    assert_eq!((&json["type"], &json["data"]["a"]), (&"Opaque".into(), &"Yg==".into()));
    assert_eq!(get(&["deploy/web", "-o", "jsonpath={.spec.template.spec.containers[0].image}"]), "example.com/web:1");
    has(
        &get(&["cm,secret,deploy,sa", "-o", "name"]),
        &["configmap/settings", "deployment.apps/web", "serviceaccount/robot"],
    );
    let describe = |what: &[&str]| kubectl.run(&[&["-n", "shop", "describe"], what].concat()).success();
    has(&describe(&["cm", "settings"]), &["Name:         settings", "colour:", "green"]);
    has(&describe(&["deployment", "web"]), &["2 desired", "example.com/web:1", "RollingUpdate"]);
    has(&describe(&["ns", "shop"]), &["Status:       Active"]);

    // Changed in each way.
    let on = |what: &[&str]| kubectl.run(&[&["-n", "shop"], what].concat()).success();
    has(&on(&["label", "cm", "settings", "tier=front"]), &["configmap/settings labeled"]);
    has(&get(&["cm", "-l", "tier in (front,back)", "-o", "name"]), &["configmap/settings"]);
    on(&["annotate", "cm", "settings", "note=hello"]);
    on(&["scale", "deployment", "web", "--replicas=5"]);
    on(&["set", "image", "deployment/web", "web=example.com/web:2"]);
    assert_eq!(get(&["deploy", "web", "-o", "jsonpath={.spec.replicas} {.metadata.generation}"]), "5 3");
    on(&["patch", "cm", "settings", "--type=json", "-p", r#"[{"op":"add","path":"/data/size","value":"4"}]"#]);
    on(&["patch", "cm", "settings", "--type=merge", "-p", r#"{"data":{"size":"5"}}"#]);
    has(
        &kubectl.edit(&["-n", "shop", "cm", "settings"], "colour: green", "colour: red").success(),
        &["configmap/settings edited"],
    );
    assert_eq!(get(&["cm", "settings", "-o", "jsonpath={.data}"]), r#"{"colour":"red","size":"5"}"#);

    // Gone, and waited for.
    has(&on(&["delete", "cm", "settings"]), &["configmap \"settings\" deleted"]);
    has(
        &kubectl.run(&["-n", "shop", "get", "cm", "settings"]).failure(),
        &["(NotFound)", "configmaps \"settings\" not found"],
    );
    on(&["delete", "deployment,service", "--all"]);
    // Emptying a namespace is a controller's work, and there is none.
    kubectl.run(&["delete", "ns", "shop", "--wait=false"]).success();
    has(&kubectl.run(&["get", "ns", "shop"]).success(), &["Terminating"]);
}

const MANIFEST: &str = "
apiVersion: v1
kind: Service
metadata: {name: front}
spec:
  selector: {app: front}
  ports:
  - {name: http, port: 80}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: front}
spec:
  selector: {matchLabels: {app: front}}
  template:
    metadata: {labels: {app: front}}
    spec:
      containers:
      - name: main
        image: example.com/front:1
        env:
        - {name: COLOUR, value: green}
        - {name: SIZE, value: large}
";

#[test]
fn it_applies_a_manifest_and_what_changed_in_it() {
    let Some((_host, kubectl)) = session() else { return };
    let apply = |manifest: &str| kubectl.run_with(&["apply", "-f", "-"], manifest).success();
    has(&apply(MANIFEST), &["service/front created", "deployment.apps/front created"]);
    has(&apply(MANIFEST), &["service/front unchanged", "deployment.apps/front unchanged"]);

    // Lists merge by their keys: a field that the manifest no longer has goes, its neighbours stay.
    kubectl.run(&["set", "env", "deployment/front", "OWN=kept"]).success();
    let changed = MANIFEST.replace("        - {name: SIZE, value: large}\n", "").replace("front:1", "front:2");
    has(&apply(&changed), &["service/front unchanged", "deployment.apps/front configured"]);
    let container =
        kubectl.run(&["get", "deploy", "front", "-o", "jsonpath={.spec.template.spec.containers[0]}"]).success();
    let container: Value = serde_json::from_str(&container).expect("it is JSON");
    assert_eq!(container["image"], "example.com/front:2");
    let mut names: Vec<_> =
        container["env"].as_array().expect("it is a list").iter().map(|env| env["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, [Some("COLOUR"), Some("OWN")]);

    // A dry run changes nothing, a field that is not there is refused.
    kubectl.run_with(&["apply", "--dry-run=server", "-f", "-"], &MANIFEST.replace("front:1", "front:3")).success();
    has(&kubectl.run(&["get", "deploy", "front", "-o", "wide"]).success(), &["example.com/front:2"]);
    let misspelt =
        kubectl.run_with(&["apply", "-f", "-"], &MANIFEST.replace("selector: {app", "selectr: {app")).failure();
    has(&misspelt, &["unknown field \"spec.selectr\""]);
    kubectl.run_with(&["delete", "-f", "-"], MANIFEST).success();
}

#[test]
fn it_watches_and_waits() {
    let Some((_host, kubectl)) = session() else { return };
    kubectl.run(&["create", "cm", "first"]).success();
    let arguments = ["get", "cm", "-l", "!hidden", "--watch", "--output-watch-events", "--no-headers"];
    let mut watch = kubectl.command(&arguments).stdout(Stdio::piped()).spawn().expect("kubectl starts");
    let lines = BufReader::new(watch.stdout.take().expect("it is piped")).lines();
    let mut events = lines.map_while(Result::ok).filter(|line| !line.contains("kube-root-ca.crt")).map(|line| {
        let mut words = line.split_whitespace().map(str::to_owned);
        (words.next().unwrap_or_default(), words.next().unwrap_or_default())
    });
    let mut expect = |kind: &str, name: &str| assert_eq!(events.next(), Some((kind.to_owned(), name.to_owned())));
    expect("ADDED", "first");
    kubectl.run(&["create", "cm", "second"]).success();
    expect("ADDED", "second");
    kubectl.run(&["label", "cm", "first", "a=b"]).success();
    expect("MODIFIED", "first");
    // What a selector no longer holds is gone to the one who watches.
    kubectl.run(&["label", "cm", "first", "hidden=yes"]).success();
    expect("DELETED", "first");
    kubectl.run(&["delete", "cm", "second"]).success();
    expect("DELETED", "second");
    watch.kill().expect("kubectl runs still");
    watch.wait().expect("a child can be waited for");

    // `wait` returns when what it waits for happens, not when it is called.
    let arguments = ["wait", "cm/first", "--for=jsonpath={.data.done}=yes", "--timeout=60s"];
    let waiting = kubectl.command(&arguments).stdout(Stdio::piped()).spawn().expect("kubectl starts");
    kubectl.run(&["patch", "cm", "first", "-p", r#"{"data":{"done":"yes"}}"#]).success();
    let waited = waiting.wait_with_output().expect("a child can be waited for");
    has(&String::from_utf8_lossy(&waited.stdout), &["configmap/first condition met"]);

    let arguments = ["wait", "cm/first", "--for=delete", "--timeout=60s"];
    let mut waiting = kubectl.command(&arguments).stdout(Stdio::null()).spawn().expect("kubectl starts");
    kubectl.run(&["delete", "cm", "first"]).success();
    assert!(waiting.wait().expect("a child can be waited for").success());
}

const DEFINITION: &str = "
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: boats, singular: boat, kind: Boat, shortNames: [bt], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.crew, statusReplicasPath: .status.crew}
    additionalPrinterColumns:
    - {name: Length, type: integer, jsonPath: .spec.length}
    - {name: Colour, type: string, jsonPath: .spec.colour, priority: 1}
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            required: [length]
            properties:
              length: {type: integer, minimum: 1, description: From bow to stern in metres}
              colour: {type: string, enum: [white, red], default: white}
              crew: {type: integer}
          status:
            type: object
            properties:
              crew: {type: integer}
              afloat: {type: boolean}
";

const BOAT: &str = "
apiVersion: example.com/v1
kind: Boat
metadata: {name: optimist}
spec: {length: 2}
";

#[test]
fn it_defines_a_resource_and_works_with_its_objects() {
    let Some((_host, kubectl)) = session() else { return };
    let apply = |manifest: &str| kubectl.run_with(&["apply", "-f", "-"], manifest);
    apply(DEFINITION).success();
    kubectl.run(&["wait", "--for=condition=Established", "crd/boats.example.com", "--timeout=60s"]).success();
    has(
        &kubectl.run(&["api-resources", "--api-group=example.com"]).success(),
        &["boats", "bt", "example.com/v1", "Boat"],
    );

    has(&apply(BOAT).success(), &["boat.example.com/optimist created"]);
    has(&apply(BOAT).success(), &["boat.example.com/optimist unchanged"]);
    has(&apply(&BOAT.replace("length: 2", "length: 0")).failure(), &["should be greater than or equal to 1"]);
    has(&apply(&BOAT.replace("length: 2", "length: 2, colour: blue")).failure(), &["Unsupported value: \"blue\""]);
    has(&apply(&BOAT.replace("length: 2", "length: 2, sail: 1")).failure(), &["unknown field \"spec.sail\""]);

    let get = |what: &[&str]| kubectl.run(&[&["get"], what].concat()).success();
    has(&get(&["bt"]), &["NAME", "LENGTH", "optimist   2"]);
    has(&get(&["boat", "-o", "wide"]), &["COLOUR", "white"]);
    has(&get(&["boats.v1.example.com", "optimist", "-o", "yaml"]), &["kind: Boat\n", "  colour: white\n"]);
    has(&get(&["all"]), &["boat.example.com/optimist"]);
    has(&kubectl.run(&["explain", "boat.spec.length"]).success(), &["From bow to stern in metres"]);
    has(&kubectl.run(&["describe", "boat", "optimist"]).success(), &["Kind:         Boat", "Length:  2"]);

    kubectl.run(&["label", "boat", "optimist", "class=dinghy"]).success();
    has(&get(&["boat", "-l", "class=dinghy", "-o", "name"]), &["boat.example.com/optimist"]);
    kubectl.run(&["scale", "boat", "optimist", "--replicas=1"]).success();
    has(&kubectl.edit(&["boat", "optimist"], "colour: white", "colour: red").success(), &["edited"]);
    kubectl
        .run(&[
            "patch",
            "boat",
            "optimist",
            "--type=merge",
            "--subresource=status",
            "-p",
            r#"{"status":{"afloat":true},"spec":{"length":9}}"#,
        ])
        .success();
    let boat: Value = serde_json::from_str(&get(&["boat", "optimist", "-o", "json"])).expect("it is JSON");
    assert_eq!(boat["spec"], serde_json::json!({"colour": "red", "crew": 1, "length": 2}), "{boat}");
    assert_eq!(boat["status"], serde_json::json!({"afloat": true}), "{boat}");

    kubectl.run(&["delete", "boat", "optimist"]).success();
    apply(BOAT).success();
    // With its definition go its objects and its place in discovery.
    kubectl.run(&["delete", "crd", "boats.example.com", "--timeout=60s"]).success();
    kubectl.run(&["wait", "--for=delete", "crd/boats.example.com", "--timeout=60s"]).success();
    has(&kubectl.run(&["get", "boats"]).failure(), &["could not find the requested resource"]);
    assert_eq!(kubectl.run(&["api-resources", "--api-group=example.com", "--cached=false", "--no-headers"]).stdout, "");
}

/// Plays a session of `tests/clients/transcripts`.
#[track_caller]
fn is_as_written(name: &str) {
    let Some(host) = Host::start() else { return };
    let Some(compared) = compared("clients/transcripts.py", &[name], &host) else { return };
    assert_eq!(compared.code, Some(0), "{}{}", compared.stdout, compared.stderr);
}

#[test]
fn it_applies_as_against_kube_apiserver() {
    is_as_written("apply");
}

#[test]
fn it_changes_objects_as_against_kube_apiserver() {
    is_as_written("change");
}

#[test]
fn it_shows_objects_as_against_kube_apiserver() {
    is_as_written("get");
}

#[test]
fn it_deletes_and_waits_as_against_kube_apiserver() {
    is_as_written("delete");
}

#[test]
fn it_generates_objects_as_against_kube_apiserver() {
    is_as_written("create");
}

#[test]
fn it_runs_a_cluster_as_against_kube_apiserver() {
    is_as_written("cluster");
}

/// kubectl asks for version 2 of OpenAPI, as protobuf, where it cannot leave validation to the server: of kinds
/// without a PATCH, and of those that nobody serves.
#[test]
fn it_reads_version_2_of_openapi() {
    let Some((_host, kubectl)) = session() else { return };
    let create = |manifest: &str| kubectl.run_with(&["create", "-o", "yaml", "-f", "-"], manifest);
    const REVIEW: &str = "{apiVersion: authorization.k8s.io/v1, kind: SelfSubjectAccessReview, \
                          spec: {resourceAttributes: {verb: get, resource: pods}}}";
    has(&create(REVIEW).success(), &["  allowed: true\n"]);
    has(&create(&REVIEW.replace("verb", "verv")).failure(), &["unknown field \"verv\""]);
    has(
        &create("{apiVersion: example.com/v1, kind: Nothing, metadata: {name: a}}").failure(),
        &["no matches for kind \"Nothing\" in version \"example.com/v1\""],
    );
    let explained = kubectl.run(&["explain", "pods.spec.hostNetwork", "--output=plaintext-openapiv2"]).success();
    has(&explained, &["KIND:     Pod", "FIELD:    hostNetwork <boolean>", "the node's network"]);
}
