//! The interface of the listeners.

use super::Screen;
use crate::model::event::Stamped;
use std::io;

/// A listener for the events of a run.
pub trait Listener: Send {
    /// The name for messages: `the JUnit report`.
    fn name(&self) -> &str;

    /// Processes the next event. An `Err` is reported once, and the listener gets no more events.
    fn hear(&mut self, event: &Stamped, screen: &mut Screen) -> io::Result<()>;

    /// Called about ten times per second, if [`Listener::wants_ticks`].
    fn tick(&mut self, _screen: &mut Screen) {}

    /// Whether it needs calls of [`Listener::tick`].
    fn wants_ticks(&self) -> bool {
        false
    }

    /// Called after the last event, even if there was no `RunFinished`.
    fn finish(&mut self, _screen: &mut Screen) -> io::Result<()> {
        Ok(())
    }
}
