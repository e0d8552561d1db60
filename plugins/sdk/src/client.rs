//! Requests to the rest of the chain, behind this link.

use crate::{Context, Header, HookContext, Subrequest, Subresponse};

/// Whoever can ask the delegate: a request's context, as its user, or a hook's, as
/// `system:apiserver`.
#[allow(async_fn_in_trait, reason = "a component has one thread, so no future needs to be `Send`")]
pub trait Delegate {
    /// An error is the host's: the delegate could not be asked, or its answer is too large.
    async fn ask(&self, request: Subrequest) -> Result<Subresponse, String>;
}

impl Delegate for Context {
    async fn ask(&self, request: Subrequest) -> Result<Subresponse, String> {
        self.delegate(request).await
    }
}

impl Delegate for HookContext {
    async fn ask(&self, request: Subrequest) -> Result<Subresponse, String> {
        self.delegate(request).await
    }
}

/// Asks the delegate.
///
/// ```
/// # async fn example(context: &plugin_sdk::HookContext) -> Result<(), String> {
/// use plugin_sdk::Client;
///
/// let answer = Client::new(context).get("/apis").await?;
/// if answer.is_success() {
///     plugin_sdk::log::info!("the delegate serves {} bytes of groups", answer.body.len());
/// }
/// # Ok(())
/// # }
/// ```
pub struct Client<'a, D> {
    delegate: &'a D,
    headers: Vec<Header>,
}

impl<'a, D: Delegate> Client<'a, D> {
    pub fn new(delegate: &'a D) -> Self {
        Self { delegate, headers: vec![("accept".to_string(), "application/json".to_string())] }
    }

    /// With this header in each request, in place of one of the same name.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(key, _)| key != name);
        self.headers.push((name.to_string(), value.into()));
        self
    }

    pub async fn get(&self, uri: &str) -> Result<Subresponse, String> {
        self.send("GET", uri, Vec::new()).await
    }

    /// Sends JSON.
    pub async fn post(&self, uri: &str, body: Vec<u8>) -> Result<Subresponse, String> {
        self.send("POST", uri, body).await
    }

    /// Sends JSON.
    pub async fn put(&self, uri: &str, body: Vec<u8>) -> Result<Subresponse, String> {
        self.send("PUT", uri, body).await
    }

    pub async fn delete(&self, uri: &str) -> Result<Subresponse, String> {
        self.send("DELETE", uri, Vec::new()).await
    }

    async fn send(&self, method: &str, uri: &str, body: Vec<u8>) -> Result<Subresponse, String> {
        let mut headers = self.headers.clone();
        if !body.is_empty() && !headers.iter().any(|(name, _)| name == "content-type") {
            headers.push(("content-type".to_string(), "application/json".to_string()));
        }
        self.delegate.ask(Subrequest { method: method.to_string(), uri: uri.to_string(), headers, body }).await
    }
}

impl Subresponse {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::pin::pin;
    use std::task::{Context as Task, Poll, Waker};

    use super::*;

    /// Answers 200 and keeps what it was asked.
    #[derive(Default)]
    struct Echo {
        asked: RefCell<Vec<Subrequest>>,
    }

    impl Delegate for Echo {
        async fn ask(&self, request: Subrequest) -> Result<Subresponse, String> {
            let headers = vec![("content-type".to_string(), "text/plain".to_string())];
            let response = Subresponse { status: 200, headers, body: request.body.clone() };
            self.asked.borrow_mut().push(request);
            Ok(response)
        }
    }

    fn ready<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Task::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("nothing here waits"),
        }
    }

    #[test]
    fn json_is_asked_for_unless_something_else_is() {
        let echo = Echo::default();
        ready(Client::new(&echo).get("/apis")).expect("an answer");
        ready(Client::new(&echo).header("accept", "text/plain").get("/hello")).expect("an answer");
        let accepted: Vec<String> =
            echo.asked.take().into_iter().flat_map(|asked| asked.headers).map(|(_, value)| value).collect();
        assert_eq!(accepted, ["application/json", "text/plain"]);
    }

    #[test]
    fn a_body_is_json_unless_it_is_said_to_be_something_else() {
        let echo = Echo::default();
        let client = Client::new(&echo);
        let answer = ready(client.post("/things", b"{}".to_vec())).expect("an answer");
        assert!(answer.is_success());
        assert_eq!((answer.header("content-type"), answer.body.as_slice()), (Some("text/plain"), &b"{}"[..]));
        ready(client.header("content-type", "application/yaml").put("/things/a", b"{}".to_vec())).expect("an answer");
        ready(Client::new(&echo).delete("/things/a")).expect("an answer");
        let types: Vec<(String, Option<String>)> = echo
            .asked
            .take()
            .into_iter()
            .map(|asked| {
                let of = asked.headers.into_iter().find(|(name, _)| name == "content-type").map(|(_, value)| value);
                (asked.method, of)
            })
            .collect();
        let expected = [("POST", Some("application/json")), ("PUT", Some("application/yaml")), ("DELETE", None)];
        assert_eq!(types, expected.map(|(method, of)| (method.to_string(), of.map(str::to_string))));
    }
}
