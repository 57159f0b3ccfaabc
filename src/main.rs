//! The binary: runs the command line and turns its result into an exit status.

mod cli;

use clap::Parser;
use sockdiag::commands;
use sockdiag::report::harmless::harmless;
use std::io::Write;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::process::ExitCode;

/// A bug in sockdiag.
const BUG: u8 = 70;

fn main() -> ExitCode {
    set_hook(Box::new(report_bug));
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(ExitCode::from(BUG))
}

fn run() -> ExitCode {
    let cli = cli::Cli::parse();
    let mut out = std::io::BufWriter::with_capacity(64 << 10, std::io::stdout().lock());
    let ended = cli.run(&mut out).and_then(|exit| commands::output::settle(out.flush()).map(|()| exit));
    // What is still buffered belongs to a reader that has gone, or to a disk that is full.
    let _ = out.into_parts();
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(commands::status(&error))
        }
    }
}

/// One line about a panic, wherever it happens.
fn report_bug(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let what = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let at = info.location().map_or(String::new(), |l| format!(" at {}:{}", l.file(), l.line()));
    complain(&format!("a bug in sockdiag{at}: {}; please report it with the input", what.unwrap_or("panic")));
}

/// One line on standard error. If that is closed too, there is nobody to tell.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "sockdiag: {}", harmless(text));
}
