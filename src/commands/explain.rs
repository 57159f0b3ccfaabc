//! `sockdiag explain`: what a word of a report means.

use super::inputs::configured;
use super::{Exit, output};
use crate::error::Error;
use crate::pages::{self, Group, Page};
use std::io::Write;
use std::path::PathBuf;
use unicode_width::UnicodeWidthStr;

/// Columns of text where the terminal does not tell.
const WIDTH: usize = 100;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A cause, look-alike, check, log signature, socket kind, verdict or grade, or `thresholds`; without it, the list of all
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
    /// Format of the page
    #[arg(long, default_value = "text", value_parser = ["text", "markdown"])]
    pub format: String,
    /// Explain additional log signatures of this file too
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Nothing is called so, or the configuration is wrong.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<Exit, Error> {
    let config = configured(args.config.as_deref())?;
    let text = match &args.code {
        None => list(&pages::all(config.signatures())),
        Some(code) => {
            let page = pages::find(code, config.signatures()).map_err(|reason| Error::Invalid { file: code.clone(), reason })?;
            if args.format == "markdown" { markdown(&page) } else { plain(&page, width()) }
        }
    };
    output::show(out, &text)?;
    Ok(Exit::Made)
}

/// All names, grouped, with a line each.
pub fn list(groups: &[Group]) -> String {
    let mut text = String::from("sockdiag explain CODE, with one of these:\n");
    for group in groups.iter().filter(|g| !g.pages.is_empty()) {
        let width = group.pages.iter().map(|p| p.name.width()).max().unwrap_or(0);
        text.push_str(&format!("\n{}\n", group.title));
        for page in &group.pages {
            text.push_str(&format!("  {:width$}  {}\n", page.name, page.title));
        }
    }
    text
}

fn markdown(page: &Page) -> String {
    format!("# {}\n\n{}\n", page.name, page.text.replace("\n# ", "\n## "))
}

/// A page for a terminal: headings in capitals, paragraphs and items folded to the width, code as it is.
pub fn plain(page: &Page, width: usize) -> String {
    let mut text = format!("{}: {}\n\n", page.name, page.title);
    let mut folded = Folded { text: &mut text, width, open: String::new(), hang: 0 };
    let mut fenced = false;
    for line in page.text.lines() {
        if line.starts_with("```") {
            folded.close();
            fenced = !fenced;
        } else if fenced {
            folded.raw(&format!("      {line}"));
        } else if let Some(heading) = line.strip_prefix("# ") {
            folded.close();
            folded.raw(&heading.to_uppercase());
        } else if line.is_empty() {
            folded.close();
            folded.raw("");
        } else if let Some(item) = line.strip_prefix("- ") {
            folded.close();
            folded.open = format!("  - {item}");
            folded.hang = 4;
        } else {
            folded.add(line.trim());
        }
    }
    folded.close();
    text
}

/// A paragraph that grows line by line and is folded when it ends.
struct Folded<'a> {
    text: &'a mut String,
    width: usize,
    open: String,
    hang: usize,
}

impl Folded<'_> {
    fn add(&mut self, line: &str) {
        if self.open.is_empty() {
            self.hang = 2;
            self.open = format!("  {line}");
        } else {
            self.open.push(' ');
            self.open.push_str(line);
        }
    }

    fn raw(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn close(&mut self) {
        let paragraph = std::mem::take(&mut self.open);
        if paragraph.is_empty() {
            return;
        }
        let indent = paragraph.len() - paragraph.trim_start().len();
        let mut line = " ".repeat(indent);
        let mut empty = true;
        for word in paragraph.split_whitespace() {
            if !empty && line.width() + 1 + word.width() > self.width {
                self.raw(&line);
                line = " ".repeat(self.hang);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.raw(&line);
    }
}

/// The columns to fold to: the terminal's, as shells tell it, between 60 and 120.
fn width() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|c| c.parse::<usize>().ok());
    told.map_or(WIDTH, |c| c.clamp(60, 120))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_folded_and_code_is_not() {
        let page = Page {
            name: "x".into(),
            title: "a thing".into(),
            text: "One two three\nfour five.\n\n# How it looks\n- first item that is long\n  and goes on\n- second\n\n```\ncode   as is, however long it may be\n```".into(),
        };
        let want = "x: a thing\n\n  One two three four\n  five.\n\nHOW IT LOOKS\n  - first item that\n    is long and goes\n    on\n  - second\n\n      code   as is, however long it may be\n";
        assert_eq!(plain(&page, 20), want);
    }

    #[test]
    fn the_list_names_every_page_and_is_the_answer_to_no_code() {
        let mut out = Vec::new();
        run(&Args { code: None, format: "text".into(), config: None }, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for name in ["never-connected", "time-wait-buildup", "close-wait", "inconclusive", "proved", "thresholds"] {
            assert!(text.contains(&format!("\n  {name} ")), "{name}: {text}");
        }
    }

    #[test]
    fn an_unknown_code_is_bad_usage_that_names_the_nearest() {
        let args = Args { code: Some("conect-stuck".into()), format: "text".into(), config: None };
        let error = run(&args, &mut Vec::new()).unwrap_err();
        assert_eq!(super::super::status(&error), 2);
        assert!(error.to_string().contains("did you mean connect-stuck?"), "{error}");
    }
}
