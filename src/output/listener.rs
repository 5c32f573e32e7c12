//! The interface of the listeners that print.

use super::Screen;
use crate::model::event::{Listener, Stamped};
use std::io;

/// A listener that prints.
pub(super) trait ScreenListener: Send {
    /// Like [`Listener::name`].
    fn name(&self) -> &str;

    /// Like [`Listener::hear`].
    fn hear(&mut self, event: &Stamped, screen: &mut Screen) -> io::Result<()>;

    /// Like [`Listener::tick`].
    fn tick(&mut self) {}

    /// Like [`Listener::wants_ticks`].
    fn wants_ticks(&self) -> bool {
        false
    }

    /// Like [`Listener::finish`].
    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ScreenListener for Box<dyn Listener> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn hear(&mut self, event: &Stamped, screen: &mut Screen) -> io::Result<()> {
        (**self).hear(event, screen)
    }

    fn tick(&mut self) {
        (**self).tick();
    }

    fn wants_ticks(&self) -> bool {
        (**self).wants_ticks()
    }

    fn finish(&mut self) -> io::Result<()> {
        (**self).finish()
    }
}
