//! Takes samples: a timer that runs while the process computes sends `SIGPROF`, and whichever thread
//! gets it notes where it was.
//!
//! The handler allocates nothing, takes no lock and writes to memory that was made before. It reads
//! the interrupted stack by a system call that fails where there is nothing to read, so that no
//! value of a register, however odd, can harm the process.
#![allow(unsafe_code, reason = "signal handlers are unsafe by nature; this is the one place that has one")]

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use crate::{ProfileError, SAMPLE_DEPTH_MAX, SAMPLES_MAX};

/// Where a thread was: the function that was interrupted, and its callers if they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    pub addresses: Vec<usize>,
}

/// Samples are being taken, until it is dropped.
pub struct Sampling {
    buffer: *mut Buffer,
}

// SAFETY: what it points to is only written through atomics, and belongs to this value.
unsafe impl Send for Sampling {}

/// Where the handler writes.
struct Buffer {
    /// Code in which callers can be followed.
    followed: Box<[Range<usize>]>,
    /// Samples that were begun; those above `SAMPLES_MAX` are not there.
    taken: AtomicUsize,
    /// For each sample its length and its addresses.
    words: Box<[AtomicUsize]>,
}

const SAMPLE_WORDS: usize = 1 + SAMPLE_DEPTH_MAX;

/// The buffer of the profile that is being taken.
static CURRENT: AtomicPtr<Buffer> = AtomicPtr::new(std::ptr::null_mut());
/// Handlers that run now, and may look at it.
static INSIDE: AtomicUsize = AtomicUsize::new(0);
/// Somebody takes a profile.
static IN_USE: AtomicBool = AtomicBool::new(false);

impl Sampling {
    pub(crate) fn start(per_second: u32, followed: Vec<Range<usize>>) -> Result<Self, ProfileError> {
        if !machine::SUPPORTED {
            return Err(ProfileError::Unsupported);
        }
        if IN_USE.swap(true, Ordering::AcqRel) {
            return Err(ProfileError::InUse);
        }
        let words = (0..SAMPLES_MAX * SAMPLE_WORDS).map(|_| AtomicUsize::new(0)).collect();
        let buffer = Buffer { followed: followed.into(), taken: AtomicUsize::new(0), words };
        let this = Self { buffer: Box::into_raw(Box::new(buffer)) };
        CURRENT.store(this.buffer, Ordering::SeqCst);
        // Dropped in case of an error, and then all is as before.
        install_handler()?;
        set_timer(per_second)?;
        Ok(this)
    }

    /// Takes no more, and gives what there is. With it how many had no room.
    pub fn stop(self) -> (Vec<Sample>, usize) {
        let _ = set_timer(0);
        self.detach();
        // SAFETY: no handler can reach the buffer any more, and it is freed when `self` is dropped.
        let buffer = unsafe { &*self.buffer };
        let taken = buffer.taken.load(Ordering::Acquire);
        let samples = buffer.words.chunks_exact(SAMPLE_WORDS).take(taken).map(|words| {
            let length = words[0].load(Ordering::Acquire);
            Sample { addresses: words[1..=length].iter().map(|word| word.load(Ordering::Relaxed)).collect() }
        });
        (samples.collect(), taken.saturating_sub(SAMPLES_MAX))
    }

    /// From here on no handler looks at the buffer. One that has looked has said so before.
    fn detach(&self) {
        CURRENT.store(std::ptr::null_mut(), Ordering::SeqCst);
        while INSIDE.load(Ordering::SeqCst) != 0 {
            std::thread::yield_now();
        }
    }
}

impl Drop for Sampling {
    fn drop(&mut self) {
        let _ = set_timer(0);
        self.detach();
        // SAFETY: it was made by `Box::into_raw`, and nobody else has it any more.
        drop(unsafe { Box::from_raw(self.buffer) });
        IN_USE.store(false, Ordering::Release);
    }
}

impl Buffer {
    /// Signal-safe.
    fn take(&self, mut address: usize, mut frame: usize) {
        let sample = self.taken.fetch_add(1, Ordering::AcqRel);
        let Some(words) = self.words.get(sample * SAMPLE_WORDS..(sample + 1) * SAMPLE_WORDS) else { return };
        let mut length = 0;
        while length < SAMPLE_DEPTH_MAX {
            length += 1;
            words[length].store(address, Ordering::Relaxed);
            if !self.is_followed(address) {
                break;
            }
            // The caller's frame, and where it goes on.
            let Some([outer, back]) = machine::read_stack(frame) else { break };
            if outer <= frame || !self.is_followed(back) {
                break;
            }
            (frame, address) = (outer, back);
        }
        words[0].store(length, Ordering::Release);
    }

    fn is_followed(&self, address: usize) -> bool {
        self.followed.iter().any(|code| code.contains(&address))
    }
}

/// Once, and for good: a signal may be on its way when a profile ends.
fn install_handler() -> Result<(), ProfileError> {
    static INSTALLED: OnceLock<i32> = OnceLock::new();
    let error = *INSTALLED.get_or_init(|| {
        // SAFETY: all zeroes is a valid `sigaction`, and the handler is signal-safe.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = handle;
            action.sa_sigaction = handler as usize;
            // On the stack that threads have for signals: a guest's own may be nearly used up.
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
            libc::sigemptyset(&mut action.sa_mask);
            match libc::sigaction(libc::SIGPROF, &action, std::ptr::null_mut()) {
                0 => 0,
                _ => std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL),
            }
        }
    });
    match error {
        0 => Ok(()),
        error => Err(ProfileError::Timer(std::io::Error::from_raw_os_error(error))),
    }
}

/// Counts the time that all threads of the process compute. 0 ends it.
fn set_timer(per_second: u32) -> Result<(), ProfileError> {
    let interval =
        libc::timeval { tv_sec: 0, tv_usec: 1_000_000_u32.checked_div(per_second).unwrap_or_default().into() };
    let timer = libc::itimerval { it_interval: interval, it_value: interval };
    // SAFETY: the timer is read, and nothing is written.
    match unsafe { libc::setitimer(libc::ITIMER_PROF, &timer, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(ProfileError::Timer(std::io::Error::last_os_error())),
    }
}

extern "C" fn handle(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    INSIDE.fetch_add(1, Ordering::SeqCst);
    let buffer = CURRENT.load(Ordering::SeqCst);
    // SAFETY: whoever frees the buffer takes it away first and then waits until nobody is inside.
    if let Some(buffer) = unsafe { buffer.as_ref() }
        && let Some((address, frame)) = machine::interrupted(context)
    {
        buffer.take(address, frame);
    }
    INSIDE.fetch_sub(1, Ordering::SeqCst);
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod machine {
    pub(super) const SUPPORTED: bool = true;

    /// Where the thread was, and its frame pointer.
    pub(super) fn interrupted(context: *mut libc::c_void) -> Option<(usize, usize)> {
        // SAFETY: the kernel gives a handler with `SA_SIGINFO` the context of the thread.
        let context = unsafe { context.cast::<libc::ucontext_t>().as_ref() }?;
        #[cfg(target_arch = "x86_64")]
        let (address, frame) =
            (context.uc_mcontext.gregs[libc::REG_RIP as usize], context.uc_mcontext.gregs[libc::REG_RBP as usize]);
        #[cfg(target_arch = "aarch64")]
        let (address, frame) = (context.uc_mcontext.pc, context.uc_mcontext.regs[29]);
        Some((address as usize, frame as usize))
    }

    /// Two words of the stack, if they are there.
    pub(super) fn read_stack(at: usize) -> Option<[usize; 2]> {
        let mut words = [0_usize; 2];
        let bytes = size_of_val(&words);
        let local = libc::iovec { iov_base: words.as_mut_ptr().cast(), iov_len: bytes };
        let remote = libc::iovec { iov_base: at as *mut libc::c_void, iov_len: bytes };
        // SAFETY: the kernel writes `bytes` to `words`, and checks what it reads. `errno` is the
        // interrupted thread's.
        let read = unsafe {
            let errno = libc::__errno_location();
            let before = *errno;
            let read = libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0);
            *errno = before;
            read
        };
        (read == bytes as isize).then_some(words)
    }
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
mod machine {
    pub(super) const SUPPORTED: bool = false;

    pub(super) fn interrupted(_: *mut libc::c_void) -> Option<(usize, usize)> {
        None
    }

    pub(super) fn read_stack(_: usize) -> Option<[usize; 2]> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::hint::black_box;
    use std::time::{Duration, Instant};

    use super::*;

    /// Computes for a while, in itself.
    #[inline(never)]
    fn compute(time: Duration) {
        let start = Instant::now();
        while start.elapsed() < time {
            for n in 0..100_000_u64 {
                black_box(n);
            }
        }
    }

    #[test]
    fn a_sample_is_so_deep_and_there_are_so_many() {
        // Each frame has the address of its caller's and where that goes on.
        let mut stack = vec![0_usize; 4 * SAMPLE_DEPTH_MAX];
        let start = stack.as_ptr() as usize;
        for frame in 0..2 * SAMPLE_DEPTH_MAX - 1 {
            stack[2 * frame] = start + (2 * (frame + 1)) * size_of::<usize>();
            stack[2 * frame + 1] = 7;
        }
        let words = (0..2 * SAMPLE_WORDS).map(|_| AtomicUsize::new(0)).collect();
        let buffer = Buffer { followed: std::iter::once(0..usize::MAX).collect(), taken: AtomicUsize::new(0), words };
        // More than there is room for is counted, and written nowhere.
        (0..3).for_each(|_| buffer.take(7, start));
        let lengths = [0, SAMPLE_WORDS].map(|sample| buffer.words[sample].load(Ordering::Relaxed));
        assert_eq!((lengths, buffer.taken.into_inner()), ([SAMPLE_DEPTH_MAX; 2], 3));
        drop(stack);
    }

    #[test]
    fn what_computes_is_seen_and_one_profile_is_taken_at_a_time() {
        let sampling = Sampling::start(100, Vec::new()).expect("nobody else takes one");
        assert!(matches!(Sampling::start(100, Vec::new()), Err(ProfileError::InUse)));
        // What is sampled is CPU time: on a busy machine it passes slowly.
        compute(Duration::from_secs(2));
        let (samples, dropped) = sampling.stop();
        assert_eq!(dropped, 0);
        assert!(samples.len() > 2, "{}", samples.len());
        assert!(samples.iter().all(|sample| sample.addresses.len() == 1), "nothing is followed");

        // Given up in the middle.
        drop(Sampling::start(100, Vec::new()).expect("the last one has ended"));
        let (samples, _) = Sampling::start(100, Vec::new()).expect("the last one has ended").stop();
        assert!(samples.len() < 2, "samples of another profile: {}", samples.len());
    }

    #[test]
    fn what_is_not_there_is_not_read() {
        for nowhere in [0, 8, usize::MAX - 64] {
            assert_eq!(machine::read_stack(nowhere), None);
        }
        let words = [black_box(3_usize), black_box(4)];
        assert_eq!(machine::read_stack(words.as_ptr() as usize), Some(words));
    }
}
