//! Who may run now: at most so many jobs at a time, and at most so many from one host.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The slots of a run. First come, first served.
#[derive(Debug)]
pub(super) struct Slots {
    global: Arc<Semaphore>,
    hosts: HashMap<String, Arc<Semaphore>>,
}

/// A slot, and a connection of the host where that is limited; freed when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    _host: Option<OwnedSemaphorePermit>,
    _global: Option<OwnedSemaphorePermit>,
}

impl Slots {
    /// `parallel` slots, and so many connections for each host that has a limit.
    pub(super) fn new(parallel: usize, hosts: &BTreeMap<String, usize>) -> Self {
        let hosts = hosts.iter().map(|(host, n)| (host.to_ascii_lowercase(), Arc::new(Semaphore::new(*n))));
        Slots { global: Arc::new(Semaphore::new(parallel)), hosts: hosts.collect() }
    }

    /// Waits for the host first and for the slot then: nobody holds a slot while waiting for a host.
    pub(super) async fn acquire(&self, host: Option<&str>) -> Slot {
        let host = match host.and_then(|host| self.hosts.get(host)) {
            Some(semaphore) => semaphore.clone().acquire_owned().await.ok(),
            None => None,
        };
        Slot { _host: host, _global: self.global.clone().acquire_owned().await.ok() }
    }
}
