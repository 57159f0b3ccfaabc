//! Log lines summed up by what they say: one entry for each signature, endpoint and writer.

use super::quote::Quote;
use crate::facts::{At, Message};
use crate::signatures::{Signatures, Weight};
use rustc_hash::FxHashMap;

/// Different sightings kept, at most.
const MAX_SIGHTINGS: usize = 4096;

/// What a log says again and again.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The signature's id.
    pub signature: String,
    /// What the line means.
    pub means: String,
    /// The causes it points to.
    pub points_to: Vec<String>,
    /// Whether it names a cause, shows a symptom or only sets the scene.
    pub weight: Weight,
    /// The endpoint it names.
    pub endpoint: Option<String>,
    /// The broker or node number it names.
    pub broker: Option<String>,
    /// The process that wrote it, where the line says.
    pub pid: Option<u32>,
    /// The program that wrote it, where the line says.
    pub program: String,
    /// Lines.
    pub count: u64,
    /// The highest attempt number a line tells.
    pub attempts: Option<u64>,
    /// The retry interval in seconds a line tells.
    pub interval_s: Option<f64>,
    /// Whether the kernel says it.
    pub kernel: bool,
    /// The first such line.
    pub first: Quote,
    /// The last such line.
    pub last: Quote,
    /// The time of the first as printed.
    pub first_at: String,
    /// The time of the last as printed.
    pub last_at: String,
}

/// All sightings of a capture.
#[derive(Debug, Default)]
pub struct Logs {
    index: FxHashMap<(String, Option<String>, Option<u32>), usize>,
    /// In the order of their first line.
    pub sightings: Vec<Sighting>,
    /// Log lines read.
    pub lines: u64,
}

impl Logs {
    /// Takes one line of a log.
    pub fn add(&mut self, at: &At<'_>, message: &Message<'_>, signatures: &Signatures) {
        self.lines += 1;
        let Some(found) = signatures.find(message.text) else { return };
        let key = (found.signature.id.clone(), found.endpoint.clone(), message.pid);
        let number = match self.index.get(&key) {
            Some(&n) => n,
            None if self.sightings.len() >= MAX_SIGHTINGS => return,
            None => {
                self.sightings.push(Sighting {
                    signature: found.signature.id.clone(),
                    means: found.signature.means.clone(),
                    points_to: found.signature.points_to.clone(),
                    weight: found.signature.weight,
                    endpoint: found.endpoint.clone(),
                    broker: found.broker.clone(),
                    pid: message.pid,
                    program: String::from_utf8_lossy(message.program).into_owned(),
                    count: 0,
                    attempts: None,
                    interval_s: None,
                    kernel: message.kernel,
                    first: Quote::keep(at),
                    last: Quote::keep(at),
                    first_at: String::from_utf8_lossy(message.at).into_owned(),
                    last_at: String::new(),
                });
                self.index.insert(key, self.sightings.len() - 1);
                self.sightings.len() - 1
            }
        };
        let Some(sighting) = self.sightings.get_mut(number) else { return };
        sighting.count += 1;
        sighting.attempts = sighting.attempts.max(found.attempt);
        sighting.interval_s = found.interval_s.or(sighting.interval_s);
        if sighting.count > 1 {
            sighting.last = Quote::keep(at);
        }
        if !message.at.is_empty() {
            sighting.last_at = String::from_utf8_lossy(message.at).into_owned();
        }
    }

    /// Takes over all sightings of another part of the same capture.
    pub fn merge(&mut self, other: Logs) {
        self.lines += other.lines;
        self.sightings.extend(other.sightings);
    }
}
