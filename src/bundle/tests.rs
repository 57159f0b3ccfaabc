//! The walk as a whole, on archives built in memory: every shape of input, every hostile form, every cut.

use super::testing::*;
use super::*;
use crate::error::Error;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

fn refused(walked: Result<Walked, Error>) -> String {
    match walked {
        Err(e @ Error::Unsafe { .. }) => e.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

fn unreadable(walked: Result<Walked, Error>) -> String {
    match walked {
        Err(e @ Error::Unreadable { .. }) => e.to_string(),
        other => panic!("not unreadable: {other:?}"),
    }
}

fn defaults() -> Limits {
    Limits::default()
}

/// Limits under which a bomb of a few megabytes is one.
fn tight() -> Limits {
    Limits { ratio_from: 1 << 20, max_ratio: 200, ..Limits::default() }
}

mod shapes {
    use super::*;

    const FILES: &[(&str, &[u8])] = &[("h/ss.txt", b"ss\n"), ("h/empty", b""), ("h/lsof.txt", b"lsof\n")];

    #[test]
    fn tars_under_every_compression() {
        let tar = tar_of(FILES);
        for (kind, bytes) in [("tar", tar.clone()), ("tar.gz", gzip(&tar)), ("tar.zst", zst(&tar)), ("tar.xz", xz(&tar))] {
            let (kept, walked) = walk_bytes(&bytes, &defaults());
            let walked = walked.unwrap();
            assert_eq!(walked.kind, kind);
            assert_eq!(kept.paths(), ["h/ss.txt", "h/empty", "h/lsof.txt"]);
            assert_eq!(kept.text("h/lsof.txt"), "lsof\n");
            assert!(kept.members.iter().all(|m| m.2 == MemberEnd::Whole));
            assert_eq!((walked.cut, walked.notes.len(), walked.bytes), (None, 0, tar.len() as u64));
        }
    }

    #[test]
    fn one_text_under_every_compression() {
        for (kind, bytes) in [("text", b"ss\n".to_vec()), ("gz", gzip(b"ss\n")), ("zst", zst(b"ss\n")), ("xz", xz(b"ss\n"))] {
            let (kept, walked) = walk_bytes(&bytes, &defaults());
            assert_eq!(walked.unwrap().kind, kind);
            assert_eq!((kept.members.len(), kept.members[0].1.as_slice()), (1, &b"ss\n"[..]));
        }
    }

    #[test]
    fn a_large_input_comes_through_the_thread_unchanged() {
        let text: Vec<u8> = (0..400_000u32).flat_map(|i| format!("{:x}\n", i.wrapping_mul(2_654_435_761)).into_bytes()).collect();
        let tar = tar_of(&[("a", &text), ("b", &text[..1000])]);
        for bytes in [tar.clone(), gzip(&tar), zst(&tar), xz(&tar)] {
            let (kept, walked) = walk_bytes(&bytes, &defaults());
            assert!(walked.unwrap().cut.is_none());
            assert!(kept.members[0].1 == text && kept.members[1].1 == text[..1000]);
        }
    }

    #[test]
    fn archives_inside_archives() {
        let inner = gzip(&tar_of(&[("ss.txt", b"ss\n")]));
        let bytes = gzip(&tar_of(&[("o/a.tgz", &inner), ("o/plain.tar", &tar_of(&[("x", b"y\n")])), ("o/log.gz", &gzip(b"log\n"))]));
        let (kept, walked) = walk_bytes(&bytes, &defaults());
        assert_eq!(kept.paths(), ["o/a.tgz/ss.txt", "o/plain.tar/x", "o/log.gz"]);
        assert_eq!((kept.text("o/a.tgz/ss.txt"), kept.text("o/log.gz")), ("ss\n", "log\n"));
        assert!(walked.unwrap().notes.is_empty());
    }

    #[test]
    fn the_third_archive_inside_is_not_opened() {
        let mut bytes = tar_of(&[("ss.txt", b"ss\n")]);
        for name in ["c.tgz", "b.tgz", "a.tgz"] {
            bytes = gzip(&tar_of(&[(name, &bytes), ("beside", b"x\n")]));
        }
        // `bytes` holds a.tgz holds b.tgz holds c.tgz: the last one is one too many.
        let (kept, walked) = walk_bytes(&bytes, &defaults());
        assert_eq!(kept.paths(), ["a.tgz/b.tgz/c.tgz", "a.tgz/b.tgz/beside", "a.tgz/beside", "beside"]);
        assert!(matches!(kept.end_of("a.tgz/b.tgz/c.tgz"), MemberEnd::Skipped(_)));
        assert_eq!(walked.unwrap().notes.len(), 1);
    }

    #[test]
    fn a_broken_archive_inside_breaks_alone() {
        let rows: Vec<u8> = (0..5000u32).flat_map(|i| format!("{:x}\n", i.wrapping_mul(2_654_435_761)).into_bytes()).collect();
        let inner = gzip(&tar_of(&[("ss.txt", &rows), ("more", b"x\n")]));
        let bytes = tar_of(&[("a.tgz", &inner[..inner.len() / 2]), ("not.gz", b"\x1f\x8b\x08nonsense"), ("z.txt", b"z\n")]);
        let (kept, walked) = walk_bytes(&bytes, &defaults());
        let walked = walked.unwrap();
        assert!(matches!(kept.end_of("a.tgz/ss.txt"), MemberEnd::Cut(_)), "{:?}", kept.members);
        assert!(matches!(kept.end_of("not.gz"), MemberEnd::Cut(_)));
        assert_eq!((kept.text("z.txt"), walked.cut.as_ref()), ("z\n", None));
        assert!(walked.notes.iter().any(|n| n.starts_with("a.tgz: is cut")), "{:?}", walked.notes);
    }

    #[test]
    fn a_directory_in_order_without_following_links() {
        let dir = tempfile::tempdir().unwrap();
        let outside = tempfile::NamedTempFile::new().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("b")).unwrap();
        std::fs::write(at("b/ss.txt"), "ss\n").unwrap();
        std::fs::write(at("z"), "z\n").unwrap();
        std::fs::write(at("a.tgz"), gzip(&tar_of(&[("x", b"x\n")]))).unwrap();
        std::os::unix::fs::symlink(outside.path(), at("out")).unwrap();
        std::os::unix::fs::symlink(".", at("loop")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(at("sock")).unwrap();
        let mut kept = Kept::default();
        let walked = walk(&Input { path: dir.path().to_string_lossy().into(), format: None }, &defaults(), &mut kept).unwrap();
        assert_eq!(kept.paths(), ["a.tgz/x", "b/ss.txt", "loop", "out", "sock", "z"]);
        assert_eq!(*kept.end_of("out"), MemberEnd::Link(outside.path().to_string_lossy().into()));
        assert!(matches!(kept.end_of("sock"), MemberEnd::Skipped(_)));
        assert_eq!(walked.kind, "directory");
    }

    #[test]
    fn what_is_not_wanted_is_passed_over() {
        struct Picky(Kept);
        impl Visitor for Picky {
            fn begin(&mut self, head: &MemberHead) {
                self.0.begin(head)
            }
            fn wants(&mut self, head: &MemberHead) -> bool {
                head.path == "b"
            }
            fn data(&mut self, chunk: &[u8]) {
                self.0.data(chunk)
            }
            fn end(&mut self, end: MemberEnd) {
                self.0.end(end)
            }
        }
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&tar_of(&[("a", b"aaaa"), ("b", b"bbbb"), ("c", b"")])).unwrap();
        let mut picky = Picky(Kept::default());
        walk(&Input { path: file.path().to_string_lossy().into(), format: None }, &defaults(), &mut picky).unwrap();
        assert_eq!((picky.0.text("a"), picky.0.text("b")), ("", "bbbb"));
    }

    #[test]
    fn the_hash_is_of_the_file_itself() {
        let limits = Limits { want_sha256: true, ..defaults() };
        let (_, walked) = walk_bytes(b"abc", &limits);
        assert_eq!(walked.unwrap().sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let (_, walked) = walk_bytes(&[gzip(b"x\n"), b"garbage".to_vec()].concat(), &limits);
        assert_eq!(walked.unwrap().sha256.len(), 64, "what follows the data is hashed too");
        let (_, walked) = walk_bytes(b"abc", &defaults());
        assert_eq!(walked.unwrap().sha256, "");
    }
}

mod unreadable_inputs {
    use super::*;

    #[test]
    fn one_clear_line_each() {
        for (bytes, says) in [
            (&b""[..], "empty"),
            (&gzip(b""), "empty"),
            (&[0; 1024], "no files"),
            (&gzip(&[0; 10240]), "no files"),
            (b"\x1f\x8b\x08", "ends before its end"),
            (b"PK\x03\x04 and so on", "zip archive"),
            (b"\x7fELF\x02\x01\x01", "ELF"),
            (&[0x01, 0x02, 0x03, 0xfe, 0xff, 0x10, 0x11, 0x05], "binary"),
            (&gzip(b"PK\x03\x04"), "zip archive"),
        ] {
            let (kept, walked) = walk_bytes(bytes, &defaults());
            let line = unreadable(walked);
            assert!(line.contains(says) && !line.contains('\n'), "{line}");
            assert!(kept.members.is_empty());
        }
    }

    #[test]
    fn a_log_that_begins_with_zeros_is_none_of_them() {
        let log = [&[0; 5000][..], b"Nov 22 14:00:00 h app: up\n"].concat();
        assert_eq!(walk_bytes(&log, &defaults()).0.members[0].1, log);
        let (kept, _) = walk_bytes(&tar_of(&[("app.log", &log)]), &defaults());
        assert_eq!((kept.members[0].1.len(), &kept.members[0].2), (log.len(), &MemberEnd::Whole));
    }

    #[test]
    fn a_missing_file_and_an_empty_directory() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_string_lossy().into_owned();
        for (path, says) in [(format!("{path}/none"), "no such file"), (path, "holds no files")] {
            let line = unreadable(walk(&Input { path, format: None }, &defaults(), &mut Kept::default()));
            assert!(line.contains(says), "{line}");
        }
    }

    #[test]
    fn a_forced_format_is_read_whatever_it_looks_like() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[1, 2, 3, 4]).unwrap();
        let input = Input { path: file.path().to_string_lossy().into(), format: Some("ss".into()) };
        assert!(walk(&input, &defaults(), &mut Kept::default()).is_ok());
    }
}

mod hostile {
    use super::*;

    #[test]
    fn bombs_of_every_compression_and_nested() {
        let zeros = vec![0u8; 8 << 20];
        let tar = tar_of(&[("zeros", &zeros)]);
        for bytes in [gzip(&tar), zst(&tar), xz(&tar), gzip(&zeros), tar_of(&[("inner.tgz", &gzip(&tar))]), gzip(&gzip(&zeros))] {
            let (_, walked) = walk_bytes(&bytes, &tight());
            let line = refused(walked);
            assert!(line.contains("bomb") && line.contains("--max-bytes"), "{line}");
        }
    }

    #[test]
    fn layers_of_little_ratio_are_refused_for_their_product() {
        let zeros = vec![b'x'; 32 << 20];
        let limits = Limits { ratio_from: 1 << 20, max_ratio: 1100, ..Limits::default() };
        assert!(walk_bytes(&gzip(&zeros), &limits).1.is_ok());
        let line = refused(walk_bytes(&gzip(&gzip(&zeros)), &limits).1);
        assert!(line.contains("bomb"), "{line}");
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_decoded() {
        // 40 GiB of zeros from a few hundred bytes a piece: members of a gzip file, repeated.
        let piece = gzip(&vec![0u8; 64 << 20]);
        let bytes = piece.repeat(640);
        let since = Instant::now();
        refused(walk_bytes(&bytes, &defaults()).1);
        assert!(since.elapsed() < Duration::from_secs(30), "{:?}", since.elapsed());
    }

    #[test]
    fn repetitive_rows_pass() {
        let rows = b"java 4684 apps *280u sock 0,6 0t0 675441359 can't identify protocol\n".repeat(200_000);
        assert!(walk_bytes(&gzip(&rows), &Limits { ratio_from: 1 << 20, ..defaults() }).1.is_ok());
    }

    #[test]
    fn too_many_bytes_too_many_members_too_long_a_member() {
        let tar = tar_of(&[("a", &[b'a'; 5000]), ("b", &[b'b'; 5000])]);
        let line = refused(walk_bytes(&tar, &Limits { max_bytes: 4000, ..defaults() }).1);
        assert!(line.contains("--max-bytes"), "{line}");
        let line = refused(walk_bytes(&tar, &Limits { max_members: 1, ..defaults() }).1);
        assert!(line.contains(": b: more than 1 members; --max-members"), "{line}");
        let line = refused(walk_bytes(&tar, &Limits { max_member_bytes: 4000, ..defaults() }).1);
        assert!(line.contains(": a: more than 3.9 KiB in one member"), "{line}");
    }

    #[test]
    fn a_directory_has_the_same_bounds() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), [b'a'; 5000]).unwrap();
        std::fs::write(dir.path().join("b"), [b'a'; 5000]).unwrap();
        let input = Input { path: dir.path().to_string_lossy().into(), format: None };
        refused(walk(&input, &Limits { max_bytes: 8000, ..defaults() }, &mut Kept::default()));
        refused(walk(&input, &Limits { max_members: 1, ..defaults() }, &mut Kept::default()));
    }

    #[test]
    fn names_are_made_plain_and_noted() {
        let bytes = closed(&[
            raw_entry("/etc/passwd", b'0', b"a\n", ""),
            raw_entry("../../x", b'0', b"b\n", ""),
            raw_entry("", b'0', b"c\n", ""),
            raw_entry("x", b'0', b"d\n", ""),
        ]);
        let (kept, walked) = walk_bytes(&bytes, &defaults());
        assert_eq!(kept.paths(), ["etc/passwd", "x", "(no name)", "x"]);
        let notes = walked.unwrap().notes.join("\n");
        for says in ["absolute", "`..`", "no name", "x: stands in the archive more than once"] {
            assert!(notes.contains(says), "{notes}");
        }
    }

    #[test]
    fn links_devices_and_sparse_files_carry_no_data() {
        let bytes = closed(&[
            raw_entry("s", b'2', b"", "/etc/shadow"),
            raw_entry("up", b'2', b"", "../../.."),
            raw_entry("h", b'1', b"", "d/x"),
            raw_entry("c", b'3', b"", ""),
            raw_entry("b", b'4', b"", ""),
            raw_entry("f", b'6', b"", ""),
            raw_entry("sp", b'S', b"data", ""),
            raw_entry("v", b'V', b"", ""),
            raw_entry("z", b'0', b"z\n", ""),
        ]);
        let (kept, walked) = walk_bytes(&bytes, &defaults());
        assert_eq!(*kept.end_of("s"), MemberEnd::Link("/etc/shadow".into()));
        assert_eq!(*kept.end_of("up"), MemberEnd::Link("../../..".into()));
        assert_eq!(*kept.end_of("h"), MemberEnd::Link("/d/x".into()));
        for skipped in ["c", "b", "f", "sp", "v"] {
            assert!(matches!(kept.end_of(skipped), MemberEnd::Skipped(_)), "{skipped}");
        }
        assert_eq!(kept.text("z"), "z\n");
        assert!(walked.unwrap().cut.is_none());
    }

    #[test]
    fn long_names_of_both_kinds_and_headers_that_disagree() {
        let long = format!("{}/ss.txt", "d".repeat(150));
        let pax = |record: &str| {
            let mut length = record.len() + 2;
            while format!("{length} {record}\n").len() != length {
                length += 1;
            }
            raw_entry("p", b'x', format!("{length} {record}\n").as_bytes(), "")
        };
        let bytes = closed(&[
            raw_entry("././@LongLink", b'L', format!("{long}\0").as_bytes(), ""),
            raw_entry(&long[..100], b'0', b"1\n", ""),
            pax("path=from/pax"),
            raw_entry("from/ustar", b'0', b"2\n", ""),
            pax("size=2"),
            raw_entry("sized", b'0', b"xyz", ""),
            pax("GNU.sparse.major=1"),
            raw_entry("sparse", b'0', b"xyz", ""),
            raw_entry("g", b'g', b"16 path=allsame\n", ""),
            raw_entry("last", b'0', b"3\n", ""),
        ]);
        let (kept, walked) = walk_bytes(&bytes, &defaults());
        assert_eq!(kept.paths(), [long.as_str(), "from/pax", "sized", "sparse", "last"]);
        assert_eq!(kept.text("sized"), "xy");
        let notes = walked.unwrap().notes.join("\n");
        for says in ["from/pax: its headers disagree about its name", "sized: its headers disagree about its size", "sparse", "global"] {
            assert!(notes.contains(says), "{says}: {notes}");
        }
        assert!(!notes.contains("ss.txt"), "{notes}");
    }

    #[test]
    fn an_endless_header_is_passed_over() {
        let bytes = closed(&[raw_entry("p", b'x', &vec![b'a'; 2 << 20], ""), raw_entry("z", b'0', b"z\n", "")]);
        let (kept, walked) = walk_bytes(&bytes, &defaults());
        assert_eq!(kept.paths(), ["z"]);
        assert!(walked.unwrap().notes[0].contains("2 MiB was passed over"));
    }

    #[test]
    fn sizes_that_lie() {
        let mut longer = raw_header("long", b'0', (1 << 33) - 1, "").to_vec();
        longer.extend_from_slice(b"four");
        let (kept, walked) = walk_bytes(&longer, &defaults());
        assert!(matches!(kept.end_of("long"), MemberEnd::Cut(_)));
        assert!(walked.unwrap().cut.is_some());

        let mut shorter = raw_header("short", b'0', 3, "").to_vec();
        shorter.extend_from_slice(&[b'x'; 2048]);
        let bytes = closed(&[shorter, raw_entry("next", b'0', b"n\n", "")]);
        let (kept, walked) = walk_bytes(&bytes, &defaults());
        assert_eq!((kept.text("short"), kept.text("next")), ("xxx", "n\n"));
        assert_eq!(walked.unwrap().cut.as_deref(), Some("the archive is damaged"));
    }

    #[test]
    fn a_hundred_thousand_members() {
        let mut bytes = Vec::new();
        for i in 0..100_000u32 {
            bytes.extend_from_slice(&raw_entry(&format!("d/{i}"), b'0', b"x", ""));
        }
        let bytes = zst(&closed(&[bytes]));
        let since = Instant::now();
        let (kept, walked) = walk_bytes(&bytes, &defaults());
        assert_eq!((kept.members.len(), walked.unwrap().notes.len()), (100_000, 0));
        assert!(since.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn nothing_but_zeros_ends() {
        let line = refused(walk_bytes(&vec![0; 65 << 20], &defaults()).1);
        assert!(line.contains("zeros"), "{line}");
        let (_, walked) = walk_bytes(&[tar_of(&[("a", b"a")]), vec![0; 10 << 20]].concat(), &defaults());
        assert!(walked.unwrap().cut.is_none());
    }

    #[test]
    fn an_endless_input_that_decodes_to_nothing_ends() {
        struct Empties(Vec<u8>, usize);
        impl Read for Empties {
            fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
                let rest = &self.0[self.1..];
                let n = rest.len().min(into.len());
                into[..n].copy_from_slice(&rest[..n]);
                self.1 = (self.1 + n) % self.0.len();
                Ok(n)
            }
        }
        for piece in [gzip(b""), [gzip(b"x")[..].to_vec(), vec![b'g'; 100]].concat()] {
            let limits = Limits { max_bytes: 10 << 20, ..defaults() };
            let walked = super::super::walk::walk_reader(Box::new(Empties(piece, 0)), "x", &limits, &mut Kept::default());
            refused(walked);
        }
    }

    #[test]
    fn nothing_but_headers_ends() {
        let bytes = closed(&[raw_entry("p", b'L', b"x", "").repeat(1000)]);
        refused(walk_bytes(&bytes, &Limits { max_members: 200, ..defaults() }).1);
        // A PAX header for each member, as many writers make, does not halve the bound.
        let pairs = [raw_entry("p", b'x', b"13 mtime=1.5\n", ""), raw_entry("a", b'0', b"", "")].concat();
        assert!(walk_bytes(&closed(&[pairs.repeat(200)]), &Limits { max_members: 200, ..defaults() }).1.is_ok());
    }
}

mod cuts {
    use super::*;

    fn sample() -> (Vec<u8>, Vec<(&'static str, Vec<u8>)>) {
        let rows: Vec<u8> = (0..90u32).flat_map(|i| format!("{:x} ", i.wrapping_mul(2_654_435_761)).into_bytes()).collect();
        let files = vec![("a", rows.clone()), ("b/c", b"two\n".to_vec()), ("d", rows)];
        let tar = tar_of(&files.iter().map(|(n, t)| (*n, t.as_slice())).collect::<Vec<_>>());
        (tar, files)
    }

    fn prefix_of(kept: &Kept, files: &[(&str, Vec<u8>)], context: usize) {
        assert!(kept.members.len() <= files.len());
        for (i, (path, bytes, end)) in kept.members.iter().enumerate() {
            assert_eq!(path, files[i].0);
            assert!(files[i].1.starts_with(bytes), "{context}");
            match end {
                MemberEnd::Whole => assert_eq!(*bytes, files[i].1, "{context}"),
                MemberEnd::Cut(_) => assert_eq!(i, kept.members.len() - 1, "only the last is cut"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn at_every_offset_the_prefix_is_delivered() {
        let (tar, files) = sample();
        for whole in [gzip(&tar), zst(&tar), xz(&tar)] {
            // One byte of an archive is a text of one byte.
            for end in 2..whole.len() {
                let (kept, walked) = walk_bytes(&whole[..end], &defaults());
                prefix_of(&kept, &files, end);
                match walked {
                    Ok(walked) => assert!(
                        walked.cut.is_some()
                            || kept.members.len() == files.len() && walked.notes.iter().any(|n| n.contains("damaged behind")),
                        "{end}: {walked:?}"
                    ),
                    Err(e) => {
                        assert!(matches!(e, Error::Unreadable { .. }) && kept.members.is_empty(), "{end}: {e}")
                    }
                }
            }
        }
    }

    #[test]
    fn a_plain_tar_at_every_offset() {
        let (tar, files) = sample();
        for end in (512..tar.len()).step_by(7) {
            let (kept, walked) = walk_bytes(&tar[..end], &defaults());
            prefix_of(&kept, &files, end);
            let cut = walked.unwrap().cut;
            assert!(cut.is_some() || end % 512 == 0 || kept.members.last().unwrap().2 == MemberEnd::Whole, "{end}");
        }
    }

    #[test]
    fn a_flipped_byte_anywhere_never_panics() {
        let (tar, _) = sample();
        for whole in [tar.clone(), gzip(&tar), zst(&tar), xz(&tar)] {
            for at in (0..whole.len()).step_by(3) {
                let mut bad = whole.clone();
                bad[at] ^= 0x55;
                let _ = walk_bytes(&bad, &defaults());
            }
        }
    }

    #[test]
    fn a_damaged_header_costs_its_own_member_only() {
        let (mut tar, _) = sample();
        tar[1030] ^= 0x55;
        let at = tar.windows(4).position(|w| w == b"b/c\0").unwrap();
        tar[at] = b'X';
        let (kept, walked) = walk_bytes(&tar, &defaults());
        assert_eq!(kept.paths(), ["a", "d"]);
        assert_eq!(walked.unwrap().cut.as_deref(), Some("the archive is damaged"));
    }

    #[test]
    fn a_reader_that_fails_anywhere() {
        struct Fails<'a>(&'a [u8]);
        impl Read for Fails<'_> {
            fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
                if self.0.is_empty() {
                    return Err(std::io::Error::other("the disk went away"));
                }
                // One byte at a time now and then, so that every boundary is met.
                let n = into.len().min(if self.0.len().is_multiple_of(2) { 1 } else { 97 });
                self.0.read(&mut into[..n])
            }
        }
        let (tar, files) = sample();
        for whole in [tar.clone(), gzip(&tar), xz(&tar), zst(&tar)] {
            for end in (0..whole.len()).step_by(5) {
                let mut kept = Kept::default();
                let bytes: &'static [u8] = Vec::leak(whole[..end].to_vec());
                let walked = super::super::walk::walk_reader(Box::new(Fails(bytes)), "x", &defaults(), &mut kept);
                prefix_of(&kept, &files, end);
                assert!(walked.is_err() || walked.as_ref().is_ok_and(|w| w.cut.is_some() || !w.notes.is_empty()), "{end}: {walked:?}");
            }
        }
    }

    #[test]
    fn a_line_of_a_gigabyte_is_not_held() {
        struct Count(u64);
        impl Visitor for Count {
            fn begin(&mut self, _: &MemberHead) {}
            fn data(&mut self, chunk: &[u8]) {
                assert!(chunk.len() <= 1 << 20);
                self.0 += chunk.len() as u64;
            }
            fn end(&mut self, _: MemberEnd) {}
        }
        let mut count = Count(0);
        let line = std::io::repeat(b'x').take(1 << 30);
        let walked = super::super::walk::walk_reader(Box::new(line), "x", &defaults(), &mut count).unwrap();
        assert_eq!((count.0, walked.bytes), (1 << 30, 1 << 30));
    }
}
