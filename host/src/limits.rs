//! Every quantity that a guest can grow, and its bound: the one table.
//!
//! What a client can grow is bounded in `host_server::Limits` and `host_store::Limits`;
//! `host limits` prints all of it. `--plugin-limit NAME=LIMIT=VALUE` changes a row for one plugin.

use std::time::Duration;

use host_server::options::{OWN_LINKS, OwnLink};

/// One row of the table: its name with the unit last, its type, and its default.
macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr,)*) => {
        /// The bounds of one plugin.
        #[derive(Debug, Clone)]
        pub struct Limits {
            $($(#[$doc])* pub $name: $type,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Limits {
            /// Each bound with its unit in its name, for `host limits`.
            pub fn rows(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name as u64),)*]
            }

            /// Changes the bound of this name.
            fn row(&mut self, name: &str, value: u64) -> Option<()> {
                match name {
                    $(stringify!($name) => self.$name = value.try_into().ok()?,)*
                    _ => return None,
                }
                Some(())
            }
        }
    };
}

limits! {
    /// Linear memory of one instance. The three servers use 5 to 20 MiB; a guest that asks
    /// for more sees its allocation fail.
    memory_bytes_max: usize = 256 << 20,
    /// Linear memory that an instance may keep: one that has grown above it is replaced once it
    /// has finished its calls, since guest memory never shrinks.
    memory_bytes_kept_max: usize = 96 << 20,
    /// Tables of one instance, in elements.
    table_elements_max: usize = 100_000,
    /// Component handles in one instance (GHSA-q554-3cjc-rx7p), and what they stand for.
    handles_max: usize = 20_000,
    /// Bytes that one call may bring from a guest to the host, and one answer.
    hostcall_bytes_max: usize = 32 << 20,
    /// A message whose signature is verified, in one call: some milliseconds' worth of computing.
    signed_bytes_max: usize = 1 << 20,
    /// A key that verifies, and a signature. RSA of 8192 bits has keys of 1 KiB.
    signing_key_bytes_max: usize = 2 << 10,
    /// Random bytes in one call.
    random_bytes_max: u64 = 64 << 10,
    /// Computing without returning or awaiting; above it the instance is ended.
    cpu_ms_max: u64 = 2_000,
    /// What counts as long computing, in percent of all cores: stretches above
    /// [`Limits::CPU_STRETCH_FREE`]. Above it calls are answered 503 and instances slowed down.
    /// Several plugins that all compute for ever leave most of the machine to the others.
    cpu_share_max: u64 = 3,
    /// What all hooks of the plugin together compute, in percent of all cores. Above it they are
    /// slowed down: nobody asked for it.
    hook_cpu_share_max: u64 = 2,
    /// How long a plugin may save both shares up: work comes in bursts.
    cpu_share_saved_ms_max: u64 = 60_000,
    /// How many more calls may fail than succeed before the plugin is degraded.
    failures_max: u32 = 5,
    /// The longest pause between two tries of a plugin that is degraded.
    degraded_ms_max: u64 = 60_000,
    /// How long `init` may take.
    init_ms_max: u64 = 10_000,
    /// How long `immediate.answer` may compute: it holds a thread.
    immediate_ms_max: u64 = 5,
    /// How long `prepare-run` may take.
    prepare_run_ms_max: u64 = 30_000,
    /// How long one health check may take.
    health_check_ms_max: u64 = 5_000,
    /// How long `decode` and `render` may take for one batch.
    render_ms_max: u64 = 20_000,
    /// How long a link may take to say who somebody is or what he may.
    access_ms_max: u64 = 5_000,
    /// How long a cancelled call may go on before its instance is ended.
    cancelled_call_ms_max: u64 = 1_000,
    /// How long a hook has to end once it was cancelled.
    hook_end_ms_max: u64 = 5_000,
    /// After so long without a sign of life of the host that runs a hook of one host at a time, where
    /// several share a store, another runs it. As upstream's controllers.
    hook_lease_ms: u64 = 15_000,
    /// How long a pre-shutdown hook may take.
    pre_shutdown_hook_ms_max: u64 = 30_000,
    /// Changes, each in a form, that are kept as they were rendered for one watcher, for others that
    /// want the same.
    rendered_pieces_max: usize = 1_024,
    /// Bytes of those.
    rendered_bytes_max: usize = 4 << 20,
    /// How long a generation that was replaced keeps its instances for what is under way in them.
    drain_ms_max: u64 = 120_000,
    /// How long the generation before is kept ready, in case the new one fails.
    probation_ms: u64 = 30_000,
    /// Instances and hooks of a new generation that may fail in that time; above it the one
    /// before comes back.
    probation_failures_max: u64 = 3,
    /// How often in a row a health check of a new generation may fail in that time.
    probation_check_failures_max: u64 = 2,
    /// Serving instances of one link; there are no more of them than cores, and as many again for
    /// `immediate.answer`.
    instances_per_link_max: usize = 16,
    /// Calls under way in one instance; more wait for their turn.
    calls_per_instance_max: usize = 256,
    /// Calls that wait for an instance; more are answered 503.
    calls_queued_max: usize = 1_024,
    /// Objects in one call of `decode` or `render`.
    render_batch_items_max: usize = 128,
    /// Bytes of the objects in one such call, unless one alone has more.
    render_batch_bytes_max: usize = 4 << 20,
    /// Routes of one link.
    routes_max: usize = 20_000,
    /// Claims of one link.
    claims_max: usize = 10_000,
    /// Steps of the path of one selectable field of a claim.
    selectable_path_steps_max: usize = 32,
    /// Health checks and hooks of one link, each.
    checks_max: usize = 200,
    /// The tag of a route.
    tag_bytes_max: usize = 4 << 10,
    /// The tag that says how the objects of a claim are read: it may hold all defaults of a definition.
    decode_tag_bytes_max: usize = 1 << 20,
    /// All texts in the routes and claims of one link.
    registration_bytes_max: usize = 16 << 20,
    /// Log lines of one plugin in a second; more are counted and dropped. As many again of the
    /// host's about the plugin.
    log_lines_per_second_max: u32 = 500,
    /// One log line; the rest is cut.
    log_line_bytes_max: usize = 8 << 10,
    /// Metric series of one plugin.
    metric_series_max: usize = 1_000,
    /// The name and the labels of one series.
    metric_series_bytes_max: usize = 4 << 10,
    /// Headers of an answer.
    response_headers_max: usize = 128,
    /// All headers of an answer.
    response_header_bytes_max: usize = 64 << 10,
    /// Subrequests under way for one request or hook, those that they caused included.
    subrequests_max: usize = 64,
    /// How deep a subrequest may be within others.
    subrequest_depth_max: usize = 8,
    /// The body of an answer to a subrequest.
    subrequest_body_bytes_max: usize = 16 << 20,
    /// How long a hook's subrequest may take; a request's ends with the request.
    hook_subrequest_ms_max: u64 = 60_000,
    /// Requests over `wasi:http` that one instance has under way.
    http_requests_max: usize = 64,
    /// How long such a request may wait: for a connection, for an answer, for the next piece of it.
    http_ms_max: u64 = 60_000,
    /// Watches that the plugin has open, its clients' included.
    watches_max: usize = 50_000,
    /// A component's file.
    component_bytes_max: u64 = 64 << 20,
    /// Memory that the process that compiles a component may use.
    compile_memory_bytes_max: u64 = 8 << 30,
    /// How long compiling one component may take.
    compile_ms_max: u64 = 300_000,
}

/// Every request of the API goes through the host's own links: to hold them back is to hold all of
/// their clients back, so they may compute more.
const SERVERS_CPU_SHARE_MAX: u64 = 50;
const SERVERS_HOOK_CPU_SHARE_MAX: u64 = 20;

impl Limits {
    /// How often the epoch advances: the grain of `cpu_ms_max`, and the longest that a
    /// spinning guest keeps a thread (1 ms costs nothing measurable).
    pub const EPOCH_TICK: Duration = Duration::from_millis(1);

    /// Computing up to this without returning or awaiting is an ordinary request, and counts
    /// towards no share: it is bounded by what clients may ask for.
    pub const CPU_STRETCH_FREE: Duration = Duration::from_millis(10);

    /// Instances of all plugins that may live at the same time, hooks and replacements included.
    pub const INSTANCES_MAX: u32 = 512;

    /// What `host plugin` says to a running host at once.
    pub const ADMIN_MESSAGE_BYTES_MAX: usize = 64 << 10;

    /// Resources that metrics tell apart; what comes after is counted without its name.
    pub const RESOURCES_NAMED_MAX: usize = 2_000;

    /// What no plugin has for itself.
    pub fn shared_rows() -> Vec<(&'static str, u64)> {
        vec![
            ("instances_max", Self::INSTANCES_MAX.into()),
            ("resources_named_max", Self::RESOURCES_NAMED_MAX as u64),
            ("admin_message_bytes_max", Self::ADMIN_MESSAGE_BYTES_MAX as u64),
        ]
    }

    /// What the servers have another bound for.
    pub fn server_rows() -> Vec<(&'static str, u64)> {
        let others = Self::default().rows();
        Self::of(OWN_LINKS[0].name)
            .rows()
            .into_iter()
            .zip(others)
            .filter(|(own, other)| own != other)
            .map(|(own, _)| own)
            .collect()
    }

    /// The bounds of a plugin of this name, before its operator changes any.
    pub fn of(plugin: &str) -> Self {
        let limits = Self::default();
        if OwnLink::named(plugin).is_none() {
            return limits;
        }
        Self { cpu_share_max: SERVERS_CPU_SHARE_MAX, hook_cpu_share_max: SERVERS_HOOK_CPU_SHARE_MAX, ..limits }
    }

    /// Takes `LIMIT=VALUE`.
    ///
    /// # Errors
    /// If there is no such limit, or the value is none that it can have.
    pub fn set(&mut self, text: &str) -> Result<(), String> {
        let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not of the form `LIMIT=VALUE`"))?;
        if !self.rows().iter().any(|(other, _)| *other == name) {
            return Err(format!("there is no limit `{name}`; `host limits` prints all of them"));
        }
        let number = value.parse().ok().filter(|value| *value > 0);
        number
            .and_then(|value| self.row(name, value))
            .ok_or_else(|| format!("`{value}` is no value for `{name}`: a number above 0 is needed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_may_compute_more_than_others() {
        let shares = |name| {
            let Limits { cpu_share_max, hook_cpu_share_max, .. } = Limits::of(name);
            (cpu_share_max, hook_cpu_share_max)
        };
        assert_eq!((shares("core"), shares("hello")), ((50, 20), (3, 2)));
    }

    #[test]
    fn a_row_is_changed_by_its_name() {
        let mut limits = Limits::default();
        for (text, expected) in [
            ("cpu_ms_max=7", Ok(())),
            ("log_lines_per_second_max=3", Ok(())),
            ("log_lines_per_second_max=99999999999", Err("`99999999999` is no value")),
            ("cpu_ms_max=0", Err("a number above 0")),
            ("cpu_ms_max=-1", Err("a number above 0")),
            ("cpu_ms_max", Err("of the form `LIMIT=VALUE`")),
            ("speed_max=1", Err("there is no limit `speed_max`; `host limits`")),
        ] {
            match (limits.set(text), expected) {
                (Ok(()), Ok(())) => {}
                (Err(error), Err(part)) if error.contains(part) => {}
                (got, _) => panic!("{text}: {got:?}"),
            }
        }
        assert_eq!((limits.cpu_ms_max, limits.log_lines_per_second_max), (7, 3));
        let changed = limits.rows().iter().zip(Limits::default().rows()).filter(|(a, b)| **a != *b).count();
        assert_eq!(changed, 2);
    }
}
