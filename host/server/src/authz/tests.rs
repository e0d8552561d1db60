use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::*;

/// Decides as he is told, by the verb.
struct Told(&'static str);

impl Authorizer for Told {
    fn name(&self) -> &str {
        self.0
    }

    fn authorize<'a>(&'a self, attributes: &'a Attributes<'a>) -> BoxFuture<'a, Result<Decision, String>> {
        let reason = format!("{} says so", self.0);
        let decision = match attributes.verb.split_once('-') {
            Some((name, "allows")) if name == self.0 => Ok(Decision::allow(reason)),
            Some((name, "denies")) if name == self.0 => Ok(Decision::deny(reason)),
            Some((name, "fails")) if name == self.0 => Err("out of order".to_owned()),
            _ => Ok(Decision::no_opinion(format!("{} shrugs", self.0))),
        };
        std::future::ready(decision).boxed()
    }

    fn rules_for<'a>(&'a self, user: &'a User, namespace: &'a str) -> BoxFuture<'a, Rules> {
        let rule = PathRule { verbs: vec![self.0.into()], paths: vec![user.name.clone(), namespace.into()] };
        let rules = Rules { paths: vec![rule], incomplete: self.0 == "b", error: self.0.into(), ..Rules::default() };
        std::future::ready(rules).boxed()
    }
}

fn authorization(modes: &[Mode]) -> Authorization {
    let authorization = Authorization::new(modes.to_vec());
    for name in ["a", "b"] {
        authorization.add(Arc::new(Told(name)));
    }
    authorization
}

fn named(name: &str) -> Mode {
    Mode::Named(name.to_owned())
}

fn user(groups: &[&str]) -> User {
    User { name: "eve".into(), groups: groups.iter().map(|group| (*group).to_owned()).collect(), ..User::default() }
}

#[tokio::test]
async fn the_first_who_decides_counts() {
    use Verdict::{Allow, Deny, NoOpinion};
    type Expected = Result<(Verdict, &'static str), &'static str>;
    let cases: [(&[Mode], &str, Expected); 14] = [
        (&[], "get", Ok((NoOpinion, ""))),
        (&[Mode::AlwaysAllow], "get", Ok((Allow, ""))),
        (&[Mode::AlwaysDeny], "get", Ok((NoOpinion, "Everything is forbidden."))),
        (&[Mode::AlwaysDeny, Mode::AlwaysAllow], "get", Ok((Allow, ""))),
        (&[Mode::PublicPaths], "get", Ok((Allow, ""))),
        (&[Mode::PublicPaths], "post", Ok((NoOpinion, ""))),
        (&[named("a"), named("b")], "b-allows", Ok((Allow, "b says so"))),
        (&[named("a"), named("b")], "a-denies", Ok((Deny, "a says so"))),
        (&[named("a"), Mode::AlwaysAllow], "a-denies", Ok((Deny, "a says so"))),
        (&[Mode::Plugins], "b-denies", Ok((Deny, "b says so"))),
        (&[Mode::Plugins], "other", Ok((NoOpinion, "a shrugs\nb shrugs"))),
        // Somebody who cannot tell is no reason to refuse what another allows.
        (&[named("a"), Mode::AlwaysAllow], "a-fails", Ok((Allow, ""))),
        (&[named("a"), named("b")], "a-fails", Err("a: out of order")),
        (&[named("gone")], "get", Err("the authorizer `gone` is not there")),
    ];
    for (modes, verb, expected) in cases {
        let user = user(&[]);
        let attributes = Attributes { user: &user, verb, target: Target::Path("/livez") };
        let got = authorization(modes).authorize(&attributes).await;
        let expected = expected.map(|(verdict, reason)| Decision { verdict, reason: reason.into() });
        assert_eq!(got, expected.map_err(str::to_owned), "{modes:?} {verb}");
    }
}

#[tokio::test]
async fn the_privileged_may_do_everything() {
    let user = user(&[PRIVILEGED]);
    let attributes = Attributes { user: &user, verb: "delete", target: Target::Path("/") };
    for modes in [vec![], vec![Mode::AlwaysDeny], vec![named("gone")]] {
        assert_eq!(authorization(&modes).authorize(&attributes).await.unwrap().verdict, Verdict::Allow, "{modes:?}");
    }
}

#[tokio::test]
async fn who_is_named_must_be_there() {
    let authorization = authorization(&[named("a"), named("gone"), Mode::AlwaysDeny]);
    assert_eq!(authorization.missing(), ["gone"]);
    authorization.add(Arc::new(Told("gone")));
    authorization.remove("a");
    assert_eq!(authorization.missing(), ["a"]);
}

#[tokio::test]
async fn rules_of_all_are_gathered() {
    let verbs = |rules: &Rules| rules.paths.iter().map(|rule| rule.verbs[0].clone()).collect::<Vec<_>>();
    /// Groups; the verbs of the rules, whether they are incomplete, and why.
    type Case = (&'static [&'static str], &'static [&'static str], bool, &'static str);
    let cases: [(&[Mode], Case); 5] = [
        (&[named("a"), named("b")], (&[], &["a", "b"], true, "a, b")),
        (&[named("a"), Mode::AlwaysDeny], (&[], &["a"], false, "a")),
        (&[Mode::PublicPaths], (&[], &["get"], false, "")),
        (&[Mode::AlwaysAllow], (&[], &["*"], false, "")),
        (&[Mode::AlwaysDeny], (&[PRIVILEGED], &["*"], false, "")),
    ];
    for (modes, (groups, expected, incomplete, error)) in cases {
        let rules = authorization(modes).rules_for(&user(groups), "ns").await;
        assert_eq!(
            (verbs(&rules), rules.incomplete, rules.error.as_str()),
            (expected.iter().map(|v| (*v).to_owned()).collect(), incomplete, error),
            "{modes:?}"
        );
    }
}
