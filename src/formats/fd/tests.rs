//! Tests of the listings: the shortest text for each form.

use crate::formats::testing::{facts, told_as};

fn only(path: &str, line: &str) -> String {
    let (told, reading) = told_as(path, line);
    assert_eq!((reading.format(), reading.rows(), reading.unparsed()), ("fd", 1, 0), "{line}");
    told.lines.into_iter().find(|l| l.starts_with("descriptor")).unwrap_or_default()
}

#[test]
fn every_date_and_decoration() {
    for line in [
        "lrwx------ 1 apps apps 64 Nov 22 14:19 11 -> socket:[133874]",
        "lrwx------ 1 apps apps 64 Nov 22  2015 11 -> socket:[133874]",
        "lrwx------. 1 apps apps 64 22. Nov 14:19 11 -> socket:[133874]",
        "lrwx------+ 1 apps apps 64 2026-11-22 14:19:56.909371246 +0000 11 -> 'socket:[133874]'",
        "lrwx------ 1 apps apps 64 2026-11-22 14:19 11 -> socket:[133874]=",
        "lrwx------    1 apps     apps            64 Nov 22 14:19 11 -> socket:[133874]",
        "lrwx------ 1 apps apps 64 Nov 22 14:19 /proc/4684/fd/11 -> socket:[133874]",
    ] {
        let got = only("pid-4684-fd.txt", line);
        assert!(got.starts_with("descriptor pid=4684 tid=- command=- user=apps fd=11 kind=socket protocol=-"), "{line}: {got}");
        assert!(got.ends_with("inode=133874 unlisted=false name=socket:[133874]"), "{line}: {got}");
    }
}

#[test]
fn lists_without_ls() {
    for line in [
        "11 -> socket:[133874]",
        "11 socket:[133874]",
        "/proc/4684/fd/11 socket:[133874]",
        "133874 0 lrwx------ 1 apps apps 64 Nov 22 14:19 /proc/4684/fd/11 -> socket:[133874]",
    ] {
        let got = only("proc/4684/fd", line);
        assert!(got.contains("pid=4684") && got.contains(" fd=11 ") && got.contains("inode=133874"), "{line}: {got}");
    }
    assert!(only("proc/4684/fd", "socket:[133874]").contains("pid=4684 tid=- command=- user=- fd=- kind=socket"));
    assert!(facts("     11 socket:[133874]\n").is_empty(), "uniq -c counts");
}

#[test]
fn targets_with_arrows_and_quotes_in_them() {
    assert!(only("x", "l-wx------ 1 a a 64 Nov 22 14:19 3 -> /tmp/a -> b (deleted)").ends_with("name=/tmp/a -> b (deleted)"));
    assert!(only("x", "lrwx------ 1 a a 64 Nov 22 14:19 3 -> 'anon_inode:[eventpoll]'").contains("kind=eventpoll"));
}

#[test]
fn headings_tell_the_process() {
    let read = facts(
        "/proc/12/fd:\ntotal 0\nlrwx------ 1 a a 64 Nov 22 14:19 3 -> socket:[5]\n\n/proc/13/task/14/fd:\ninsgesamt 0\n\
         lrwx------ 1 a a 64 Nov 22 14:19 3 -> socket:[5]\n### pid 15 fd ###\nlrwx------ 1 a a 64 Nov 22 14:19 4 -> pipe:[6]\n\
         == /proc/16 served\ntotal 0\nlrwx------ 1 a a 64 Nov 22 14:19 4 -> socket:[7]\n",
    );
    let owners: Vec<_> = read.iter().filter(|l| l.starts_with("desc")).map(|l| &l[11..l.find(" command").unwrap_or(11)]).collect();
    assert_eq!(owners, ["pid=12 tid=-", "pid=13 tid=14", "pid=15 tid=-", "pid=16 tid=-"]);
}

#[test]
fn links_that_could_not_be_read() {
    let read = facts(
        "ls: cannot read symbolic link '/proc/2710/fd/0': Permission denied\n\
         ls: cannot read symbolic link '/proc/2710/fd/1': Permission denied\ntotal 0\n\
         lr-x------ 1 app app 64 Nov 22 15:02 0\nl-wx------ 1 app app 64 Nov 22 15:02 1\n",
    );
    assert_eq!(read.iter().filter(|l| l.starts_with("note without privilege")).count(), 2, "once named, once not: {read:#?}");
    assert_eq!(read.iter().filter(|l| l.contains("kind=other") && l.contains("inode=-")).count(), 2);

    let (told, reading) = told_as("pid-2710-fd.txt", "ls: cannot open directory '/proc/2710/fd': Permission denied\n");
    assert_eq!(reading.format(), "fd");
    assert!(told.lines[0].starts_with("note without privilege pid=2710"), "{:?}", told.lines);
}

#[test]
fn a_descriptor_closed_meanwhile_is_no_lack_of_privilege() {
    let read = facts(
        "ls: cannot read symbolic link '/proc/7/fd/3': No such file or directory\nl????????? ? ? ? ? ? 3\n\
         lrwx------ 1 a a 64 Nov 22 14:19 4 -> socket:[5]\n",
    );
    assert!(read.iter().all(|l| l.starts_with("descriptor")), "{read:#?}");
    assert_eq!(read.len(), 2);
}

#[test]
fn a_plain_ls_counts_but_does_not_tell() {
    let read = facts("$ ls /proc/7/fd\n0  1  10\n11\n");
    assert_eq!(read.len(), 4, "{read:#?}");
    assert!(read[2].contains("pid=7") && read[2].contains("fd=10 kind=other"));
}

#[test]
fn other_listings_are_not_taken() {
    for line in ["lrwxrwxrwx 1 root root 11 Nov 22 14:19 0 -> /etc/x", "lrwxrwxrwx 1 root root 0 Nov 22 14:19 net -> net:[4026532177]"] {
        assert!(!facts(line).iter().any(|f| f.starts_with("descriptor")), "{line}");
    }
}

#[test]
fn dumps_of_fdinfo_are_understood() {
    let (told, reading) = told_as("x", "fdinfo/83:\npos:\t0\nflags:\t02000002\nino:\t26\ntfd:       58 events:       19\n");
    assert_eq!((reading.format(), reading.unparsed(), told.lines.len()), ("fd", 0, 0));
    let (told, reading) = told_as("proc/12/fdinfo/83", "pos:\t0\nflags:\t02000002\nmnt_id:\t10\nino:\t26\n");
    assert_eq!((reading.format(), reading.unparsed(), told.lines.len()), ("fd", 0, 0));
}

#[test]
fn repeated_heads_are_read_like_the_first() {
    let rows = [
        "lrwx------ 1 apps apps 64 Nov 22 14:19 1 -> socket:[1]",
        "lrwx------ 1 apps apps 64 Nov 22 14:19 12 -> socket:[2]",
        "lrwx------ 1 apps apps 64 Nov 22 14:19 123 -> /tmp/a -> b",
        "lrwx------ 1 apps apps 64 Nov 22 14:19 /proc/7/fd/3 -> socket:[3]",
        "lrwx------ 1 apps apps 64 Nov 22 14:19 4 -> 'socket:[4]'",
        "lrwx------ 1 root root 64 Nov 22 14:19 5 -> socket:[5]",
        "lrwx------ 1 root root 64 Nov 22 14:19 6 -> socket:[6",
    ];
    let alone: Vec<String> = rows.iter().flat_map(|row| facts(row)).collect();
    assert_eq!(alone.len(), rows.len());
    assert_eq!(facts(&rows.join("\n")), alone);
}
