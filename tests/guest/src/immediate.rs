//! Answers that wait for nothing: what `handle` would say, unless the query is for it.

use std::time::Duration;

use plugin_sdk::Summary;
use plugin_sdk::immediate::{Immediate, Reply};

use crate::{Scripted, words};

impl Immediate for Scripted {
    fn answer(&self, request: &Summary) -> Option<Reply> {
        if request.query() == "handle" {
            return None;
        }
        let text = |text: &str| Reply::new(200).body(text);
        match request.path().rsplit('/').next().unwrap_or_default() {
            "empty" => Some(Reply::new(204)),
            "short" => Some(text("0123456789").header("content-length", "5")),
            "bad-name" => Some(text("0123456789").header("not a name", "x")),
            "many-headers" => Some((0..1_000).fold(text("a"), |reply, n| reply.header("x-flood", &n.to_string()))),
            "status-0" => Some(Reply::new(0)),
            // No clock of the guest's passes in a call that cannot wait.
            "waits" => {
                std::thread::sleep(Duration::from_secs(1));
                None
            }
            word => Some(match words::now(word) {
                Ok(()) => Reply::text(200, format!("{}: {} for {}\n", self.name, request.route_tag(), request.path())),
                Err(error) => Reply::text(500, error.to_string()),
            }),
        }
    }
}
