//! Plugins that say who somebody is and what he may.

use e2e::{Client, Host, Setup, eventually};

/// The doorman and a link behind him that he lets people to, with these options.
fn guarded(options: &[&str]) -> Option<Host> {
    Some(Setup::bare()?.link("house", "prefix /house")?.doorman()?.with(options).start())
}

/// Somebody whom only the doorman knows.
fn somebody(host: &Host, name: &str) -> Client {
    host.anonymous().with_header("authorization", &format!("Bearer token-of-{name}"))
}

#[test]
fn a_plugin_says_who_somebody_is() {
    let Some(host) = guarded(&["--authorization-mode=AlwaysAllow"]) else { return };
    let asked = |name: &str, value: &str| host.anonymous().with_header(name, value).get("/doorman");
    for (name, value, expected) in
        [("authorization", "Bearer token-of-ann", "hello, ann\n"), ("x-doorman", "bob", "hello, bob\n")]
    {
        assert_eq!(asked(name, value).expect(200).text(), expected, "{name}: {value}");
    }
    // Whom a certificate names is not asked about.
    let administrator = host.client().with_header("authorization", "Bearer token-of-ann");
    assert_eq!(administrator.get("/doorman").expect(200).text(), "hello, kubernetes-admin\n");
    assert_eq!(asked("authorization", "Bearer of-nobody").status, 401, "a token that nobody knows");
    assert_eq!(asked("x-other", "eve").status, 401, "nobody is anonymous where all is allowed");
}

#[test]
fn an_authenticator_that_fails_refuses_and_the_next_request_finds_it_well() {
    let options = ["--authorization-mode=AlwaysAllow", "--plugin-limit", "doorman=access_ms_max=2000"];
    let Some(host) = guarded(&options) else { return };
    for (token, words) in [("fail", "told to fail"), ("trap", "told to trap"), ("hang", "within 2000 ms")] {
        let bearer = format!("Bearer {token}");
        let refused = host.anonymous().with_header("authorization", &bearer).get("/house").expect(401);
        assert!(refused.text().contains("Unauthorized"), "{}", refused.text());
        host.wait_for_log(words);
        somebody(&host, "ann").get("/house").expect(200);
    }
}

#[test]
fn a_plugin_says_what_somebody_may() {
    for options in [&[][..], &["--authorization-mode=doorman"]] {
        let Some(host) = guarded(options) else { return };
        let (ann, banned) = (somebody(&host, "ann"), somebody(&host, "banned"));
        let forbidden = ann.get("/house").expect(403);
        assert!(forbidden.text().contains("cannot get path"), "{}", forbidden.text());
        let denied = banned.get("/house").expect(403).text();
        assert!(denied.contains("nothing for the banned, /house neither"), "{denied}");
        // What is decided by is stored, and each instance learns of it.
        host.client().get("/doorman/trust/ann").expect(200);
        eventually(|| (0..8).all(|_| ann.get("/house").status == 200), || "nobody trusts ann".to_owned());
        assert_eq!(somebody(&host, "eve").get("/house").status, 403);
        // Those who may do everything are not asked about.
        host.client().get("/house").expect(200);
    }
}

#[test]
fn an_authorizer_that_fails_is_a_500_and_harms_nobody_else() {
    let Some(host) = guarded(&["--plugin-limit", "doorman=access_ms_max=2000"]) else { return };
    host.client().get("/doorman/trust/ann").expect(200);
    for (name, words) in [("fail", "told to fail"), ("trap", "told to trap"), ("hang", "within 2000 ms")] {
        somebody(&host, name).get("/house").expect(500);
        host.wait_for_log(words);
        eventually(|| somebody(&host, "ann").get("/house").status == 200, || format!("not after {name}"));
        host.client().get("/house").expect(200);
    }
}

#[test]
fn a_mode_that_names_a_plugin_that_does_not_decide_is_an_error() {
    let Some(setup) = Setup::bare().and_then(|setup| setup.link("house", "prefix /house")) else { return };
    let output = setup.with(&["--authorization-mode=house"]).refused();
    assert_eq!(output.code, Some(1), "{}", output.stderr);
    assert!(output.stderr.contains("--authorization-mode names `house`"), "{}", output.stderr);
}
