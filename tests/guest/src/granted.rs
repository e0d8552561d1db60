//! What a plugin may use if it is granted: files, variables, connections.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use plugin_sdk::Result;

pub(crate) const KNOWN: [&str; 5] = ["read", "write", "list", "variable", "connect"];

/// Uses it, and says what there was.
pub(crate) fn used(word: &str, what: &str) -> Result<String> {
    Ok(match word {
        "read" => std::fs::read_to_string(what)?,
        "write" => std::fs::write(what, "written by a guest").map(|()| "written".to_string())?,
        "list" => {
            let entries = std::fs::read_dir(what)?.collect::<Result<Vec<_>, _>>()?;
            let mut names: Vec<_> =
                entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names.join(" ")
        }
        "variable" => std::env::var(what)?,
        _ => {
            let mut stream = TcpStream::connect(what)?;
            stream.write_all(b"hello from a guest\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            answer
        }
    })
}
