//! Limits the bytes in flight between the threads that read files and the thread that indexes them. A reader waits while there are too
//! many.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use tantivy::TantivyDocument;
use tantivy::schema::document::Document;

/// The maximum number of bytes in flight.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    taken: Mutex<usize>,
    freed: Condvar,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Budget { limit, taken: Mutex::new(0), freed: Condvar::new() })
    }

    /// Waits for room. A share larger than the whole budget waits until nothing else is in flight.
    pub(super) fn take(self: &Arc<Self>, bytes: usize) -> Share {
        let bytes = bytes.min(self.limit);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken + bytes > self.limit {
            taken = self.freed.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += bytes;
        Share { budget: Arc::clone(self), bytes }
    }
}

/// Bytes of the budget. They are given back on drop.
#[derive(Debug)]
pub(super) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        *self.budget.taken.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.budget.freed.notify_all();
    }
}

/// A document on its way to the index. The queue of tantivy counts documents, whatever their size. The share is given back when tantivy
/// takes the document from its queue.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) document: TantivyDocument,
    pub(super) _share: Share,
}

impl Document for Carried {
    type Value<'a> = <TantivyDocument as Document>::Value<'a>;
    type FieldsValuesIter<'a> = <TantivyDocument as Document>::FieldsValuesIter<'a>;

    fn iter_fields_and_values(&self) -> Self::FieldsValuesIter<'_> {
        self.document.iter_fields_and_values()
    }

    fn into_tantivy_document(self) -> TantivyDocument {
        self.document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_more_than_there_is_waits_for_the_others() {
        let budget = Budget::new(10);
        let first = budget.take(6);
        let second = std::thread::spawn({
            let budget = Arc::clone(&budget);
            move || drop(budget.take(1_000))
        });
        drop(budget.take(4));
        assert!(!second.is_finished());
        drop(first);
        second.join().unwrap();
        assert_eq!(*budget.taken.lock().unwrap(), 0);
    }
}
