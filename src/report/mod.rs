//! Listeners of a run's events: people, machines, files.
