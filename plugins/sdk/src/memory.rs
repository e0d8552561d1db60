//! Memory for guests that ask for it in small pieces.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

/// Sizes of pieces differ by this, and so they are aligned.
const STEP: usize = 16;
/// Larger pieces are the standard allocator's.
const PIECE_BYTES_MAX: usize = 512;
/// What pieces are cut from.
const BLOCK_BYTES: usize = 16 << 10;

/// An allocator that keeps pieces that were given back, by size, for whoever asks next. It joins
/// none, and is done in a few instructions where the standard one takes a hundred: a tree of JSON
/// consists of small pieces, which come and go with each request.
///
/// ```ignore
/// #[cfg(target_family = "wasm")]
/// #[global_allocator]
/// static MEMORY: plugin_sdk::Pieces = plugin_sdk::Pieces::new();
/// ```
pub struct Pieces {
    /// The last that was given back, of each size.
    free: [Cell<*mut Free>; PIECE_BYTES_MAX / STEP],
    /// What is left of the present block.
    rest: Cell<*mut u8>,
    rest_bytes: Cell<usize>,
}

/// What is written into a piece that nobody has.
struct Free {
    next: *mut Free,
}

impl Pieces {
    #[expect(clippy::new_without_default, reason = "it is made in a static, where `default` cannot be called")]
    pub const fn new() -> Self {
        let free = [const { Cell::new(ptr::null_mut()) }; PIECE_BYTES_MAX / STEP];
        Self { free, rest: Cell::new(ptr::null_mut()), rest_bytes: Cell::new(0) }
    }

    /// A piece that nobody had before, or null.
    #[cold]
    fn cut(&self, size: usize) -> *mut u8 {
        if self.rest_bytes.get() < size {
            let Ok(block) = Layout::from_size_align(BLOCK_BYTES, STEP) else { return ptr::null_mut() };
            // SAFETY: the size is not zero.
            let start = unsafe { System.alloc(block) };
            if start.is_null() {
                return start;
            }
            self.rest.set(start);
            self.rest_bytes.set(BLOCK_BYTES);
        }
        let piece = self.rest.get();
        self.rest.set(piece.wrapping_add(size));
        self.rest_bytes.set(self.rest_bytes.get() - size);
        piece
    }
}

/// Which of the sizes this is; none if it is too large.
fn size_class(layout: Layout) -> Option<usize> {
    (layout.size() <= PIECE_BYTES_MAX && layout.align() <= STEP).then(|| layout.size().saturating_sub(1) / STEP)
}

// SAFETY: a component has one thread.
#[cfg(all(target_family = "wasm", not(target_feature = "atomics")))]
unsafe impl Sync for Pieces {}

// SAFETY: a piece is cut from a block once, is large enough and aligned for all layouts of its
// class, and is in a list only while nobody has it.
unsafe impl GlobalAlloc for Pieces {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(class) = size_class(layout) else {
            // SAFETY: the caller's layout, which is not empty.
            return unsafe { System.alloc(layout) };
        };
        let piece = self.free[class].get();
        if piece.is_null() {
            return self.cut((class + 1) * STEP);
        }
        // SAFETY: what is in a list was written by `dealloc`.
        self.free[class].set(unsafe { (*piece).next });
        piece.cast()
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let Some(class) = size_class(layout) else {
            // SAFETY: memory of this layout came from there.
            return unsafe { System.dealloc(memory, layout) };
        };
        let piece: *mut Free = memory.cast();
        // SAFETY: the caller gives it back; it is aligned, and no smaller than a pointer.
        unsafe { piece.write(Free { next: self.free[class].get() }) };
        self.free[class].set(piece);
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(wanted) = Layout::from_size_align(size, layout.align()) else { return ptr::null_mut() };
        match (size_class(layout), size_class(wanted)) {
            (Some(has), Some(wants)) if has == wants => memory,
            // SAFETY: as the caller promises.
            (None, None) => unsafe { System.realloc(memory, layout, size) },
            _ => {
                // SAFETY: both are as large as is copied, and are not the same.
                unsafe {
                    let moved = self.alloc(wanted);
                    if !moved.is_null() {
                        ptr::copy_nonoverlapping(memory, moved, layout.size().min(size));
                        self.dealloc(memory, layout);
                    }
                    moved
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory that somebody has, filled with a mark of its own.
    struct Had {
        memory: *mut u8,
        layout: Layout,
        mark: u8,
    }

    impl Had {
        fn bytes(&self) -> &[u8] {
            // SAFETY: it was allocated with this layout, and filled.
            unsafe { std::slice::from_raw_parts(self.memory, self.layout.size()) }
        }
    }

    #[test]
    fn nobody_gets_what_somebody_has() {
        let pieces = Pieces::new();
        let mut all: Vec<Had> = Vec::new();
        // Any order will do, as long as it is the same each time.
        let mut random = 1_u32;
        for turn in 0..20_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (number, size) = ((random >> 8) as usize, 1 + (random >> 16) as usize % 1_500);
            let mark = turn as u8;
            match number % 3 {
                0 if !all.is_empty() => {
                    let had = all.swap_remove(number % all.len());
                    assert!(had.bytes().iter().all(|byte| *byte == had.mark));
                    // SAFETY: it is given back once, as it was had.
                    unsafe { pieces.dealloc(had.memory, had.layout) };
                }
                1 if !all.is_empty() => {
                    let at = number % all.len();
                    let (had, kept) = (&all[at], all[at].layout.size().min(size));
                    // SAFETY: it is had, and replaced by what comes back.
                    let memory = unsafe { pieces.realloc(had.memory, had.layout, size) };
                    let layout = Layout::from_size_align(size, had.layout.align()).unwrap();
                    // SAFETY: so many bytes were filled, and moved.
                    let moved = unsafe { std::slice::from_raw_parts(memory, kept) };
                    assert!(moved.iter().all(|byte| *byte == had.mark));
                    // SAFETY: it is as large.
                    unsafe { memory.write_bytes(mark, size) };
                    all[at] = Had { memory, layout, mark };
                }
                _ => {
                    let layout = Layout::from_size_align(size, 1 << (number % 6)).unwrap();
                    // SAFETY: the size is not zero.
                    let memory = unsafe { pieces.alloc(layout) };
                    assert!(!memory.is_null() && memory.addr().is_multiple_of(layout.align()));
                    // SAFETY: it is as large.
                    unsafe { memory.write_bytes(mark, size) };
                    all.push(Had { memory, layout, mark });
                }
            }
        }
        assert!(all.iter().all(|had| had.bytes().iter().all(|byte| *byte == had.mark)));
    }
}
