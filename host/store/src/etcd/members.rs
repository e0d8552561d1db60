//! Which members are asked: those that answer.
//!
//! A member that is cut off from the others takes questions, and keeps them until they are given up. To
//! whoever chooses by load alone it is as good as any: of three members one such holds up everything.
//! So each member is asked now and then what it can answer only together with a majority.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::channel::Change;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use super::RANGE;
use super::client::may_pass;
use super::wire::{RangeRequest, RangeResponse};

/// Between two questions.
const INTERVAL: Duration = Duration::from_secs(1);
/// A member that is silent for so long is left out.
const SILENCE_MAX: Duration = Duration::from_secs(2);
/// What etcd's own health check reads. Nobody writes it.
const KEY: &str = "health";

/// Looks after the members until it is dropped.
pub(super) struct Members {
    tasks: Vec<AbortHandle>,
}

/// Those that are asked: one at least, so that an error is told that somebody gave.
type Asked = Mutex<BTreeSet<usize>>;
type Changes = Sender<Change<usize, Endpoint>>;

/// A channel to all members that answer. Connects to none yet.
pub(super) fn channel(endpoints: Vec<Endpoint>) -> (Channel, Members) {
    let (channel, changes) = Channel::balance_channel(endpoints.len().max(1));
    let asked = Arc::new(Asked::new((0..endpoints.len()).collect()));
    let alone = endpoints.len() == 1;
    let attend = |(member, endpoint): (usize, Endpoint)| {
        let (changes, asked) = (changes.clone(), asked.clone());
        let task = async move {
            if changes.send(Change::Insert(member, endpoint.clone())).await.is_ok() && !alone {
                attend(member, endpoint, &changes, &asked).await;
            }
        };
        tokio::spawn(task).abort_handle()
    };
    let tasks = endpoints.into_iter().enumerate().map(attend).collect();
    (channel, Members { tasks })
}

impl Drop for Members {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn attend(member: usize, endpoint: Endpoint, changes: &Changes, asked: &Asked) {
    let channel = endpoint.connect_lazy();
    loop {
        sleep(INTERVAL).await;
        let answer = timeout(SILENCE_MAX, ask(channel.clone())).await;
        // Whatever else it says, it has asked the others.
        let silent = !matches!(&answer, Ok(answer) if answer.as_ref().err().is_none_or(|status| !may_pass(status)));
        let server = endpoint.uri();
        let change = match note(&mut asked.lock().unwrap_or_else(PoisonError::into_inner), member, silent) {
            None => continue,
            Some(true) => {
                tracing::info!(%server, "a member of etcd answers again");
                Change::Insert(member, endpoint.clone())
            }
            Some(false) => {
                tracing::warn!(%server, "a member of etcd does not answer, and is left out until it does");
                Change::Remove(member)
            }
        };
        if changes.send(change).await.is_err() {
            return;
        }
    }
}

/// Whether the member is asked from now on, if that has changed.
fn note(asked: &mut BTreeSet<usize>, member: usize, silent: bool) -> Option<bool> {
    match silent {
        false => asked.insert(member).then_some(true),
        true => (asked.len() > 1 && asked.remove(&member)).then_some(false),
    }
}

async fn ask(channel: Channel) -> Result<RangeResponse, Status> {
    let mut grpc = Grpc::new(channel);
    grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
    let question = RangeRequest { key: KEY.into(), count_only: true, ..RangeRequest::default() };
    let codec = ProstCodec::<RangeRequest, RangeResponse>::default();
    let answer = grpc.unary(Request::new(question), PathAndQuery::from_static(RANGE), codec).await;
    answer.map(tonic::Response::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_silent_is_left_out_until_he_answers_but_for_the_last() {
        let mut asked: BTreeSet<usize> = (0..3).collect();
        let steps = [
            (0, false, None),
            (0, true, Some(false)),
            (0, true, None),
            (1, true, Some(false)),
            // Somebody has to be asked.
            (2, true, None),
            (0, false, Some(true)),
            (2, true, Some(false)),
            (1, true, None),
            (2, false, Some(true)),
        ];
        for (step, (member, silent, changed)) in steps.into_iter().enumerate() {
            assert_eq!(note(&mut asked, member, silent), changed, "step {step}");
        }
        assert_eq!(asked, BTreeSet::from([0, 2]));
    }
}
