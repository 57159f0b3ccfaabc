//! `docker ps`, `podman ps` and `crictl ps`.
//!
//! ```text
//! CONTAINER ID   IMAGE           COMMAND                  CREATED          STATUS          PORTS      NAMES
//! 647469e39f72   example/redis   "docker-entrypoint.s…"   14 minutes ago   Up 14 minutes   6379/tcp   redis
//! ```
//!
//! Of use here only because it says that containers run on the host: their sockets are in other namespaces, where the host's lsof
//! finds them in no table.

use super::{Fit, Format, Hint, Parser, Probe, Taken, prompt, scan};
use crate::facts::{At, Note, NoteKind, Sink};

/// A list of containers.
pub struct DockerPs;

#[derive(Default)]
struct List {
    noted: bool,
}

impl Format for DockerPs {
    fn id(&self) -> &'static str {
        "docker-ps"
    }

    fn title(&self) -> &'static str {
        "lists of running containers"
    }

    fn fit(&self, probe: &Probe<'_>) -> Fit {
        if probe.rows().next().is_some_and(|row| self.opens(row)) { Fit::Sure } else { Fit::No }
    }

    fn opens(&self, line: &[u8]) -> bool {
        line.starts_with(b"CONTAINER ID ") || line.starts_with(b"CONTAINER ") && scan::contains(line, b" IMAGE ")
    }

    fn printed_by(&self, command: &[u8]) -> bool {
        matches!(prompt::program(command), b"docker" | b"podman" | b"crictl" | b"nerdctl")
            && scan::Fields::new(command).any(|field| field == b"ps")
            && !prompt::counts(command)
    }

    fn parser(&self, _hint: &Hint<'_>) -> Box<dyn Parser> {
        Box::new(List::default())
    }
}

impl Parser for List {
    fn line(&mut self, at: At<'_>, sink: &mut dyn Sink) -> Taken {
        if at.text.trim_ascii().is_empty() || DockerPs.opens(at.text) {
            return Taken::Noise;
        }
        let id = scan::Fields::new(at.text).next().unwrap_or(b"");
        if id.len() < 12 || !id.iter().all(u8::is_ascii_hexdigit) {
            return Taken::Unknown;
        }
        if !std::mem::replace(&mut self.noted, true) {
            sink.note(at, &Note { kind: NoteKind::Warning, pid: None, text: b"containers run on this host" });
        }
        Taken::Row
    }
}

#[cfg(test)]
mod tests {
    use crate::formats::testing::told_as;

    #[test]
    fn says_once_that_containers_run() {
        let text = "CONTAINER ID   IMAGE   COMMAND   NAMES\n647469e39f72   a   \"b\"   c\na6ded13578d8   a   \"b\"   d\n";
        let (told, reading) = told_as("x", text);
        assert_eq!(told.lines, ["note warning pid=- containers run on this host"]);
        assert_eq!((reading.format(), reading.rows(), reading.unparsed()), ("docker-ps", 2, 0));
    }

    #[test]
    fn no_rows_no_containers() {
        assert!(told_as("x", "CONTAINER ID   IMAGE   COMMAND   NAMES\n").0.lines.is_empty());
    }
}
