//! Limits how many jobs run at a time, in total and per host.

use crate::model::job::A_HOST;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The slots of a run, and the connections to each host. First come, first served.
#[derive(Debug)]
pub(super) struct Slots {
    slots: Arc<Permits>,
    /// The limits of the configuration.
    limits: BTreeMap<String, usize>,
    hosts: Mutex<HashMap<String, Arc<Permits>>>,
}

/// Permits whose number can change.
#[derive(Debug)]
struct Permits {
    free: Arc<Semaphore>,
    /// How many there are.
    size: AtomicUsize,
    /// Permits that were removed while in use. They are dropped when they are returned.
    debt: AtomicUsize,
    /// Number of jobs that wait for one.
    waiting: AtomicUsize,
}

/// A permit. Freed when dropped.
#[derive(Debug)]
struct Permit {
    permit: Option<OwnedSemaphorePermit>,
    of: Arc<Permits>,
}

impl Permits {
    fn new(size: usize) -> Arc<Self> {
        let (debt, waiting) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (free, size) = (Arc::new(Semaphore::new(size)), AtomicUsize::new(size));
        Arc::new(Permits { free, size, debt, waiting })
    }

    async fn acquire(self: &Arc<Self>) -> Permit {
        let _waiting = Waiting::new(&self.waiting);
        Permit { permit: self.free.clone().acquire_owned().await.ok(), of: self.clone() }
    }

    fn try_acquire(self: &Arc<Self>) -> Option<Permit> {
        let permit = self.free.clone().try_acquire_owned().ok()?;
        Some(Permit { permit: Some(permit), of: self.clone() })
    }

    fn is_wanted(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    fn in_use(&self) -> usize {
        let there = self.size.load(Ordering::Relaxed) + self.debt.load(Ordering::Relaxed);
        there.saturating_sub(self.free.available_permits())
    }

    fn raise(&self) {
        // Everything runs on the runtime's one thread; the atomics only satisfy the compiler.
        self.size.fetch_add(1, Ordering::Relaxed);
        if !self.pay() {
            self.free.add_permits(1);
        }
    }

    /// Those in use stay until they are returned.
    fn lower(&self, by: usize) {
        self.size.fetch_sub(by, Ordering::Relaxed);
        let taken = self.free.forget_permits(by);
        self.debt.fetch_add(by - taken, Ordering::Relaxed);
    }

    /// Whether one was owed.
    fn pay(&self) -> bool {
        let less = |owed: usize| owed.checked_sub(1);
        self.debt.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take()
            && self.of.pay()
        {
            permit.forget();
        }
    }
}

/// A connection of a job in addition to that of its slot. Freed when dropped.
#[derive(Debug)]
pub(super) struct Connection(Option<Permit>);

/// How long a connection counts after its end. The server counts it until its own process has ended, a moment after ours.
pub(super) const LINGER: Duration = Duration::from_millis(50);

impl Drop for Connection {
    fn drop(&mut self) {
        let Some(permit) = self.0.take() else { return };
        // Without a runtime nothing runs any more.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(LINGER).await;
                drop(permit);
            });
        }
    }
}

/// A slot, and a connection to the host. Freed when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _host: Option<Connection>,
    _slot: Permit,
}

impl Slots {
    /// Creates `parallel` slots, and the connections of each host that has a limit.
    pub(super) fn new(parallel: usize, hosts: &BTreeMap<String, usize>) -> Self {
        let limits = hosts.iter().map(|(host, n)| (host.to_ascii_lowercase(), *n)).collect();
        Slots { slots: Permits::new(parallel), limits, hosts: Mutex::default() }
    }

    /// The maximum number of connections to a host; there is none for this machine.
    pub(super) fn cap(&self, host: Option<&str>) -> usize {
        let Some(host) = host else { return usize::MAX };
        self.limits.get(&host.to_ascii_lowercase()).copied().unwrap_or(A_HOST)
    }

    /// The connections to a host; `None` for this machine.
    fn host(&self, host: Option<&str>) -> Option<Arc<Permits>> {
        let new = || Permits::new(self.cap(host));
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        Some(hosts.entry(host?.to_ascii_lowercase()).or_insert_with(new).clone())
    }

    /// Whether another job waits for a connection to this host.
    pub(super) fn is_wanted(&self, host: Option<&str>) -> bool {
        self.host(host).is_some_and(|host| host.is_wanted())
    }

    /// Returns another connection for a job that has a slot, if one is free. It never waits: two jobs that wait for each other's connections
    /// would not end.
    pub(super) fn try_connect(&self, host: Option<&str>) -> Option<Connection> {
        match self.host(host) {
            Some(host) => host.try_acquire().map(|permit| Connection(Some(permit))),
            None => Some(Connection(None)),
        }
    }

    /// Notes that the server refused one of the connections in use: for the rest of the run, all jobs together have one less than these.
    pub(super) fn refused(&self, host: Option<&str>) {
        let Some(host) = self.host(host) else { return };
        let size = host.size.load(Ordering::Relaxed);
        let rest = host.in_use().saturating_sub(1).max(1);
        host.lower(size.saturating_sub(rest));
    }

    /// Waits until both a connection to the host and a slot are free. A job that waits holds neither: the slot could be that of a job of
    /// another host, and the connection that of a job that runs.
    pub(super) async fn acquire(&self, host: Option<&str>) -> Slot {
        let Some(host) = self.host(host) else {
            return Slot { _host: None, _slot: self.slots.acquire().await };
        };
        let with = |connection, slot| Slot { _host: Some(Connection(Some(connection))), _slot: slot };
        loop {
            let connection = host.acquire().await;
            if let Some(slot) = self.slots.try_acquire() {
                return with(connection, slot);
            }
            drop(connection);
            let slot = self.slots.acquire().await;
            if let Some(connection) = host.try_acquire() {
                return with(connection, slot);
            }
        }
    }

    /// Whether a job would start at once if there were one more slot.
    pub(super) fn in_demand(&self) -> bool {
        self.slots.is_wanted()
    }

    /// Adds a slot.
    pub(super) fn raise(&self) {
        self.slots.raise();
    }

    /// Removes slots. A job that has one keeps it to the end of its attempt.
    pub(super) fn lower(&self, by: usize) {
        self.slots.lower(by);
    }
}

/// Counts a waiting job, also if it gives up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn free(slots: &Slots) -> Vec<Slot> {
        std::iter::from_fn(|| slots.acquire(None).now_or_never()).collect()
    }

    #[test]
    fn what_is_in_use_goes_when_it_is_given_back() {
        let slots = Slots::new(4, &BTreeMap::new());
        let mut held = free(&slots);
        assert_eq!(held.len(), 4);
        slots.lower(3);
        held.truncate(1);
        assert!(free(&slots).is_empty(), "three slots were given back and are gone");
        drop(held);
        assert_eq!(free(&slots).len(), 1);
        slots.raise();
        assert_eq!(free(&slots).len(), 2);
    }

    #[test]
    fn a_raise_pays_a_debt_first() {
        let slots = Slots::new(2, &BTreeMap::new());
        let held = free(&slots);
        slots.lower(1);
        slots.raise();
        assert!(free(&slots).is_empty());
        drop(held);
        assert_eq!(free(&slots).len(), 2);
    }

    #[test]
    fn a_host_has_so_many_connections_and_who_waits_comes_first() {
        let hosts = BTreeMap::from([("big.org".to_owned(), 6)]);
        let slots = Slots::new(100, &hosts);
        assert!(!slots.is_wanted(Some("small.org")));
        let host = Some("SMALL.org");
        let slot = slots.acquire(host).now_or_never().unwrap();
        let mut more: Vec<_> = std::iter::from_fn(|| slots.try_connect(Some("small.org"))).collect();
        assert_eq!((more.len(), slots.cap(host), slots.cap(Some("big.org"))), (A_HOST - 1, A_HOST, 6));
        let mut other = Box::pin(slots.acquire(host));
        assert!(other.as_mut().now_or_never().is_none());
        assert!(slots.is_wanted(Some("small.org")));
        more.pop();
        assert!(slots.try_connect(host).is_none(), "the freed connection belongs to the job that waits");
        assert!(other.as_mut().now_or_never().is_some());
        assert!(slots.try_connect(None).is_some(), "this machine has no limit");
        drop(slot);
    }

    #[test]
    fn a_refusal_by_the_server_counts_for_all_jobs() {
        let slots = Slots::new(100, &BTreeMap::from([("h".to_owned(), 8)]));
        let host = Some("h");
        let first = slots.acquire(host).now_or_never().unwrap();
        let mut more: Vec<_> = (0..3).filter_map(|_| slots.try_connect(host)).collect();
        slots.refused(host);
        assert!(slots.try_connect(host).is_none(), "four are in use, and the server has room for three");
        let permits = slots.host(host).unwrap();
        // What lingers after the end is of no interest here.
        let end = |mut connection: Connection| drop(connection.0.take());
        end(more.pop().unwrap());
        assert_eq!((permits.in_use(), permits.free.available_permits()), (3, 0));
        end(more.pop().unwrap());
        assert!(slots.try_connect(host).is_some());
        slots.refused(None);
        drop((first, more));
        for _ in 0..9 {
            slots.refused(host);
        }
        assert!(permits.size.load(Ordering::Relaxed) >= 1, "one is always left");
    }

    #[test]
    fn who_waits_for_a_slot_holds_no_connection_and_who_waits_for_a_connection_no_slot() {
        let slots = Slots::new(1, &BTreeMap::from([("h".to_owned(), 2), ("full".to_owned(), 1)]));
        let first = slots.acquire(Some("h")).now_or_never().unwrap();
        let mut second = Box::pin(slots.acquire(Some("h")));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(slots.in_demand() && !slots.is_wanted(Some("h")));
        let more = slots.try_connect(Some("h")).expect("the job that waits for a slot has none");
        let full = slots.try_connect(Some("full")).unwrap();
        drop(first);
        let again = slots.try_connect(Some("h")).unwrap();
        assert!(second.as_mut().now_or_never().is_none());
        assert!(slots.is_wanted(Some("h")));
        let mut third = Box::pin(slots.acquire(Some("full")));
        assert!(third.as_mut().now_or_never().is_none());
        let other = slots.acquire(None).now_or_never().expect("the slot is free");
        drop(other);
        let end = |mut connection: Connection| drop(connection.0.take());
        end(again);
        drop(more);
        assert!(second.as_mut().now_or_never().is_some());
        end(full);
        assert!(third.as_mut().now_or_never().is_some());
    }

    #[test]
    fn who_waits_for_a_slot_is_counted_while_waiting() {
        let slots = Slots::new(0, &BTreeMap::new());
        assert!(!slots.in_demand());
        let mut waiting = Box::pin(slots.acquire(None));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert!(slots.in_demand());
        drop(waiting);
        assert!(!slots.in_demand());
    }
}
