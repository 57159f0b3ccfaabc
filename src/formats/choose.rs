//! Which format a text is of: the one its command prints, or the one that fits its head best.

use super::{FORMATS, Fit, Format, Probe};

/// The best fitting format, if any fits better than by its name alone or a command names it.
pub fn choose(probe: &Probe<'_>) -> Option<&'static dyn Format> {
    commanded(probe).or_else(|| fitting(probe).map(|(format, _)| format))
}

/// The format that the command prints, where one is known.
pub fn commanded(probe: &Probe<'_>) -> Option<&'static dyn Format> {
    if probe.command.is_empty() {
        return None;
    }
    FORMATS.iter().copied().find(|f| f.printed_by(probe.command))
}

/// The best fitting format and how well it fits; the command is not asked.
pub fn fitting(probe: &Probe<'_>) -> Option<(&'static dyn Format, Fit)> {
    let mut best: Option<(&'static dyn Format, Fit)> = None;
    for format in FORMATS.iter().copied() {
        let fit = format.fit(probe);
        if fit > best.map_or(Fit::No, |(_, f)| f) {
            best = Some((format, fit));
        }
    }
    best
}
