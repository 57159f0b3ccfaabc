//! `sockdiag minimize`: the smallest capture with the same diagnosis, to be read, archived and shown to others.

use super::caps::Caps;
use super::inputs::configured;
use super::{Exit, output};
use crate::archive::shrink::{Piece, Shrinker, load};
use crate::bundle::Input;
use crate::error::Error;
use crate::formats::by_id;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Bytes of a capture kept in memory, unless an option says otherwise.
const MAX_HELD: u64 = 1 << 30;

/// Arguments of `minimize`.
#[derive(Debug, clap::Args)]
#[command(mut_arg("max_findings", |a| a.hide(true)))]
#[command(mut_arg("max_bytes", |a| a.help("Refuse a capture larger than this after decompression, since all of it is kept in memory (suffixes K, M, G) [default: 1G]")))]
pub struct Args {
    /// The capture: an archive, a directory or a text file
    #[arg(value_name = "CAPTURE")]
    pub capture: String,
    /// Where to write the small one: a new directory, or a name that ends in .tgz or .tar.gz
    #[arg(short, long, value_name = "OUT")]
    pub out: PathBuf,
    /// Stop after this many seconds with what has been reached
    #[arg(long, default_value_t = 120, value_name = "N")]
    pub seconds: u64,
    /// Thresholds and additional log signatures
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Bounds on what the capture may cost.
    #[command(flatten)]
    pub caps: Caps,
}

/// Runs the command.
///
/// # Errors
/// The capture cannot be read, or OUT exists or cannot be written.
pub fn run(args: &Args, out: &mut dyn Write) -> Result<Exit, Error> {
    let start = Instant::now();
    refuse_existing(&args.out)?;
    let config = configured(args.config.as_deref())?;
    let input = Input::parse(&args.capture, |n| by_id(n).is_some());
    let limits = args.caps.limits();
    let pieces = load(&input, &limits, args.caps.max_bytes.unwrap_or(MAX_HELD))?;
    let before: u64 = pieces.iter().map(Piece::bytes).sum();
    let members = pieces.len();
    let mut progress = |text: String| eprintln!("{:>5.1} s  {text}", start.elapsed().as_secs_f64());
    progress(format!("read {before} bytes in {members} members"));
    let deadline = start + Duration::from_secs(args.seconds);
    let (mut shrinker, diagnosis) = Shrinker::new(&pieces, &config, deadline, &mut progress);
    let small = shrinker.shrink(pieces, &diagnosis);
    write(&args.out, &small)?;
    let tried = shrinker.tried;
    // What was written is read again: a capture that says something else than its original is worse than none.
    let again = Input { path: args.out.to_string_lossy().into_owned(), format: None };
    let reread = crate::diagnose(std::slice::from_ref(&again), &limits, config.signatures(), &config.thresholds)?;
    let same = shrinker.goal().is_met(&reread);
    let after: u64 = small.iter().map(Piece::bytes).sum();
    let lines: usize = small.iter().map(Piece::lines).sum();
    let text = format!(
        "{}\n{before} bytes in {members} members became {after} bytes, {lines} lines, in {}; {tried} captures tried in {:.0} s\n",
        reread.headline,
        if small.len() == 1 { "1 member".to_string() } else { format!("{} members", small.len()) },
        start.elapsed().as_secs_f64(),
    );
    output::show(out, &text)?;
    if same {
        return Ok(Exit::Made);
    }
    eprintln!(
        "sockdiag: {} is diagnosed differently as a whole than its members were in memory; compare both before you use it",
        args.out.display()
    );
    Ok(Exit::Failed)
}

/// Nothing that exists is written over.
fn refuse_existing(out: &Path) -> Result<(), Error> {
    let empty = fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_none());
    if fs::symlink_metadata(out).is_ok() && !empty {
        let reason = "exists; name a directory or archive that does not".to_string();
        return Err(Error::Invalid { file: out.display().to_string(), reason });
    }
    Ok(())
}

fn write(out: &Path, pieces: &[Piece]) -> Result<(), Error> {
    let name = out.to_string_lossy();
    let written = if name.ends_with(".tgz") || name.ends_with(".tar.gz") { archive(out, pieces) } else { directory(out, pieces) };
    written.map_err(|source| Error::Write { path: out.to_path_buf(), source })
}

fn directory(out: &Path, pieces: &[Piece]) -> std::io::Result<()> {
    fs::create_dir_all(out)?;
    for piece in pieces {
        let path = out.join(&piece.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = fs::File::create_new(&path)?;
        for slice in piece.slices() {
            file.write_all(slice)?;
        }
        // Times tell samples of one host apart.
        if let Some(seconds) = piece.modified.and_then(|s| u64::try_from(s).ok())
            && let Some(time) = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
        {
            let _ = file.set_modified(time);
        }
    }
    Ok(())
}

fn archive(out: &Path, pieces: &[Piece]) -> std::io::Result<()> {
    let file = fs::File::create_new(out)?;
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(file, flate2::Compression::best()));
    for piece in pieces {
        let mut header = tar::Header::new_gnu();
        header.set_size(piece.bytes());
        header.set_mode(0o644);
        header.set_mtime(piece.modified.and_then(|s| u64::try_from(s).ok()).unwrap_or(0));
        let data = piece.slices().concat();
        tar.append_data(&mut header, &piece.path, data.as_slice())?;
    }
    tar.into_inner()?.finish()?.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(capture: &Path, out: &Path) -> Args {
        Args { capture: capture.to_string_lossy().into_owned(), out: out.to_path_buf(), seconds: 60, config: None, caps: Caps::default() }
    }

    #[test]
    fn nothing_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.tgz");
        fs::write(&file, "precious").unwrap();
        let error = run(&args(dir.path(), &file), &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("exists"), "{error}");
        assert_eq!(fs::read(&file).unwrap(), b"precious");
        assert!(refuse_existing(dir.path()).is_err(), "a directory with files in it");
        assert!(refuse_existing(&dir.path().join("new")).is_ok());
    }

    #[test]
    fn more_than_memory_allows_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("big.txt"), vec![b'x'; 4096]).unwrap();
        let mut args = args(dir.path(), &dir.path().join("out"));
        args.caps.max_bytes = Some(100);
        let error = run(&args, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("--max-bytes"), "{error}");
    }
}
