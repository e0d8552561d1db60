use super::*;

fn info(method: &str, uri: &str) -> RequestInfo {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    RequestInfo::new(&method, &uri.parse().unwrap()).unwrap()
}

/// Method and URI; then verb, prefix, group, version, namespace, resource, subresource, name, parts.
type Case = (&'static str, &'static str, [&'static str; 8], &'static str);

#[test]
fn reads_resource_paths() {
    #[rustfmt::skip]
    let cases: &[Case] = &[
        ("GET", "/api/v1/namespaces", ["list", "api", "", "v1", "", "namespaces", "", ""], "namespaces"),
        ("GET", "/api/v1/namespaces/", ["list", "api", "", "v1", "", "namespaces", "", ""], "namespaces"),
        ("GET", "/api/v1/namespaces/other", ["get", "api", "", "v1", "other", "namespaces", "", "other"], "namespaces other"),
        ("GET", "/api/v1/namespaces/other/pods", ["list", "api", "", "v1", "other", "pods", "", ""], "pods"),
        ("GET", "/api/v1/namespaces/other/pods/foo", ["get", "api", "", "v1", "other", "pods", "", "foo"], "pods foo"),
        ("HEAD", "/api/v1/namespaces/other/pods/foo", ["get", "api", "", "v1", "other", "pods", "", "foo"], "pods foo"),
        ("GET", "/api/v1/pods", ["list", "api", "", "v1", "", "pods", "", ""], "pods"),
        ("HEAD", "/api/v1/pods", ["list", "api", "", "v1", "", "pods", "", ""], "pods"),
        ("OPTIONS", "/api/v1/pods", ["", "api", "", "v1", "", "pods", "", ""], "pods"),
        // Verbs in the path.
        ("GET", "/api/v1/proxy/namespaces/other/pods/foo", ["proxy", "api", "", "v1", "other", "pods", "", "foo"], "pods foo"),
        ("GET", "/api/v1/proxy/namespaces/other/pods/foo/sub/path", ["proxy", "api", "", "v1", "other", "pods", "", "foo"], "pods foo sub path"),
        ("GET", "/api/v1/watch/pods", ["watch", "api", "", "v1", "", "pods", "", ""], "pods"),
        ("GET", "/api/v1/watch/namespaces/other/pods", ["watch", "api", "", "v1", "other", "pods", "", ""], "pods"),
        ("GET", "/apis/group/v1/watch/things/one", ["watch", "apis", "group", "v1", "", "things", "", "one"], "things one"),
        // Watches by query.
        ("GET", "/api/v1/pods?watch=true", ["watch", "api", "", "v1", "", "pods", "", ""], "pods"),
        ("GET", "/api/v1/pods?watch", ["watch", "api", "", "v1", "", "pods", "", ""], "pods"),
        ("GET", "/api/v1/pods?watch=False", ["list", "api", "", "v1", "", "pods", "", ""], "pods"),
        ("GET", "/api/v1/namespaces/other/pods?watch=1", ["watch", "api", "", "v1", "other", "pods", "", ""], "pods"),
        ("GET", "/api/v1/namespaces/other/pods?watch=0", ["list", "api", "", "v1", "other", "pods", "", ""], "pods"),
        ("GET", "/api/v1/namespaces/other/pods/foo?watch=1", ["get", "api", "", "v1", "other", "pods", "", "foo"], "pods foo"),
        // Sub-resources.
        ("GET", "/api/v1/namespaces/other/pods/foo/status", ["get", "api", "", "v1", "other", "pods", "status", "foo"], "pods foo status"),
        ("GET", "/api/v1/namespaces/other/pods/foo/proxy/sub", ["get", "api", "", "v1", "other", "pods", "proxy", "foo"], "pods foo proxy sub"),
        ("PUT", "/api/v1/namespaces/other/finalize", ["update", "api", "", "v1", "other", "namespaces", "finalize", "other"], "namespaces other finalize"),
        ("PUT", "/api/v1/namespaces/other/status", ["update", "api", "", "v1", "other", "namespaces", "status", "other"], "namespaces other status"),
        // Verbs of writing.
        ("PATCH", "/api/v1/namespaces/other/pods/foo", ["patch", "api", "", "v1", "other", "pods", "", "foo"], "pods foo"),
        ("DELETE", "/api/v1/namespaces/other/pods/foo", ["delete", "api", "", "v1", "other", "pods", "", "foo"], "pods foo"),
        ("POST", "/api/v1/namespaces/other/pods", ["create", "api", "", "v1", "other", "pods", "", ""], "pods"),
        ("DELETE", "/api/v1/nodes", ["deletecollection", "api", "", "v1", "", "nodes", "", ""], "nodes"),
        ("DELETE", "/api/v1/namespaces", ["deletecollection", "api", "", "v1", "", "namespaces", "", ""], "namespaces"),
        ("DELETE", "/apis/extensions/v1/namespaces/other/pods", ["deletecollection", "apis", "extensions", "v1", "other", "pods", "", ""], "pods"),
        ("POST", "/apis/extensions/v1beta3/namespaces/other/pods", ["create", "apis", "extensions", "v1beta3", "other", "pods", "", ""], "pods"),
        // Names are decoded.
        ("GET", "/api/v1/namespaces/other/pods/a%3Ab", ["get", "api", "", "v1", "other", "pods", "", "a:b"], "pods a:b"),
    ];
    for (method, uri, expected, parts) in cases {
        let info = info(method, uri);
        let got = [
            info.verb(),
            info.api_prefix(),
            info.api_group(),
            info.api_version(),
            info.namespace(),
            info.resource(),
            info.subresource(),
            info.name(),
        ];
        assert!(info.is_resource_request(), "{uri}");
        assert_eq!(got, *expected, "{method} {uri}");
        assert_eq!(info.parts().collect::<Vec<_>>().join(" "), *parts, "{method} {uri}");
    }
}

#[test]
fn other_paths_are_not_about_resources() {
    let paths = [
        "/",
        "//",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/apis/apps",
        "/apis/apps/v1",
        "/apis/apps/v1/",
        "/not-api/v1/pods",
        "/healthz",
    ];
    for path in paths {
        let info = info("POST", path);
        assert!(!info.is_resource_request(), "{path}");
        assert_eq!((info.verb(), info.resource(), info.parts().count()), ("post", "", 0), "{path}");
    }
    assert_eq!(info("PURGE", "/x").verb(), "purge");
}

#[test]
fn a_verb_without_a_resource_cannot_be() {
    let uri = "/api/v1/watch".parse().unwrap();
    let error = RequestInfo::new(&Method::GET, &uri).unwrap_err();
    assert_eq!(error.to_string(), "unable to determine kind and namespace from url, /api/v1/watch");
}

#[test]
fn selectors_are_read_where_they_count() {
    #[rustfmt::skip]
    let cases = [
        // method, path and query, name, verb, field selector, label selector
        ("GET", "resource", "", "list", None, None),
        ("GET", "resource?fieldSelector=metadata.name=name1", "name1", "list", Some("metadata.name=name1"), None),
        ("GET", "resource?fieldSelector=metadata.name%3D%3Dname1", "name1", "list", Some("metadata.name==name1"), None),
        ("GET", "resource?fieldSelector=metadata.name!=name1", "", "list", Some("metadata.name!=name1"), None),
        ("GET", "resource?fieldSelector=metadata.name=..", "", "list", Some("metadata.name=.."), None),
        ("GET", "resource?watch=true&fieldSelector=metadata.name=name1", "name1", "watch", Some("metadata.name=name1"), None),
        ("GET", "resource?fieldSelector=foo=bar&labelSelector=baz=qux", "", "list", Some("foo=bar"), Some("baz=qux")),
        ("GET", "resource?fieldSelector=metadata.name=name1,foo", "", "list", Some("metadata.name=name1,foo"), None),
        ("GET", "resource?fieldSelector=metadata.name=name1,foo&watch=true", "", "watch", Some("metadata.name=name1,foo"), None),
        ("DELETE", "resource?fieldSelector=foo=bar&labelSelector=a=b", "", "deletecollection", Some("foo=bar"), Some("a=b")),
        ("GET", "resource?fieldSelector=metadata.name=foo&fieldSelector=metadata.name=bar", "foo", "list", Some("metadata.name=foo"), None),
        ("GET", "resource/name?fieldSelector=foo=bar&labelSelector=foo=bar", "name", "get", None, None),
        ("GET", "watch/resource?fieldSelector=metadata.name=foo&labelSelector=foo=bar", "", "watch", None, None),
    ];
    for (method, path, name, verb, fields, labels) in cases {
        let info = info(method, &format!("/apis/group/version/{path}"));
        let got = (info.name(), info.verb(), info.field_selector(), info.label_selector());
        assert_eq!(got, (name, verb, fields, labels), "{method} {path}");
    }
}

#[test]
fn long_running_requests_are_known() {
    let cases = [
        ("GET", "/api/v1/pods", false),
        ("GET", "/api/v1/pods?watch=1", true),
        ("GET", "/api/v1/namespaces/a/pods/b/log", true),
        ("POST", "/api/v1/namespaces/a/pods/b/exec", true),
        ("GET", "/api/v1/namespaces/a/services/b/proxy/x", true),
        ("GET", "/api/v1/namespaces/a/pods/b/status", false),
        ("GET", "/debug/pprof/profile", true),
        ("GET", "/healthz", false),
    ];
    for (method, uri, expected) in cases {
        assert_eq!(info(method, uri).is_long_running(), expected, "{method} {uri}");
    }
}

#[test]
fn query_values_are_decoded_in_their_order() {
    let all: Vec<_> = values("a=1&b=2&a=x+y%26&c&a", "a").collect();
    assert_eq!(all, ["1", "x y&", ""]);
    assert_eq!(first("c&d=1", "c").as_deref(), Some(""));
    assert_eq!(first("%63=2", "c").as_deref(), Some("2"));
    assert_eq!(first("", "c"), None);
}
