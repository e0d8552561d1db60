//! Who asks.

/// Requests without credentials.
pub(crate) const ANONYMOUS: &str = "system:anonymous";
/// Everybody who proved who he is.
pub(crate) const AUTHENTICATED: &str = "system:authenticated";
/// Everybody who did not.
pub(crate) const UNAUTHENTICATED: &str = "system:unauthenticated";
/// Those who may do everything.
pub const PRIVILEGED: &str = "system:masters";
/// The server itself, where its own hooks ask the chain.
pub const API_SERVER: &str = "system:apiserver";

/// A user as authentication found him.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub uid: String,
    pub groups: Vec<String>,
    pub extra: Vec<(String, Vec<String>)>,
}

impl User {
    pub fn anonymous() -> Self {
        Self { name: ANONYMOUS.into(), groups: vec![UNAUTHENTICATED.into()], ..Self::default() }
    }

    /// Who hooks are when they ask the chain.
    pub fn api_server() -> Self {
        let groups = vec![PRIVILEGED.into(), AUTHENTICATED.into()];
        Self { name: API_SERVER.into(), groups, ..Self::default() }
    }

    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|other| other == group)
    }

    /// A member of `system:authenticated`, unless somebody said already what he is.
    pub(super) fn authenticated(mut self) -> Self {
        if self.name != ANONYMOUS && !self.is_in(AUTHENTICATED) && !self.is_in(UNAUTHENTICATED) {
            self.groups.push(AUTHENTICATED.into());
        }
        self
    }
}
