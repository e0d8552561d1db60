//! Every quantity that a guest can grow, and its bound: the one table (DESIGN D8).
//!
//! What a client can grow is bounded in `host_server::Limits` and `host_store::Limits`;
//! `host limits` prints all of it.

use std::time::Duration;

/// The bounds of one plugin.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Linear memory of one instance. The three servers use 5 to 20 MiB; a guest that asks
    /// for more sees its allocation fail.
    pub memory_bytes_max: usize,
    /// Linear memory that an instance may keep: one that has grown above it is replaced once it
    /// has finished its calls, since guest memory never shrinks.
    pub memory_bytes_kept_max: usize,
    /// Tables of one instance, in elements.
    pub table_elements_max: usize,
    /// Component handles in one instance (GHSA-q554-3cjc-rx7p).
    pub handles_max: usize,
    /// Bytes that one call may bring from a guest to the host.
    pub hostcall_bytes_max: usize,
    /// Computing without returning or awaiting; above it the instance is ended.
    pub cpu_ms_max: u64,
    /// How long `init` may take.
    pub init_ms_max: u64,
    /// How long `prepare-run` may take.
    pub prepare_run_ms_max: u64,
    /// How long one health check may take.
    pub health_check_ms_max: u64,
    /// How long `decode` and `render` may take for one batch.
    pub render_ms_max: u64,
    /// How long a cancelled call may go on before its instance is ended.
    pub cancelled_call_ms_max: u64,
    /// How long a hook has to end once it was cancelled.
    pub hook_end_ms_max: u64,
    /// How long a pre-shutdown hook may take.
    pub pre_shutdown_hook_ms_max: u64,
    /// Serving instances of one link; there are no more of them than cores.
    pub instances_per_link_max: usize,
    /// Calls under way in one instance; more wait for their turn.
    pub calls_per_instance_max: usize,
    /// Calls that wait for an instance; more are answered 503.
    pub calls_queued_max: usize,
    /// Objects in one call of `decode` or `render`.
    pub render_batch_items_max: usize,
    /// Bytes of the objects in one such call, unless one alone has more.
    pub render_batch_bytes_max: usize,
    /// Routes of one link.
    pub routes_max: usize,
    /// Claims of one link.
    pub claims_max: usize,
    /// Steps of the path of one selectable field of a claim.
    pub selectable_path_steps_max: usize,
    /// Health checks and hooks of one link, each.
    pub checks_max: usize,
    /// The tag of a route.
    pub tag_bytes_max: usize,
    /// Log lines of one plugin in a second; more are counted and dropped.
    pub log_lines_per_second_max: u32,
    /// One log line; the rest is cut.
    pub log_line_bytes_max: usize,
    /// Metric series of one plugin.
    pub metric_series_max: usize,
    /// The body of an answer to a subrequest.
    pub subrequest_body_bytes_max: usize,
    /// How long a hook's subrequest may take; a request's ends with the request.
    pub hook_subrequest_ms_max: u64,
    /// A component's file.
    pub component_bytes_max: u64,
    /// Memory that the process that compiles a component may use.
    pub compile_memory_bytes_max: u64,
    /// How long compiling one component may take.
    pub compile_ms_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes_max: 256 << 20,
            memory_bytes_kept_max: 96 << 20,
            table_elements_max: 100_000,
            handles_max: 20_000,
            hostcall_bytes_max: 32 << 20,
            cpu_ms_max: 2_000,
            init_ms_max: 10_000,
            prepare_run_ms_max: 30_000,
            health_check_ms_max: 5_000,
            render_ms_max: 20_000,
            cancelled_call_ms_max: 1_000,
            hook_end_ms_max: 5_000,
            pre_shutdown_hook_ms_max: 30_000,
            instances_per_link_max: 16,
            calls_per_instance_max: 256,
            calls_queued_max: 1_024,
            render_batch_items_max: 128,
            render_batch_bytes_max: 4 << 20,
            routes_max: 20_000,
            claims_max: 10_000,
            selectable_path_steps_max: 32,
            checks_max: 200,
            tag_bytes_max: 4 << 10,
            log_lines_per_second_max: 500,
            log_line_bytes_max: 8 << 10,
            metric_series_max: 1_000,
            subrequest_body_bytes_max: 16 << 20,
            hook_subrequest_ms_max: 60_000,
            component_bytes_max: 64 << 20,
            compile_memory_bytes_max: 8 << 30,
            compile_ms_max: 300_000,
        }
    }
}

impl Limits {
    /// How often the epoch advances: the grain of `cpu_ms_max`, and the longest that a
    /// spinning guest keeps a thread (plugin-hosts.md 6a: 1 ms costs nothing measurable).
    pub const EPOCH_TICK: Duration = Duration::from_millis(1);

    /// Each bound with its unit in its name, for `host limits`.
    pub fn rows(&self) -> Vec<(&'static str, u64)> {
        vec![
            ("memory_bytes_max", self.memory_bytes_max as u64),
            ("memory_bytes_kept_max", self.memory_bytes_kept_max as u64),
            ("table_elements_max", self.table_elements_max as u64),
            ("handles_max", self.handles_max as u64),
            ("hostcall_bytes_max", self.hostcall_bytes_max as u64),
            ("cpu_ms_max", self.cpu_ms_max),
            ("init_ms_max", self.init_ms_max),
            ("prepare_run_ms_max", self.prepare_run_ms_max),
            ("health_check_ms_max", self.health_check_ms_max),
            ("render_ms_max", self.render_ms_max),
            ("cancelled_call_ms_max", self.cancelled_call_ms_max),
            ("hook_end_ms_max", self.hook_end_ms_max),
            ("pre_shutdown_hook_ms_max", self.pre_shutdown_hook_ms_max),
            ("instances_per_link_max", self.instances_per_link_max as u64),
            ("calls_per_instance_max", self.calls_per_instance_max as u64),
            ("calls_queued_max", self.calls_queued_max as u64),
            ("render_batch_items_max", self.render_batch_items_max as u64),
            ("render_batch_bytes_max", self.render_batch_bytes_max as u64),
            ("routes_max", self.routes_max as u64),
            ("claims_max", self.claims_max as u64),
            ("selectable_path_steps_max", self.selectable_path_steps_max as u64),
            ("checks_max", self.checks_max as u64),
            ("tag_bytes_max", self.tag_bytes_max as u64),
            ("log_lines_per_second_max", u64::from(self.log_lines_per_second_max)),
            ("log_line_bytes_max", self.log_line_bytes_max as u64),
            ("metric_series_max", self.metric_series_max as u64),
            ("subrequest_body_bytes_max", self.subrequest_body_bytes_max as u64),
            ("hook_subrequest_ms_max", self.hook_subrequest_ms_max),
            ("component_bytes_max", self.component_bytes_max),
            ("compile_memory_bytes_max", self.compile_memory_bytes_max),
            ("compile_ms_max", self.compile_ms_max),
        ]
    }
}
