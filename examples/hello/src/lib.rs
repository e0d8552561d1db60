use plugin_sdk::bindings as b;
use b::exports::host::chain::{server, objects};
struct Hello;
impl server::Guest for Hello {
    fn init() -> Result<(), String> { Ok(()) }
    async fn prepare_run(_c: server::HookContext) -> Result<(), String> { Ok(()) }
    async fn handle(_c: server::Context) -> server::Answer { server::Answer::Pass }
    async fn check_health(_n: String) -> Result<(), String> { Ok(()) }
    async fn run_hook(_c: server::HookContext, _n: String) -> Result<(), String> { Ok(()) }
}
impl objects::Guest for Hello {
    async fn decode(_t: String, o: Vec<objects::Stored>) -> Result<Vec<Vec<u8>>, String> { Ok(o.into_iter().map(|o| o.value).collect()) }
    async fn render(_f: String, _i: Vec<objects::Item>) -> Result<Vec<Vec<u8>>, String> { Err("no".into()) }
}
b::export_bindings!(Hello with_types_in plugin_sdk::bindings);
