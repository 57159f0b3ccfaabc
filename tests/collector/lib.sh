# Sourced by the tests: runs the collector and looks at what it left. POSIX sh.
# Each test has TEST_DIR, an empty directory of its own, from tests/collector/run.
# shellcheck shell=sh

HERE=$(cd "$(dirname "$0")" && pwd)
COLLECT=$HERE/../../collect.sh
OUT=$TEST_DIR/out
FAILED=0
mkdir -p "$OUT"

# needs TOOL...: skips the test where one of them is not installed.
needs() {
  for needs_tool; do
    command -v "$needs_tool" >/dev/null || { echo "not installed: $needs_tool"; exit 77; }
  done
}

# installed SHELL: succeeds if the shell (words) is there, else says that it is not.
installed() {
  command -v "${1%% *}" >/dev/null && return 0
  echo "not installed: $1"
  return 1
}

needs python3 tar gzip

# check TEXT CMD...: runs CMD; if it fails, says TEXT and remembers.
check() {
  check_text=$1
  shift
  "$@" && return 0
  echo "FAILED: $check_text"
  FAILED=1
}

# done_testing: the test's exit status.
done_testing() { exit $FAILED; }

# not CMD...: succeeds if CMD fails.
not() { ! "$@"; }

# collect SHELL ARGS...: runs the collector under SHELL (words), its output into $OUT unless ARGS say otherwise. The deadline is a long one,
# so that a loaded machine gets as far as an idle one.
# Bounds on TOOK in the tests are the deadline and the 45 s after which the watchdog ends the collector itself, not what an idle machine needs.
# Sets STATUS, TOOK (seconds) and BUNDLE, the unpacked top directory (empty if there is none).
# Processes of the collector are told by COLLECTOR_MARK in their environment.
collect() {
  collect_shell=$1
  shift
  rm -rf "$OUT" && mkdir -p "$OUT"
  uptime_now
  collect_start=$NOW
  # shellcheck disable=SC2086
  COLLECTOR_MARK=1 timeout -k 1 500 $collect_shell "$COLLECT" --output "$OUT" --deadline 300 "$@" >"$TEST_DIR/stdout" 2>"$TEST_DIR/stderr"
  STATUS=$?
  uptime_now
  TOOK=$((NOW - collect_start))
  unpack
}

# uptime_now: sets NOW; date may be a stub.
uptime_now() {
  read -r NOW _ </proc/uptime
  NOW=${NOW%%.*}
}

# unpack: sets BUNDLE from what lies in $OUT: an archive or a directory.
unpack() {
  BUNDLE=
  for unpack_file in "$OUT"/sockdiag-*; do
    case $unpack_file in
      *.tar.gz) gzip -dc "$unpack_file" | tar -C "$OUT" -xf - || return 1; BUNDLE=${unpack_file%.tar.gz} ;;
      *.tar) tar -C "$OUT" -xf "$unpack_file" || return 1; BUNDLE=${unpack_file%.tar} ;;
      *) if [ -d "$unpack_file" ]; then BUNDLE=$unpack_file; fi ;;
    esac
  done
  MANIFEST=$BUNDLE/MANIFEST
}

# nothing_left: succeeds if no process of the collector runs and no work directory is left anywhere.
nothing_left() {
  left=0
  for left_dir in /proc/[0-9]*; do
    if { tr '\000' '\n' <"$left_dir/environ"; } 2>/dev/null | grep -qx COLLECTOR_MARK=1; then
      echo "still runs: $left_dir $(tr '\000' ' ' <"$left_dir/cmdline" 2>/dev/null)"
      left=1
    fi
  done
  for left_dir in "$OUT"/.sockdiag-* /tmp/.sockdiag-* /dev/shm/.sockdiag-* /run/.sockdiag-* /var/tmp/.sockdiag-*; do
    [ -e "$left_dir" ] && echo "still there: $left_dir" && left=1
  done
  [ $left = 0 ]
}

# has RECORD-PATTERN: succeeds if a line of MANIFEST matches the basic regular expression.
has() { grep -q -- "$1" "$MANIFEST"; }

# status_is PATTERN STATUS: succeeds if there is a run line that matches PATTERN and all such have STATUS.
status_is() {
  grep '^run ' "$MANIFEST" | grep -q -- "$1" || { echo "no record of $1"; return 1; }
  ! grep '^run ' "$MANIFEST" | grep -- "$1" | grep -v " status=$2 " || return 1
}

# well_formed: succeeds if MANIFEST is complete in itself: format first, each line of a known kind, each record with all its keys and a
# known status, each path there with as many bytes as told, and each file of the bundle told of.
well_formed() {
  [ -n "$BUNDLE" ] && python3 "$HERE/manifest.py" "$BUNDLE"
}

# only_tools DIR EXCEPT...: fills DIR with links to what the collector may use, without EXCEPT.
only_tools() {
  tools_dir=$1
  shift
  rm -rf "$tools_dir" && mkdir -p "$tools_dir"
  for tools_one in ss netstat lsof strace ps dmesg ls cat awk sed sort tr tail dd df date tar gzip setsid nice ionice mkdir mv rm sleep \
    uname true env grep head; do
    case " $* " in *" $tools_one "*) continue ;; esac
    command -v $tools_one >/dev/null || continue
    ln -s "$(command -v $tools_one)" "$tools_dir/$tools_one"
  done
}
