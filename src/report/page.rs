//! The page a text report is written on: width, colour, and the few shapes a line can have.

use super::harmless::{MORE, columns, cut, harmless, wrap};
use anstyle::{AnsiColor, Style};

/// What a part of a line is, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// A leak.
    Bad,
    /// A limit, or a disagreement.
    Warn,
    /// Nothing wrong.
    Good,
    /// Worth knowing.
    Info,
    /// A label.
    Label,
    /// Gutter and arrows.
    Frame,
    /// A heading.
    Head,
    /// As it is.
    Plain,
}

/// The columns of labels on the first screen.
const LABEL: usize = 11;

/// The text of a report as it grows. Every text given to it is made harmless here, so that no way leads around it.
pub struct Page {
    text: String,
    /// Columns of a line.
    pub width: usize,
    colour: bool,
}

impl Page {
    /// An empty page.
    pub fn new(width: usize, colour: bool) -> Page {
        Page { text: String::new(), width: width.clamp(40, 400), colour }
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.text
    }

    /// An empty line.
    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A heading after an empty line.
    pub fn heading(&mut self, text: &str) {
        self.blank();
        let text = cut(&harmless(text), self.width);
        self.put(Ink::Head, &text);
        self.text.push('\n');
    }

    /// `tag: sentence`, the sentence wrapped under itself; `lines` bounds it.
    pub fn headline(&mut self, ink: Ink, tag: &str, sentence: &str, lines: usize) {
        let tag = harmless(tag).into_owned();
        let whole = format!("{tag}: {}", harmless(sentence));
        for (n, line) in capped(wrap(&whole, self.width.saturating_sub(2)), lines).iter().enumerate() {
            match line.strip_prefix(tag.as_str()) {
                Some(rest) if n == 0 => {
                    self.put(ink, &tag);
                    let rest = rest.to_string();
                    self.put(Ink::Head, &rest);
                }
                _ => {
                    self.text.push_str(if n == 0 { "" } else { "  " });
                    self.put(Ink::Head, line);
                }
            }
            self.text.push('\n');
        }
    }

    /// A label and a text beside it, wrapped in its own column; `lines` bounds it.
    pub fn label(&mut self, label: &str, text: &str, lines: usize) {
        let room = self.width.saturating_sub(LABEL + 2);
        for (n, line) in capped(wrap(&harmless(text), room), lines).iter().enumerate() {
            self.text.push_str("  ");
            let label = format!("{:<LABEL$}", if n == 0 { label } else { "" });
            self.put(Ink::Label, &label);
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    /// A bullet-less item, wrapped with a hanging indent.
    pub fn item(&mut self, ink: Ink, tag: &str, text: &str) {
        let tag = harmless(tag).into_owned();
        let whole = if tag.is_empty() { harmless(text).into_owned() } else { format!("{tag}: {}", harmless(text)) };
        for (n, line) in wrap(&whole, self.width.saturating_sub(6)).iter().enumerate() {
            self.text.push_str(if n == 0 { "  " } else { "      " });
            match line.strip_prefix(tag.as_str()) {
                Some(rest) if n == 0 => {
                    self.put(ink, &tag);
                    self.text.push_str(rest);
                }
                _ => self.text.push_str(line),
            }
            self.text.push('\n');
        }
    }

    /// A command on a line of its own, never cut: it is there to be copied.
    pub fn command(&mut self, indent: usize, command: &str) {
        self.text.extend(std::iter::repeat_n(' ', indent));
        let command = harmless(command).into_owned();
        self.put(Ink::Info, &command);
        self.text.push('\n');
    }

    /// `   = word: text` under a quoted row.
    pub fn note(&mut self, gutter: usize, word: &str, text: &str) {
        let indent = gutter + 5 + columns(word);
        let room = self.width.saturating_sub(indent);
        for (n, line) in wrap(&harmless(text), room).iter().enumerate() {
            if n == 0 {
                self.text.extend(std::iter::repeat_n(' ', gutter + 1));
                self.put(Ink::Frame, "=");
                self.text.push(' ');
                self.put(Ink::Label, word);
                self.text.push_str(": ");
            } else {
                self.text.extend(std::iter::repeat_n(' ', indent));
            }
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    /// `  --> place`, with another arrow where it is not the first.
    pub fn arrow(&mut self, gutter: usize, arrow: &str, place: &str) {
        self.text.extend(std::iter::repeat_n(' ', gutter));
        self.put(Ink::Frame, arrow);
        self.text.push(' ');
        let place = cut(&harmless(place), self.width.saturating_sub(gutter + columns(arrow) + 1));
        self.text.push_str(&place);
        self.text.push('\n');
    }

    /// A line of the frame: number or blank, bar, text.
    pub fn framed(&mut self, gutter: usize, number: Option<u32>, ink: Ink, text: &str) {
        let number = number.map_or(String::new(), |n| n.to_string());
        let margin = format!("{number:>gutter$} |");
        self.put(Ink::Frame, &margin);
        if !text.is_empty() {
            self.text.push(' ');
            let text = harmless(text).into_owned();
            self.put(ink, &text);
        }
        self.text.push('\n');
    }

    /// A line as it is, cut to the page.
    pub fn line(&mut self, ink: Ink, text: &str) {
        let text = cut(harmless(text).trim_end(), self.width);
        self.put(ink, &text);
        self.text.push('\n');
    }

    fn put(&mut self, ink: Ink, text: &str) {
        let style = style(ink);
        if self.colour && style != Style::new() && !text.trim().is_empty() {
            self.text.push_str(&format!("{style}{text}{style:#}"));
        } else {
            self.text.push_str(text);
        }
    }
}

fn style(ink: Ink) -> Style {
    let colour = |c: AnsiColor| Style::new().fg_color(Some(c.into()));
    match ink {
        Ink::Bad => colour(AnsiColor::Red).bold(),
        Ink::Warn => colour(AnsiColor::Yellow).bold(),
        Ink::Good => colour(AnsiColor::Green).bold(),
        Ink::Info => colour(AnsiColor::Cyan),
        Ink::Label => Style::new().bold(),
        Ink::Frame => colour(AnsiColor::Blue).bold(),
        Ink::Head => Style::new().bold(),
        Ink::Plain => Style::new(),
    }
}

/// No more than so many lines, with a mark where some are missing.
fn capped(mut lines: Vec<String>, most: usize) -> Vec<String> {
    if lines.len() > most.max(1) {
        lines.truncate(most.max(1));
        if let Some(last) = lines.last_mut() {
            last.push_str(&format!(" {MORE}"));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_hang_and_are_bounded() {
        let mut page = Page::new(40, false);
        page.label("process", "one two three four five six seven eight nine ten", 2);
        assert_eq!(page.finish(), "  process    one two three four five six\n             seven eight nine ten\n");
        let mut page = Page::new(40, false);
        page.label("process", "one two three four five six seven eight nine ten", 1);
        assert_eq!(page.finish(), "  process    one two three four five six …\n");
    }

    #[test]
    fn colour_is_only_where_asked() {
        let draw = |colour| {
            let mut page = Page::new(60, colour);
            page.headline(Ink::Bad, "leak", "java \u{1b}[2J leaks", 3);
            page.finish()
        };
        assert_eq!(draw(false), "leak: java \\x1b[2J leaks\n");
        assert!(draw(true).starts_with("\u{1b}[") && !draw(true).contains("\u{1b}[2J"));
    }
}
