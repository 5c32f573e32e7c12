//! Checks the destinations of all jobs against each other and against directories that must not be deleted.

use super::guard;
use super::layer::Origin;
use super::resolver::Resolver;
use crate::model::sanitize;

impl Resolver<'_> {
    pub(super) fn check_dests(&mut self) {
        let placed = std::mem::take(&mut self.placed);
        let collides = guard::colliding(&placed.iter().map(|own| &own.dest).collect::<Vec<_>>());
        for (n, own) in placed.iter().enumerate() {
            // One collision is enough: only the first is reported.
            let mut others = placed[..n].iter().zip(&collides).filter(|(_, other)| collides[n] && **other);
            let overlap = others.find_map(|(other, _)| {
                let pair = ((&*other.job, &other.dest), (&*own.job, &own.dest));
                let text = guard::overlap(pair.0, pair.1, self.around.holds)?;
                Some(match (other.origin, own.origin) {
                    (Origin::Section(span), Origin::Section(here)) => {
                        let line = self.texts.line(span, here);
                        format!("{text}; that of {:?} is set on {line}", other.job)
                    }
                    (Origin::Section(span), _) => {
                        format!("{text}; that of {:?} is set on line {}", other.job, span.line)
                    }
                    _ => text,
                })
            });
            if let Some(text) = overlap {
                let hint =
                    "give every job a directory of its own, or one would delete what the other fetched";
                self.at_origin(own.origin, text, Some(hint.into()));
            }
            if !own.delete {
                continue;
            }
            if let Some(why) = guard::danger(&own.dest, self.around) {
                let text = format!(
                    "job {:?} would delete in {}, which {why}",
                    own.job,
                    sanitize::path(&own.dest.path)
                );
                let hint = "give the mirror a directory of its own, or leave delete off";
                self.at_origin(own.origin, text, Some(hint.into()));
            }
        }
    }
}
