//! What waits for the committer, in the order in which it came.
//!
//! Unlike a usual channel it says how many wait, and wakes who takes from it only when there are as many as he waits for:
//! who waits for several is not interrupted by each.

use std::collections::VecDeque;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use crate::sync::{Condvar, Mutex, MutexGuard, wait_at_most};

pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    enough: Condvar,
    max: usize,
}

struct State<T> {
    items: VecDeque<T>,
    /// From how many on who takes is woken; 0 if nobody waits.
    wanted: usize,
    open: bool,
}

/// Why something cannot wait here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    Closed,
}

/// How waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// Something is there.
    There,
    Late,
    /// Nothing is there, and nothing will come.
    Closed,
}

impl<T> Queue<T> {
    pub(super) fn new(max: usize) -> Self {
        let state = State { items: VecDeque::new(), wanted: 0, open: true };
        Self { state: Mutex::new(state), enough: Condvar::new(), max }
    }

    pub(super) fn push(&self, item: T) -> Result<(), Refused> {
        let mut state = self.lock();
        match () {
            () if !state.open => return Err(Refused::Closed),
            () if state.items.len() >= self.max => return Err(Refused::Full),
            () => state.items.push_back(item),
        }
        let enough = state.wanted > 0 && state.items.len() >= state.wanted;
        if enough {
            // Once is enough: whoever waits says anew what he wants.
            state.wanted = 0;
        }
        drop(state);
        if enough {
            self.enough.notify_one();
        }
        Ok(())
    }

    pub(super) fn pop(&self) -> Option<T> {
        self.lock().items.pop_front()
    }

    pub(super) fn len(&self) -> usize {
        self.lock().items.len()
    }

    /// Waits until something is there.
    pub(super) fn wait(&self, until: Option<Instant>) -> Waited {
        let mut state = self.lock();
        state.wanted = 1;
        let waited = loop {
            if !state.items.is_empty() {
                break Waited::There;
            } else if !state.open {
                break Waited::Closed;
            }
            let Some(until) = until else {
                state = self.enough.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break Waited::Late;
            }
            state = self.enough.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        };
        state.wanted = 0;
        waited
    }

    /// Waits until `count` are there, or no more will come, but no longer than this.
    pub(super) fn gather(&self, count: usize, time: Duration) {
        let until = Instant::now() + time;
        let mut state = self.lock();
        state.wanted = count;
        while state.items.len() < count && state.open {
            let left = until.saturating_duration_since(Instant::now());
            let late;
            (state, late) = wait_at_most(&self.state, &self.enough, state, left);
            if late {
                break;
            }
        }
        state.wanted = 0;
    }

    /// Takes no more; what is there is still taken.
    pub(super) fn close(&self) {
        self.lock().open = false;
        self.enough.notify_one();
    }

    /// Nobody will take any more: what waits is let go of.
    pub(super) fn abandon(&self) {
        let mut state = self.lock();
        state.open = false;
        let items = std::mem::take(&mut state.items);
        // Who waits for an answer is woken, which is not done under the lock.
        drop(state);
        drop(items);
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, channel};
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);
    const SOON: Duration = Duration::from_secs(60);

    #[test]
    fn what_came_first_is_taken_first_and_no_more_wait_than_may() {
        let queue = Queue::new(2);
        assert_eq!((queue.push(1), queue.push(2), queue.push(3)), (Ok(()), Ok(()), Err(Refused::Full)));
        assert_eq!((queue.pop(), queue.push(4), queue.len()), (Some(1), Ok(()), 2));
        queue.close();
        assert_eq!(queue.push(5), Err(Refused::Closed));
        assert_eq!((queue.wait(None), queue.pop(), queue.pop(), queue.pop()), (Waited::There, Some(2), Some(4), None));
        assert_eq!(queue.wait(None), Waited::Closed);
    }

    #[test]
    fn waiting_ends_when_enough_are_there_or_no_more_come_or_it_is_late() {
        let queue = Arc::new(Queue::new(9));
        assert_eq!(queue.wait(Some(Instant::now())), Waited::Late);
        queue.gather(2, Duration::from_millis(1));

        let there = ended(&queue, |queue| queue.wait(Some(Instant::now() + LONG)));
        waited_for(&queue, 1);
        queue.push(0).expect("there is room");
        assert_eq!(there.recv_timeout(SOON), Ok(Waited::There));

        let enough = ended(&queue, |queue| queue.gather(3, LONG));
        waited_for(&queue, 3);
        queue.push(1).expect("there is room");
        waited_for(&queue, 3);
        queue.push(2).expect("there is room");
        assert_eq!(enough.recv_timeout(SOON), Ok(()));
        assert_eq!(queue.len(), 3);

        let closed = ended(&queue, |queue| queue.gather(4, LONG));
        waited_for(&queue, 4);
        queue.close();
        assert_eq!((closed.recv_timeout(SOON), queue.len()), (Ok(()), 3));
    }

    /// Tells when a thread of its own has done this.
    fn ended<T: Send + 'static>(
        queue: &Arc<Queue<i32>>,
        wait: impl FnOnce(&Queue<i32>) -> T + Send + 'static,
    ) -> Receiver<T> {
        let ((tell, told), queue) = (channel(), queue.clone());
        thread::spawn(move || tell.send(wait(&queue)));
        told
    }

    /// Returns when somebody waits for so many.
    fn waited_for(queue: &Queue<i32>, count: usize) {
        let begun = Instant::now();
        while queue.lock().wanted != count {
            assert!(begun.elapsed() < SOON, "nobody waits for {count}");
            thread::yield_now();
        }
    }

    #[test]
    fn who_waits_is_woken_once() {
        let queue = Queue::new(9);
        queue.lock().wanted = 2;
        for (item, wanted) in [(0, 2), (1, 0), (2, 0)] {
            queue.push(item).expect("there is room");
            assert_eq!(queue.lock().wanted, wanted, "after {item}");
        }
    }

    #[test]
    fn what_is_left_behind_is_let_go_of() {
        let (queue, item) = (Queue::new(1), Arc::new(()));
        queue.push(item.clone()).expect("there is room");
        queue.abandon();
        assert_eq!((Arc::strong_count(&item), queue.push(item)), (1, Err(Refused::Closed)));
    }
}
