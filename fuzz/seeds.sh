#!/bin/sh
# Fills fuzz/corpus/TARGET from captures: each file, cut to 32 KiB, goes to the targets whose parser reads it, whole archives and
# concatenated directories to those that take an input.
#
#   fuzz/seeds.sh [DIR...]     default: samples/ beside this directory
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- "$here/../samples"
CUT=32768

seed() { # TARGET FILE: named by its content, so that repetitions fall together
    mkdir -p "$here/corpus/$1"
    sum=$(head -c "$CUT" "$2" | sha256sum | cut -c1-20)
    [ -e "$here/corpus/$1/$sum" ] || head -c "$CUT" "$2" > "$here/corpus/$1/$sum"
}

for dir; do
    # One file of each size class and name is enough of a kind; the fuzzer drops what adds nothing.
    find "$dir" -type f -size -4096k ! -name '*.md' ! -path '*/.git/*' | sort | while IFS= read -r file; do
        case $(basename "$file") in
            expect.yaml|truth.yaml) seed expect "$file" ;;
            config*.yaml|*signatures*.yaml) seed config "$file" ;;
            *.tgz|*.tar|*.tar.*|*.zst|*.xz|*.gz) seed archive "$file"; seed analyze "$file" ;;
            *)
                case $file in
                    *lsof*|*lsfd*) seed lsof "$file" ;;
                    *strace*) seed strace "$file" ;;
                    *netstat*) seed netstat "$file" ;;
                    */ss*) seed ss "$file" ;;
                    *fd*) seed fd "$file" ;;
                    */net/*|*proc*tcp*|*proc*udp*|*proc*unix*) seed proc_net "$file" ;;
                    *.log|*log*|*dmesg*|*jstack*|*journal*) seed log "$file" ;;
                    *) seed small "$file" ;;
                esac
                seed detect "$file"
                seed analyze "$file"
                seed redact "$file"
                ;;
        esac
    done
    # A directory as one text with titles between its files.
    find "$dir" -type d | sort | while IFS= read -r sub; do
        all=$(mktemp)
        find "$sub" -maxdepth 1 -type f ! -name '*.md' ! -name '*.yaml' ! -name '*.tgz' -size -200k | sort | while IFS= read -r file; do
            printf '\n=== %s ===\n' "$(basename "$file")"
            head -c 3000 "$file"
        done > "$all"
        [ ! -s "$all" ] || seed members "$all"
        rm -f "$all"
    done
done
for file in "$here"/../src/signatures/*.yaml; do
    seed config "$file"
done
# Small archives of the first texts, so that tar headers are in the corpus.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0
for text in "$here"/corpus/ss/* "$here"/corpus/small/*; do
    [ -f "$text" ] || continue
    n=$((n + 1))
    [ "$n" -le 12 ] || break
    head -c 2000 "$text" > "$tmp/member-$n.txt"
    for format in gnu pax ustar; do
        tar -C "$tmp" --format="$format" -cf "$tmp/out.tar" "member-$n.txt"
        seed archive "$tmp/out.tar"
        gzip -kf "$tmp/out.tar"
        seed archive "$tmp/out.tar.gz"
        seed analyze "$tmp/out.tar.gz"
    done
done
for corpus in "$here"/corpus/*; do
    [ ! -d "$corpus" ] || printf '%-10s %s seeds\n' "$(basename "$corpus")" "$(find "$corpus" -type f | wc -l)"
done
