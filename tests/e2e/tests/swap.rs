//! Changing the chain while it serves.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use e2e::{Host, Setup, WITHOUT, eventually};

/// A neighbour, and around it the link `swapped` with this script.
fn beside_a_neighbour(script: &str) -> Option<Setup> {
    Setup::bare()?.link("neighbour", "prefix /neighbour\nhook taken")?.link("swapped", script)
}

/// Gives the link a script, which it reads in its next generation, and swaps in another build.
fn swap_to(host: &Host, component: &Path, script: &str) -> e2e::Output {
    host.setup().file("swapped.script", script.as_bytes());
    host.command(&["plugin", "swap", "swapped", &component.display().to_string()])
}

/// Generations, outermost first, with their names.
fn generations(host: &Host) -> Vec<String> {
    host.links().iter().map(|link| format!("{} {}", link["name"].as_str().unwrap_or("?"), link["generation"])).collect()
}

#[test]
fn a_swap_replaces_one_link_and_shows_what_is_different() {
    let Some(setup) = beside_a_neighbour("prefix /one\nprefix /both\ncheck same\ncheck old\nhook old") else { return };
    let component = setup.rebuilt(&Setup::scripted_component().expect("it was there"), "second.wasm");
    // Longer than the test.
    let host = setup.with(&["--plugin-limit", "swapped=probation_ms=600000"]).start();
    let socket = host.data_dir().join("admin.sock");
    let mode = fs::metadata(&socket).expect("a running host has a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "who else may use it?");
    assert_eq!(generations(&host), ["swapped 1", "neighbour 1"]);

    let said = swap_to(&host, &component, "prefix /two\nprefix /both\ncheck same\ncheck new\nhook new").success();
    assert!(said.starts_with("plugin `swapped`: generation 2 serves in place of 1"), "{said}");
    for line in [
        "+ check new",
        "+ hook post-start new",
        "+ route prefix /two",
        "- check old",
        "- hook post-start old",
        "- route prefix /one",
    ] {
        assert!(said.contains(&format!("  {line}\n")), "no {line:?} in:\n{said}");
        host.wait_for_log(line);
    }
    assert!(!said.contains("/both") && !said.contains("same"), "{said}");

    assert_eq!(generations(&host), ["swapped 2", "neighbour 1"]);
    for (path, status) in [("/one", 404), ("/two", 200), ("/both", 200), ("/neighbour", 200)] {
        assert_eq!(host.client().get(path).status, status, "{path}");
    }
    eventually(|| host.client().get("/readyz").status == 200, || "its new hook is not ready".to_owned());
    let report = host.client().get("/readyz?verbose").expect(200).text();
    for (check, times) in [("same", 1), ("new", 1), ("old", 0), ("poststarthook/new", 1), ("poststarthook/old", 0)] {
        assert_eq!(report.matches(&format!("[+]{check} ok\n")).count(), times, "{check}:\n{report}");
    }
    assert_eq!(host.metric(r#"host_plugin_swaps_total{plugin="swapped",result="swapped"}"#), 1.0);
    assert_eq!(host.metric(r#"host_plugin_generation{plugin="swapped"}"#), 2.0);
    assert_eq!(host.link("swapped")["state"], "on probation");

    for (arguments, words) in [
        (&["plugin", "ls"][..], &["NAME", "SHA-256", "swapped", "second.wasm", "neighbour"][..]),
        (&["chain"], &["ORDER", "GENERATION", "ROUTES", "MEMORY", "on probation", "MiB"]),
    ] {
        let said = host.command(arguments).success();
        words.iter().for_each(|word| assert!(said.contains(word), "no {word:?} in:\n{said}"));
    }

    assert_eq!(host.terminate().1.code(), Some(0));
    assert!(!socket.exists(), "it is left behind");
}

#[test]
fn what_cannot_take_the_place_leaves_it_to_what_serves() {
    let Some(setup) = beside_a_neighbour("prefix /swapped\ncheck well") else { return };
    let component = Setup::scripted_component().expect("it was there");
    let rebuilt = setup.rebuilt(&component, "rebuilt.wasm");
    let bytes = fs::read(&component).expect("it can be read");
    let file = |name: &str, bytes: &[u8]| setup.file(name, bytes);
    let wat = |text: &str| wat::parse_str(text).expect("it is valid");
    let files = [
        (file("text.wasm", b"no component at all"), &["is not a WebAssembly component", "hint: "][..]),
        (file("module.wasm", &wat("(module)")), &["is a core module", "hint: "]),
        (file("half.wasm", &bytes[..bytes.len() / 2]), &["is not whole", "half written"]),
        (file("damaged.wasm", &[&bytes[..bytes.len() / 2], &vec![0xff; bytes.len() / 2]].concat()), &["not"]),
        (file("empty.wasm", &wat("(component)")), &["does not export `host:chain/server@0.1.0`", "hint: "]),
        (setup.data_dir().join("nowhere.wasm").display().to_string(), &["does not exist"]),
    ];
    let host = setup.start();
    for (path, words) in &files {
        let said = host.command(&["plugin", "swap", "swapped", path]).failure();
        words.iter().for_each(|word| assert!(said.contains(word), "no {word:?} in:\n{said}"));
    }
    let scripts = [
        ("trap", &["failed in `init`"][..]),
        ("fail", &["refused to start", "told to fail"]),
        ("spin", &["`init`"]),
        ("prepare fail", &["cannot be prepared", "told to fail"]),
        ("prepare trap", &["cannot be prepared"]),
        ("check it-fails", &["fails its check `it-fails`", "told to fail"]),
        ("check it-traps", &["fails its check `it-traps`"]),
        ("hook taken", &["its hook `taken` is registered by plugin `neighbour` already"]),
        ("claim /registry/scripted/neighbour/below/", &["overlaps", "plugin `neighbour`"]),
    ];
    for (script, words) in scripts {
        let said = swap_to(&host, &rebuilt, &format!("prefix /swapped\nprefix /new\n{script}")).failure();
        assert!(said.contains("plugin `swapped` "), "{script}: {said}");
        words.iter().for_each(|word| assert!(said.contains(word), "{script}: no {word:?} in:\n{said}"));
        host.client().get("/swapped").expect(200);
        host.client().get("/new").expect(404);
    }
    let link = host.link("swapped");
    assert_eq!((&link["generation"], &link["state"]), (&1.into(), &"serving".into()));
    host.wait_for_log("generation 1 serves on");
    let refused = host.metric(r#"host_plugin_swaps_total{plugin="swapped",result="refused"}"#);
    assert_eq!(refused, (files.len() + scripts.len()) as f64);
    host.client().get("/readyz").expect(200);

    // All that was tried is gone: the same component takes the place once it behaves.
    swap_to(&host, &rebuilt, "prefix /swapped\nclaim /registry/scripted/more/").success();
    host.client().get("/swapped").expect(200);
    let said = host.command(&["plugin", "swap", "nobody", &rebuilt.display().to_string()]).failure();
    assert!(said.contains("there is no plugin `nobody` in the chain; there are `neighbour`, `swapped`"), "{said}");
}

#[test]
fn a_request_finishes_where_it_started() {
    let Some(setup) = beside_a_neighbour("prefix /swapped") else { return };
    let component = setup.rebuilt(&Setup::scripted_component().expect("it was there"), "second.wasm");
    let host = setup.start();
    std::thread::scope(|scope| {
        // It is under way for as long as a guest may compute; its instance ends with it.
        let client = host.client().clone();
        let spinning = scope.spawn(move || client.get("/swapped/spin").status);
        eventually(
            || host.link("swapped")["callsUnderWay"] != 0 || spinning.is_finished(),
            || "the request is not under way".to_owned(),
        );
        assert!(!spinning.is_finished(), "it ended before the swap");
        swap_to(&host, &component, "prefix /swapped").success();
        host.client().get("/swapped").expect(200);
        assert_eq!(spinning.join().expect("it is answered"), 504);
    });
    // It was the old generation's, and does not count against the new one.
    assert_eq!((&host.link("swapped")["generation"], &host.link("swapped")["failures"]), (&2.into(), &0.into()));
}

#[test]
fn what_hooks_have_added_stays_until_the_next_generation_says_that_its_own_is_complete() {
    let script = "prefix /swapped\nexpect later\nadds /added\nhook it-completes";
    let Some(setup) = beside_a_neighbour(script) else { return };
    let component = Setup::scripted_component().expect("it was there");
    let host = setup.start_until("/livez");
    let client = host.client();
    client.get("/swapped/told").expect(200);
    eventually(|| client.get("/added").status == 200, || "the hook adds no route".to_owned());

    // This one has a hook, too, but it never comes to an end of its routes.
    swap_to(&host, &component, "prefix /swapped\nexpect later\nhook other").success();
    assert_eq!(client.get("/added").expect(200).text().trim_end(), "swapped: prefix /added for /added");
    client.get("/nowhere").expect(404);

    // This one adds another route, and says that it is complete: it was told already.
    swap_to(&host, &component, "prefix /swapped\nexpect later\nadds /instead\nhook it-completes").success();
    eventually(|| client.get("/instead").status == 200, || "the new hook adds no route".to_owned());
    eventually(|| client.get("/added").status == 404, || "what was there before stays".to_owned());

    // This one has all of its routes when it is started.
    swap_to(&host, &component, "prefix /swapped").success();
    client.get("/instead").expect(404);
    client.get("/swapped").expect(200);
}

#[test]
fn links_come_and_go_while_the_chain_serves() {
    let Some(setup) = Setup::bare().and_then(|setup| setup.link("inner", "prefix /\nhook inner")) else { return };
    let component = Setup::scripted_component().expect("it was there").display().to_string();
    let script = |name: &str| {
        setup.file(&format!("{name}.script"), format!("prefix /{name}\nhook {name}\ncheck {name}").as_bytes())
    };
    let host = setup.start();
    let add = |name: &str, place: &[&str]| {
        let (plugin, script) = (format!("{name}={component}"), script(name));
        let grants = WITHOUT.iter().flat_map(|grant| ["--grant", grant]);
        let arguments = ["plugin", "add", &plugin, "--config", &script].into_iter().chain(grants);
        host.command(&arguments.chain(place.iter().copied()).collect::<Vec<_>>())
    };
    let order = || host.links().iter().map(|link| link["name"].as_str().unwrap_or("?").to_owned()).collect::<Vec<_>>();
    let answers = |path: &str| host.client().get(path).expect(200).text();

    assert!(add("outer", &[]).success().contains("plugin `outer`: generation 1"));
    add("middle", &["--after", "outer"]).success();
    add("first", &["--before", "outer"]).success();
    assert_eq!(order(), ["first", "outer", "middle", "inner"]);
    for name in ["first", "outer", "middle"] {
        assert!(answers(&format!("/{name}")).starts_with(&format!("{name}: ")), "{name}");
        eventually(
            || host.client().get(&format!("/readyz/poststarthook/{name}")).status == 200,
            || format!("the hook `{name}` does not run"),
        );
        host.client().get(&format!("/readyz/{name}")).expect(200);
        host.client().get(&format!("/{name}/told")).expect(200);
    }

    for (output, words) in [
        (add("outer", &[]), "there is a plugin `outer` in the chain already"),
        (add("last", &["--before", "nobody"]), "there is no plugin `nobody`"),
        (add("Bad_Name", &[]), "`Bad_Name` cannot name a plugin"),
        (host.command(&["plugin", "remove", "nobody"]), "there is no plugin `nobody`"),
    ] {
        let said = output.failure();
        assert!(said.contains(words), "no {words:?} in:\n{said}");
    }

    for name in ["outer", "first", "middle"] {
        host.command(&["plugin", "remove", name]).success();
        assert!(answers(&format!("/{name}")).starts_with("inner: prefix / for"), "{name}");
        // The innermost link has a route for everything that is not the server's own.
        for check in [format!("/readyz/{name}"), format!("/readyz/poststarthook/{name}")] {
            assert!(answers(&check).starts_with("inner: "), "{check}");
        }
    }
    assert_eq!(order(), ["inner"]);
    let said = host.command(&["plugin", "remove", "inner"]).failure();
    assert!(said.contains("plugin `inner` is the only link"), "{said}");
    // Its name, its claims and its hooks are free again.
    add("outer", &[]).success();
    assert_eq!(host.link("outer")["generation"], 2);
    host.client().get("/outer/told").expect(200);
}

#[test]
fn a_changed_file_is_swapped_and_half_a_file_is_not() {
    let Some(component) = Setup::scripted_component() else { return };
    let Some(setup) = Setup::bare() else { return };
    let bytes = fs::read(&component).expect("it can be read");
    let watched = setup.file("watched.wasm", &bytes);
    let second = fs::read(setup.rebuilt(&component, "second.wasm")).expect("it can be read");
    let third = fs::read(setup.rebuilt(&component, "third.wasm")).expect("it can be read");
    let host = setup.scripted(Path::new(&watched), "watched", "prefix /watched").with(&["--watch"]).start();

    fs::write(&watched, &second[..second.len() / 2]).expect("it can be written");
    host.wait_for_log("is not whole");
    assert_eq!(host.link("watched")["generation"], 1);
    fs::write(&watched, &second).expect("it can be written");
    eventually(|| host.link("watched")["generation"] == 2, || "the file has changed".to_owned());

    // As compilers do it: under another name first.
    let new = host.setup().file("watched.new", &third);
    fs::rename(new, &watched).expect("it can be renamed");
    eventually(|| host.link("watched")["generation"] == 3, || "the file has changed".to_owned());
    host.client().get("/watched").expect(200);
    assert!(!host.log().contains("was not put into place"), "something else was tried");
}
