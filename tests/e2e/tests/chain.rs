//! Which link answers, and what links share.

use e2e::{Setup, eventually};

#[test]
fn the_outermost_link_with_a_matching_route_answers() {
    let chain = Setup::bare().and_then(|setup| {
        setup
            .link("inner", "prefix /shared\nprefix /inner\nexact /shared/deep/exact")?
            .link("outer", "prefix /shared\nprefix /shared/deep\nexact /shared/exact\nprefix /outer")
    });
    let Some(host) = chain.map(|chain| chain.start()) else { return };
    for (path, answer) in [
        // Delegation: own routes first, the rest to the delegate.
        ("/outer", "outer: prefix /outer for /outer"),
        ("/inner", "inner: prefix /inner for /inner"),
        ("/shared", "outer: prefix /shared for /shared"),
        // Within a link the exact route wins, then the longest prefix.
        ("/shared/exact", "outer: exact /shared/exact for /shared/exact"),
        ("/shared/exact/below", "outer: prefix /shared for /shared/exact/below"),
        ("/shared/deep/x", "outer: prefix /shared/deep for /shared/deep/x"),
        // A better match further in changes nothing.
        ("/shared/deep/exact", "outer: prefix /shared/deep for /shared/deep/exact"),
        // A link may say that a request is not its own, or ask its delegate itself.
        ("/shared/outer-passes", "inner: prefix /shared for /shared/outer-passes"),
        ("/outer/ask?/shared/x", "inner: prefix /shared for /shared/x"),
        ("/outer/ask?/inner", "inner: prefix /inner for /inner"),
    ] {
        assert_eq!(host.client().get(path).expect(200).text().trim_end(), answer, "{path}");
    }
    for path in [
        "/nowhere",
        "/innermost",
        "/inner/inner-passes",
        "/outer/outer-passes",
        "/inner/ask?/outer",
        "/outer/ask?/outer",
    ] {
        assert_eq!(host.client().get(path).status, 404, "{path}");
    }
}

#[test]
fn a_path_that_nobody_serves_is_unavailable_until_all_routes_are_there_and_not_found_after() {
    let script = "prefix /early\nexpect later\nhook early-completes";
    let chain = Setup::bare().and_then(|setup| setup.link("early", script)?.link("outer", "prefix /outer"));
    let Some(host) = chain.map(|chain| chain.start_until("/livez")) else { return };
    let client = host.client();

    client.get("/early").expect(200);
    let unavailable = client.get("/nowhere").expect(503);
    assert!(unavailable.headers.contains_key("retry-after"), "{:?}", unavailable.headers);

    client.get("/early/told").expect(200);
    eventually(|| client.get("/nowhere").status == 404, || "routes stay incomplete".to_owned());
    client.get("/early").expect(200);
}

#[test]
fn a_link_carries_its_delegates_checks_and_hooks() {
    let chain = Setup::bare().and_then(|setup| {
        setup
            .link("inner", "check shared\ncheck inner-check\nhook inner-hook")?
            // Under a name that is there already a check is skipped: this one would fail.
            .link("outer", "check outer-check\nhook outer-hook\ncheck shared")
    });
    let Some(host) = chain.map(|chain| chain.start()) else { return };
    let report = host.client().get("/readyz?verbose").expect(200).text();
    for check in ["shared", "inner-check", "outer-check", "poststarthook/inner-hook", "poststarthook/outer-hook"] {
        assert_eq!(report.matches(&format!("[+]{check} ok")).count(), 1, "{check}:\n{report}");
    }
    assert!(report.ends_with("readyz check passed\n"), "{report}");
    host.client().get("/readyz/outer-check").expect(200);
    host.client().get("/livez/outer-check").expect(404);
    let without = host.client().get("/readyz?verbose&exclude=shared").expect(200).text();
    assert!(without.contains("[+]shared excluded: ok"), "{without}");
}

#[test]
fn a_hook_whose_name_is_taken_is_an_error_that_names_both_links() {
    let two = Setup::bare().and_then(|setup| setup.link("inner", "hook same")?.link("outer", "hook same"));
    let one = Setup::bare().and_then(|setup| setup.link("inner", "hook same\nhook same"));
    for (chain, words) in [(two, &["`same`", "`inner`", "`outer`"][..]), (one, &["`same`", "`inner`", "twice"])] {
        let Some(chain) = chain else { return };
        let output = chain.refused();
        assert_eq!(output.code, Some(1), "{}", output.stderr);
        for word in words {
            assert!(output.stderr.contains(word), "no {word} in:\n{}", output.stderr);
        }
    }
}
