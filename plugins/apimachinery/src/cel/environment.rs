//! Expressions that stand in no schema: what those of admission policies, of webhooks' conditions
//! and of devices may name, and whether they compile.

use std::fmt;
use std::sync::Arc;

use super::ast::report;
use super::check::{Checked, Dialect, check};
use super::cost::estimate;
use super::declared::Declared;
use super::library::{AUTHORIZER, QUANTITY, RESOURCE_CHECK};
use super::parser::parse;
use super::types::{Fields, Message, Type};

/// What an expression has to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Bool,
    /// What an unknown type may turn out to be suffices.
    BoolOrUnknown,
    Text,
    TextOrNull,
    /// An apply configuration.
    Object,
    /// Operations of a JSON patch.
    Patches,
}

/// What expressions of one place may name.
#[derive(Debug, Clone)]
pub struct Environment {
    variables: Vec<(&'static str, Type)>,
    /// Those that a policy defines itself, if it can.
    defined: Option<Vec<(String, Type)>>,
    dialect: Dialect,
    /// How large the first variable may be, where expressions are weighed.
    sizes: Option<Arc<Declared>>,
}

impl Environment {
    /// Of conditions: the request, and the parameters if there are any.
    pub fn conditions(parameters: bool) -> Self {
        let mut variables = vec![
            ("object", Type::Dyn),
            ("oldObject", Type::Dyn),
            ("request", request()),
            ("namespaceObject", namespace()),
            ("authorizer", Type::Opaque(AUTHORIZER)),
            ("authorizer.requestResource", Type::Opaque(RESOURCE_CHECK)),
        ];
        if parameters {
            variables.push(("params", Type::Dyn));
        }
        Self { variables, defined: None, dialect: Dialect::default(), sizes: None }
    }

    /// As [`Self::conditions`], with variables that [`Self::define`] adds.
    pub fn policy(parameters: bool) -> Self {
        Self { defined: Some(Vec::new()), ..Self::conditions(parameters) }
    }

    /// As [`Self::policy`], for what makes patches.
    pub fn mutation(parameters: bool) -> Self {
        Self { dialect: Dialect { patches: true, ..Dialect::default() }, ..Self::policy(parameters) }
    }

    /// Of a device that is looked for.
    pub fn device() -> Self {
        let by_domain = |of: Type| Type::map(Type::Text, Type::map(Type::Text, of));
        let device = Type::message(
            "kubernetes.DRADevice",
            vec![
                ("driver", Type::Text),
                ("attributes", by_domain(Type::Dyn)),
                ("capacity", by_domain(Type::Opaque(QUANTITY))),
                ("allowMultipleAllocations", Type::Bool),
            ],
        );
        let dialect = Dialect { bindings: true, ..Dialect::default() };
        let sizes = Some(Arc::new(Declared::device()));
        Self { variables: vec![("device", device)], defined: None, dialect, sizes }
    }

    /// Adds a variable. One that does not compile may be anything to those who use it.
    ///
    /// # Errors
    /// Why it does not compile.
    pub fn define(&mut self, name: &str, source: &str) -> Result<(), String> {
        let of = self.checked(source).map(|checked| checked.output().clone());
        let known = of.as_ref().map_or(Type::Dyn, Clone::clone);
        self.defined.get_or_insert_default().push((name.to_string(), known));
        of.map(drop)
    }

    /// Checks an expression. Answers what it may cost at most, where expressions are weighed.
    ///
    /// # Errors
    /// Why it does not compile, or that it comes to something else.
    pub fn compile(&self, source: &str, wanted: Wanted) -> Result<u64, String> {
        let checked = self.checked(source)?;
        let of = checked.output();
        let name = Printed(of).to_string();
        let fits = match wanted {
            Wanted::Bool => matches!(of, Type::Bool),
            Wanted::BoolOrUnknown => matches!(of, Type::Bool | Type::Dyn),
            Wanted::Text => matches!(of, Type::Text),
            Wanted::TextOrNull => matches!(of, Type::Text | Type::Null),
            Wanted::Object => name == "Object",
            Wanted::Patches => name == "list(JSONPatch)",
        };
        if fits {
            return Ok(self.sizes.as_ref().map_or(0, |sizes| estimate(&checked, sizes)));
        }
        Err(match wanted {
            Wanted::Bool => format!("must evaluate to bool but got {name}"),
            Wanted::BoolOrUnknown => format!("must evaluate to bool or the unknown type, not {name}"),
            Wanted::Text => format!("must evaluate to string but got {name}"),
            Wanted::TextOrNull => format!("must evaluate to one of [string null_type] but got {name}"),
            Wanted::Object => format!("must evaluate to Object but got {name}"),
            Wanted::Patches => format!("must evaluate to list(JSONPatch) but got {name}"),
        })
    }

    fn checked(&self, source: &str) -> Result<Checked, String> {
        let refuse = |issues: &[_]| format!("compilation failed: {}", report(source, issues));
        let ast = parse(source, self.dialect.bindings).map_err(|issues| refuse(&issues))?;
        let mut variables = self.variables.clone();
        // A policy without variables does not know the word, unless it is one that makes patches.
        if let Some(defined) = self.defined.as_ref().filter(|defined| !defined.is_empty() || self.dialect.patches) {
            let fields = Fields::Named(defined.clone());
            let all = Message { name: "kubernetes.variables".to_string(), fields };
            variables.push(("variables", Type::Message(Arc::new(all))));
        }
        check(ast, &variables, self.dialect).map_err(|issues| refuse(&issues))
    }

    /// From here on there are variables, though none is defined yet.
    pub fn begin_variables(&mut self) {
        if let Some(defined) = self.defined.as_mut().filter(|defined| defined.is_empty()) {
            // A name that no expression can say.
            defined.push((String::new(), Type::Dyn));
        }
    }
}

/// A type as the runtime names it, which is not always as the checker does.
struct Printed<'a>(&'a Type);

impl fmt::Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Type::Null => f.write_str("null_type"),
            Type::Duration => f.write_str("google.protobuf.Duration"),
            Type::Timestamp => f.write_str("google.protobuf.Timestamp"),
            Type::List(of) => write!(f, "list({})", Printed(of)),
            Type::Map(key, value) => write!(f, "map({}, {})", Printed(key), Printed(value)),
            Type::Optional(of) => write!(f, "optional_type({})", Printed(of)),
            other => write!(f, "{other}"),
        }
    }
}

/// `request`: an admission review without its objects.
fn request() -> Type {
    let kind = |name: &str, last: &'static str| {
        Type::message(name, ["group", "version", last].map(|field| (field, Type::Text)).to_vec())
    };
    let kind_of = || kind("kubernetes.GroupVersionKind", "kind");
    let resource = || kind("kubernetes.GroupVersionResource", "resource");
    let user = Type::message(
        "kubernetes.UserInfo",
        vec![
            ("username", Type::Text),
            ("uid", Type::Text),
            ("groups", Type::list(Type::Text)),
            ("extra", Type::map(Type::Text, Type::list(Type::Text))),
        ],
    );
    Type::message(
        "kubernetes.AdmissionRequest",
        vec![
            ("kind", kind_of()),
            ("resource", resource()),
            ("subResource", Type::Text),
            ("requestKind", kind_of()),
            ("requestResource", resource()),
            ("requestSubResource", Type::Text),
            ("name", Type::Text),
            ("namespace", Type::Text),
            ("operation", Type::Text),
            ("userInfo", user),
            ("dryRun", Type::Bool),
            ("options", Type::Dyn),
        ],
    )
}

/// `namespaceObject`: the namespace of the request's object.
fn namespace() -> Type {
    let texts = || Type::map(Type::Text, Type::Text);
    let metadata = Type::message(
        "kubernetes.NamespaceMetadata",
        vec![
            ("name", Type::Text),
            ("generateName", Type::Text),
            ("namespace", Type::Text),
            ("labels", texts()),
            ("annotations", texts()),
            ("UID", Type::Text),
            ("creationTimestamp", Type::Timestamp),
            ("deletionGracePeriodSeconds", Type::Int),
            ("deletionTimestamp", Type::Timestamp),
            ("generation", Type::Int),
            ("resourceVersion", Type::Text),
            ("finalizers", Type::list(Type::Text)),
        ],
    );
    let spec = Type::message("kubernetes.NamespaceSpec", vec![("finalizers", Type::list(Type::Text))]);
    let status = Type::message("kubernetes.NamespaceStatus", vec![("phase", Type::Text)]);
    Type::message("kubernetes.Namespace", vec![("metadata", metadata), ("spec", spec), ("status", status)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_of_policies_are_checked() {
        let policy = Environment::policy(false);
        for (source, wanted, expected) in [
            ("object.spec.replicas > 1", Wanted::Bool, ""),
            ("authorizer.group('').resource('pods').check('get').allowed()", Wanted::Bool, ""),
            ("authorizer.requestResource.check('x').allowed()", Wanted::Bool, ""),
            ("{'a': 1}.transformMap(k, v, v + 1) == {'a': 2}", Wanted::Bool, ""),
            ("[1, 2].sortBy(x, x) == [1, 2]", Wanted::Bool, ""),
            ("null", Wanted::TextOrNull, ""),
            ("object", Wanted::Bool, "must evaluate to bool but got dyn"),
            ("{}", Wanted::Text, "must evaluate to string but got map(dyn, dyn)"),
            (
                "request.nope == 1",
                Wanted::Bool,
                "compilation failed: ERROR: <input>:1:8: undefined field 'nope'\n | request.nope == 1\n | .......^",
            ),
            (
                "variables.x",
                Wanted::Bool,
                "compilation failed: ERROR: <input>:1:1: undeclared reference to 'variables' (in container '')\n | \
                 variables.x\n | ^",
            ),
        ] {
            assert_eq!(policy.compile(source, wanted).err().unwrap_or_default(), expected, "{source}");
        }
    }

    #[test]
    fn variables_have_the_types_of_their_expressions() {
        let mut policy = Environment::policy(true);
        assert_eq!(policy.define("x", "1"), Ok(()));
        assert_eq!(policy.define("y", "variables.x + 1"), Ok(()));
        assert!(policy.define("z", "nope").is_err());
        assert_eq!(policy.compile("variables.y == 2 && variables.z == 'a' && params.w == 1", Wanted::Bool), Ok(0));
        assert!(policy.compile("variables.x == 'a'", Wanted::Bool).is_err());
        assert!(policy.compile("variables.later == 1", Wanted::Bool).is_err());
    }

    #[test]
    fn mutations_make_objects_and_patches() {
        let mutation = Environment::mutation(false);
        let patch = "[JSONPatch{op: 'add', path: '/x/' + jsonpatch.escapeKey('a/b'), value: Object.spec{replicas: 1}}]";
        assert_eq!(mutation.compile("Object{spec: Object.spec{replicas: 1}}", Wanted::Object), Ok(0));
        assert_eq!(mutation.compile(patch, Wanted::Patches), Ok(0));
        for (source, wanted, expected) in [
            ("Object", Wanted::Object, "must evaluate to Object but got type(Object)"),
            ("[]", Wanted::Patches, "must evaluate to list(JSONPatch) but got list(dyn)"),
            (
                "[JSONPatch{path: 1}]",
                Wanted::Patches,
                "compilation failed: ERROR: <input>:1:16: expected type of field 'path' is 'string' but provided type is \
                 'int'\n | [JSONPatch{path: 1}]\n | ...............^",
            ),
        ] {
            assert_eq!(mutation.compile(source, wanted).err().unwrap_or_default(), expected, "{source}");
        }
    }

    #[test]
    fn devices_have_attributes_by_domain() {
        let device = Environment::device();
        let bound = "cel.bind(dra, device.attributes['dra.example.com'], dra.someBool && dra.anotherBool)";
        assert!(device.compile(bound, Wanted::BoolOrUnknown).is_ok());
        let error = device.compile("device", Wanted::BoolOrUnknown).unwrap_err();
        assert_eq!(error, "must evaluate to bool or the unknown type, not kubernetes.DRADevice");
    }

    /// The numbers are those of upstream's tests.
    #[test]
    fn what_is_asked_of_a_device_is_weighed() {
        let device = Environment::device();
        let ten = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]";
        let deep = ["x", "y", "z", "z2", "z3", "z4", "z5"]
            .iter()
            .rfold("int('1'.find('[0-9]*')) < 100".to_string(), |inner, name| format!("{ten}.all({name}, {inner})"));
        for (source, cost) in [
            ("true", 0),
            (r#"device.attributes["no-such-domain"].noSuchAttr.isGreaterThan(quantity("0"))"#, 6),
            (r#""dra.example.com" in device.attributes"#, 3),
            (r#"device.driver == """#, 2),
            (r#"device.driver == "dra.example.com""#, 4),
            (r#"device.attributes["dra.example.com"]["name"]"#, 4),
            (r#"cel.bind(dra, device.attributes["dra.example.com"], dra.name)"#, 15),
            (r#"device.attributes["dra.example.com"].name > 0"#, 5),
            (r#"device.attributes["dra.example.com"].name.isGreaterThan(semver("0.0.1"))"#, 6),
            (
                r#"device.attributes["dra.example.com"].name.isGreaterThan(semver("v0.0.1", true)) && isSemver("v1.0.0", true)"#,
                7,
            ),
            (
                r#""name" in device.capacity["dra.example.com"] && device.capacity["dra.example.com"].name.isGreaterThan(quantity("1Ki"))"#,
                10,
            ),
            (r#"device.attributes.exists_one(x, x == "dra.example.com")"#, 164),
            (r#"device.attributes["dra.example.com"].exists_one(x, x == "services")"#, 133),
            (r#"device.attributes["dra.example.com"].services.split("example").size() >= 2"#, 19),
            (r#"device.attributes["dra.example.com"].services.matches("[^a]?sym")"#, 18),
            (r#"device.capacity["dra.example.com"].exists_one(x, x == "memory")"#, 133),
            ("device.allowMultipleAllocations == true", 3),
            (&deep, 85_555_551),
        ] {
            assert_eq!(device.compile(source, Wanted::BoolOrUnknown), Ok(cost), "{source}");
        }
    }
}
