//! The output of jobs that run in parallel, kept until each of them ends. Each line has the prefix `[job] ` or `[job 2/9] `.

use super::kept_output::{HEAD, KeptOutput, TAIL, gap};
use super::text::prefix_lines;
use crate::model::part::Part;
use crate::model::sanitize;
use std::collections::HashMap;
use std::sync::Arc;

/// The first and the last lines of each job.
#[derive(Debug, Default)]
pub(super) struct GroupedOutput(HashMap<Arc<str>, KeptOutput>);

impl GroupedOutput {
    /// Adds whole lines of a job, or of a part of it.
    pub(super) fn push(&mut self, job: &Arc<str>, part: Option<Part>, lines: &[u8]) {
        let prefix = part.map_or_else(|| format!("[{job}] "), |part| format!("[{job} {part}] "));
        let mut block = Vec::new();
        prefix_lines(prefix.as_bytes(), &sanitize::rsync(lines), &mut block);
        self.0.entry(job.clone()).or_insert_with(|| KeptOutput::new(HEAD, TAIL)).push(&block);
    }

    /// Takes the lines of a job.
    pub(super) fn take(&mut self, job: &str) -> Vec<u8> {
        let Some(kept) = self.0.remove(job) else { return Vec::new() };
        let (head, left_out, tail) = kept.parts();
        let gap = if left_out > 0 { format!("[{job}] {}", gap(left_out)) } else { String::new() };
        [head, gap.as_bytes(), tail].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_names_its_job_and_its_part() {
        let mut outputs = GroupedOutput::default();
        let job: Arc<str> = "a".into();
        outputs.push(&job, None, b"one\n");
        outputs.push(&job, Some(Part { index: 2, of: 9 }), b"two\n::error::three\n");
        assert_eq!(outputs.take("b"), b"");
        assert_eq!(
            String::from_utf8(outputs.take("a")).unwrap(),
            "[a] one\n[a 2/9] two\n[a 2/9] ::error::three\n"
        );
        for n in 0..20_000 {
            outputs.push(&job, None, format!("{n}\n").as_bytes());
        }
        let text = String::from_utf8(outputs.take("a")).unwrap();
        assert!(text.starts_with("[a] 0\n") && text.ends_with("\n[a] 19999\n"), "{text}");
        assert!(
            text.lines().all(|line| line.starts_with("[a] ")) && text.contains(" lines left out; "),
            "{text}"
        );
    }
}
