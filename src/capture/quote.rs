//! The few lines that a report may quote, kept as they pass.

use super::lines::Lines;
use crate::facts::{At, Citation};
use std::borrow::Cow;
use std::sync::Arc;

/// Bytes kept of a quoted line.
pub(super) const MAX_QUOTE: usize = 400;

/// A line of a capture with its place.
#[derive(Clone, Debug)]
pub struct Quote {
    /// Where it stands.
    pub at: Citation,
    text: Text,
}

/// Shared, because a quote goes from the row to the pile, the claim and the report.
#[derive(Clone, Debug)]
enum Text {
    Own(Arc<str>),
    Packed(Arc<Lines>),
}

impl Quote {
    /// Keeps the line a fact is read from.
    pub fn keep(at: &At<'_>) -> Quote {
        let cut = at.text.get(..MAX_QUOTE).unwrap_or(at.text);
        Quote { at: at.citation, text: Text::Own(String::from_utf8_lossy(cut).into()) }
    }

    /// A place that stands for itself.
    pub fn without_text(at: Citation) -> Quote {
        Quote { at, text: Text::Own("".into()) }
    }

    /// The line at a place among those that were kept.
    pub(super) fn of(at: Citation, lines: Arc<Lines>) -> Quote {
        Quote { at, text: Text::Packed(lines) }
    }

    /// Its text, cut to a few hundred bytes.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.text {
            Text::Own(text) => (&**text).into(),
            Text::Packed(lines) => lines.text(self.at).into(),
        }
    }
}

impl PartialEq for Quote {
    fn eq(&self, other: &Quote) -> bool {
        self.at == other.at && self.text() == other.text()
    }
}

impl Eq for Quote {}

/// The first few quotes of something that may have millions.
#[derive(Clone, Debug, Default)]
pub struct Quotes(pub Vec<Quote>);

impl Quotes {
    /// How many are kept.
    pub const KEPT: usize = 3;

    /// Keeps the line if there is still room.
    #[inline]
    pub fn offer(&mut self, at: &At<'_>) {
        if self.0.len() < Self::KEPT {
            // Most have one row: room for four of them is not asked for.
            self.0.reserve_exact(if self.0.is_empty() { 1 } else { Self::KEPT - self.0.len() });
            self.0.push(Quote::keep(at));
        }
    }

    /// The first one.
    pub fn first(&self) -> Option<&Quote> {
        self.0.first()
    }
}
