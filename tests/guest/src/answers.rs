//! Answers that a server must not send as they are.

use plugin_sdk::bindings::wit_stream;
use plugin_sdk::{Answer, Body, Response, spawn};

/// The answer that a word is for.
pub(crate) fn to(word: &str) -> Option<Answer> {
    let text = |text: &str| Response::new(200).body(Body::Bytes(text.as_bytes().to_vec()));
    let response = match word {
        "empty" => Response::new(204),
        "short" => text("0123456789").header("content-length", "5"),
        "long" => text("0123456789").header("content-length", "500"),
        "smuggled" => text("0123456789").header("transfer-encoding", "chunked").header("connection", "close"),
        "bad-name" => text("0123456789").header("not a name", "x"),
        "bad-value" => text("0123456789").header("x-odd", "a\r\nx-split: b"),
        "many-headers" => (0..100_000).fold(text("a"), |response, n| response.header("x-flood", n.to_string())),
        "large-header" => text("a").header("x-flood", "x".repeat(1 << 20)),
        "status-0" => Response::new(0),
        "status-101" => Response::new(101),
        "status-1000" => Response::new(1000),
        "huge" => Response::new(200).body(Body::Bytes(vec![b'x'; 64 << 20])),
        "stream" | "stream-silent" | "stream-endless" | "stream-traps" => streamed(word.to_string()),
        _ => return None,
    };
    Some(response.into())
}

fn streamed(word: String) -> Response {
    let (mut writer, reader) = wit_stream::new::<u8>();
    spawn(async move {
        match word.as_str() {
            "stream-silent" => std::future::pending().await,
            "stream-endless" => while writer.write_all(vec![b'x'; 1 << 10]).await.is_empty() {},
            _ => {
                writer.write_all(b"the first piece\n".to_vec()).await;
            }
        }
        if word == "stream-traps" {
            panic!("told to trap");
        }
    });
    Response::new(200).header("content-type", "text/plain").body(Body::Stream(reader))
}
