//! Names.
pub fn dns1123_subdomain(_name: &str) -> Vec<String> {
    unimplemented!()
}
