//! Random bytes, as many as one likes: Rust's own libraries ask for a few.
#![allow(unsafe_code, clippy::all, unreachable_pub, reason = "generated code")]

wit_bindgen::generate!({
    inline: "
        package scripted:random;

        world random {
            import wasi:random/random@0.2.0;
        }

        package wasi:random@0.2.0 {
            interface random {
                get-random-bytes: func(len: u64) -> list<u8>;
                get-random-u64: func() -> u64;
            }
        }
    ",
    world: "scripted:random/random",
    generate_all,
});

pub(crate) fn bytes(count: u64) -> usize {
    wasi::random::random::get_random_bytes(count).len()
}
