//! Discovery: which groups, versions and resources are served (KEP-3352).
//!
//! Every link of the chain answers `/api`, `/apis` and its groups' paths, and merges what it
//! serves itself with what its delegate answers. So any part of the chain discovers itself
//! right, and the outermost link discovers all of it.
//!
//! - [`groups`]: what is served, as data, and what is merged.
//! - [`documents`]: that data as legacy lists or in the aggregated form.
//! - [`order`]: priorities of groups and versions.
//! - [`accept`]: which of the forms a client asked for, in which encoding.

pub mod accept;
pub mod documents;
pub mod groups;
pub mod order;

#[cfg(test)]
mod tests;

use plugin_sdk::lifecycle::{self, Signal};
use plugin_sdk::registration::Route;
use plugin_sdk::{Answer, Client, Context, Delegate, Summary, configuration};

use self::accept::{Asked, Form, Place};
use self::groups::Groups;
use crate::definition::Definition;
use crate::encode;
use crate::status::ApiError;

/// The tag of the routes that [`routes`] makes: answer them with [`serve_merged`].
pub const TAG: &str = "discovery";

/// The routes of discovery for these definitions: `/api`, `/apis` and the paths of their
/// groups and versions.
///
/// The paths below a built-in group's are included: what is there and matches no resource is
/// this server's to refuse. What is unknown below a custom group is the delegate's.
pub fn routes<'a>(definitions: impl IntoIterator<Item = &'a Definition>) -> Vec<Route> {
    let mut paths = ["/api", "/apis", "/apis/"].map(|path| (path.to_string(), false)).to_vec();
    for definition in definitions {
        let root = root(&definition.group);
        paths.push((format!("{root}/{}", definition.version), definition.builtin));
        paths.push((root, definition.builtin));
    }
    paths.sort();
    // A path that is both, for two definitions, is a prefix.
    paths.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        kept.1 |= same && next.1;
        same
    });
    let route = |(path, below): (String, bool)| if below { Route::prefix(&path) } else { Route::exact(&path) };
    paths.into_iter().map(|path| route(path).tag(TAG)).collect()
}

/// Answers a discovery request for what is served here and behind.
pub async fn serve_merged(context: &Context, summary: &Summary, own: &[&Definition]) -> Answer {
    let path = summary.path().trim_end_matches('/');
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let is_own = |group: &str| own.iter().any(|own| own.builtin && *own.group == *group);
    let has = |group: &str, version: &str| own.iter().any(|own| &*own.group == group && &*own.version == version);
    let refuse = |error: ApiError| encode::failure(summary, &error);
    // A version that a built-in group does not have is nobody else's.
    if let ["api", version] = parts[..]
        && is_own("")
        && !has("", version)
    {
        return refuse(ApiError::unknown_resource());
    }
    if let ["apis", group, version] = parts[..]
        && is_own(group)
        && !has(group, version)
    {
        return refuse(ApiError::unknown_resource());
    }
    let place = match parts[..] {
        ["api"] => Place::Core,
        ["apis"] => Place::Groups,
        ["apis", _] => Place::Group,
        ["api", _] | ["apis", _, _] => Place::Resources,
        _ => return refuse(ApiError::unknown_resource()),
    };
    // Upstream answers for groups by whatever method, for their list where a slash ends its path, and for what a group of
    // custom resources has; the built-in ones have routes for GET alone.
    let (is_builtin, is_custom) = match parts[..] {
        ["api", _] => (true, false),
        ["apis", group, version] => (is_own(group), has(group, version) && !is_own(group)),
        _ => (false, false),
    };
    let is_by_any = is_custom
        || match place {
            Place::Group => !summary.path().ends_with("//") || !is_own(parts[1]),
            Place::Groups => summary.path() == "/apis/",
            _ => false,
        };
    let is_read = match summary.method() {
        "GET" => true,
        "HEAD" => place != Place::Core && !is_builtin,
        _ => false,
    };
    if !is_by_any && !is_read {
        return refuse(ApiError::method_not_allowed());
    }
    let asked = match Asked::of(summary, place) {
        Ok(asked) => asked,
        Err(error) => return refuse(error),
    };
    match parts[..] {
        ["api"] | ["apis"] => match merged(context, own, path, asked.form).await {
            Ok(groups) => groups_answer(context, &groups, path, asked),
            Err(error) => refuse(error),
        },
        ["apis", group] => match merged(context, own, path, Form::Legacy).await {
            Ok(groups) => group_answer(groups.find(group), asked),
            Err(error) => refuse(error),
        },
        ["api", version] => resources_answer(own, "", version, asked),
        ["apis", group, version] => resources_answer(own, group, version, asked),
        _ => Answer::Pass,
    }
}

/// What is served at a discovery path (`/api`, `/apis` or a group's) by this link and those
/// behind it. In the aggregated form the groups know their resources; in the legacy form only
/// their versions. A delegate that has no such path serves nothing.
///
/// # Errors
/// `ServiceUnavailable` if the delegate fails: what is not known must not be taken for what is
/// not served, since controllers delete what they believe is gone.
pub async fn merged<D: Delegate>(
    delegate: &D,
    own: &[&Definition],
    path: &str,
    form: Form,
) -> Result<Groups, ApiError> {
    let served = |definition: &&&Definition| match path {
        "/api" => definition.group.is_empty(),
        "/apis" => !definition.group.is_empty(),
        _ => path == root(&definition.group),
    };
    let mut groups = Groups::of(own.iter().filter(served).copied());
    // As of before the question: routes that were not complete then may be when it is answered.
    let complete = lifecycle::has_fired(Signal::MuxAndDiscoveryComplete);
    let answer = Client::new(delegate).header("accept", form.accept()).get(path).await;
    let failed = |why: &str| ApiError::new(503, "ServiceUnavailable", format!("discovery is not complete: {why}"));
    let answer = answer.map_err(|why| failed(&why))?;
    match answer.status {
        200..300 => {
            let document = serde_json::from_slice(&answer.body).map_err(|error| failed(&error.to_string()))?;
            groups.merge(documents::read(&document));
        }
        404 => {}
        // Nobody has the path, and somebody may have it later.
        503 if !complete => {}
        status => return Err(failed(&format!("a delegate answered `{path}` with `{status}`"))),
    }
    groups.sort();
    Ok(groups)
}

/// The list of all groups, in the form that was asked for.
pub fn groups_answer(context: &Context, groups: &Groups, path: &str, asked: Asked) -> Answer {
    match (asked.form, path) {
        (Form::Aggregated, _) => {
            asked.answer_aggregated(context.header("if-none-match").as_deref(), &documents::aggregated(groups))
        }
        (Form::Legacy, "/api") => {
            let host = configuration::fact("external-address").unwrap_or_default();
            asked.answer(&documents::api_versions(groups, &host))
        }
        (Form::Legacy, _) => asked.answer(&documents::group_list(groups)),
    }
}

/// One group's document.
pub fn group_answer(group: Option<&groups::Group>, asked: Asked) -> Answer {
    group.map_or(Answer::Pass, |group| asked.answer(&documents::group(group)))
}

/// The resources of a version, if any of them is served here.
fn resources_answer(own: &[&Definition], group: &str, version: &str, asked: Asked) -> Answer {
    let resources: Vec<_> =
        own.iter().copied().filter(|own| &*own.group == group && &*own.version == version).collect();
    match resources.is_empty() {
        true => Answer::Pass,
        false => asked.answer(&documents::resource_list(&resources)),
    }
}

fn root(group: &str) -> String {
    if group.is_empty() { "/api".to_string() } else { format!("/apis/{group}") }
}
