//! The texts of a [`Summary`].

use crate::Summary;

/// Where each text is; the parts of the path come last.
#[derive(Clone, Copy)]
enum At {
    Method,
    Path,
    Query,
    RouteTag,
    Verb,
    ApiPrefix,
    ApiGroup,
    ApiVersion,
    Namespace,
    Resource,
    Subresource,
    Name,
    UserName,
    Accept,
    ContentType,
    UserAgent,
    Parts,
}

impl Summary {
    pub fn method(&self) -> &str {
        self.text_at(At::Method as usize)
    }

    /// Percent-encoded, without the query.
    pub fn path(&self) -> &str {
        self.text_at(At::Path as usize)
    }

    /// Without the `?`; empty if there is none.
    pub fn query(&self) -> &str {
        self.text_at(At::Query as usize)
    }

    /// The tag of the route that matched.
    pub fn route_tag(&self) -> &str {
        self.text_at(At::RouteTag as usize)
    }

    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection` or `proxy`
    /// for resources, else the method in lower case.
    pub fn verb(&self) -> &str {
        self.text_at(At::Verb as usize)
    }

    /// `api` or `apis` for resources.
    pub fn api_prefix(&self) -> &str {
        self.text_at(At::ApiPrefix as usize)
    }

    pub fn api_group(&self) -> &str {
        self.text_at(At::ApiGroup as usize)
    }

    pub fn api_version(&self) -> &str {
        self.text_at(At::ApiVersion as usize)
    }

    pub fn namespace(&self) -> &str {
        self.text_at(At::Namespace as usize)
    }

    pub fn resource(&self) -> &str {
        self.text_at(At::Resource as usize)
    }

    pub fn subresource(&self) -> &str {
        self.text_at(At::Subresource as usize)
    }

    /// From the path, or from a field selector that names one object.
    pub fn name(&self) -> &str {
        self.text_at(At::Name as usize)
    }

    /// Who asks. [`Context::user`](crate::Context::user) has the rest.
    pub fn user_name(&self) -> &str {
        self.text_at(At::UserName as usize)
    }

    /// The header `accept`; empty without one.
    pub fn accept(&self) -> &str {
        self.text_at(At::Accept as usize)
    }

    /// The header `content-type`; empty without one.
    pub fn content_type(&self) -> &str {
        self.text_at(At::ContentType as usize)
    }

    /// The header `user-agent`; empty without one.
    pub fn user_agent(&self) -> &str {
        self.text_at(At::UserAgent as usize)
    }

    /// How many parts the path has from the resource on: resource, name, subresource and the rest.
    pub fn parts_count(&self) -> usize {
        self.ends.len().saturating_sub(At::Parts as usize)
    }

    fn text_at(&self, index: usize) -> &str {
        let begin = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[begin as usize..self.ends[index] as usize]
    }
}
