//! Lines of logs: of one that a signature recognises stays what it needs, of the others only their shape.
//!
//! Words that stay are those that the line's own signature consists of, all of them only if the line must be recognised by others; peers
//! keep their ports, attempts and brokers their numbers. Afterwards the line must say the same to the same signature, and an unrecognised one nothing to any.

use super::lines::{Line, Writer};
use super::mask::Manner;
use super::spans::Part;
use super::words::{self, has};
use crate::formats::log::complains as is_complaint;
use crate::signatures::Sighting;
use std::rc::Rc;

/// A line.
pub fn line(line: &Line<'_>, writer: &mut Writer<'_>) -> Vec<u8> {
    let text = line.message.unwrap_or(b"");
    let signatures = writer.signatures;
    let found = signatures.find(text);
    let mut out = Vec::with_capacity(line.text.len());
    if found.is_none() {
        rewrite(line, writer, &|_| false, &mut out);
        return out;
    }
    let id = found.as_ref().map_or("", |f| f.signature.id.as_str());
    let signatures = writer.signatures;
    let vocabulary = writer.vocabularies.entry(id.to_string()).or_insert_with(|| Rc::new(signatures.vocabulary(id))).clone();
    let known = |w: &[u8]| std::str::from_utf8(w).is_ok_and(|w| vocabulary.contains(&w.to_ascii_lowercase()));
    // Identifiers such as `AbstractConnector` are made of words; the mask sees them whole.
    // A complaint is known by the client that makes it.
    let complains = is_complaint(line.text);
    let client = |w: &[u8]| complains && line.text.trim_ascii_start().starts_with(w);
    let made_of = |w: &[u8]| known(w) || has(&words::LOGS, w) || client(w);
    let saved = writer.masks.replaced.clone();
    rewrite(line, writer, &made_of, &mut out);
    if same(found.as_ref(), read_again(line, &out, writer).as_ref()) && (!complains || is_complaint(&out)) {
        return out;
    }
    // The words around it are needed too: only names, addresses and paths are replaced.
    writer.masks.replaced = saved;
    out.clear();
    writer.parts(line, super::mask::TABLE, &mut out);
    out
}

/// Times, levels and programs stay; of all other words those that are kept.
fn rewrite(line: &Line<'_>, writer: &mut Writer<'_>, keep: &dyn Fn(&[u8]) -> bool, out: &mut Vec<u8>) {
    // klog's level is one letter.
    let head = |w: &[u8]| w.len() < 2 || has(&words::LOGS, w) || has(&words::ENDINGS, w);
    let text = |w: &[u8]| w.len() < 2 || keep(w) || has(&words::ENDINGS, w);
    let mut at = 0;
    for (range, part) in line.parts {
        let between = line.text.get(at..range.start).unwrap_or(b"");
        writer.masks.text(between, manner(&head), out);
        let inner = line.text.get(range.clone()).unwrap_or(b"");
        match part {
            Part::Kept => out.extend_from_slice(inner),
            Part::Command => writer.masks.command(inner, out),
            _ => writer.masks.text(inner, manner(&text), out),
        }
        at = range.end;
    }
    let rest = line.text.get(at..).unwrap_or(b"");
    let whole = line.parts.iter().any(|(_, p)| *p == Part::Text);
    let anywhere = |w: &[u8]| head(w) || keep(w);
    // Where the message is no part of the line (JSON, escapes), all of the line may be message.
    writer.masks.text(rest, if whole { manner(&head) } else { manner(&anywhere) }, out);
}

fn manner<'a>(keep: &'a dyn Fn(&[u8]) -> bool) -> Manner<'a> {
    Manner { words: Some(keep), kind: "log text", split: false }
}

/// What the new line says to the signatures: of its whole text, since its head was kept.
fn read_again<'s>(line: &Line<'_>, new: &[u8], writer: &Writer<'s>) -> Option<Sighting<'s>> {
    let text = line.message?;
    // The message is the end of the line wherever it is a part of it.
    let tail = line.text.len().saturating_sub(line.parts.iter().find(|(_, p)| *p == Part::Text).map_or(line.text.len(), |(r, _)| r.start));
    let from = if tail > 0 { new.len().saturating_sub(tail.max(text.len())) } else { 0 };
    let signatures = writer.signatures;
    signatures.find(new).or_else(|| signatures.find(new.get(from..)?))
}

/// Whether two lines say the same, but for whom they name.
fn same(old: Option<&Sighting<'_>>, new: Option<&Sighting<'_>>) -> bool {
    let told = |s: &Sighting<'_>| {
        let port = s.endpoint.as_ref().and_then(|e| e.rsplit_once(':')).map(|(_, p)| p.to_string());
        (s.signature.id.clone(), s.broker.clone(), s.attempt, s.interval_s.map(f64::to_bits), s.errno, s.endpoint.is_some(), port)
    };
    old.map(told) == new.map(told)
}
