//! One watch over all of etcd's keys, which goes on where it was when its stream breaks.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt as _};
use tonic::Streaming;

use super::Shared;
use super::compact::COMPACT_KEY;
use super::wire::{Event, WatchCreateRequest, WatchRequest, WatchResponse};
use crate::{Change, WatchItem};

const WATCH: &str = "/etcdserverpb.Watch/Watch";
/// Between tries, the first and the last.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

struct Watch {
    shared: Arc<Shared>,
    /// The first revision that was not told.
    next: u64,
    live: Option<Streaming<WatchResponse>>,
    pause: Duration,
}

pub(super) fn from(shared: Arc<Shared>, from: u64) -> BoxStream<'static, WatchItem> {
    // Revision 1 is the empty store: nothing was written at it.
    let watch = Watch { shared, next: from.max(2), live: None, pause: PAUSE_MIN };
    let items = stream::unfold(Some(watch), |watch| async move {
        let mut watch = watch?;
        let mut closed = watch.shared.closed.subscribe();
        let items = tokio::select! {
            items = watch.items() => items,
            // Fails if there is nobody left to close it.
            _ = closed.wait_for(|closed| *closed) => return None,
        };
        let ends = matches!(items.last(), Some(WatchItem::Compacted { .. }));
        Some((items, (!ends).then_some(watch)))
    });
    items.flat_map(stream::iter).boxed()
}

impl Watch {
    /// What comes next, however often the stream breaks in between.
    async fn items(&mut self) -> Vec<WatchItem> {
        loop {
            let answer = match &mut self.live {
                Some(live) => live.message().await.and_then(|answer| answer.ok_or_else(ended)),
                None => match open(&self.shared, self.next).await {
                    Ok(live) => {
                        self.live = Some(live);
                        continue;
                    }
                    Err(status) => Err(status),
                },
            };
            match answer {
                Ok(answer) if answer.compact_revision > 0 => {
                    let oldest = answer.compact_revision as u64;
                    self.shared.has_compacted(oldest);
                    return vec![WatchItem::Compacted { oldest }];
                }
                Ok(answer) if answer.canceled => self.broken(&answer.cancel_reason).await,
                Ok(answer) => {
                    self.pause = PAUSE_MIN;
                    let items = self.batches(answer.events);
                    if !items.is_empty() {
                        return items;
                    }
                }
                Err(status) => self.broken(status.message()).await,
            }
        }
    }

    async fn broken(&mut self, why: &str) {
        tracing::warn!(next = self.next, "the watch of etcd is broken, and goes on: {why}");
        self.live = None;
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }

    /// One item for each revision, those without a change of the API's included: they say how far
    /// etcd is.
    fn batches(&mut self, events: Vec<Event>) -> Vec<WatchItem> {
        let mut items: Vec<WatchItem> = Vec::new();
        for event in events {
            let Some(kv) = event.kv else { continue };
            let (at, deletion) = (kv.mod_revision as u64, event.kind == 1);
            if at < self.next {
                continue;
            }
            if kv.key == COMPACT_KEY.as_bytes() && !deletion {
                let compacted = std::str::from_utf8(&kv.value).ok().and_then(|text| text.parse().ok());
                self.shared.has_compacted(compacted.unwrap_or(0));
            }
            let change = match deletion {
                true => self.shared.inside(&kv.key).map(|key| Change::Delete { key }),
                false => self.shared.kv(kv).map(Change::Put),
            };
            match items.last_mut() {
                Some(WatchItem::Batch { revision, changes }) if *revision == at => changes.extend(change),
                _ => items.push(WatchItem::Batch { revision: at, changes: change.into_iter().collect() }),
            }
        }
        if let Some(WatchItem::Batch { revision, .. }) = items.last() {
            self.next = revision + 1;
            self.shared.seen(*revision);
        }
        items
    }
}

async fn open(shared: &Shared, next: u64) -> Result<Streaming<WatchResponse>, tonic::Status> {
    // From the first key to the last.
    let create = WatchCreateRequest { key: vec![0], range_end: vec![0], start_revision: next as i64 };
    let create = WatchRequest { create: Some(create) };
    // The stream lasts as long as its questions do.
    shared.client.stream(WATCH, stream::once(async { create }).chain(stream::pending())).await
}

fn ended() -> tonic::Status {
    tonic::Status::unavailable("the stream has ended")
}
