//! The status as JSON. `null` means unknown.

use super::page::forecast;
use crate::model::running::{RunningCommand, RunningSync};
use crate::model::time::{rfc3339, seconds};
use crate::system::running::Seen;
use crate::system::status::{Freshness, Process, Snapshot};
use serde_json::{Value, json};

pub(super) fn snapshot(seen: &Snapshot, stale: &[String]) -> Value {
    let jobs = seen.jobs.as_deref().map_or(&[][..], Vec::as_slice);
    json!({
        "machine": seen.system.as_deref().map(|system| {
            let [cpu, memory, io] = system.pressure;
            json!({
                "cpus": system.cpus, "cpu": system.cpu, "load": system.load,
                "memory": system.memory.map(|memory| json!({
                    "total": memory.total, "available": memory.available, "cached": memory.cached, "dirty": memory.dirty,
                })),
                "pressure": {"cpu": cpu, "memory": memory, "io": io},
            })
        }),
        "disks": seen.disks.as_deref().map(|disks| {
            let disk = |disk: &crate::system::status::Disk| json!({
                "path": disk.point.to_string_lossy(), "size": disk.size, "free": disk.free, "jobs": disk.jobs,
                "full_in_days": forecast(disk, jobs),
                "full_in_s": forecast(disk, jobs).map(|days| (days * 86_400.0).round()),
            });
            disks.iter().map(disk).collect::<Vec<_>>()
        }),
        "runs": seen.commands.as_deref().map(|commands| {
            commands.iter().filter_map(|seen| run(seen, seen.command.sync.as_ref()?)).collect::<Vec<_>>()
        }),
        "commands": seen.commands.as_deref().map(|commands| commands.iter().map(command).collect::<Vec<_>>()),
        "jobs": seen.jobs.as_deref().map(|jobs| jobs.iter().map(|job| one(job, seen)).collect::<Vec<_>>()),
        "stale": stale,
        "processes": seen.top.as_deref().map(|top| json!({
            "cpu": top.cpu.iter().map(process).collect::<Vec<_>>(),
            "memory": top.memory.iter().map(process).collect::<Vec<_>>(),
            "io": top.io.iter().map(process).collect::<Vec<_>>(),
        })),
        "error": seen.trouble,
    })
}

fn command(seen: &Seen) -> Value {
    let RunningCommand { command, run, pid, host, started, targets, .. } = &seen.command;
    json!({
        "command": command, "run": run, "pid": pid, "host": host, "started": rfc3339(*started), "targets": targets,
        "gone": seen.gone,
    })
}

/// A run of `sync`, job by job.
fn run(seen: &Seen, sync: &RunningSync) -> Option<Value> {
    let RunningCommand { v, run, pid, process, started, told, .. } = &seen.command;
    Some(json!({
        "v": v, "run": run.as_ref()?, "pid": pid, "process": process, "started": rfc3339(*started),
        "told": rfc3339(*told), "parallel": sync.parallel, "dry_run": sync.dry_run, "jobs": sync.jobs, "gone": seen.gone,
    }))
}

fn one(job: &Freshness, seen: &Snapshot) -> Value {
    json!({
        "job": job.job,
        "enabled": job.enabled,
        "dest": job.dest.as_ref().map(|dest| dest.to_string_lossy()),
        "last": job.last.as_ref().map(|last| json!({
            "status": last.state, "started": rfc3339(last.started), "error": last.error,
        })),
        "last_success": job.success.map(rfc3339),
        "age_s": job.age(seen.time).map(seconds),
        "growth_bytes_per_day": job.growth,
        "quarantine": job.quarantine.map(|(files, bytes)| json!({"files": files, "bytes": bytes})),
    })
}

fn process(process: &Process) -> Value {
    json!({
        "pid": process.pid, "name": process.name, "cpu": process.cpu, "resident": process.resident, "io_bytes_per_s": process.io,
    })
}
