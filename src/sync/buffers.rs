//! Reusable buffers for the output of children.
//!
//! One chunk serves all children, since each is read at a different time. What is passed on is copied to a block, which returns here after
//! its event was handled. There are at most as many blocks as queued events, plus one per running child. The number of jobs does not
//! matter.

use crate::model::event::{BufferOwner, Lines};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes read at once.
pub(super) const CHUNK: usize = 64 * 1024;
/// How many free blocks are kept for reuse. Others are freed.
const KEPT: usize = 16;
/// A block larger than this is freed, too. Bytes.
const LARGE: usize = 2 * CHUNK;

/// The buffers of a run. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Buffers(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    chunk: Mutex<Vec<u8>>,
    blocks: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    /// Passes the chunk to `work`. It has [`CHUNK`] bytes and still contains what was read last.
    pub(super) fn chunk<T>(&self, work: impl FnOnce(&mut [u8]) -> T) -> T {
        let mut chunk = lock(&self.0.chunk);
        chunk.resize(CHUNK, 0);
        work(&mut chunk)
    }

    /// An empty block.
    pub(super) fn block(&self) -> Vec<u8> {
        lock(&self.0.blocks).pop().unwrap_or_default()
    }

    /// Wraps a block as lines; the block returns here when they are dropped.
    pub(super) fn lines(&self, block: Vec<u8>) -> Lines {
        Lines::lent(block, self.0.clone())
    }

    /// Returns a block that was not needed.
    pub(super) fn take_back(&self, block: Vec<u8>) {
        self.0.take_back(block);
    }
}

impl BufferOwner for Shared {
    fn take_back(&self, mut memory: Vec<u8>) {
        let mut blocks = lock(&self.blocks);
        if (1..=LARGE).contains(&memory.capacity()) && blocks.len() < KEPT {
            memory.clear();
            blocks.push(memory);
        }
    }
}

/// Locks even if poisoned: a panic cannot leave buffers in an invalid state.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(buffers: &Buffers, bytes: usize) -> Lines {
        let mut block = buffers.block();
        assert!(block.is_empty());
        block.resize(bytes, b'x');
        buffers.lines(block)
    }

    #[test]
    fn a_block_that_was_told_is_used_again() {
        let buffers = Buffers::default();
        let lines = told(&buffers, 1000);
        let memory = lines.as_bytes().as_ptr();
        // A clone must not return the block a second time.
        drop(lines.clone());
        drop(lines);
        assert_eq!(told(&buffers, 10).as_bytes().as_ptr(), memory);
    }

    #[test]
    fn what_is_kept_is_bounded_in_number_and_in_size() {
        let buffers = Buffers::default();
        drop((0..KEPT * 2).map(|_| told(&buffers, 100)).collect::<Vec<_>>());
        assert_eq!(lock(&buffers.0.blocks).len(), KEPT);
        lock(&buffers.0.blocks).clear();
        drop(told(&buffers, LARGE + 2));
        assert!(lock(&buffers.0.blocks).is_empty());
    }

    #[test]
    fn the_chunk_has_its_length_after_a_panic_too() {
        let buffers = Buffers::default();
        let inner = buffers.clone();
        std::thread::spawn(move || inner.chunk(|_| panic!("in the middle"))).join().unwrap_err();
        assert_eq!(buffers.chunk(|chunk| chunk.len()), CHUNK);
    }
}
