use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::audit::Decoder;
use crate::authz::{Authorization, Mode};
use crate::filters::authorization::Authorize;
use crate::filters::chain::{Filters, Then};
use crate::filters::impersonation::Impersonate;
use crate::filters::panics::ContainPanics;
use crate::filters::testing::{access_metrics, read, request_of};
use crate::filters::{Around, Handler};
use crate::limits::AUDIT_RESPONSE_BYTES_MAX;
use crate::options::RunOptions;
use crate::request::{Context, RequestBody, RequestInfo, Step};
use crate::response::Body;
use crate::serve::Connection;

/// An auditor that writes to a file.
struct Written {
    auditor: Arc<Auditor>,
    log: PathBuf,
    registry: prometheus::Registry,
    _dir: TempDir,
}

impl Written {
    fn new(policy: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("audit.log");
        Self::with(dir, log, policy, &[])
    }

    fn with(dir: TempDir, log: PathBuf, policy: &str, flags: &[&str]) -> Self {
        #[derive(clap::Parser)]
        struct Command {
            #[command(flatten)]
            run: RunOptions,
        }
        let file = dir.path().join("policy.yaml");
        std::fs::write(&file, format!("apiVersion: audit.k8s.io/v1\nkind: Policy\n{policy}")).unwrap();
        let (file, path) = (format!("--audit-policy-file={}", file.display()), log.display().to_string());
        let arguments = ["host", "--plugin=a", &file, "--audit-log-path", &path];
        let command = <Command as clap::Parser>::parse_from(arguments.iter().chain(flags));
        let registry = prometheus::Registry::new();
        let auditor = Auditor::start(&command.run.complete().unwrap().audit, &registry).unwrap().unwrap();
        Self { auditor: Arc::new(auditor), log, registry, _dir: dir }
    }

    /// A request through the filters that have a part in its event.
    async fn serve<H: Handler>(&self, request: Request, handler: &H) -> (u16, http::HeaderMap, String) {
        read(self.answer(request, handler).await).await
    }

    async fn answer<H: Handler>(&self, request: Request, handler: &H) -> Response {
        let authorization = Arc::new(Authorization::new(vec![Mode::PublicPaths]));
        let filters = Audit::new(Some(self.auditor.clone()))
            .then(Impersonate::new(authorization.clone()))
            .then(Authorize::new(authorization, access_metrics()));
        let context = request.context().clone();
        let served = AssertUnwindSafe(Filters(filters).around(request, handler)).catch_unwind().await;
        match served {
            Ok(response) => response,
            Err(panic) => ContainPanics::answer(&context, &*panic),
        }
    }

    /// What has been written.
    fn events(&self) -> Vec<Value> {
        let lines = std::fs::read_to_string(&self.log).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn count(&self, metric: &str) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == metric).unwrap();
        family.get_metric().iter().map(|metric| metric.get_counter().get_value()).sum()
    }
}

/// Reads the body, as a server of resources does, and answers this.
struct Answers(&'static str, &'static str);

impl Handler for Answers {
    async fn handle(&self, mut request: Request) -> Response {
        request.context().annotate_audit("example.com/note", "first");
        request.context().annotate_audit("example.com/note", "second");
        let body = request.take_body().read(1 << 20).await.unwrap();
        request.context().record_body(&body);
        let mut response = Response::new(self.1.into());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.0));
        response
    }
}

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const EVERYTHING: &str = "rules: [{level: RequestResponse}]";

fn admin(method: &str, uri: &str, headers: &[(&str, &str)]) -> Request {
    request_of("root", &["system:masters"], method, uri, headers)
}

fn with_body(request: Request, body: &'static str) -> Request {
    let context = request.context().clone();
    let (message, _) = request.into_message();
    Request::new(message.map(|_| RequestBody::Bytes(Bytes::from_static(body.as_bytes()))), context)
}

fn stages(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["stage"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_request_is_recorded_when_it_comes_and_when_it_is_answered() {
    let written = Written::new("rules: [{level: Metadata}]");
    let headers = [("user-agent", "curl/8"), ("impersonate-user", "eve"), ("impersonate-group", "system:masters")];
    let request = admin("GET", "/api/v1/namespaces/ns/pods/web?pretty=1", &headers);
    written.serve(request, &Answers(JSON, "{\"kind\":\"Pod\"}")).await;
    let events = written.events();
    assert_eq!(stages(&events), ["RequestReceived", "ResponseComplete"]);
    let (first, last) = (&events[0], &events[1]);
    assert_eq!(first["stageTimestamp"], first["requestReceivedTimestamp"]);
    assert!(first.get("responseStatus").is_none() && first.get("annotations").is_none());
    let mut last = last.clone();
    for time in ["requestReceivedTimestamp", "stageTimestamp"] {
        let time = last.as_object_mut().unwrap().shift_remove(time).unwrap();
        assert_eq!(time.as_str().unwrap().len(), "2026-02-03T04:05:06.000789Z".len());
    }
    let expected = json!({
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": "",
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/ns/pods/web?pretty=1",
        "verb": "get",
        "user": {"username": "root", "groups": ["system:masters"]},
        "impersonatedUser": {"username": "eve", "groups": ["system:masters", "system:authenticated"]},
        "sourceIPs": ["127.0.0.1"],
        "userAgent": "curl/8",
        "objectRef": {"resource": "pods", "namespace": "ns", "name": "web", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "annotations": {
            "authorization.k8s.io/decision": "allow",
            "authorization.k8s.io/reason": "",
            "example.com/note": "first",
        },
    });
    assert_eq!(last, expected);
    assert_eq!(written.count("apiserver_audit_event_total"), 2.0);

    // In a narrow way, which is recorded.
    written.serve(admin("GET", "/livez", &[("impersonate-user", "eve")]), &Answers(JSON, "")).await;
    let constraint = json!({"impersonationConstraint": "impersonate:user-info"});
    assert_eq!(written.events()[3]["authenticationMetadata"], constraint);
}

#[tokio::test]
async fn a_refusal_is_recorded_with_its_reason() {
    let written = Written::new("omitStages: [RequestReceived]\nrules: [{level: Metadata}]");
    let refused = request_of("eve", &[], "GET", "/api/v1/pods", &[]);
    let (code, _, _) = written.serve(refused, &Answers(JSON, "")).await;
    let events = written.events();
    assert_eq!((code, stages(&events)), (403, vec!["ResponseComplete"]));
    let status = &events[0]["responseStatus"];
    assert_eq!(
        (&status["status"], &status["reason"], &status["code"]),
        (&json!("Failure"), &json!("Forbidden"), &json!(403))
    );
    assert!(status["message"].as_str().unwrap().starts_with("pods is forbidden: User \"eve\" cannot list"));
    assert_eq!(status["details"], json!({"kind": "pods"}));
    assert_eq!(events[0]["annotations"]["authorization.k8s.io/decision"], "forbid");
}

#[tokio::test]
async fn bodies_are_recorded_as_far_as_the_level_says() {
    const POD: &str =
        "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"web\",\"uid\":\"7\",\"managedFields\":[{}]},\"spec\":{}}";
    const LIST: &str = "{\"kind\":\"PodList\",\"items\":[{\"metadata\":{\"name\":\"a\",\"managedFields\":[{}]}}]}";
    let slim = json!({"kind": "Pod", "metadata": {"name": "web", "uid": "7"}, "spec": {}});
    let full: Value = serde_json::from_str(POD).unwrap();
    let (pods, pod) = ("/api/v1/namespaces/ns/pods", "/api/v1/namespaces/ns/pods/web");
    // Level, method, path, what is sent and answered; the recorded objects.
    let cases = [
        ("level: Metadata", "POST", pods, POD, POD, None, None),
        ("level: Request", "POST", pods, POD, POD, Some(full.clone()), None),
        ("level: RequestResponse", "POST", pods, POD, POD, Some(full.clone()), Some(full)),
        ("level: RequestResponse, omitManagedFields: true", "PUT", pod, POD, POD, Some(slim.clone()), Some(slim)),
        (
            "level: RequestResponse, omitManagedFields: true",
            "GET",
            pods,
            "",
            LIST,
            None,
            Some(json!({"kind": "PodList", "items": [{"metadata": {"name": "a"}}]})),
        ),
        ("level: Request", "PATCH", pod, "[{\"op\":\"test\"}]", POD, Some(json!([{"op": "test"}])), None),
        // Not an object that anybody could have decoded.
        ("level: RequestResponse", "POST", pods, "{\"kind\":", "k8s\0", None, None),
        ("level: RequestResponse", "POST", "/version", POD, POD, None, None),
    ];
    for (level, method, uri, sent, answer, request, response) in cases {
        let written = Written::new(&format!("omitStages: [RequestReceived]\nrules: [{{{level}}}]"));
        written.serve(with_body(admin(method, uri, &[]), sent), &Answers(JSON, answer)).await;
        let event = &written.events()[0];
        assert_eq!(
            (event.get("requestObject"), event.get("responseObject")),
            (request.as_ref(), response.as_ref()),
            "{level} {method} {uri}"
        );
        // What is created says what it is called.
        if sent == POD && uri == pods {
            assert_eq!(
                (&event["objectRef"]["name"], &event["objectRef"]["uid"]),
                (&json!("web"), &json!("7")),
                "{level}"
            );
        }
    }
}

/// A list in two parts, and a watch.
struct Streams;

impl Handler for Streams {
    async fn handle(&self, _: Request) -> Response {
        let parts = ["{\"kind\":\"PodList\",", "\"items\":[]}"]
            .map(|part| Ok(Frame::data(Bytes::from_static(part.as_bytes()))));
        Response::new(Body::stream(StreamBody::new(futures_util::stream::iter(parts).boxed())))
    }
}

/// Answers more than an event keeps.
struct AnswersTooMuch;

impl Handler for AnswersTooMuch {
    async fn handle(&self, _: Request) -> Response {
        let large = format!("{{\"kind\":\"Pod\",\"spec\":\"{}\"}}", "x".repeat(AUDIT_RESPONSE_BYTES_MAX));
        let mut response = Response::new(large.into());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        response
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_for_its_event_is_left_out_and_the_event_says_so() {
    let written = Written::new(EVERYTHING);
    let (code, _, body) = written.serve(admin("GET", "/api/v1/pods/a", &[]), &AnswersTooMuch).await;
    assert!(code == 200 && body.len() > AUDIT_RESPONSE_BYTES_MAX, "the client gets all of it");
    let last = written.events().pop().unwrap();
    assert_eq!(last["annotations"]["audit.k8s.io/truncated"], "true", "{last:#}");
    assert!(last.get("responseObject").is_none(), "{last:#}");
}

#[tokio::test]
async fn a_stream_is_recorded_when_it_begins_and_when_it_ends() {
    let written = Written::new(EVERYTHING);
    let mut watch = written.answer(admin("GET", "/api/v1/pods?watch=1", &[]), &Streams).await;
    assert_eq!(stages(&written.events()), ["RequestReceived", "ResponseStarted"]);
    watch.body_mut().frame().await;
    assert_eq!(written.events().len(), 2);
    drop(watch);
    assert_eq!(stages(&written.events())[2..], ["ResponseComplete"]);
    assert!(written.events()[2].get("responseObject").is_none(), "events are not objects");

    written.serve(admin("GET", "/api/v1/pods", &[]), &Streams).await;
    assert_eq!(written.events()[4]["responseObject"], json!({"kind": "PodList", "items": []}));
}

#[tokio::test]
async fn a_slow_request_says_where_its_time_went_and_a_watch_is_not_slow() {
    for (uri, is_slow) in [("/api/v1/pods", true), ("/api/v1/pods?watch=1", false)] {
        let written = Written::new("rules: [{level: Metadata}]");
        let (message, context) = admin("GET", uri, &[]).into_message();
        let connection = Arc::new(Connection::new(([127, 0, 0, 1], 1).into(), Vec::new()));
        let received = Instant::now().checked_sub(Duration::from_secs(1)).expect("the machine has run for longer");
        let earlier = Arc::new(Context::new(received, connection));
        earlier.set_info(RequestInfo::new(message.method(), message.uri()).unwrap());
        earlier.set_user(context.user().clone());
        earlier.latency().set(Step::Authentication, Duration::from_millis(7));
        written.serve(Request::new(message, earlier), &Streams).await;
        let event = written.events().pop().unwrap();
        let annotation = |step: &str| event["annotations"].get(format!("apiserver.latency.k8s.io/{step}"));
        assert_eq!(annotation("authentication"), is_slow.then_some(&json!("7ms")), "{uri}: {event:#}");
        assert_eq!(annotation("total").is_some(), is_slow, "{uri}: {event:#}");
    }
}

struct Panics;

impl Handler for Panics {
    async fn handle(&self, _: Request) -> Response {
        panic!("cannot stand it");
    }
}

#[tokio::test]
async fn a_panic_is_recorded_with_its_reason() {
    let written = Written::new(EVERYTHING);
    let (code, _, _) = written.serve(admin("GET", "/api/v1/pods", &[]), &Panics).await;
    let events = written.events();
    assert_eq!((code, stages(&events)), (500, vec!["RequestReceived", "Panic"]));
    assert_eq!(events[1]["responseStatus"]["message"], "APIServer panic'd: cannot stand it");
}

struct Waits;

impl Handler for Waits {
    async fn handle(&self, _: Request) -> Response {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_is_recorded() {
    let cases = [(true, json!(504), json!("Timeout")), (false, json!(200), Value::Null)];
    for (late, code, reason) in cases {
        let written = Written::new(EVERYTHING);
        let request = admin("GET", "/api/v1/pods", &[]);
        if late {
            request.context().set_deadline(std::time::Instant::now());
        }
        assert!(written.answer(request, &Waits).now_or_never().is_none());
        let event = &written.events()[1];
        assert_eq!((&event["stage"], &event["responseStatus"]["code"]), (&json!("ResponseComplete"), &code));
        assert_eq!(event["responseStatus"]["reason"], reason);
    }
}

#[tokio::test]
async fn who_is_refused_before_he_is_known_is_recorded_once() {
    let written = Written::new(EVERYTHING);
    let request = crate::filters::testing::get("/api/v1/pods");
    let response = crate::response::Failure::unauthorized().into();
    refused(Some(&written.auditor), &request, &response);
    let events = written.events();
    assert_eq!((stages(&events), &events[0]["user"]), (vec!["ResponseStarted"], &json!({})));
    assert_eq!(events[0]["responseStatus"]["reason"], "Unauthorized");
}

/// Knows what every body means.
struct Knows;

impl Decoder for Knows {
    fn decode<'a>(&'a self, info: &'a RequestInfo, kind: &'a str, body: Bytes) -> BoxFuture<'a, Option<Value>> {
        let body = String::from_utf8_lossy(&body).into_owned();
        std::future::ready(Some(json!({"metadata": {"name": body}, "of": info.resource(), "as": kind}))).boxed()
    }
}

#[tokio::test]
async fn bodies_that_are_not_json_are_decoded_by_whoever_knows_how() {
    let written = Written::new("omitStages: [RequestReceived]\nrules: [{level: RequestResponse}]");
    let request = || with_body(admin("POST", "/api/v1/pods", &[("content-type", PROTOBUF)]), "k8s-in");
    written.serve(request(), &Answers(PROTOBUF, "k8s-out")).await;
    written.auditor.set_decoder(Arc::new(Knows));
    written.serve(request(), &Answers(PROTOBUF, "k8s-out")).await;
    written.auditor.close().await;
    let events = written.events();
    assert!(events[0].get("requestObject").is_none() && events[0].get("responseObject").is_none());
    assert_eq!(events[1]["requestObject"], json!({"metadata": {"name": "k8s-in"}, "of": "pods", "as": PROTOBUF}));
    assert_eq!(events[1]["responseObject"]["metadata"]["name"], "k8s-out");
    assert_eq!(events[1]["objectRef"]["name"], "k8s-in");
}

#[tokio::test]
async fn what_cannot_be_recorded_is_counted_and_refused_if_it_has_to_be() {
    // Mode; the code of the answer; what is lost.
    let cases = [("blocking", 200, 2.0), ("blocking-strict", 500, 1.0)];
    for (mode, code, lost) in cases {
        let mode = format!("--audit-log-mode={mode}");
        // A disk that is always full.
        let written = Written::with(tempfile::tempdir().unwrap(), "/dev/full".into(), EVERYTHING, &[&mode]);
        let (got, _, body) = written.serve(admin("GET", "/api/v1/pods", &[]), &Answers(JSON, "{}")).await;
        assert_eq!((got, written.count("apiserver_audit_error_total")), (code, lost), "{mode}");
        assert_eq!(written.count("apiserver_audit_requests_rejected_total"), f64::from(u8::from(code == 500)));
        if code == 500 {
            assert_eq!(body, "Internal Server Error: \"/api/v1/pods\": failed to store audit event\n");
        }
    }
}

#[tokio::test]
async fn a_batch_is_written_when_the_server_ends() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("audit.log");
    let flags = ["--audit-log-mode=batch", "--audit-log-batch-max-size=100", "--audit-log-batch-max-wait=1h"];
    let written = Written::with(dir, log, EVERYTHING, &flags);
    written.serve(admin("GET", "/api/v1/pods", &[]), &Answers(JSON, "{}")).await;
    assert_eq!(written.events().len(), 0);
    written.auditor.close().await;
    assert_eq!(written.events().len(), 2);
    // What comes after that is lost, and known to be.
    written.serve(admin("GET", "/api/v1/pods", &[]), &Answers(JSON, "{}")).await;
    assert_eq!((written.events().len(), written.count("apiserver_audit_error_total")), (2, 2.0));
}

#[tokio::test]
async fn what_is_not_to_be_recorded_is_not() {
    let written = Written::new("rules: [{level: None, users: [root]}, {level: Metadata}]");
    let (code, _, _) = written.serve(admin("GET", "/api/v1/pods", &[]), &Answers(JSON, "{}")).await;
    assert_eq!((code, written.events().len()), (StatusCode::OK.as_u16(), 0));
}
