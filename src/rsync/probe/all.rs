//! Probes several daemons at the same time.

use super::daemon::{Endpoint, Probe, probe};
use futures::future::join_all;
use std::collections::BTreeMap;
use std::env;
use std::time::Duration;

/// Added to time limits, since a resolver may take this long before it gives up. More time than a job is likely to have.
pub const RESOLVER: Duration = Duration::from_secs(10);

/// The results by daemon.
pub type Probes = BTreeMap<Endpoint, Probe>;

/// Returns the variable by which rsync reaches daemons in another way than by a connection of its own, so that a probe would prove nothing.
pub fn through() -> Option<&'static str> {
    let names = ["RSYNC_CONNECT_PROG", "RSYNC_PROXY"];
    names.into_iter().find(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Probes all of them. Each has `patience`, and its name has [`RESOLVER`] in addition. Needs a runtime; end it with `shutdown_background`.
pub async fn probe_all(endpoints: Vec<Endpoint>, patience: Duration) -> Probes {
    let ask = |endpoint: Endpoint| async move {
        let asked = endpoint.clone();
        let answer = tokio::task::spawn_blocking(move || probe(&asked, patience));
        // The resolver has no time limit of ours.
        let probe = match tokio::time::timeout(patience + RESOLVER, answer).await {
            Ok(Ok(probe)) => probe,
            Ok(Err(_)) | Err(_) => Probe::unresolved(&endpoint, patience + RESOLVER),
        };
        (endpoint, probe)
    };
    join_all(endpoints.into_iter().map(ask)).await.into_iter().collect()
}
