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
    global: Arc<Global>,
    /// The limits of the configuration.
    limits: BTreeMap<String, usize>,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
}

/// The connections to a host.
#[derive(Debug)]
struct Host {
    free: Arc<Semaphore>,
    /// Number of jobs that wait for one.
    waiting: AtomicUsize,
}

/// A connection of a job in addition to that of its slot. Freed when dropped.
#[derive(Debug)]
pub(super) struct Connection(Option<OwnedSemaphorePermit>);

/// How long a connection counts after its end. The server counts it until its own process has ended, a moment after ours.
const LINGER: Duration = Duration::from_millis(50);

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

/// Slots whose number can change.
#[derive(Debug)]
struct Global {
    free: Arc<Semaphore>,
    /// Slots that were removed while in use. They are dropped when they are returned.
    debt: AtomicUsize,
    waiting: AtomicUsize,
}

/// A slot, and a connection to the host. Freed when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _host: Option<Connection>,
    permit: Option<OwnedSemaphorePermit>,
    global: Arc<Global>,
}

impl Slots {
    /// Creates `parallel` slots, and the connections of each host that has a limit.
    pub(super) fn new(parallel: usize, hosts: &BTreeMap<String, usize>) -> Self {
        let limits = hosts.iter().map(|(host, n)| (host.to_ascii_lowercase(), *n)).collect();
        let free = Arc::new(Semaphore::new(parallel));
        let global = Global { free, debt: AtomicUsize::new(0), waiting: AtomicUsize::new(0) };
        Slots { global: Arc::new(global), limits, hosts: Mutex::default() }
    }

    /// The maximum number of connections to a host; there is none for this machine.
    pub(super) fn cap(&self, host: Option<&str>) -> usize {
        let Some(host) = host else { return usize::MAX };
        self.limits.get(&host.to_ascii_lowercase()).copied().unwrap_or(A_HOST)
    }

    /// The connections to a host; `None` for this machine.
    fn host(&self, host: Option<&str>) -> Option<Arc<Host>> {
        let cap = self.cap(host);
        let new = || Host { free: Arc::new(Semaphore::new(cap)), waiting: AtomicUsize::new(0) };
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        Some(hosts.entry(host?.to_ascii_lowercase()).or_insert_with(|| Arc::new(new())).clone())
    }

    /// Whether another job waits for a connection to this host.
    pub(super) fn is_wanted(&self, host: Option<&str>) -> bool {
        self.host(host).is_some_and(|host| host.waiting.load(Ordering::Relaxed) > 0)
    }

    /// Returns another connection for a job that has a slot, if one is free. It never waits: two jobs that wait for each other's connections
    /// would not end.
    pub(super) fn try_connect(&self, host: Option<&str>) -> Option<Connection> {
        match self.host(host) {
            Some(host) => host.free.clone().try_acquire_owned().ok().map(|permit| Connection(Some(permit))),
            None => Some(Connection(None)),
        }
    }

    /// Waits for the host first and then for the slot, so that no job holds a slot while it waits for a host.
    pub(super) async fn acquire(&self, host: Option<&str>) -> Slot {
        let host = match self.host(host) {
            Some(host) => {
                let _waiting = Waiting::new(&host.waiting);
                host.free.clone().acquire_owned().await.ok().map(|permit| Connection(Some(permit)))
            }
            None => None,
        };
        let waiting = Waiting::new(&self.global.waiting);
        let permit = self.global.free.clone().acquire_owned().await.ok();
        drop(waiting);
        Slot { _host: host, permit, global: self.global.clone() }
    }

    /// Whether a job would start at once if there were one more slot.
    pub(super) fn in_demand(&self) -> bool {
        self.global.waiting.load(Ordering::Relaxed) > 0
    }

    /// Adds a slot.
    pub(super) fn raise(&self) {
        // Everything runs on the runtime's one thread; the atomics only satisfy the compiler.
        let debt = &self.global.debt;
        if debt.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |owed| owed.checked_sub(1)).is_err() {
            self.global.free.add_permits(1);
        }
    }

    /// Removes slots. A job that has one keeps it to the end of its attempt.
    pub(super) fn lower(&self, by: usize) {
        let taken = self.global.free.forget_permits(by);
        self.global.debt.fetch_add(by - taken, Ordering::Relaxed);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let debt = &self.global.debt;
        if let Some(permit) = self.permit.take()
            && debt.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |owed| owed.checked_sub(1)).is_ok()
        {
            permit.forget();
        }
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
