use super::*;
use http::StatusCode;
use http_body_util::BodyExt;
use parking_lot::Mutex;

/// `/readyz?verbose`; then status and body.
async fn ask(health: &Health, uri: &str) -> Option<(u16, String)> {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let response = health.respond(&HealthRequest::of(path)?, query).await?;
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    // Upstream does not say it of a single check that passed.
    let is_one = path.trim_start_matches('/').contains('/');
    let is_certain = response.headers().contains_key("x-content-type-options");
    assert_eq!(is_certain, !(is_one && response.status() == StatusCode::OK), "{uri}");
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Some((head.status.as_u16(), String::from_utf8(body.to_vec()).unwrap()))
}

fn health(signals: &Arc<Signals>) -> Health {
    Health::new(signals.clone(), Duration::ZERO)
}

fn failing(name: &str, endpoints: &[Endpoint]) -> Check {
    Check::new(name, endpoints, || async { Err("the disk is full".to_owned()) })
}

#[tokio::test]
async fn texts_are_upstreams() {
    let well = health(&Arc::default());
    well.add(Check::new("etcd", Endpoint::ALL, || async { Ok(()) }));
    well.add_boot("rbac/bootstrap-roles").unwrap().finished();
    let ill = health(&Arc::default());
    ill.add(failing("etcd", &Endpoint::ALL));
    ill.add_boot("start-controllers").unwrap();

    let grouped = health(&Arc::default());
    for name in ["a", "b"] {
        grouped.add(failing(name, &Endpoint::ALL).in_group("peers"));
    }

    let all_ok = "[+]ping ok\n[+]log ok\n[+]etcd ok\n[+]poststarthook/rbac/bootstrap-roles ok\n";
    let cases = [
        (&well, "/healthz", 200, "ok"),
        (&well, "/livez", 200, "ok"),
        (&well, "/readyz", 200, "ok"),
        (&well, "/readyz?verbose", 200, &*format!("{all_ok}readyz check passed\n")),
        (&well, "/livez?verbose=true", 200, &format!("{all_ok}livez check passed\n")),
        (
            &well,
            "/healthz?verbose&exclude=etcd&exclude=log",
            200,
            "[+]ping ok\n[+]log excluded: ok\n[+]etcd excluded: ok\n[+]poststarthook/rbac/bootstrap-roles ok\n\
             healthz check passed\n",
        ),
        (
            &well,
            "/readyz?verbose&exclude=y&exclude=x",
            200,
            &format!(
                "{all_ok}warn: some health checks cannot be excluded: no matches for \"x\",\"y\"\nreadyz check passed\n"
            ),
        ),
        (&well, "/readyz?exclude=x", 200, "ok"),
        (&grouped, "/readyz?exclude=peers", 200, "ok"),
        (
            &grouped,
            "/readyz?verbose&exclude=peers&exclude=a",
            200,
            "[+]ping ok\n[+]log ok\n[+]a excluded: ok\n[+]b excluded with peers: ok\nreadyz check passed\n",
        ),
        (
            &grouped,
            "/readyz?exclude=a",
            500,
            "[+]ping ok\n[+]log ok\n[+]a excluded: ok\n[-]b failed: reason withheld\nreadyz check failed\n",
        ),
        (&grouped, "/readyz/peers/b", 404, ""),
        (&well, "/readyz/etcd", 200, "ok"),
        (&well, "/readyz/poststarthook/rbac/bootstrap-roles", 200, "ok"),
        (
            &ill,
            "/livez",
            500,
            "[+]ping ok\n[+]log ok\n[-]etcd failed: reason withheld\n\
             [-]poststarthook/start-controllers failed: reason withheld\nlivez check failed\n",
        ),
        (&ill, "/livez?exclude=etcd&exclude=poststarthook/start-controllers", 200, "ok"),
        (&ill, "/livez/etcd", 500, "internal server error: the disk is full\n"),
        (&ill, "/livez/poststarthook/start-controllers", 500, "internal server error: not finished\n"),
    ];
    for (health, uri, code, body) in cases {
        let expected = (code != 404).then(|| (code, body.to_owned()));
        assert_eq!(ask(health, uri).await, expected, "{uri}");
    }
    for unknown in ["/readyz/nonsense", "/readyz/", "/readyzz", "/", "/version"] {
        assert_eq!(ask(&well, unknown).await, None, "{unknown}");
    }
}

#[tokio::test]
async fn checks_belong_to_endpoints_and_names_are_there_once() {
    let health = health(&Arc::default());
    assert!(health.add(failing("disk", &[Endpoint::Readyz])));
    assert!(!health.add(failing("disk", &Endpoint::ALL)));
    assert_eq!(ask(&health, "/livez").await.unwrap().0, 200);
    assert_eq!(ask(&health, "/livez/disk").await, None);
    assert_eq!(ask(&health, "/readyz").await.unwrap().0, 500);
    health.remove("disk");
    assert_eq!(ask(&health, "/readyz").await.unwrap().0, 200);
}

#[tokio::test]
async fn readiness_fails_from_the_beginning_of_a_shutdown() {
    let signals = Arc::new(Signals::default());
    let health = health(&signals);
    health.add_shutdown();
    assert!(!signals.has_fired(Signal::HasBeenReady));
    assert_eq!(ask(&health, "/livez").await.unwrap().0, 200);
    assert!(!signals.has_fired(Signal::HasBeenReady));
    assert_eq!(ask(&health, "/readyz").await.unwrap().0, 200);
    assert!(signals.has_fired(Signal::HasBeenReady));

    signals.fire(Signal::ShutdownInitiated);
    let expected = "[+]ping ok\n[+]log ok\n[-]shutdown failed: reason withheld\nreadyz check failed\n";
    assert_eq!(ask(&health, "/readyz").await, Some((500, expected.to_owned())));
    let expected = "internal server error: process is shutting down\n";
    assert_eq!(ask(&health, "/readyz/shutdown").await, Some((500, expected.to_owned())));
    assert_eq!(ask(&health, "/livez").await.unwrap().0, 200);
}

#[tokio::test]
async fn liveness_overlooks_the_start_for_a_while() {
    let health = Health::new(Arc::default(), Duration::from_secs(3600));
    let boot = health.add_boot("slow").unwrap();
    let code = async |uri| ask(&health, uri).await.unwrap().0;
    assert_eq!((code("/livez").await, code("/readyz").await, code("/healthz").await), (200, 500, 500));
    boot.finished();
    assert_eq!(code("/readyz").await, 200);
    boot.restarted();
    assert_eq!(code("/readyz").await, 500);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_hangs_fails() {
    let health = health(&Arc::default());
    let check = Check::new("hangs", Endpoint::ALL, std::future::pending);
    health.add(check.with_timeout(Duration::from_secs(5)));
    let expected = "internal server error: did not finish within 5s\n";
    assert_eq!(ask(&health, "/livez/hangs").await, Some((500, expected.to_owned())));
}

#[tokio::test]
async fn checks_run_at_once_and_only_if_they_are_asked_for() {
    let health = health(&Arc::default());
    let ran = Arc::new(Mutex::new(Vec::new()));
    let (first_runs, second_runs) = (Arc::new(tokio::sync::Notify::new()), ran.clone());
    let wait = first_runs.clone();
    // Would wait for ever if the second one did not run meanwhile.
    health.add(Check::new("waits", Endpoint::ALL, move || {
        let wait = wait.clone();
        async move {
            wait.notified().await;
            Ok(())
        }
    }));
    health.add(Check::new("wakes", Endpoint::ALL, move || {
        second_runs.lock().push("wakes");
        first_runs.notify_one();
        async { Ok(()) }
    }));
    assert_eq!(ask(&health, "/livez").await.unwrap().0, 200);
    assert_eq!(ask(&health, "/livez?exclude=wakes&exclude=waits").await.unwrap().0, 200);
    assert_eq!(*ran.lock(), ["wakes"]);
}

#[tokio::test]
async fn each_check_is_counted() {
    let health = health(&Arc::default());
    health.add(failing("disk", &[Endpoint::Readyz]));
    ask(&health, "/readyz").await;
    ask(&health, "/readyz").await;
    let text = health.metrics_text();
    for line in [
        "kubernetes_healthcheck{name=\"disk\",type=\"readyz\"} 0",
        "kubernetes_healthcheck{name=\"ping\",type=\"readyz\"} 1",
        "kubernetes_healthchecks_total{name=\"disk\",status=\"error\",type=\"readyz\"} 2",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn an_advisory_check_is_shown_and_fails_nothing_but_itself() {
    let health = health(&Arc::default());
    health.add(failing("plugin/hello", &[Endpoint::Readyz]).advisory());
    let report = "[+]ping ok\n[+]log ok\n[-]plugin/hello failed: not required\nreadyz check passed\n";
    for (uri, code, body) in [
        ("/readyz", 200, "ok"),
        ("/readyz?verbose", 200, report),
        ("/readyz/plugin/hello", 500, "internal server error: the disk is full\n"),
    ] {
        assert_eq!(ask(&health, uri).await, Some((code, body.to_owned())), "{uri}");
    }
}

#[tokio::test]
async fn readiness_waits_for_what_links_announced() {
    let signals = Arc::new(Signals::default());
    let routes = Arc::new(crate::lifecycle::RoutesComplete::new(signals.clone()));
    let health = health(&signals);
    health.add(Check::informer_sync(routes.clone()));
    for name in ["crds", "apiservices"] {
        routes.expect("a", name);
    }
    let expected = "internal server error: 2 informers not started yet: [apiservices crds]\n";
    assert_eq!(ask(&health, "/readyz/informer-sync").await, Some((500, expected.to_owned())));
    assert_eq!(ask(&health, "/livez/informer-sync").await, None);
    routes.complete("a", "crds");
    routes.complete("a", "apiservices");
    assert_eq!(ask(&health, "/readyz").await.unwrap().0, 200);
}
