//! The command line: arguments in, exit status out.

use sockdiag::bundle::{Input, Limits, MemberEnd, MemberHead, Visitor, walk};
use sockdiag::facts::{Discard, MemberId};
use sockdiag::formats::{by_id, reader::Reader};
use sockdiag::report::facts::FactWriter;
use std::io::Write;

struct Facts<'w> {
    writer: FactWriter<'w>,
    reader: Option<Reader>,
    inspect: bool,
    path: String,
}

impl Visitor for Facts<'_> {
    fn begin(&mut self, head: &MemberHead) {
        self.path = head.path.clone();
        self.writer.member = head.path.clone();
        self.reader = Some(Reader::new(MemberId(0), &head.path, b"", None));
    }
    fn data(&mut self, chunk: &[u8]) {
        if let Some(r) = &mut self.reader {
            if self.inspect { r.feed(chunk, &mut Discard) } else { r.feed(chunk, &mut self.writer) }
        }
    }
    fn end(&mut self, _end: MemberEnd) {
        if let Some(r) = self.reader.take() {
            if self.inspect {
                let reading = r.finish(&mut Discard);
                println!(
                    "{:40} {:10} lines {} rows {} unparsed {}",
                    self.path,
                    reading.format(),
                    reading.lines,
                    reading.rows(),
                    reading.unparsed()
                );
                for s in &reading.sections {
                    if reading.sections.len() > 1 {
                        println!("    {:?}", s)
                    }
                }
                for (n, l) in &reading.unknown {
                    println!("    ? {n}: {l}")
                }
            } else {
                r.finish(&mut self.writer);
            }
        }
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for a in &args[1..] {
        let input = Input::parse(a, |n| by_id(n).is_some());
        let mut v = Facts { writer: FactWriter::new(&mut out), reader: None, inspect: args[0] == "inspect", path: String::new() };
        if let Err(e) = walk(&input, &Limits::default(), &mut v) {
            eprintln!("sockdiag: {e}");
            std::process::exit(3);
        }
    }
    let _ = out.flush();
}
