use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::*;
use crate::authn::User;
use crate::authz::{Authorizer, Decision, Mode, Rules, Target};
use crate::filters::testing::{Headers, Inside, message, request_of, through};

/// Allows these: `VERB RESOURCE/SUBRESOURCE NAMESPACE/NAME`.
struct Allows(&'static [&'static str]);

impl Authorizer for Allows {
    fn name(&self) -> &str {
        "allows"
    }

    fn authorize<'a>(&'a self, attributes: &'a Attributes<'a>) -> BoxFuture<'a, Result<Decision, String>> {
        let asked = match attributes.target {
            Target::Path(path) => format!("{} {path}", attributes.verb),
            Target::Resource(target) => {
                let slash = if target.subresource.is_empty() { "" } else { "/" };
                let space = if target.namespace.is_empty() { "" } else { "/" };
                format!(
                    "{} {}{slash}{} {}{space}{}",
                    attributes.verb, target.resource, target.subresource, target.namespace, target.name
                )
            }
        };
        let allowed = self.0.contains(&asked.trim_end());
        std::future::ready(Ok(if allowed { Decision::allow("") } else { Decision::no_opinion("") })).boxed()
    }

    fn rules_for<'a>(&'a self, _: &'a User, _: &'a str) -> BoxFuture<'a, Rules> {
        std::future::ready(Rules::default()).boxed()
    }
}

fn filter(allows: &'static [&'static str]) -> Impersonate {
    let authorization = Authorization::new(vec![Mode::Plugins]);
    authorization.add(Arc::new(Allows(allows)));
    Impersonate::new(Arc::new(authorization))
}

#[tokio::test]
async fn the_privileged_may_be_anybody() {
    let cases: [(Headers, &str, &str, &[&str]); 7] = [
        (&[], "root", "", &["system:masters"]),
        (&[("impersonate-user", "bob")], "bob", "", &["system:authenticated"]),
        (
            &[
                ("impersonate-user", "bob"),
                ("impersonate-group", "a"),
                ("impersonate-group", "b"),
                ("impersonate-uid", "7"),
            ],
            "bob",
            "7",
            &["a", "b", "system:authenticated"],
        ),
        (&[("impersonate-user", "system:anonymous")], "system:anonymous", "", &["system:unauthenticated"]),
        (
            &[("impersonate-user", "bob"), ("impersonate-group", "system:unauthenticated")],
            "bob",
            "",
            &["system:unauthenticated"],
        ),
        (
            &[("impersonate-user", "system:serviceaccount:ns:builder")],
            "system:serviceaccount:ns:builder",
            "",
            &["system:serviceaccounts", "system:serviceaccounts:ns", "system:authenticated"],
        ),
        (&[("impersonate-user", "system:node:a")], "system:node:a", "", &["system:nodes", "system:authenticated"]),
    ];
    for (headers, name, uid, groups) in cases {
        let inside = Inside::default();
        let request = request_of("root", &["system:masters"], "GET", "/api", headers);
        let (code, _, _) = through(filter(&[]), request, &inside).await;
        let user = inside.user();
        assert_eq!((code, user.name.as_str(), user.uid.as_str()), (200, name, uid));
        assert_eq!(user.groups, groups);
        assert!(inside.headers().is_empty());
    }
}

#[tokio::test]
async fn extra_is_decoded_and_gathered() {
    let headers = [
        ("impersonate-user", "bob"),
        ("impersonate-extra-acme.com%2Fproject", "x"),
        ("impersonate-extra-acme.com%2Fproject", "y"),
    ];
    let inside = Inside::default();
    through(filter(&[]), request_of("root", &["system:masters"], "GET", "/api", &headers), &inside).await;
    assert_eq!(inside.user().extra, [("acme.com/project".to_owned(), vec!["x".to_owned(), "y".to_owned()])]);
}

/// What is wanted and what is allowed; then whom he is, or words of the refusal.
type Case = (Headers, &'static [&'static str], Result<&'static str, &'static str>);

#[tokio::test]
async fn each_thing_needs_a_permission() {
    const BOB: Headers = &[("impersonate-user", "bob")];
    const BUILDER: Headers = &[("impersonate-user", "system:serviceaccount:ns:builder")];
    const NODE: Headers = &[("impersonate-user", "system:node:n1")];
    const GROUPS: Headers = &[("impersonate-user", "bob"), ("impersonate-group", "a"), ("impersonate-uid", "7")];
    const MANY: Headers = &[
        ("impersonate-user", "bob"),
        ("impersonate-group", "a"),
        ("impersonate-group", "b"),
        ("impersonate-group", "c"),
        ("impersonate-group", "d"),
    ];
    const EXTRA: Headers = &[("impersonate-user", "bob"), ("impersonate-extra-acme.com%2Fx", "y")];
    const MASTERS: Headers = &[("impersonate-user", "bob"), ("impersonate-group", "system:masters")];
    const ODD: Headers = &[("impersonate-user", "bob"), ("impersonate-extra-x", "y")];
    const ON: &str = "impersonate-on:user-info:list pods";
    const AS_BOB: &str = "impersonate:user-info users bob";
    let cases: [Case; 21] = [
        // As it has always been.
        (BOB, &["impersonate users bob"], Ok("bob")),
        (BUILDER, &["impersonate serviceaccounts ns/builder"], Ok("system:serviceaccount:ns:builder")),
        (GROUPS, &["impersonate users bob", "impersonate groups a", "impersonate uids 7"], Ok("bob")),
        (GROUPS, &["impersonate users bob", "impersonate groups a"], Err("impersonate-on:user-info:list resource")),
        (EXTRA, &["impersonate users bob", "impersonate userextras/acme.com/x y"], Ok("bob")),
        (MASTERS, &["impersonate users bob", "impersonate groups system:masters"], Ok("bob")),
        // Only for what one may do as that user.
        (BOB, &[], Err("pods is forbidden: User \"eve\" cannot impersonate-on:user-info:list resource \"pods\"")),
        (
            BOB,
            &[ON],
            Err("users.authentication.k8s.io \"bob\" is forbidden: User \"eve\" cannot impersonate:user-info"),
        ),
        (BOB, &[AS_BOB], Err("cannot impersonate-on:user-info:list resource \"pods\"")),
        (BOB, &[ON, AS_BOB], Ok("bob")),
        (GROUPS, &[ON, AS_BOB, "impersonate:user-info groups a"], Err("uids.authentication.k8s.io \"7\" is forbidden")),
        (GROUPS, &[ON, AS_BOB, "impersonate:user-info uids 7"], Err("groups.authentication.k8s.io \"a\" is forbidden")),
        (MANY, &[ON, AS_BOB, "impersonate:user-info groups *"], Ok("bob")),
        (EXTRA, &[ON, AS_BOB, "impersonate:user-info userextras/acme.com/x y"], Ok("bob")),
        (
            MASTERS,
            &[ON, AS_BOB, "impersonate:user-info groups system:masters"],
            Err("impersonating the system:masters group is not allowed"),
        ),
        (
            ODD,
            &[ON, AS_BOB, "impersonate:user-info userextras/x y"],
            Err("an invalid key in extra is not allowed: \"x\""),
        ),
        (
            BUILDER,
            &["impersonate-on:serviceaccount:list pods", "impersonate:serviceaccount serviceaccounts ns/builder"],
            Ok("system:serviceaccount:ns:builder"),
        ),
        (
            NODE,
            &["impersonate-on:arbitrary-node:list pods", "impersonate:arbitrary-node nodes n1"],
            Ok("system:node:n1"),
        ),
        (
            NODE,
            &["impersonate-on:associated-node:list pods", "impersonate:associated-node nodes *"],
            Err("arbitrary-node"),
        ),
        (
            &[("impersonate-group", "a")],
            &[],
            Err("requested &user.DefaultInfo{Name:\"\", UID:\"\", Groups:[]string{\"a\"}, \
                 Extra:map[string][]string(nil)} without impersonating a user name"),
        ),
        (
            &[
                ("impersonate-uid", "7"),
                ("impersonate-extra-b", "x"),
                ("impersonate-extra-a", "y"),
                ("impersonate-extra-b", "z"),
            ],
            &[],
            Err("requested &user.DefaultInfo{Name:\"\", UID:\"7\", Groups:[]string(nil), \
                 Extra:map[string][]string{\"a\":[]string{\"y\"}, \"b\":[]string{\"x\", \"z\"}}} \
                 without impersonating a user name"),
        ),
    ];
    for (headers, allows, expected) in cases {
        let inside = Inside::default();
        let request = request_of("eve", &[], "GET", "/api/v1/pods", headers);
        let (code, _, body) = through(filter(allows), request, &inside).await;
        match expected {
            Ok(name) => assert_eq!((code, inside.user().name.as_str()), (200, name), "{headers:?} {allows:?} {body}"),
            Err(words) => {
                assert_eq!(inside.seen(), 0, "{headers:?} {allows:?}");
                assert!(message(&body).contains(words), "{headers:?} {allows:?} {body}");
            }
        }
    }
}

#[tokio::test]
async fn a_service_account_may_be_its_own_node() {
    const ALLOWS: &[&str] = &["impersonate-on:associated-node:list pods", "impersonate:associated-node nodes *"];
    for (node, expected) in [("n1", 200), ("n2", 403)] {
        let name = format!("system:node:{node}");
        let request = crate::filters::testing::request("GET", "/api/v1/pods", &[("impersonate-user", &name)]);
        let extra = vec![("authentication.kubernetes.io/node-name".to_owned(), vec!["n1".to_owned()])];
        let agent = User { name: "system:serviceaccount:ns:agent".to_owned(), extra, ..User::default() };
        request.context().set_user(Arc::new(agent));
        let inside = Inside::default();
        assert_eq!(through(filter(ALLOWS), request, &inside).await.0, expected, "{node}");
        if expected == 200 {
            assert_eq!(inside.user().groups, ["system:nodes", "system:authenticated"]);
        }
    }
}
