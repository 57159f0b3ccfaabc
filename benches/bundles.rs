//! Speed of whole bundles, from the file to the report, in bytes after decompression a second.
//!
//! `cargo bench --bench bundles`. The same bundle plain, compressed, and at 1, 2, 4 and 8 times the size: time must grow with the size and
//! no faster.

mod generate;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sockdiag::bundle::{Input, Limits};
use sockdiag::config::Thresholds;
use sockdiag::report::{Look, by_id};
use sockdiag::signatures::Signatures;
use std::hint::black_box;
use std::io::Write;
use std::path::Path;

/// Rows of each text in the smallest bundle, about 8 MB.
const ROWS: u32 = 12_500;

fn tar(rows: u32) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for text in generate::all(rows) {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.text.len() as u64);
        header.set_mode(0o644);
        out.append_data(&mut header, format!("bundle/{}", text.path), text.text.as_slice()).expect("a tar in memory");
    }
    out.into_inner().expect("a tar in memory")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    out.write_all(bytes).and_then(|()| out.finish()).expect("gzip in memory")
}

fn analyze(path: &Path) -> String {
    let input = Input { path: path.to_string_lossy().into_owned(), format: None };
    let diagnosis =
        sockdiag::diagnose(&[input], &Limits::default(), Signatures::builtin(), &Thresholds::default()).expect("a readable bundle");
    by_id("text").expect("a renderer").render(&diagnosis, &Look::default())
}

fn bundles(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).expect("room for a bundle");
        path
    };
    let plain = tar(ROWS);
    let packed =
        [("tar", plain.clone()), ("tar.gz", gzip(&plain)), ("tar.zst", zstd::encode_all(plain.as_slice(), 3).expect("zstd in memory"))];
    let mut group = c.benchmark_group("bundle");
    for (kind, bytes) in &packed {
        let path = file(kind, bytes);
        let report = analyze(&path);
        assert!(report.contains(&generate::LEAKER.to_string()), "the leaking process is not in the report:\n{report}");
        group.throughput(Throughput::Bytes(plain.len() as u64));
        group.bench_function(*kind, |b| b.iter(|| black_box(analyze(&path))));
    }
    group.finish();

    let mut group = c.benchmark_group("bundle-growth");
    for times in [1, 2, 4, 8] {
        let plain = tar(ROWS * times);
        let path = file("growth.tgz", &gzip(&plain));
        group.throughput(Throughput::Bytes(plain.len() as u64));
        group.bench_with_input(BenchmarkId::from_parameter(times), &path, |b, path| b.iter(|| black_box(analyze(path))));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(std::time::Duration::from_secs(1)).measurement_time(std::time::Duration::from_secs(3));
    targets = bundles
}
criterion_main!(benches);
