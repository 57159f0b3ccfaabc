//! Walks an input and pushes its members to a visitor.

use super::{Input, Limits, MemberEnd, MemberHead, Visitor, Walked};
use crate::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;

const BLOCK: usize = 256 << 10;

/// Pushes every member of the input to the visitor.
pub fn walk(input: &Input, _limits: &Limits, visitor: &mut dyn Visitor) -> Result<Walked, Error> {
    let unreadable = |e: std::io::Error| Error::Unreadable { input: input.path.clone(), reason: e.to_string() };
    let path = Path::new(&input.path);
    if path.is_dir() {
        directory(path, "", visitor).map_err(unreadable)?;
        return Ok(Walked { kind: "directory".into(), ..Walked::default() });
    }
    let mut file: Box<dyn Read> =
        if input.path == "-" { Box::new(std::io::stdin()) } else { Box::new(File::open(path).map_err(unreadable)?) };
    let mut head = [0u8; 2];
    let n = file.read(&mut head).map_err(unreadable)?;
    let whole = std::io::Cursor::new(head[..n].to_vec()).chain(file);
    let name = path.file_name().map_or("-".into(), |n| n.to_string_lossy().into_owned());
    if head == [0x1f, 0x8b] {
        let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(whole));
        let mut walked = Walked { kind: "tar.gz".into(), ..Walked::default() };
        for entry in archive.entries().map_err(unreadable)? {
            let Ok(mut entry) = entry else {
                walked.cut = Some("the archive is cut".into());
                break;
            };
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./").to_string();
            let size = entry.size();
            pump(&mut entry, MemberHead { path, size: Some(size), modified: None }, visitor);
        }
        return Ok(walked);
    }
    let mut whole = whole;
    pump(&mut whole, MemberHead { path: name, size: None, modified: None }, visitor);
    Ok(Walked { kind: "text".into(), ..Walked::default() })
}

fn directory(path: &Path, prefix: &str, visitor: &mut dyn Visitor) -> std::io::Result<()> {
    let mut names: Vec<_> = std::fs::read_dir(path)?.collect::<Result<_, _>>()?;
    names.sort_by_key(|e| e.file_name());
    for entry in names {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            directory(&entry.path(), &format!("{name}/"), visitor)?;
        } else if let Ok(mut file) = File::open(entry.path()) {
            pump(&mut file, MemberHead { path: name, size: None, modified: None }, visitor);
        }
    }
    Ok(())
}

fn pump(reader: &mut dyn Read, head: MemberHead, visitor: &mut dyn Visitor) {
    visitor.begin(&head);
    let mut block = vec![0; BLOCK];
    loop {
        match reader.read(&mut block) {
            Ok(0) => break visitor.end(MemberEnd::Whole),
            Ok(n) => visitor.data(&block[..n]),
            Err(e) => break visitor.end(MemberEnd::Cut(e.to_string())),
        }
    }
}
