//! Speed of each row parser in bytes a second: the text is in memory, the facts are dropped.
//!
//! `cargo bench --bench parsers`; one of them: `cargo bench --bench parsers -- strace`.

mod generate;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use generate::Text;
use sockdiag::facts::{Discard, MemberId};
use sockdiag::formats::by_id;
use sockdiag::formats::reader::Reader;
use std::hint::black_box;

/// Rows of each text: some megabytes, beyond the second-level cache.
const ROWS: u32 = 50_000;
/// The chunks in which the decoder hands on bytes.
const CHUNK: usize = 256 << 10;

fn parsers(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    for Text { format, path, text, .. } in generate::all(ROWS) {
        let read = || {
            let mut reader = Reader::new(MemberId(0), path, b"", by_id(format));
            for chunk in text.chunks(CHUNK) {
                reader.feed(chunk, &mut Discard);
            }
            reader.finish(&mut Discard)
        };
        // A parser that reads nothing is fast.
        assert!(read().rows() >= u64::from(ROWS), "{format}: {} rows of {ROWS}", read().rows());
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format, |b| b.iter(|| black_box(read())));
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).warm_up_time(std::time::Duration::from_secs(1)).measurement_time(std::time::Duration::from_secs(3));
    targets = parsers
}
criterion_main!(benches);
