//! Resolves and checks `[stats]` and its alerts.

use super::layer::{AlertLayer, Given, Origin, Span, StatsLayer};
use super::resolver::Resolver;
use super::settings::StatsSettings;
use super::suggestion::nearest;
use crate::history::stats::{Alert, Metric, Rule, Unit};

impl Resolver<'_> {
    /// Resolves and checks `[stats]`. `jobs` has the names of all jobs.
    pub(super) fn stats(
        &mut self,
        layer: &StatsLayer,
        alerts: &[(AlertLayer, Span)],
        jobs: &[String],
    ) -> StatsSettings {
        let mut settings = StatsSettings::of(layer.clone());
        // The place of each alert.
        let mut places = Vec::new();
        for (alert, span) in alerts {
            if let Some(job) = &alert.job
                && !jobs.contains(&job.value)
            {
                let hint = nearest(&job.value, jobs.iter().map(String::as_str));
                let hint = hint.map(|near| format!("did you mean {near:?}?"));
                self.at_origin(job.origin, format!("no job is called {:?}", job.value), hint);
            }
            if let (Some(_), Some(command)) = (&alert.job, &alert.command) {
                let text = "an alert is about a job or a command, not both".to_owned();
                self.at_origin(command.origin, text, Some("write two alerts".into()));
            }
            if let (Some(_), Some(metric)) = (&alert.command, &alert.metric)
                && metric.value != Metric::Duration
            {
                let text = format!("{} is not known of commands, only duration", metric.value.word());
                self.at_origin(metric.origin, text, None);
            }
            let job = alert.job.as_ref().map(|job| job.value.clone());
            let command = alert.command.as_ref().map(|command| command.value.0.to_owned());
            for rule in self.rules(alert, *span) {
                let alert = Alert { job: job.clone(), command: command.clone(), rule };
                let Some(n) = settings.alerts.iter().position(|known| *known == alert) else {
                    settings.alerts.push(alert);
                    places.push(*span);
                    continue;
                };
                let text = format!("this alert repeats that of {}", self.texts.line(places[n], *span));
                self.note(Origin::Section(*span), text, Some("remove one of them".into()));
            }
        }
        settings
    }

    fn rules(&mut self, alert: &AlertLayer, span: Span) -> Vec<Rule> {
        let mut rules = Vec::new();
        let bounds = [(&alert.above, Rule::Above as fn(Metric, f64) -> Rule), (&alert.below, Rule::Below)];
        for (given, rule) in bounds {
            let Some(Given { value, origin }) = given else { continue };
            let Some(metric) = &alert.metric else {
                let hint = Some("add metric = \"duration\"".into());
                self.at_origin(*origin, "a limit needs a metric".into(), hint);
                continue;
            };
            match value.of(metric.value.unit()) {
                Some(limit) => rules.push(rule(metric.value, limit)),
                None => {
                    let unit = match metric.value.unit() {
                        Unit::Time => "a span of time, or seconds",
                        Unit::Bytes => "a size, or bytes",
                        Unit::Count => "a number",
                    };
                    let text = format!("{} is measured as {unit}", metric.value.word());
                    self.at_origin(*origin, text, None);
                }
            }
        }
        rules.extend(
            alert.slower_than.as_ref().map(|slower| Rule::SlowerThan(slower.value.0, slower.value.1)),
        );
        rules.extend(alert.age_above.as_ref().map(|age| Rule::Age(age.value.0)));
        let conditions = alert.above.is_some() || alert.below.is_some();
        if !conditions && let Some(Given { origin, .. }) = &alert.metric {
            self.at_origin(
                *origin,
                "a metric needs a limit".into(),
                Some("add above = … or below = …".into()),
            );
        } else if !conditions && rules.is_empty() {
            let hint = Some("add metric and above or below, slower_than, or age_above".into());
            self.at_origin(Origin::Section(span), "this alert has no condition".into(), hint);
        }
        rules
    }
}
