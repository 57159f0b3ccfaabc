#!/bin/sh
# collect.sh - captures what sockdiag needs to say which process leaks which sockets, on a host that is already in trouble.
#
# It only reads. It loads no kernel module, installs nothing, uses no network, waits for nothing without a limit, and always ends:
# with a bundle whose MANIFEST says of each command how it went, and of each missing tool what it would have told.
# POSIX sh only: dash, bash, BusyBox ash, mksh, ksh93, yash. `collect.sh --help` tells the options.
#
# How it is built
#   main        options, environment, work directory, then the stages in order of cost, then finish
#   guard       runs one command in the background under a time limit; everything that may block goes through it
#   watchdog    one background process that enforces the limits, and ends everything should the collector itself be killed
#   run, batch  guard plus size caps plus the record in MANIFEST: `run` for one command, `batch` for many small /proc files
#   do_*        functions that run inside guard, as a process of their own
# The current directory is the bundle's top directory from open_bundle on, so paths below are the paths in the bundle.
# Results of functions are in upper-case globals named in each header; lower-case names with a prefix are theirs alone.

# Words are split where an expansion stands unquoted, on purpose (SC2086, SC2046); A && B || C is meant as it reads (SC2015); awk programs
# hold $ in single quotes (SC2016); every process has its input from /dev/null (SC2217); do_* are called through guard (SC2317).
# shellcheck disable=SC2015,SC2016,SC2046,SC2086,SC2217,SC2317

# Before anything is parsed that an alias could change; by its full name where unalias itself is one.
\unalias -a 2>/dev/null

VERSION=1.0
PROGRAM=collect.sh
# Where this text is, if it is in a file: for its hash.
case $0 in /*) SCRIPT=$0 ;; *) SCRIPT=$PWD/$0 ;; esac

# ---------------------------------------------------------------------------------------------------------------- options

# usage: prints the help.
usage() {
  while IFS= read -r u_line; do put "$u_line"; done <<'HELP'
usage: collect.sh [options]
Captures the state of sockets and of the processes that hold them into sockdiag-HOST-TIME.tar.gz. Reads only; root sees most.

  --output DIR|FILE|-  where the bundle goes (default: the current directory): a directory that exists, or the archive itself where the
                       name ends in .tgz or .tar.gz; - streams the tar to standard output
  --pid N              also take this process, and trace it first (repeatable)
  --samples N          samples of the cheap counters (default 3)
  --interval S         seconds between samples (default 5)
  --strace SECONDS|off seconds of strace for each top suspect (default 5, and only where that is safe; at most 30)
  --no-cmdline         take no command lines
  --no-logs            take no log files
  --no-hostname        take no host name (log files and command lines may still hold it)
  --deadline S         stop collecting after S seconds (default 60); what is left is recorded as skipped
  --max-mb N           the most the bundle may hold before compression (default 200, at most 1024)
  --allow-modules      let ss load kernel modules (tcp_diag ...) where it would need them
  --dry-run            print every command it would run, run none
  --list               print the version, and path and SHA-256 of this script and of each tool it would run
  --version            print the version
  --help               print this

strace slows a program down while it looks: what does nothing but system calls some fifty times, a busy server some five times.
Passwords and tokens in command lines and log tails are masked before they are written. Standard output carries the bundle's
path (or the tar); everything else goes to standard error.
PATH is the caller's, without relative entries; the sbin directories are added if it has /usr/bin or /bin.
Exit status: 0 a complete bundle; 1 an incomplete one (MANIFEST says why); 2 bad usage; 3 no bundle could be written.
HELP
}

# options ARGS...: reads the command line. Sets the O_ variables; exits with 2 on bad usage.
options() {
  O_OUT=. O_FILE='' O_PIDS='' O_SAMPLES=3 O_INTERVAL=5 O_STRACE=auto O_CMDLINE=1 O_LOGS=1 O_HOST=1 O_DEADLINE=60 O_MAXMB=200 O_MODULES=0 DRY=0 LIST=0
  O_ARGS=$*
  while [ $# -gt 0 ]; do
    o_name=$1
    shift
    case $o_name in
      --help | -h) usage; exit 0 ;;
      --version) put "$PROGRAM $VERSION"; exit 0 ;;
      --dry-run) DRY=1; continue ;;
      --no-cmdline) O_CMDLINE=0; continue ;;
      --no-logs) O_LOGS=0; continue ;;
      --no-hostname) O_HOST=0; continue ;;
      --list) LIST=1; continue ;;
      --allow-modules) O_MODULES=1; continue ;;
      --output=* | --pid=* | --samples=* | --interval=* | --strace=* | --deadline=* | --max-mb=*)
        o_value=${o_name#*=} o_name=${o_name%%=*} ;;
      --output | --pid | --samples | --interval | --strace | --deadline | --max-mb)
        [ $# -gt 0 ] || bad_usage "$o_name needs a value"
        o_value=$1
        shift ;;
      *) bad_usage "unknown option $o_name" ;;
    esac
    case $o_name in
      --output)
        [ -n "$o_value" ] || bad_usage "--output needs a directory, a file or -"
        O_OUT=$o_value O_FILE=
        case $o_value in *.tgz | *.tar.gz) [ -d "$o_value" ] || output_file ;; esac
        continue ;;
      --strace) case $o_value in off | auto) O_STRACE=$o_value; continue ;; esac ;;
    esac
    number "$o_value" || bad_usage "$o_name needs a number, not '$o_value'"
    case $o_name in
      --pid) O_PIDS="$O_PIDS $o_value" ;;
      --samples) between "$o_name" "$o_value" 1 99; O_SAMPLES=$o_value ;;
      --interval) between "$o_name" "$o_value" 0 3600; O_INTERVAL=$o_value ;;
      --strace) between "$o_name" "$o_value" 1 30; O_STRACE=$o_value ;;
      --deadline) between "$o_name" "$o_value" 1 86400; O_DEADLINE=$o_value ;;
      --max-mb) between "$o_name" "$o_value" 1 1024; O_MAXMB=$o_value ;;
    esac
  done
}

# output_file: splits the name of the archive that O_OUT is; exits with 2 where there is one, which may be an earlier capture.
output_file() {
  [ ! -e "$O_OUT" ] || bad_usage "--output: $O_OUT exists already"
  O_FILE=${O_OUT##*/}
  case $O_OUT in
    */*) O_OUT=${O_OUT%/*}; [ -n "$O_OUT" ] || O_OUT=/ ;;
    *) O_OUT=. ;;
  esac
}

# number TEXT: succeeds if TEXT is a decimal number of at most nine digits without leading zeros (which shells read as octal).
number() {
  case $1 in '' | *[!0-9]* | ??????????* | 0?*) return 1 ;; esac
}

# between NAME VALUE MIN MAX: exits with 2 if VALUE is out of range.
between() {
  if [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then bad_usage "$1 takes $3 to $4, not $2"; fi
}

# bad_usage TEXT: says what is wrong and exits with 2.
bad_usage() {
  say "$1 (try --help)"
  exit 2
}

# ---------------------------------------------------------------------------------------------------------- small helpers

# put TEXT: prints TEXT and a newline; works where printf is no builtin (mksh) and may be missing.
put() { printf '%s\n' "$1"; }

# empty FILE: makes FILE empty. Not `: >FILE`: a redirection that fails at a special builtin would end the shell.
empty() { { true; } 2>/dev/null >"$1"; }

# choose_put: redefines put for shells whose printf is a program.
choose_put() {
  case ${KSH_VERSION:-} in
    *'MIRBSD KSH'* | *'LEGACY KSH'* | *PD\ KSH*)
      # shellcheck disable=SC3045
      put() { print -r -- "$1"; } ;;
  esac
}

# say TEXT: a line for the person at the terminal.
say() { put "$PROGRAM: $1" >&2; }

# have TOOL: succeeds if TOOL can be run, and has not hung before (see watchdog).
have() { [ ! -e "$CTL/hung.$1" ] && command -v "$1" >/dev/null 2>&1; }

# now: sets NOW, seconds since boot; a clock that nobody sets, read without starting a process.
now() {
  n_up=0
  read -r n_up _ 2>/dev/null </proc/uptime
  NOW=${n_up%%.*}
  number "$NOW" || NOW=0
}

# iso: sets ISO, the wall clock as 2026-11-24T16:16:23.123Z (milliseconds only where date has %N).
iso() {
  ISO=
  if have date; then
    now
    o_start=$NOW
    ISO=$(date -u "$DATE_FORMAT" 2>/dev/null) || ISO=
    quick date $o_start
  fi
  case $ISO in
    *.?????????) ISO=${ISO%??????}Z ;;
    ????-??-??T??:??:??) ISO=${ISO}Z ;;
    *) epoch_iso ;;
  esac
}

# quick TOOL START: notes that TOOL, called at START, hung, if it took five seconds or more (until the watchdog ended it): see have.
quick() {
  now
  [ $((NOW - $2)) -lt 5 ] || empty "$CTL/hung.$1"
}

# epoch_iso: sets ISO from /proc/stat and /proc/uptime, for hosts without date.
epoch_iso() {
  p_boot=0
  while read -r p_key p_value _; do
    [ "$p_key" = btime ] && p_boot=$p_value
  done 2>/dev/null </proc/stat
  now
  p_t=$((p_boot + NOW))
  p_day=$((p_t / 86400)) p_sec=$((p_t % 86400))
  # Days to a date, after the algorithm for the proleptic Gregorian calendar whose years begin in March.
  p_z=$((p_day + 719468)) p_era=$(((p_day + 719468) / 146097))
  p_doe=$((p_z - p_era * 146097))
  p_yoe=$(((p_doe - p_doe / 1460 + p_doe / 36524 - p_doe / 146096) / 365))
  p_doy=$((p_doe - (365 * p_yoe + p_yoe / 4 - p_yoe / 100)))
  p_mp=$(((5 * p_doy + 2) / 153))
  p_d=$((p_doy - (153 * p_mp + 2) / 5 + 1))
  p_m=$((p_mp < 10 ? p_mp + 3 : p_mp - 9))
  p_y=$((p_yoe + p_era * 400))
  [ "$p_m" -le 2 ] && p_y=$((p_y + 1))
  two $p_m; p_m=$TWO
  two $p_d; p_d=$TWO
  two $((p_sec / 3600)); p_hh=$TWO
  two $((p_sec % 3600 / 60)); p_mm=$TWO
  two $((p_sec % 60))
  ISO=$p_y-$p_m-${p_d}T$p_hh:$p_mm:${TWO}Z
}

# two N: sets TWO, N with at least two digits.
two() {
  TWO=$1
  [ ${#TWO} -ge 2 ] || TWO=0$TWO
}

# escape TEXT: sets ESC, TEXT fit to stand between double quotes in MANIFEST.
escape() {
  ESC=$1
  case $ESC in *[\"\\]* | *"$NL"* | *"$TAB"* | *"$CR"*) ;; *) return 0 ;; esac
  x_rest=$ESC ESC=
  while [ -n "$x_rest" ]; do
    x_char=${x_rest%"${x_rest#?}"}
    x_rest=${x_rest#?}
    case $x_char in
      \" | \\) ESC=$ESC\\$x_char ;;
      "$NL") ESC=$ESC\\n ;;
      "$TAB") ESC=$ESC\\t ;;
      "$CR") ESC=$ESC\\r ;;
      *) ESC=$ESC$x_char ;;
    esac
  done
}

# first_line FILE: sets LINE to the first line of FILE that is not blank, at most 120 characters; empty if there is none.
first_line() {
  LINE=
  while IFS= read -r LINE || [ -n "$LINE" ]; do
    case $LINE in *[!\ ]*) break ;; esac
    LINE=
  done 2>/dev/null <"$1"
  while [ ${#LINE} -gt 120 ]; do LINE=${LINE%??????????}; done
}

# size_of FILE: sets SIZE to its bytes, or to - where nothing can tell.
size_of() {
  SIZE=-
  [ -s "$1" ] || { SIZE=0; return 0; }
  if have ls; then
    now
    o_start=$NOW
    set -- $(ls -ln "$1" 2>/dev/null)
    [ $# -ge 5 ] && SIZE=$5
    quick ls $o_start
  elif have wc; then
    SIZE=$(wc -c <"$1" 2>/dev/null)
    SIZE=${SIZE##* }
  fi
  number "$SIZE" || SIZE=-
}

# make_dir DIR: makes DIR and its parents inside the bundle; starts no process if it exists.
make_dir() { [ -d "$1" ] || mkdir -p "$1" 2>/dev/null; }

# pause SECONDS: sleeps, but returns early when a signal asks to stop.
pause() {
  { exec sleep "$1"; } </dev/null >/dev/null 2>&1 &
  z_pid=$!
  wait "$z_pid" 2>/dev/null
  kill "$z_pid" 2>/dev/null
}

# ------------------------------------------------------------------------------------------- ending processes, in time limits

# alive PID: succeeds if PID runs; a zombie is dead already.
alive() {
  kill -0 "$1" 2>/dev/null || [ -d "/proc/$1" ] || return 1
  l_stat=
  read -r l_stat 2>/dev/null <"/proc/$1/stat" || return 1
  l_stat=${l_stat##*") "}
  case $l_stat in Z* | X*) return 1 ;; esac
}

# tree PID: sets TREE to PID and its descendants. Reads /proc with builtins only, so it works however little is left.
tree() {
  TREE=" $1 " t_more=1
  while [ $t_more = 1 ]; do
    t_more=0
    for t_dir in /proc/[0-9]*; do
      t_pid=${t_dir#/proc/} t_stat=
      case $TREE in *" $t_pid "*) continue ;; esac
      read -r t_stat 2>/dev/null <"$t_dir/stat" || continue
      # After the name, which may hold anything: state, parent.
      t_stat=${t_stat##*") "}
      t_stat=${t_stat#? }
      t_parent=${t_stat%% *}
      case $TREE in *" $t_parent "*) TREE="$TREE$t_pid " t_more=1 ;; esac
    done
  done
}

# signal SIG PIDS...: sends SIG to each, and to the process group each leads (setsid made them leaders).
signal() {
  s_sig=$1
  shift
  for s_pid; do
    kill -"$s_sig" "-$s_pid" 2>/dev/null
    kill -"$s_sig" "$s_pid" 2>/dev/null
  done
}

# end_job PID STYLE: ends PID and all below it. STYLE gentle (strace, which must detach first): INT, TERM, KILL, with time between;
# else TERM, KILL. Returns 0 if it ended, 1 if it survives even KILL: stuck in the kernel, to be abandoned.
end_job() {
  alive "$1" || return 0
  # Stopped first, so that it starts nothing while its descendants are looked for.
  [ "$2" = gentle ] || kill -STOP "$1" 2>/dev/null
  tree "$1"
  case $2 in gentle) e_signals='INT TERM KILL' ;; *) e_signals='TERM KILL' ;; esac
  for e_sig in $e_signals; do
    signal "$e_sig" $TREE
    [ "$2" = gentle ] || kill -CONT "$1" 2>/dev/null
    e_tries=0
    while [ $e_tries -lt $GRACE_STEPS ]; do
      e_left=
      for e_pid in $TREE; do alive "$e_pid" && e_left="$e_left $e_pid"; done
      [ -z "$e_left" ] && return 0
      sleep "$STEP" </dev/null >/dev/null 2>&1
      e_tries=$((e_tries + 1))
    done
    TREE=$e_left
  done
  return 1
}

# watchdog: runs in the background until told to end. Reads ctl/job ("NUMBER WRAPPER END STYLE SIZE FILE") and ends the job when its
# time is over, its file too large, or ctl/stop exists; kills the wrapper of a job that survives, so that the collector's `wait`
# returns. Between jobs it ends a helper (date, ls ...) that keeps the collector waiting, and notes it as ctl/hung.NAME, see have.
# Should the collector be killed, it ends the job, leaves what was collected, and ends. Past ctl/hard it kills the collector.
watchdog() {
  trap - EXIT
  w_over=0
  trap 'w_over=1' TERM
  trap '' INT HUP
  read -r w_self _ 2>/dev/null </proc/self/stat
  now
  w_since=$NOW w_given_up=-
  while :; do
    { exec sleep "$TICK"; } </dev/null >/dev/null 2>&1 &
    w_sleep=$!
    wait "$w_sleep" 2>/dev/null
    # BusyBox may return from wait for a signal before its trap has run: no sleep may outlive its turn.
    if kill -KILL "$w_sleep" 2>/dev/null; then wait "$w_sleep" 2>/dev/null; fi
    [ $w_over = 0 ] || exit 0
    now
    w_job=- w_hard='' w_pid=''
    read -r w_job w_wrapper w_end w_style w_size w_file 2>/dev/null <"$CTL/job"
    [ "${w_job:=-}" = - ] || read -r w_pid 2>/dev/null <"$CTL/$w_job.pid"
    [ "$w_job" = - ] || w_pid=${w_pid:-$w_wrapper}
    read -r w_hard 2>/dev/null <"$CTL/hard"
    if [ -n "$w_hard" ] && [ "$NOW" -ge "$w_hard" ]; then kill -KILL $$ 2>/dev/null; fi
    if ! alive $$; then
      [ -z "$w_pid" ] || end_job "$w_pid" "$w_style"
      salvage
      exit 0
    fi
    if [ -z "$w_pid" ] || [ "$w_job" = "$w_given_up" ] || [ -s "$CTL/$w_job.rc" ]; then
      idle
      continue
    fi
    w_since=$NOW
    w_why=
    if [ "$NOW" -ge "$w_end" ]; then
      w_why=timeout
    elif [ -e "$CTL/stop" ] && [ "$w_style" != pack ]; then
      w_why=stop
    elif [ "$w_size" != 0 ]; then
      size_of "$w_file"
      [ "$SIZE" = - ] || [ "$SIZE" -lt "$w_size" ] || w_why=size
    fi
    [ -n "$w_why" ] || continue
    must_put "$w_why" "$CTL/$w_job.why"
    end_job "$w_pid" "$w_style" || {
      must_put "stuck $w_pid" "$CTL/$w_job.why"
      w_given_up=$w_job
      kill -KILL "$w_wrapper" 2>/dev/null
    }
  done
}

# idle: part of watchdog, while no job runs: after ten seconds ends what the collector waits for.
idle() {
  [ $((NOW - w_since)) -ge 10 ] || return 0
  w_since=$NOW
  tree $$
  for w_child in $TREE; do
    w_comm=
    status_field "$w_child" PPid
    { [ "$w_child" != $$ ] && [ "$w_child" != "$w_self" ] && [ "$FIELD" != "$w_self" ]; } || continue
    IFS= read -r w_comm 2>/dev/null <"/proc/$w_child/comm"
    case $w_comm in '' | sleep | sh | */*) ;; *) empty "$CTL/hung.$w_comm" ;; esac
    kill -KILL "$w_child" 2>/dev/null
  done
}

# salvage: what the watchdog does for a collector that was killed: the bundle, marked incomplete from its first line on, is moved
# to where it was meant to be, as a directory; the work directory goes.
salvage() {
  if [ "$O_OUT" != - ] && [ ! -e "$CTL/packed" ] && [ -s "$WORK/$TOP/MANIFEST" ]; then
    mv "$WORK/$TOP" "$OUT/$TOP" 2>/dev/null || return 0
  fi
  clear_away
  # What the collector had just started (mkdir) may outlive it by a moment.
  sleep "$TICK" </dev/null >/dev/null 2>&1
  clear_away
}

# clear_away: removes what the collector works with, and an archive that is not whole.
clear_away() {
  rm -rf "$WORK"
  for ca_dir in "$OUT" "${WORK%/*}"; do
    part_of "$ca_dir"
    rm -f -- "$PART"
  done
}

# part_of DIR: sets PART, the name of the archive in DIR while it is written.
part_of() { PART=$1/.$TOP.$$.part; }

# must_put TEXT FILE: writes TEXT to FILE, at the cost of the ballast if the disk is full.
must_put() { put "$1" 2>/dev/null >"$2" || { empty "$CTL/ballast"; put "$1" 2>/dev/null >"$2"; }; }

# guard LIMIT STYLE OUT ERR CMD...: runs CMD in the background, standard input from /dev/null, at most LIMIT seconds and never past
# the deadline. CMD is a program, run at low priority in a session of its own, or a do_* function. STYLE: normal; gentle for strace,
# which runs at normal priority, since its target waits for it; pack for the final archive, which no stop ends.
# Globals read: FSIZE (largest file in bytes, 0: any), WATCH_SIZE and WATCH_FILE (ended softly when FILE grows past SIZE, 0: none).
# Sets RC (exit status, 128+N for a signal, - if unknown) and HOW: ended, timeout, stuck, stop, size.
guard() {
  g_limit=$1 g_style=$2 g_out=$3 g_err=$4
  shift 4
  now
  g_end=$((NOW + g_limit))
  [ "$g_style" = pack ] || [ "$g_end" -le "$DEADLINE" ] || g_end=$DEADLINE
  JOB=$((JOB + 1))
  g_job=$CTL/$JOB
  # The wrapper waits for the job, so that the collector need not: a wrapper can always be killed, a job stuck in the kernel cannot.
  # Braces and an explicit exec: with parentheses, or without exec, yash starts a second process behind the one that $! tells.
  {
    trap - INT TERM HUP EXIT
    {
      # Nothing but the archive may hold standard output open.
      [ "$g_style" = pack ] || exec 3>&-
      [ "$FSIZE" = 0 ] || ulimit -f $((FSIZE / 512 + 1)) 2>/dev/null
      case $1 in
        do_*) "$@" ;;
        strace) exec $SETSID "$@" ;;
        *) case $HELPERS in *" $1 "*) "$@" ;; *) exec $SETSID $LOW "$@" ;; esac ;;
      esac
    } </dev/null >"$g_out" 2>"$g_err" &
    g_pid=$!
    must_put "$g_pid" "$g_job.pid"
    wait "$g_pid"
    must_put "$?" "$g_job.rc"
  } </dev/null >/dev/null 2>&1 &
  g_wrapper=$!
  if ! must_put "$JOB $g_wrapper $g_end $g_style $WATCH_SIZE $WATCH_FILE" "$CTL/job"; then
    # The watchdog cannot be told: see to the time ourselves.
    disk_full
    while alive "$g_wrapper" && [ -z "$STOP" ] && [ "$NOW" -lt "$g_end" ]; do
      pause "$STEP"
      now
    done
    alive "$g_wrapper" && STOP=${STOP:-time}
  fi
  while :; do
    wait "$g_wrapper" 2>/dev/null
    [ -s "$g_job.rc" ] && break
    if [ -n "$STOP" ] && [ "$g_style" != pack ] || ! alive "$g_wrapper"; then
      # A signal came, or the wrapper is gone and its job may not be.
      g_pid=
      read -r g_pid 2>/dev/null <"$g_job.pid"
      HOW=
      read -r HOW _ 2>/dev/null <"$g_job.why"
      # The watchdog has tried already.
      [ "$HOW" = stuck ] && break
      if [ -n "$g_pid" ] && ! end_job "$g_pid" "$g_style"; then must_put "stuck $g_pid" "$g_job.why"; fi
      [ -s "$g_job.why" ] || put stop 2>/dev/null >"$g_job.why"
      [ ! -s "$g_job.rc" ] || break
      end_job "$g_wrapper" normal
      wait "$g_wrapper" 2>/dev/null
      break
    fi
  done
  must_put - "$CTL/job" || disk_full
  RC=- HOW=ended STUCK=
  read -r RC 2>/dev/null <"$g_job.rc"
  read -r HOW STUCK 2>/dev/null <"$g_job.why"
  HOW=${HOW:-ended}
  number "$RC" || RC=-
  # A job that ended by itself while its end was being decided did end.
  [ "$HOW" = stop ] && [ "$RC" = 0 ] && HOW=ended
  plain_rc
}

# plain_rc: makes RC the same in all shells: yash reports a signal as 384+N, ksh93 as 256+N, the others as 128+N.
plain_rc() {
  [ "$RC" != - ] || return 0
  if [ "$RC" -ge 384 ]; then RC=$((RC - 256)); elif [ "$RC" -gt 256 ]; then RC=$((RC - 128)); fi
}

# ------------------------------------------------------------------------------------------------------------ the manifest

# header KEY VALUE: one header line of MANIFEST; line ends in VALUE become blanks.
header() {
  h_value=$2
  while :; do
    case $h_value in *"$NL"*) h_value="${h_value%%"$NL"*} ${h_value#*"$NL"}" ;; *) break ;; esac
  done
  manifest "$1=$h_value"
}

# manifest LINE: appends LINE to MANIFEST, giving up the ballast if the disk is full.
manifest() {
  [ $DRY = 0 ] || return 0
  put "$1" 2>/dev/null >>MANIFEST && return 0
  disk_full
  put "$1" 2>/dev/null >>MANIFEST
}

# disk_full: notes that writing failed: drops the ballast so that MANIFEST can be finished, and collects no more.
disk_full() {
  incomplete disk-full
  [ ! -e "$CTL/ballast" ] || empty "$CTL/ballast"
  FULL=1
}

# incomplete REASON: the bundle will say complete=no, with the first reason given.
incomplete() { [ -n "$REASON" ] || REASON=$1; }

# next_id: sets ID, the next record's number, three digits or more.
next_id() {
  RECORDS=$((RECORDS + 1))
  ID=$RECORDS
  while [ ${#ID} -lt 3 ]; do ID=0$ID; done
}

# record ID STATUS RC START END BYTES STDERR PATH TOOL ARGV [MORE]: one run line. STDERR and PATH are paths in the bundle, or -.
# MORE is further key=value text, already escaped. Adds sees=own where other users' processes cannot be seen, and the path of the program.
record() {
  escape "$9"
  r_tool=$ESC
  r_line="run id=$1 status=$2 rc=$3 start=$4 end=$5 bytes=$6 stderr=$7 path=$8 tool=\"$r_tool\""
  shift 9
  escape "$1"
  r_argv=$ESC
  r_bin=
  case $1 in
    env\ PROC_ROOT=*) r_bin=$(command -v ss) ;;
    [a-z]*) r_bin=$(command -v "${1%% *}") ;;
  esac
  case $r_bin in /*) escape "$r_bin"; r_bin=" bin=\"$ESC\"" ;; *) r_bin= ;; esac
  manifest "$r_line$r_bin$SEES_OWN argv=\"$r_argv\"${2:+ $2}"
}

# skip WHAT TOOL ARGV WHY: records a command that was not run, and why.
skip() {
  next_id
  iso
  escape "$4"
  record "$ID" skipped - "$ISO" "$ISO" 0 - - "$2" "$3" "note=\"$ESC\""
}

# missing TOOL: records once that TOOL is not there, and what it would have told.
missing() {
  case $MISSING in *" $1 "*) return 0 ;; esac
  MISSING="$MISSING$1 "
  case $1 in
    ss) m_would='TCP, UDP and unix sockets with state, queues, timers, memory and owner; ss -s counts TCP sockets in no table' ;;
    netstat) m_would='a second, independent table of sockets with owners; /proc/net is taken all the same' ;;
    lsof) m_would='each descriptor of each process, with the protocol of sockets that are in no table' ;;
    strace) m_would='which calls open sockets that are never closed, with peer address and error' ;;
    ps) m_would='user, start time and command line of every process, not only of the suspects' ;;
    dmesg) m_would='kernel messages: orphans, socket memory, SYN floods, file-max, conntrack' ;;
    ls) m_would='descriptor listings, sizes and namespaces' ;;
    awk) m_would='counts of socket descriptors per process, and command lines, log tails and ps output, which are not taken unmasked' ;;
    tr) m_would='command lines, which are not taken unmasked' ;;
    tail) m_would='the ends of log files and of outputs that were too long' ;;
    dd) m_would='the beginnings of outputs that were too long' ;;
    tar) m_would='one archive instead of a directory' ;;
    gzip) m_would='a compressed archive' ;;
    sha256sum) m_would='hashes that show that nothing was changed since' ;;
    setsid) m_would='a session of its own for each command, so that nothing it starts can outlive it' ;;
    nice | ionice) m_would='low priority for the collector'"'"'s commands' ;;
    df) m_would='free space on the output file system, checked before each command' ;;
    date) m_would='the wall clock to the millisecond; it is computed from the boot time instead' ;;
    cat) m_would='copies of /proc files; another tool makes them' ;;
    *) m_would='nothing more' ;;
  esac
  escape "$m_would"
  manifest "missing tool=$1 would=\"$ESC\""
}

# tool_version TOOL: sets TOOL_VERSION, what TOOL says of its version; asked once, within two seconds.
tool_version() {
  case $1 in *[!a-z]*) TOOL_VERSION=$1; return 0 ;; esac
  eval "TOOL_VERSION=\${V_$1:-}"
  [ -z "$TOOL_VERSION" ] || return 0
  TOOL_VERSION=$1
  case $1 in
    ss | netstat | strace | ps | dmesg) v_option=-V ;;
    lsof) v_option=-v ;;
    *) v_option=--version ;;
  esac
  if [ $DRY = 1 ]; then
    put "$1 $v_option"
  elif [ -z "$STOP$FULL" ]; then
    v_fsize=$FSIZE FSIZE=65536
    guard 2 normal "$CTL/version" "$CTL/version.err" "$1" "$v_option"
    FSIZE=$v_fsize
    [ "$HOW" = ended ] || TOOL_VERSION="$1 (gave no version within 2 s)"
    [ "$HOW" = ended ] || slow_tool "$1"
    for v_file in "$CTL/version" "$CTL/version.err"; do
      v_n=0
      while [ $v_n -lt 12 ] && IFS= read -r LINE; do
        v_n=$((v_n + 1))
        case $LINE in
          *BusyBox*v[0-9]*) TOOL_VERSION="$LINE"; break 2 ;;
          *'revision: '*) TOOL_VERSION="lsof ${LINE##*revision: }"; break 2 ;;
        esac
      done 2>/dev/null <"$v_file"
    done
    if [ "$TOOL_VERSION" = "$1" ]; then
      first_line "$CTL/version"
      case $LINE in *[0-9]*) ;; *) first_line "$CTL/version.err" ;; esac
      [ "$RC" = 127 ] || case $LINE in *[0-9]*) TOOL_VERSION=$LINE ;; esac
    fi
    while [ ${#TOOL_VERSION} -gt 80 ]; do TOOL_VERSION=${TOOL_VERSION%?????}; done
    # Whatever it said, MANIFEST stays a text.
    case $TOOL_VERSION in *[!\ -~"$TAB"]*) TOOL_VERSION="$1 (gave no readable version)" ;; esac
  fi
  eval "V_$1=\$TOOL_VERSION"
}

# slow_tool TOOL: counts that TOOL ran into its limit. After two times it is not run again: it would cost the deadline.
slow_tool() { SLOW="$SLOW$1 "; }

# ------------------------------------------------------------------------------------------------------ running a command

# run PATH LIMIT CMD...: runs a program under guard, writes its output to PATH in the bundle and a record to MANIFEST.
# Globals read: STYLE, WATCH_SIZE, WATCH_FILE (see guard), SHOW (argv to print instead of CMD), NOTE (text for the record), PLAN
# (1: running into the limit is how it is meant to end). They are reset.
# Sets STATUS: ok, failed, timeout, stuck, skipped, unsupported, denied, truncated.
run() {
  c_path=$1 c_limit=$2
  shift 2
  c_tool=${TOOL:-$1} c_argv=${SHOW:-$*} c_style=${STYLE:-normal} c_note=$NOTE c_plan=$PLAN
  TOOL='' SHOW='' STYLE='' NOTE='' PLAN=''
  STATUS=skipped
  if [ "${BUSY_SAMPLING:-0}" = 0 ]; then sample_if_due; fi
  if ! have "$c_tool"; then
    missing "$c_tool"
    [ $DRY = 1 ] || skip "$c_path" "$c_tool" "$c_argv" "$c_tool is not there"
    return 0
  fi
  tool_version "$c_tool"
  if [ $DRY = 1 ]; then
    put "$c_argv"
    STATUS=ok
    return 0
  fi
  case $SLOW in *" $c_tool "*" $c_tool "*)
    skip "$c_path" "$TOOL_VERSION" "$c_argv" "$c_tool ran into its time limit twice before"
    return 0 ;;
  esac
  if ! may_go; then
    skip "$c_path" "$TOOL_VERSION" "$c_argv" "$WHY_NOT"
    return 0
  fi
  next_id
  c_err=stderr/$ID c_id=$ID
  case $c_path in */*) make_dir "${c_path%/*}" ;; esac
  iso
  c_start=$ISO
  guard "$c_limit" "$c_style" "$c_path" "$c_err" "$@"
  WATCH_SIZE=0 WATCH_FILE=-
  iso
  [ "$c_plan" = 1 ] && [ "$HOW" = timeout ] && { HOW=ended RC=0 c_note="ended after $c_limit s, as planned"; }
  [ "$HOW" = timeout ] && slow_tool "$c_tool"
  account "$c_id" "${WROTE:-$c_path}" "$c_err" "$c_start" "$ISO" "$TOOL_VERSION" "$c_argv" "$c_note"
  WROTE=
}

# may_go: succeeds if another command may be started; else sets WHY_NOT.
may_go() {
  WHY_NOT=
  now
  if [ -n "$STOP" ]; then
    WHY_NOT="interrupted by $STOP"
  elif [ "$NOW" -ge "$DEADLINE" ]; then
    WHY_NOT='the deadline is over' && incomplete deadline
  elif [ -n "$FULL" ]; then
    WHY_NOT='the disk is full'
  elif [ "$USED" -ge "$BUDGET" ]; then
    WHY_NOT='the size budget is used up' && incomplete max-mb
  else
    disk_room
  fi
  [ -z "$WHY_NOT" ] || return 1
  # One command may write up to twice what is kept of it, and never more than what is left.
  FSIZE=$((BUDGET - USED))
  [ "$FSIZE" -le $((CAP * 2)) ] || FSIZE=$((CAP * 2))
  alive "$WATCHDOG" || start_watchdog
}

# disk_room: sets WHY_NOT if the file system of the work directory has less left than is to stay free. Asked every two seconds.
disk_room() {
  [ "$FLOOR" != 0 ] && [ "$NOW" -ge "$DISK_NEXT" ] || return 0
  DISK_NEXT=$((NOW + 2))
  free_kb "$WORK"
  [ "$FREE" = - ] || [ "$FREE" -ge "$FLOOR" ] || { WHY_NOT='the disk is nearly full' FULL=1; incomplete disk-full; }
}

# free_kb DIR: sets FREE, the free kilobytes of DIR's file system, at most 999999999; - if unknown. df may hang on dead servers.
free_kb() {
  FREE=-
  have df || return 0
  f_fsize=$FSIZE FSIZE=65536
  guard 3 pack "$CTL/df" /dev/null df -P -k "$1"
  FSIZE=$f_fsize
  [ "$HOW" != timeout ] || empty "$CTL/hung.df"
  free_of "$CTL/df"
}

# free_of FILE: sets FREE from what df wrote to FILE.
free_of() {
  FREE=- f_text=
  while read -r f_line; do f_text=$f_line; done 2>/dev/null <"$1"
  # Filesystem blocks used available capacity mount: counted from the percent sign, since the first may hold blanks.
  case $f_text in *%*) ;; *) return 0 ;; esac
  f_text=${f_text%%\%*}
  set -- $f_text
  [ $# -ge 4 ] || return 0
  shift $(($# - 2))
  FREE=$1
  case $FREE in '' | *[!0-9]*) FREE=- ;; ??????????*) FREE=999999999 ;; esac
}

# account ID PATH ERR START END TOOL ARGV NOTE: judges a job that ended (RC, HOW), cuts what is too long, writes the record.
# Sets STATUS.
account() {
  a_path=$2 a_err=$3 a_note=$8
  judge "$a_path" "$a_err"
  size_of "$a_path"
  a_raw=$SIZE
  if [ "$SIZE" != - ] && [ "$SIZE" -gt "$CAP" ]; then
    cut_middle "$a_path" "$CAP"
    [ "$STATUS" = ok ] && STATUS=truncated
    a_note="${a_note:+$a_note; }$REMOVED bytes removed from the middle"
  fi
  [ "$RC" = 153 ] && { STATUS=truncated; a_note="${a_note:+$a_note; }ended at the size limit"; }
  [ "$HOW" = size ] && { STATUS=truncated; a_note="${a_note:+$a_note; }ended when its file was full"; }
  [ "$HOW" = stuck ] && a_note="${a_note:+$a_note; }process $STUCK does not end on KILL and was left"
  [ "$HOW" = stop ] && a_note="${a_note:+$a_note; }interrupted"
  [ "$SIZE" = - ] || USED=$((USED + SIZE))
  a_bytes=$SIZE
  # An empty file would read as "there are none".
  if [ "$SIZE" = 0 ] && [ $STATUS != ok ]; then
    rm -f "$a_path"
    a_path=-
  fi
  if [ -s "$a_err" ]; then
    size_of "$a_err"
    [ "$SIZE" = - ] || [ "$SIZE" -le 65536 ] || cut_middle "$a_err" 65536
    [ "$SIZE" = - ] || USED=$((USED + SIZE))
  else
    EMPTY="$EMPTY $a_err"
    a_err=-
  fi
  a_more=
  [ "$a_raw" = "$a_bytes" ] || a_more="raw=$a_raw"
  if [ -n "$a_note" ]; then
    escape "$a_note"
    a_more="${a_more:+$a_more }note=\"$ESC\""
  fi
  record "$1" "$STATUS" "$RC" "$4" "$5" "$a_bytes" "$a_err" "$a_path" "$6" "$7" "$a_more"
}

# judge OUT ERR: sets STATUS from RC, HOW and what the command said.
judge() {
  STATUS=ok
  case $HOW in
    timeout | stuck) STATUS=$HOW; return 0 ;;
    stop) STATUS=failed; return 0 ;;
    size) return 0 ;;
  esac
  [ "$RC" = 0 ] && return 0
  STATUS=failed
  j_n=0
  while [ $j_n -lt 20 ] && IFS= read -r j_line; do
    j_n=$((j_n + 1))
    case $j_line in
      *'ermission denied'* | *'not permitted'* | *'must be root'* | *'ccess denied'*) STATUS=denied; break ;;
      *'No space left'*) disk_full; break ;;
      *'nvalid option'* | *'nrecognized option'* | *'nknown option'* | *'llegal option'* | *'nvalid system call'* | *[Uu]sage:* | *'usage:'*)
        STATUS=unsupported; break ;;
    esac
  done 2>/dev/null <"$2"
  # ls ends with 1 when a descriptor was closed while it looked: the listing is good.
  case $1 in
    */fd | */ns | */fd-counts)
      if [ "$RC" = 1 ] && [ $STATUS = failed ] && [ -s "$1" ]; then STATUS=ok; fi
      # Some print a total of nothing where they may not look: that would read as "there are none".
      if [ $STATUS = denied ] && only_total "$1"; then empty "$1"; fi ;;
  esac
}

# only_total FILE: succeeds if FILE is one line that begins with total.
only_total() {
  ot_first='' ot_more=''
  { IFS= read -r ot_first; IFS= read -r ot_more; } 2>/dev/null <"$1"
  case $ot_first in total*) [ -z "$ot_more" ] ;; *) false ;; esac
}

# cut_middle FILE MAX: keeps the first and the last half of MAX bytes of FILE in whole lines, with a marker line between.
# Sets SIZE to what is kept and REMOVED.
cut_middle() {
  size_of "$1"
  k_all=$SIZE
  k_half=$(($2 / 2))
  if have dd; then
    dd if="$1" of="$1.cut" bs=4096 count=$((k_half / 4096)) 2>/dev/null
    whole_lines head "$1.cut"
  else
    missing dd
    empty "$1.cut"
  fi
  if have tail; then
    tail -c "$k_half" "$1" >"$1.tail" 2>/dev/null
    whole_lines tail "$1.tail"
  else
    missing tail
    empty "$1.tail"
  fi
  size_of "$1.cut"
  k_kept=$SIZE
  size_of "$1.tail"
  k_kept=$((k_kept + SIZE))
  REMOVED=$((k_all - k_kept))
  {
    put "[sockdiag: $REMOVED bytes removed here]"
    copy "$1.tail"
  } >>"$1.cut" 2>/dev/null && mv -f "$1.cut" "$1" 2>/dev/null || disk_full
  rm -f "$1.tail" "$1.cut"
  size_of "$1"
}

# whole_lines head|tail FILE: drops the broken line that cutting left, unless that would drop all of a file without lines.
whole_lines() {
  have sed || return 0
  case $1 in head) sed '$d' "$2" >"$2.w" 2>/dev/null ;; *) sed 1d "$2" >"$2.w" 2>/dev/null ;; esac
  if [ -s "$2.w" ]; then mv -f "$2.w" "$2" 2>/dev/null || rm -f "$2.w"; else rm -f "$2.w"; fi
}

# copy FILE: prints FILE, with whatever there is.
copy() {
  if have cat; then
    $LOW cat "$1"
  elif have dd; then
    $LOW dd if="$1" bs=4096 2>/dev/null
  elif have sed; then
    $LOW sed '' "$1"
  else
    # Slow, so it is bounded.
    y_n=0
    while [ $y_n -lt 2000 ] && IFS= read -r y_line; do
      y_n=$((y_n + 1))
      put "$y_line"
    done <"$1"
  fi
}

# batch LIMIT [VERB SOURCE PATH]...: takes many small files as one job, with a record for each. VERBs: see take.
# When the job gets stuck at one of them, the rest is taken by a new job.
batch() {
  b_limit=$1
  shift
  [ "${BUSY_SAMPLING:-0}" = 1 ] || sample_if_due
  if [ $DRY = 1 ]; then
    while [ $# -ge 3 ]; do
      verb_argv "$1" "$2"
      put "$VERB_ARGV"
      shift 3
    done
    return 0
  fi
  while [ $# -ge 3 ]; do
    if ! may_go; then
      while [ $# -ge 3 ]; do
        verb_argv "$1" "$2"
        skip "$3" - "$VERB_ARGV" "$WHY_NOT"
        shift 3
      done
      return 0
    fi
    b_base=$RECORDS b_dirs=' '
    b_n=0
    for b_word; do
      b_n=$((b_n + 1))
      [ $((b_n % 3)) = 0 ] || continue
      b_dir=${b_word%/*}
      [ "$b_dir" != "$b_word" ] || continue
      case $b_dirs in *" $b_dir "*) ;; *) make_dir "$b_dir"; b_dirs="$b_dirs$b_dir " ;; esac
    done
    empty "$CTL/batch"
    iso
    b_start=$ISO
    guard "$b_limit" normal /dev/null /dev/null do_batch "$@"
    iso
    b_how=$HOW b_stuck=$STUCK b_rc=$RC b_end=$ISO
    # What the job reports: the exit status of each that ended, in order.
    b_results=
    while read -r b_result; do b_results="$b_results$b_result "; done 2>/dev/null <"$CTL/batch"
    b_more=1
    while [ $# -ge 3 ] && [ $b_more = 1 ]; do
      next_id
      if [ -n "$b_results" ]; then
        RC=${b_results%% *} HOW=ended STUCK=''
        b_results=${b_results#* }
      else
        # This one was at work when the job ended.
        b_more=0 RC=$b_rc HOW=$b_how STUCK=$b_stuck
        [ "$HOW" != ended ] || [ "$RC" != - ] || HOW=stop
      fi
      number "$RC" || RC=-
      plain_rc
      verb_argv "$1" "$2"
      account "$ID" "$3" "stderr/$ID" "$b_start" "$b_end" "${VERB_ARGV%% *}" "$VERB_ARGV" "$BATCH_NOTE"
      shift 3
    done
  done
}

# verb_argv VERB SOURCE: sets VERB_ARGV, the command line that take runs for it.
verb_argv() {
  case $1 in
    cat) VERB_ARGV="cat $2" ;;
    ls) VERB_ARGV="ls -ln $2" ;;
    cmdline) VERB_ARGV="cat $2 | tr | awk (mask) | tr" ;;
    log) VERB_ARGV="tail -c $LOG_BYTES $2 | awk (mask)" ;;
    fdcounts) VERB_ARGV='ls -ln /proc/[0-9]*/fd | awk (count)' ;;
    netns) VERB_ARGV='ls -ln /proc/[0-9]*/ns/net | awk' ;;
    date) VERB_ARGV="date -u $DATE_FORMAT" ;;
    sysctl) VERB_ARGV='cat /proc/sys/fs/* /proc/sys/net/... (selected)' ;;
  esac
}

# do_batch [VERB SOURCE PATH]...: the job of batch. The number of the first record is b_base + 1.
do_batch() {
  d_id=$b_base
  while [ $# -ge 3 ]; do
    d_id=$((d_id + 1)) d_name=$d_id
    while [ ${#d_name} -lt 3 ]; do d_name=0$d_name; done
    take "$1" "$2" >"$3" 2>"stderr/$d_name"
    put "$?" >>"$CTL/batch"
    shift 3
  done
}

# take VERB SOURCE: prints one thing.
take() {
  case $1 in
    cat) copy "$2" ;;
    ls) list "$2" ;;
    cmdline) take_cmdline "$2" ;;
    log) take_log "$2" ;;
    fdcounts) (fd_counts) ;;
    netns) (net_namespaces) ;;
    date) iso && put "$ISO" ;;
    sysctl) sysctls ;;
  esac
}

# list PATH: a listing in long form. -n: names of users may come from a directory service that does not answer. Not -L, not -F:
# the files behind the links are never touched, as they may lie on a dead server.
list() {
  have ls || { put 'ls: not found' >&2; return 127; }
  $LOW ls -ln "$1"
}

# ---------------------------------------------------------------------------------------------------------------- masking

# MASK: awk program that hides values that look like secrets. With -v mode=args each line is one argument of a command line.
MASK='
function is_secret_option(s) { return tolower(s) ~ ("^--?[a-z0-9_.-]*" word "[a-z0-9_-]*$") }
# The text with the values of secret-looking keys hidden.
function keys(s,    out, low, key, rest, q, n) {
  out = ""
  while (1) {
    low = tolower(s)
    if (!match(low, word "(s?[\\\\]?[\"\047]?[ \t]*[:=]|[a-z0-9_.-]*[\"\047]?[ \t]*=)[ \t]*")) break
    key = substr(s, 1, RSTART + RLENGTH - 1)
    rest = substr(s, RSTART + RLENGTH)
    if (substr(rest, 1, 1) == "\\") { key = key "\\"; rest = substr(rest, 2) }
    q = substr(rest, 1, 1)
    if (q == "\"" || q == "\047") {
      key = key q
      rest = substr(rest, 2)
      n = index(rest, q)
      if (n == 0) n = length(rest) + 1
    } else {
      if (match(tolower(rest), /^(bearer|basic|digest|negotiate|token|apikey)[ \t]+/)) {
        key = key substr(rest, 1, RLENGTH)
        rest = substr(rest, RLENGTH + 1)
      }
      n = match(rest, "[] \t\"\047&,;)}]") ? RSTART : length(rest) + 1
    }
    out = out key (n > 1 ? "***" : "")
    s = substr(rest, n)
  }
  return out s
}
# Secrets known by their place or their shape.
function shapes(s,    out) {
  out = ""
  while (match(s, "://[^/ @:\"]*:[^@/ \"]+@")) {
    key = substr(s, RSTART, RLENGTH)
    sub(/:[^:]*@$/, ":***@", key)
    if (key !~ /\*\*\*@$/) key = "://***@"
    out = out substr(s, 1, RSTART - 1) key
    s = substr(s, RSTART + RLENGTH)
  }
  s = out s
  gsub(/eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]+/, "***", s)
  gsub(/(AKIA|ASIA)[0-9A-Z][0-9A-Z][0-9A-Z][0-9A-Z][0-9A-Z][0-9A-Z][0-9A-Z][0-9A-Z]+/, "***", s)
  gsub(/(gh[opsur]|github_pat|glpat|xox[abeprs]|[sr]k_live|[sr]k_test|hv[sb])[-_.][A-Za-z0-9_-]+/, "***", s)
  gsub("[Bb]earer [A-Za-z0-9._~+/=-]+", "Bearer ***", s)
  return s
}
# Whole command lines in running text: the word after a secret-looking option, and the short options of known programs.
function words(s,    out, key) {
  out = ""
  while (match(tolower(s), "(^|[ \t])--?[a-z0-9_.-]*" word "[a-z0-9_-]*[ \t]+[^ \t-][^ \t]*")) {
    key = substr(s, RSTART, RLENGTH)
    sub(/[^ \t]+$/, "***", key)
    out = out substr(s, 1, RSTART - 1) key
    s = substr(s, RSTART + RLENGTH)
  }
  s = out s
  if (s ~ /(mysql|mariadb|mongo)/) gsub(/ -p[^ ]+/, " -p***", s)
  if (s ~ /sshpass/) gsub(/ -p *[^ ]+/, " -p ***", s)
  if (s ~ /redis-cli/) gsub(/ -a +[^ ]+/, " -a ***", s)
  if (s ~ /(curl|wget)/) gsub(/ (-u|--user) *[^ ]+/, " -u ***", s)
  if (s ~ /ldap/) gsub(/ -w +[^ ]+/, " -w ***", s)
  return s
}
BEGIN {
  word = "(pass(word|wd|phrase|code)?|pwd|secret|token|api[-_.]?key|access[-_.]?key|account[-_.]?key|private[-_.]?key|encryption[-_.]?key|credentials?|authorization|cookie|session[-_.]?id|signature|jwt)"
}
# The first line of a tail is broken.
NR == 1 && skip { next }
mode == "args" {
  if (NR == 1) { program = $0; sub(/.*\//, "", program) }
  if (hide_next && $0 !~ /^-/) { hide_next = 0; print "***"; next }
  hide_next = 0
  if (is_secret_option($0)) hide_next = 1
  else if (program ~ /^(sshpass)$/ && $0 == "-p") hide_next = 1
  else if (program ~ /^redis-cli/ && $0 == "-a") hide_next = 1
  else if (program ~ /^(curl|wget)$/ && ($0 == "-u" || $0 == "--user")) hide_next = 1
  else if (program ~ /^ldap/ && $0 == "-w") hide_next = 1
  else if (program ~ /^(mysql|mariadb|mongo|sshpass)/ && $0 ~ /^-p./) { print "-p***"; next }
  # An argument that is one KEY=VALUE is hidden to its end: the value may hold blanks.
  if (match(tolower($0), "^-*[a-z0-9_.-]*" word "[a-z0-9_.-]*=")) { print substr($0, 1, RLENGTH) "***"; next }
  print keys(shapes(words($0)))
  next
}
/-----BEGIN [A-Z ]*PRIVATE KEY/ { in_key = 1; print "***"; next }
in_key { if (/-----END/) in_key = 0; next }
{ print keys(shapes(words($0))) }
'

# take_cmdline FILE: prints a /proc/PID/cmdline with secrets masked; arguments stay separated by NUL.
take_cmdline() {
  { have awk && have tr; } || { put 'awk or tr: not found; command lines are not taken unmasked' >&2; return 127; }
  # A newline inside an argument becomes \001 on the way, so that each line is one argument.
  copy "$1" | tr '\n\000' '\001\n' | $LOW awk -v mode=args -f "$CTL/mask.awk" | tr '\n\001' '\000\n'
}

# take_log FILE: prints the end of FILE with secrets masked, in whole lines. Only regular files: a pipe would be read empty.
take_log() {
  have awk || { put 'awk: not found; logs are not taken unmasked' >&2; return 127; }
  have tail || { put 'tail: not found' >&2; return 127; }
  [ -f "$1" ] || { put "$1: not a regular file" >&2; return 1; }
  size_of_link "$1"
  if [ "$SIZE" != - ] && [ "$SIZE" -le "$LOG_BYTES" ]; then
    $LOW awk -f "$CTL/mask.awk" <"$1"
  else
    $LOW tail -c "$LOG_BYTES" "$1" | $LOW awk -v skip=1 -f "$CTL/mask.awk"
  fi
}

# size_of_link LINK: sets SIZE to the bytes of the file behind LINK, or -.
size_of_link() {
  set -- $(ls -lnL "$1" 2>/dev/null)
  SIZE=${5:--}
  number "$SIZE" || SIZE=-
}

# do_masked CMD...: runs CMD and prints its output with secrets masked; returns CMD's exit status.
do_masked() {
  {
    { $SETSID $LOW "$@" 3>&-; put "$?" >&3; } | $LOW awk -f "$CTL/mask.awk" 3>&-
  } 3>"$CTL/masked"
  q_rc=1
  read -r q_rc <"$CTL/masked"
  return "$q_rc"
}

# do_dmesg: prints the kernel's messages about sockets, memory and files, the last 400 of them.
do_dmesg() {
  {
    { $SETSID $LOW dmesg 3>&-; put "$?" >&3; } | $LOW awk '
      { low = tolower($0) }
      low ~ /(tcp|udp|sock|syn flood|orphan|conntrack|file-max|file descriptor|out of memory|oom|too many|neighbo|netlink|time wait)/ {
        keep[n++ % 400] = $0
      }
      END { for (i = (n > 400 ? n - 400 : 0); i < n; i++) print keep[i % 400] }' 3>&-
  } 3>"$CTL/dmesg"
  q_rc=1
  read -r q_rc <"$CTL/dmesg"
  return "$q_rc"
}

# ---------------------------------------------------------------------------------------------------------------- samples

# sample: takes one sample of the cheap, volatile things. Sets SAMPLES_TAKEN and NEXT_SAMPLE.
sample() {
  BUSY_SAMPLING=1
  SAMPLES_TAKEN=$((SAMPLES_TAKEN + 1))
  two $SAMPLES_TAKEN
  i_dir=samples/$TWO
  now
  NEXT_SAMPLE=$((NOW + O_INTERVAL))
  set -- date - $i_dir/date \
    cat /proc/uptime $i_dir/uptime \
    cat /proc/net/sockstat $i_dir/sockstat
  [ ! -e /proc/net/sockstat6 ] || set -- "$@" cat /proc/net/sockstat6 $i_dir/sockstat6
  batch 20 "$@" \
    cat /proc/net/snmp $i_dir/snmp \
    cat /proc/net/netstat $i_dir/netstat \
    cat /proc/sys/fs/file-nr $i_dir/file-nr \
    fdcounts - $i_dir/fd-counts
  LAST_COUNTS=$i_dir/fd-counts
  BUSY_SAMPLING=0
}

# sample_if_due: takes the next sample if its time has come; called before each command, so that samples go on meanwhile.
sample_if_due() {
  [ "$SAMPLES_TAKEN" -gt 0 ] && [ "$SAMPLES_TAKEN" -lt "$O_SAMPLES" ] && [ $DRY = 0 ] || return 0
  now
  [ "$NOW" -lt "$NEXT_SAMPLE" ] || sample
}

# remaining_samples: waits for the samples that are still due, as far as the deadline allows.
remaining_samples() {
  while [ "$SAMPLES_TAKEN" -lt "$O_SAMPLES" ] && [ $DRY = 0 ] && [ -z "$STOP$FULL" ]; do
    now
    [ "$NOW" -lt "$DEADLINE" ] || { incomplete deadline; break; }
    if [ "$NOW" -lt "$NEXT_SAMPLE" ]; then pause 1; else sample; fi
  done
}

# for_pids CMD... {} ...: in /proc, runs CMD with {} replaced by SUFFIX-ed process numbers, 400 at a time, as long argument lists fail.
# Usage: for_pids SUFFIX CMD...
for_pids() {
  fp_suffix=$1
  shift
  fp_list='' fp_n=0
  for fp_pid in [0-9]*; do
    fp_list="$fp_list $fp_pid/$fp_suffix" fp_n=$((fp_n + 1))
    [ $fp_n -ge 400 ] || continue
    "$@" $fp_list
    fp_list='' fp_n=0
  done
  [ -z "$fp_list" ] || "$@" $fp_list
}

# fd_counts: prints "PID DESCRIPTORS SOCKETS COMM" for each process; - where the descriptors, or what they are, cannot be seen.
fd_counts() {
  cd /proc || return 1
  if have awk && have ls; then
    {
      if have cat; then for_pids stat $LOW cat 2>/dev/null; fi
      put --fd--
      # /dev/null as a second name makes ls print the directory's name even for a single one.
      for_pids fd $LOW ls -ln /dev/null 2>&1
    } | $LOW awk '
      $0 == "--fd--" { listing = 1; next }
      !listing {
        if ($0 !~ /^[0-9]+ \(/) next
        pid = $1; name = $0
        sub(/^[0-9]+ \(/, "", name); sub(/\)[^)]*$/, "", name)
        comm[pid] = name; order[++n] = pid
        next
      }
      /^[0-9]+\/fd:$/ { pid = $0; sub(/\/.*/, "", pid); seen[pid] = 1; if (!(pid in comm)) { comm[pid] = "?"; order[++n] = pid }; next }
      /^l[-r][-w][-x]/ { count[pid]++; if (/ -> /) told[pid] = 1; if (/-> socket:\[/) sockets[pid]++; next }
      /[Pp]ermission denied/ && !/fd\/[0-9]/ && match($0, /[0-9]+\/fd/) {
        pid = substr($0, RSTART, RLENGTH); sub(/\/.*/, "", pid); denied[pid] = 1
        if (!(pid in comm)) { comm[pid] = "?"; order[++n] = pid }
      }
      END {
        for (i = 1; i <= n; i++) {
          pid = order[i]
          if (pid in denied) print pid, "-", "-", comm[pid]
          # Without ptrace access descriptors can be counted, but not what they are.
          else if (pid in seen) print pid, count[pid] + 0, (pid in told || !count[pid] ? sockets[pid] + 0 : "-"), comm[pid]
        }
      }'
  else
    # Without the tools: the number of descriptors by globbing; which of them are sockets only a listing tells.
    for fc_pid in [0-9]*; do
      fc_comm='?'
      IFS= read -r fc_comm 2>/dev/null <"$fc_pid/comm" || continue
      set -- "$fc_pid"/fd/*
      fc_n=$#
      [ "$1" != "$fc_pid/fd/*" ] || fc_n=-
      fc_s=-
      if have ls && have grep && [ $fc_n != - ]; then
        fc_list=$($LOW ls -ln "$fc_pid/fd" 2>/dev/null)
        case $fc_list in *' -> '*) fc_s=$(put "$fc_list" | grep -c 'socket:\[') ;; esac
      fi
      put "$fc_pid $fc_n $fc_s $fc_comm"
    done
  fi
}

# ----------------------------------------------------------------------------------------------------------------- stages

# pick_suspects: sets SUSPECTS, the processes that hold most socket descriptors, those of --pid first; TCP_COUNT, the TCP sockets of
# this network namespace; and FD_COUNT, the descriptors of all processes.
pick_suspects() {
  SUSPECTS=$O_PIDS TCP_COUNT=0 FD_COUNT=0
  if [ $DRY = 1 ]; then
    SUSPECTS="$O_PIDS PID"
    return 0
  fi
  while read -r u_key _ u_inuse _ _ _ u_tw _; do
    [ "$u_key" = TCP: ] || continue
    number "$u_inuse" && number "$u_tw" && TCP_COUNT=$((u_inuse + u_tw))
  done 2>/dev/null <samples/01/sockstat
  while read -r _ u_fds _; do
    number "$u_fds" && FD_COUNT=$((FD_COUNT + u_fds))
  done 2>/dev/null <samples/01/fd-counts
  for u_pid in $(top_holders samples/01/fd-counts $MAX_SUSPECTS 1); do
    number "$u_pid" && [ -d "/proc/$u_pid" ] || continue
    case "$SUSPECTS " in *" $u_pid "*) ;; *) SUSPECTS="$SUSPECTS $u_pid" ;; esac
  done
}

# top_holders FILE N MIN: prints the N processes of an fd-counts FILE with most sockets, at least MIN; not the collector itself.
top_holders() {
  if have sort && have awk; then
    sort -k3,3nr -k2,2nr "$1" 2>/dev/null | awk -v n="$2" -v min="$3" -v me=$$ '$3 != "-" && $3 + 0 >= min && $1 != me && n-- > 0 { print $1 }'
  elif have awk; then
    awk -v n="$2" -v min="$3" -v me=$$ '
      $3 != "-" && $3 + 0 >= min && $1 != me { s[$1] = $3 + 0 }
      END { while (n-- > 0) { best = ""; for (p in s) if (best == "" || s[p] > s[best]) best = p; if (best == "") break; print best; delete s[best] } }' "$1" 2>/dev/null
  elif have sort; then
    # Sockets may be unknown: then those with most descriptors.
    sort -k3,3nr -k2,2nr "$1" 2>/dev/null | { th_n=0; while [ $th_n -lt "$2" ] && read -r th_pid th_fds _; do number "$th_fds" && put "$th_pid" && th_n=$((th_n + 1)); done; }
  fi
}

# growing FIRST LAST N: prints the N processes whose sockets grew most between two fd-counts files, by at least 3.
growing() {
  have awk || return 0
  awk -v me=$$ '
    FNR == NR { if ($3 != "-") was[$1] = $3 + 0; next }
    $3 != "-" && ($1 in was) && $1 != me && $3 - was[$1] >= 3 { print $3 - was[$1], $1 }' "$1" "$2" 2>/dev/null |
    { if have sort; then sort -rn; else copy /dev/stdin; fi; } | { gr_n=0; while [ $gr_n -lt "$3" ] && read -r _ gr_pid; do put "$gr_pid"; gr_n=$((gr_n + 1)); done; }
}

# identity: which host and when, once.
identity() {
  set -- cat /proc/version version cat /proc/meminfo meminfo cat /proc/loadavg loadavg
  [ $O_HOST = 0 ] || set -- cat /proc/sys/kernel/hostname hostname "$@"
  batch 5 "$@"
  run date 5 date
  if [ $O_HOST = 1 ]; then run uname 5 uname -a; else run uname 5 uname -srvm; fi
}

# would_load MODULE: succeeds if using it might make the kernel load a module.
would_load() {
  [ $O_MODULES = 0 ] || return 1
  # A kernel that cannot load modules loads none.
  [ -e /proc/modules ] || return 1
  ld_off=0
  read -r ld_off 2>/dev/null </proc/sys/kernel/modules_disabled
  [ "$ld_off" = 1 ] && return 1
  [ -d "/sys/module/$1" ] && return 1
  while read -r ld_name _; do
    [ "$ld_name" = "$1" ] && return 1
  done 2>/dev/null </proc/modules
  while read -r ld_name; do
    case $ld_name in */"$1".ko*) return 1 ;; esac
  done 2>/dev/null <"/lib/modules/$KERNEL/modules.builtin"
  return 0
}

# ss_table PATH MODULE ARGS...: ss with ARGS. Where MODULE would have to be loaded, PROC_ROOT makes ss read /proc/net instead, which
# shows the same sockets with less detail.
ss_table() {
  q_path=$1 q_module=$2
  shift 2
  if would_load "$q_module"; then
    if ! have env; then
      [ $DRY = 1 ] || skip "$q_path" ss "ss $*" "ss would load $q_module; /proc/net is taken instead"
      return 0
    fi
    TOOL=ss NOTE="$q_module is not loaded: read from /proc/net" run "$q_path" 15 env PROC_ROOT=/proc ss "$@"
  else
    run "$q_path" 15 ss "$@"
  fi
}

# sockets: the socket tables, cheapest first.
sockets() {
  run ss_-s 5 ss -s
  # Where there are very many descriptors the table with owners may not come in time.
  [ "$FD_COUNT" -le 50000 ] || ss_table ss_-tanoem tcp_diag -tanoem
  ss_table ss_-tanpoem tcp_diag -tanpoem
  [ "$STATUS" != unsupported ] || ss_table ss_-tanp tcp_diag -tanp
  # Looking for the owners makes ss read every descriptor; without them it is fast.
  [ "$STATUS" != timeout ] || [ "$FD_COUNT" -gt 50000 ] || ss_table ss_-tanoem tcp_diag -tanoem
  # Where there are very many, once is enough: the owners of these are in the descriptor listings too.
  so_p=p
  [ "$FD_COUNT" -le 50000 ] || so_p=
  ss_table ss_-uan${so_p}em udp_diag -uan${so_p}em
  [ "$STATUS" != unsupported ] || ss_table ss_-uanp udp_diag -uanp
  ss_table ss_-xan$so_p unix_diag -xan$so_p
  # When each connection last sent and received: tells idle from busy. Long, so only where there are not too many.
  if [ "$TCP_COUNT" -le 20000 ] && ! would_load tcp_diag; then ss_table ss_-tani tcp_diag -tani; fi
  # Bound and never used: only releases since 6.8 show these.
  if offers ss bound-inactive && ! would_load tcp_diag; then ss_table ss_-tnpeB tcp_diag -tnpeB; fi
}

# offers TOOL WORD: succeeds if TOOL's help mentions WORD.
offers() {
  have "$1" && [ $DRY = 0 ] && may_go || return 1
  FSIZE=65536
  guard 2 normal "$CTL/help" "$CTL/help" "$1" --help
  while IFS= read -r of_line; do
    case $of_line in *"$2"*) return 0 ;; esac
  done 2>/dev/null <"$CTL/help"
  return 1
}

# netstat_table: netstat with what it offers: wide is -W, -T in old Red Hat releases, nothing in BusyBox, which may lack -p too.
netstat_table() {
  for nt_options in -anpeoW -anpeoT -anp -an; do
    run "netstat_$nt_options" 15 netstat $nt_options
    [ "$STATUS" = unsupported ] || return 0
  done
}

# suspects_proc: descriptors and state of each suspect.
suspects_proc() {
  for sp_pid in $SUSPECTS; do
    sp=proc/$sp_pid
    set -- ls /$sp/fd $sp/fd cat /$sp/limits $sp/limits cat /$sp/status $sp/status cat /$sp/comm $sp/comm cat /$sp/cgroup $sp/cgroup \
      cat /$sp/wchan $sp/wchan cat /$sp/stat $sp/stat ls /$sp/ns $sp/ns ls /$sp/exe $sp/exe
    [ $O_CMDLINE = 0 ] || set -- "$@" cmdline /$sp/cmdline $sp/cmdline
    # A million descriptors take a while to list, and they are the best witness there is.
    batch 20 "$@"
  done
}

# net_namespaces: prints "INODE PID" for each process whose network namespace can be seen.
net_namespaces() {
  have awk && have ls || return 127
  cd /proc || return 1
  for_pids ns/net $LOW ls -ln /dev/null 2>/dev/null | $LOW awk '/^l/ && match($0, /[0-9]+\/ns\/net -> net:\[[0-9]+\]/) {
    text = substr($0, RSTART, RLENGTH); pid = text; sub(/\/.*/, "", pid); sub(/.*\[/, "", text); sub(/\].*/, "", text); print text, pid }'
}

# namespaces: the socket tables of each network namespace, once, through a process in it; those of the suspects first.
namespaces() {
  ns_files='sockstat sockstat6 tcp tcp6 udp udp6 unix snmp netstat raw raw6 netlink packet protocols'
  if [ $DRY = 1 ]; then
    batch 10 netns - x
    for ns_file in $ns_files; do put "cat /proc/PID/net/$ns_file"; done
    return 0
  fi
  may_go && guard 10 normal "$CTL/netns" /dev/null do_netns
  NS_SEEN=' ' NS_COUNT=0
  if [ ! -s "$CTL/netns" ]; then
    # Linux before 3.0 has no /proc/PID/ns; without ls or awk nobody tells. Then only our own.
    take_namespace self self
    return 0
  fi
  # Members first, in one pass; then the files.
  ns_dirs=' '
  while read -r ns_inode ns_pid; do
    case $ns_inode in *[!0-9]*) continue ;; esac
    number "$ns_pid" || continue
    case $ns_dirs in
      *" $ns_inode "*) ;;
      *)
        make_dir "netns/$ns_inode"
        ns_dirs="$ns_dirs$ns_inode " ;;
    esac
    put "$ns_pid" 2>/dev/null >>"netns/$ns_inode/pids" || { disk_full; break; }
  done <"$CTL/netns"
  take_namespace "$NETNS" self
  for ns_want in $SUSPECTS; do
    while read -r ns_inode ns_pid; do
      [ "$ns_pid" = "$ns_want" ] && take_namespace "$ns_inode" "$ns_pid"
    done <"$CTL/netns"
  done
  while read -r ns_inode ns_pid; do number "$ns_pid" && take_namespace "$ns_inode" "$ns_pid"; done <"$CTL/netns"
}

# do_netns: net_namespaces as a job.
do_netns() { net_namespaces; }

# take_namespace INODE PID: takes the tables of one namespace, unless they were taken or too many were.
take_namespace() {
  case $NS_SEEN in *" $1 "*) return 0 ;; esac
  [ "$2" = self ] || [ -r "/proc/$2/net/sockstat" ] || return 0
  NS_SEEN="$NS_SEEN$1 " NS_COUNT=$((NS_COUNT + 1))
  if [ $NS_COUNT -gt $MAX_NAMESPACES ]; then
    skip "netns/$1/" - "cat /proc/$2/net/*" "more than $MAX_NAMESPACES network namespaces"
    return 0
  fi
  tn_pid=$2 tn_inode=$1
  set --
  for ns_file in $ns_files; do
    [ -e "/proc/$tn_pid/net/$ns_file" ] && set -- "$@" cat "/proc/$tn_pid/net/$ns_file" "netns/$tn_inode/$ns_file"
  done
  batch 15 "$@"
}

# sysctls: prints "name = value" for the settings that bound sockets and files. Keys are never read.
sysctls() {
  set --
  for sy_file in /proc/sys/fs/file-max /proc/sys/fs/file-nr /proc/sys/fs/nr_open /proc/sys/kernel/pid_max /proc/sys/kernel/threads-max \
    /proc/sys/kernel/yama/ptrace_scope /proc/sys/net/core/somaxconn /proc/sys/net/core/netdev_max_backlog \
    /proc/sys/net/core/[rw]mem_* /proc/sys/net/core/optmem_max /proc/sys/net/ipv4/ip_local_* /proc/sys/net/ipv4/tcp_* \
    /proc/sys/net/ipv4/udp_* /proc/sys/net/ipv4/ip_nonlocal_bind /proc/sys/net/unix/* /proc/sys/net/netfilter/nf_conntrack_max \
    /proc/sys/net/netfilter/nf_conntrack_count /proc/sys/net/netfilter/nf_conntrack_buckets /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_*; do
    case $sy_file in *key* | *secret* | *'*'*) continue ;; esac
    [ -r "$sy_file" ] && set -- "$@" "$sy_file"
  done
  [ $# -gt 0 ] || return 0
  if have awk; then
    $LOW awk '{ name = FILENAME; sub("^/proc/sys/", "", name); gsub("/", ".", name); print name " = " $0 }' "$@"
    return
  fi
  # Not `read`: some shells read byte by byte, and these files give only the first byte then.
  for sy_file; do
    sy_value=$(copy "$sy_file" 2>/dev/null) || continue
    sy_name=${sy_file#/proc/sys/}
    while :; do case $sy_name in */*) sy_name=${sy_name%%/*}.${sy_name#*/} ;; *) break ;; esac; done
    put "$sy_name = $sy_value"
  done
}

# host_wide: settings, kernel messages, all processes.
host_wide() {
  batch 5 sysctl - sysctl
  if have awk || [ $DRY = 1 ]; then
    TOOL=dmesg SHOW='dmesg | awk (lines about sockets)' run dmesg 5 do_dmesg
  else
    missing awk
    skip dmesg dmesg dmesg 'awk is not there to choose the lines'
  fi
  if [ $O_CMDLINE = 0 ]; then
    run ps_-eo_pid,ppid,user,nlwp,stat,lstart,comm 10 ps -eo pid,ppid,user,nlwp,stat,lstart,comm
    [ "$STATUS" != unsupported ] || run ps_-o_pid,ppid,user,comm 10 ps -o pid,ppid,user,comm
  elif have awk || [ $DRY = 1 ]; then
    TOOL=ps SHOW='ps auxww | awk (mask)' run ps_auxww 10 do_masked ps auxww
    [ "$STATUS" != unsupported ] || TOOL=ps SHOW='ps | awk (mask)' run ps 10 do_masked ps
  else
    skip ps_auxww ps 'ps auxww' 'awk is not there to mask secrets'
  fi
}

# open_files: lsof, without calls that block on dead servers (-b), without names to look up (-n -P -l), without threads (-K i).
# Old releases lack -K i; there -c '' (every command) keeps threads out as well. Older ones lack +c0 too.
open_files() {
  run lsof_-b_-w_-n_-P_-l_+c0_-K_i 20 lsof -b -w -n -P -l +c0 -K i
  [ "$STATUS" != unsupported ] || SHOW="lsof -b -w -n -P -l +c0 -c ''" run lsof_-b_-w_-n_-P_-l_+c0_-c 20 lsof -b -w -n -P -l +c0 -c ''
  [ "$STATUS" != unsupported ] || run lsof_-b_-w_-n_-P_-l 20 lsof -b -w -n -P -l
  if [ "$STATUS" = timeout ]; then
    of_list=
    for of_pid in $SUSPECTS; do of_list="${of_list:+$of_list,}$of_pid"; done
    [ -z "$of_list" ] || run lsof_-b_-w_-n_-P_-l_-p_SUSPECTS 10 lsof -b -w -n -P -l -p "$of_list"
  fi
}

# log_tails: the ends of the log files that suspects hold open for writing, read through their descriptors, which works for deleted
# files and in other mount namespaces. At most 3 a suspect, 12 in all.
log_tails() {
  [ $O_LOGS = 1 ] || return 0
  if [ $DRY = 1 ]; then
    verb_argv log /proc/PID/fd/N
    put "$VERB_ARGV"
    return 0
  fi
  lt_all=0
  for lt_pid in $SUSPECTS; do
    lt_n=0 lt_seen=' '
    have awk && [ -s "proc/$lt_pid/fd" ] || continue
    # Only descriptors open for writing: l-wx or lrwx.
    awk '/^l.w/ && / -> \// { name = $0; sub(/.* -> /, "", name); sub(/ \(deleted\)$/, "", name); low = tolower(name)
      if (low ~ /\.(log|out|err)([.0-9-]*)?$/ || low ~ /\/logs?\//) { link = $0; sub(/ -> .*/, "", link); sub(/.* /, "", link); print link, name } }' \
      "proc/$lt_pid/fd" 2>/dev/null >"$CTL/logs"
    while [ $lt_n -lt 3 ] && [ $lt_all -lt 12 ] && read -r lt_fd lt_name; do
      case $lt_seen in *" $lt_name "*) continue ;; esac
      lt_seen="$lt_seen$lt_name " lt_n=$((lt_n + 1)) lt_all=$((lt_all + 1))
      lt_base=${lt_name##*/}
      plain "$lt_base"
      [ ! -e "logs/$lt_pid/$PLAIN" ] || PLAIN=$lt_fd-$PLAIN
      BATCH_NOTE=$lt_name
      batch 5 log "/proc/$lt_pid/fd/$lt_fd" "logs/$lt_pid/$PLAIN"
      BATCH_NOTE=
    done <"$CTL/logs"
  done
}

# plain NAME: sets PLAIN, NAME with everything but letters, digits, dot, dash and underscore made _.
plain() {
  pl_rest=$1 PLAIN=
  while [ -n "$pl_rest" ]; do
    pl_char=${pl_rest%"${pl_rest#?}"}
    pl_rest=${pl_rest#?}
    case $pl_char in [A-Za-z0-9._-]) PLAIN=$PLAIN$pl_char ;; *) PLAIN=${PLAIN}_ ;; esac
  done
  case $PLAIN in '' | .*) PLAIN=_$PLAIN ;; esac
}

# ----------------------------------------------------------------------------------------------------------------- strace

# traces: strace of the processes whose sockets grow, then of the largest holders, one after the other.
traces() {
  [ "$O_STRACE" != off ] || return 0
  TRACE_SECONDS=$O_STRACE TRACE_FORCED=1
  [ "$O_STRACE" != auto ] || { TRACE_SECONDS=5 TRACE_FORCED=0; }
  if [ $DRY = 1 ]; then
    trace PID
    return 0
  fi
  [ -n "$STOP$FULL" ] || strace_ready || return 0
  tr_list=$O_PIDS
  for tr_pid in $(growing samples/01/fd-counts "$LAST_COUNTS" 3) $(top_holders "$LAST_COUNTS" 3 20); do
    number "$tr_pid" || continue
    case "$tr_list " in *" $tr_pid "*) ;; *) tr_list="$tr_list $tr_pid" ;; esac
  done
  tr_n=0
  for tr_pid in $tr_list; do
    [ $tr_n -lt 3 ] || case " $O_PIDS " in *" $tr_pid "*) ;; *) break ;; esac
    tr_n=$((tr_n + 1))
    trace "$tr_pid"
  done
}

# strace_ready: succeeds if strace is there; records it as missing if not.
strace_ready() {
  have strace && return 0
  missing strace
  skip strace/ strace strace 'strace is not there'
  return 1
}

# trace_limit: sets TRACE_LIMIT to the option that bounds the calls of a trace, if strace knows it; asked once, within two seconds. It bounds what
# a busy target costs, beside the time and the size of the file.
trace_limit() {
  [ "${TRACE_LIMIT-unasked}" = unasked ] || return 0
  TRACE_LIMIT=
  if [ $DRY = 1 ]; then
    put 'strace --help'
    return 0
  fi
  tl_fsize=$FSIZE FSIZE=65536
  guard 2 normal "$CTL/help" "$CTL/help.err" strace --help
  FSIZE=$tl_fsize
  while IFS= read -r LINE; do
    case $LINE in *--syscall-limit*) TRACE_LIMIT=--syscall-limit=$MAX_CALLS; break ;; esac
  done 2>/dev/null <"$CTL/help"
}

# trace PID: traces one process for TRACE_SECONDS, if that is safe, and sees to it that it runs on untraced.
trace() {
  # Calls that old releases do not know are marked with ?; those that do not know ? get the short list. No -yy: it asks the kernel
  # for every socket of the host at each new one. -s 0: no data, hence no secrets.
  tc_calls='socket,socketpair,connect,accept,accept4,bind,listen,close,shutdown,?dup,?dup2,?dup3,fcntl,?close_range,?pidfd_getfd,sendmsg,recvmsg'
  if [ $DRY = 1 ]; then
    trace_limit
    run "strace/$1" 1 strace -f -tt -T -y -s 0 -e "trace=$tc_calls" -o "strace/$1" -p "$1"
    return 0
  fi
  unsafe "$1"
  if [ -n "$UNSAFE" ]; then
    skip "strace/$1" strace "strace -p $1" "$UNSAFE"
    return 0
  fi
  make_dir strace
  trace_limit
  for tc_try in new old; do
    set -- "$1" ${TRACE_LIMIT:+"$TRACE_LIMIT"} -f -tt -T -y -s 0
    [ $tc_try = new ] || { tc_calls=socket,connect,accept,close,shutdown; set -- "$1" -f -tt -T -s 0; }
    tc_pid=$1
    shift
    WATCH_SIZE=$((CAP / 2)) WATCH_FILE=strace/$tc_pid STYLE=gentle PLAN=1 WROTE=strace/$tc_pid
    run "$CTL/strace.out" "$TRACE_SECONDS" strace "$@" -e "trace=$tc_calls" -o "strace/$tc_pid" -p "$tc_pid"
    set -- "$tc_pid"
    after_trace "$tc_pid"
    [ "$STATUS" = unsupported ] || [ "$STATUS" = failed ] && [ ! -s "strace/$tc_pid" ] && [ -d "/proc/$tc_pid" ] && [ -z "$STOP" ] || break
  done
}

# status_field PID NAME: sets FIELD from /proc/PID/status; empty if it is not there.
status_field() {
  FIELD=
  while read -r sf_key sf_value; do
    [ "$sf_key" = "$2:" ] || continue
    FIELD=$sf_value
    break
  done 2>/dev/null <"/proc/$1/status"
}

# unsafe PID: sets UNSAFE to the reason not to trace PID; empty if there is none.
unsafe() {
  UNSAFE=
  now
  status_field "$1" State
  us_state=$FIELD
  status_field "$1" TracerPid
  us_tracer=$FIELD
  status_field "$1" Threads
  us_threads=$FIELD
  number "$us_threads" || us_threads=1
  us_most=$MAX_THREADS
  [ $TRACE_FORCED = 0 ] || us_most=$((MAX_THREADS * 10))
  if [ -z "$us_state" ]; then UNSAFE='the process is gone'
  elif [ "$us_tracer" != 0 ]; then UNSAFE="traced already, by process $us_tracer"
  elif [ "$1" = 1 ]; then UNSAFE='process 1 is not traced'
  elif ancestor "$1"; then UNSAFE='the collector runs under it'
  elif [ "$us_threads" -gt "$us_most" ]; then UNSAFE="$us_threads threads, more than $us_most"
  elif [ $((NOW + TRACE_SECONDS + 3)) -gt "$DEADLINE" ]; then UNSAFE='the deadline is too near'
  else
    case $us_state in [RSDI]*) ;; *) UNSAFE="its state is $us_state" ;; esac
    may_trace "$1"
    [ $TRACE_FORCED = 1 ] || [ -n "$UNSAFE" ] || load_bound
    [ $TRACE_FORCED = 1 ] || [ -n "$UNSAFE" ] || call_bound "$1"
  fi
}

# load_bound: sets UNSAFE if the load is above four a processor.
load_bound() {
  lb_load=0
  read -r lb_load _ 2>/dev/null </proc/loadavg
  lb_load=${lb_load%%.*}
  number "$lb_load" || lb_load=0
  [ "$lb_load" -lt $((CPUS * 4)) ] || UNSAFE="the load is $lb_load on $CPUS processors"
}

# call_bound PID: sets UNSAFE if PID spends more than 30 % of a processor in the kernel: each of its calls stops under strace, which makes
# a loop of nothing but calls 45 to 80 times slower, and a program that works between them hardly (tests/collector/slowdown.py).
call_bound() {
  system_ticks "$1"
  cb_before=$TICKS
  pause 1
  system_ticks "$1"
  [ $((TICKS - cb_before)) -le 30 ] || UNSAFE="it spends $((TICKS - cb_before)) % of a processor in system calls"
}

# system_ticks PID: sets TICKS, the time PID spent in the kernel, in hundredths of a second; 0 if it is gone.
system_ticks() {
  TICKS=0 sy_stat=
  read -r sy_stat 2>/dev/null <"/proc/$1/stat"
  sy_stat=${sy_stat##*") "}
  set -- $sy_stat
  [ $# -lt 13 ] || TICKS=${13}
  number "$TICKS" || TICKS=0
}

# may_trace PID: sets UNSAFE if ptrace will not be permitted: without CAP_SYS_PTRACE only own processes, and none under Yama.
may_trace() {
  mt_scope=0
  read -r mt_scope 2>/dev/null </proc/sys/kernel/yama/ptrace_scope
  [ "$mt_scope" != 3 ] || { UNSAFE='denied: kernel.yama.ptrace_scope is 3'; return 0; }
  # CAP_SYS_PTRACE is bit 19, the highest of the fifth hexadecimal digit from the right.
  mt_caps=${CAPS%????}
  case ${mt_caps#"${mt_caps%?}"} in [89abcdefABCDEF]) return 0 ;; esac
  status_field "$1" Uid
  mt_uid=${FIELD%%[!0-9]*}
  if [ "$mt_uid" != "$UID_NOW" ]; then UNSAFE="denied: it runs as user $mt_uid, and CAP_SYS_PTRACE is not held"
  elif [ "$mt_scope" != 0 ]; then UNSAFE="denied: kernel.yama.ptrace_scope is $mt_scope, and CAP_SYS_PTRACE is not held"
  fi
}

# ancestor PID: succeeds if the collector descends from PID: tracing a shell or sshd above us could stop us with it.
ancestor() {
  an_pid=$$
  while [ "$an_pid" -gt 1 ]; do
    [ "$an_pid" = "$1" ] && return 0
    status_field "$an_pid" PPid
    an_pid=$FIELD
    number "$an_pid" || return 1
  done
  return 1
}

# after_trace PID: makes sure the target runs on and is not traced, and says so in MANIFEST.
after_trace() {
  at_tries=0
  while :; do
    status_field "$1" TracerPid
    at_tracer=$FIELD
    status_field "$1" State
    [ "${at_tracer:-0}" != 0 ] && [ $at_tries -lt 10 ] || break
    at_tries=$((at_tries + 1))
    sleep "$STEP" </dev/null >/dev/null 2>&1
  done
  at_did=none
  case $FIELD in
    T*) kill -CONT "$1" 2>/dev/null && at_did=CONT
      status_field "$1" State ;;
  esac
  escape "${FIELD:-gone}"
  manifest "target pid=$1 state=\"$ESC\" tracer=${at_tracer:--} sent=$at_did"
}

# ----------------------------------------------------------------------------------------------------- environment and bundle

# environment: makes what is inherited harmless. Sets the constants.
environment() {
  set -u
  umask 077
  LOCALE=${LC_ALL:-${LANG:--}}
  unset LD_PRELOAD TIME_STYLE BLOCK_SIZE LS_BLOCK_SIZE QUOTING_STYLE LS_COLORS POSIXLY_CORRECT GREP_OPTIONS TAR_OPTIONS GZIP COLUMNS \
    PS_FORMAT PS_PERSONALITY PROC_ROOT CDPATH ENV BASH_ENV 2>/dev/null
  LC_ALL=C LANG=C
  export LC_ALL LANG
  NL='
'
  TAB='	'
  CR=$(printf '\r' 2>/dev/null) || CR=
  [ -n "$CR" ] || CR=$NL
  IFS=" $TAB$NL"
  path
  STOP='' FULL='' REASON='' JOB=0 RECORDS=0 USED=0 MISSING=' ' SLOW=' ' SAMPLES_TAKEN=0 NEXT_SAMPLE=0 LAST_COUNTS='' WATCH_SIZE=0
  WATCH_FILE=- EMPTY='' BATCH_NOTE='' HELPERS=' ' TOOL='' SHOW='' STYLE='' NOTE='' PLAN='' WROTE='' STATUS='' WATCHDOG='' FSIZE=0 DISK_NEXT=0 FLOOR=0 WORK='' CTL=''
  LOG_BYTES=65536 MAX_SUSPECTS=20 MAX_NAMESPACES=64 MAX_THREADS=400 MAX_CALLS=100000
  SUSPECTS='' SEES_OWN='' SETSID='' LOW='' DATE_FORMAT='+%Y-%m-%dT%H:%M:%S'
  STEP=1 TICK=1 GRACE_STEPS=2
  if sleep 0.01 >/dev/null 2>&1 </dev/null; then STEP=0.1 TICK=0.5 GRACE_STEPS=15; fi
  now
  DEADLINE=$((NOW + O_DEADLINE))
}

# probe: what the tools at hand can do; asked under the watchdog's eye. Sets DATE_FORMAT, SETSID, LOW.
probe() {
  if have date; then
    o_start=$NOW
    case $(date +%N 2>/dev/null) in *[!0-9]* | '') ;; *) DATE_FORMAT=$DATE_FORMAT.%N ;; esac
    quick date $o_start
  fi
  [ "$HELPERS" = ' ' ] || return 0
  setsid true >/dev/null 2>&1 </dev/null && SETSID=setsid
  nice -n 10 true >/dev/null 2>&1 </dev/null && LOW='nice -n 10'
  ionice -c 3 true >/dev/null 2>&1 </dev/null && LOW="$LOW ionice -c 3"
  return 0
}

# path: the caller's PATH without relative entries; with the sbin directories if it is an ordinary one.
path() {
  pa_rest=${PATH:-}: pa_new='' pa_usual=0
  while [ -n "$pa_rest" ]; do
    pa_dir=${pa_rest%%:*} pa_rest=${pa_rest#*:}
    case $pa_dir in
      /usr/bin | /bin) pa_usual=1 pa_new="${pa_new:+$pa_new:}$pa_dir" ;;
      /*) pa_new="${pa_new:+$pa_new:}$pa_dir" ;;
    esac
  done
  [ -n "$pa_new" ] || { pa_new=/usr/bin:/bin pa_usual=1; }
  [ $pa_usual = 0 ] || pa_new=$pa_new:/usr/sbin:/sbin
  PATH=$pa_new
  export PATH
}

# host_facts: sets HOST, KERNEL, CAPS, UID_NOW, CPUS, NETNS, PIDNS, HIDEPID, BOOT_ID, DISTRO, CONTAINER from /proc, without processes
# where it can.
host_facts() {
  HOST=unknown KERNEL=unknown BOOT_ID=- DISTRO=unknown CONTAINER=no HIDEPID=unknown CPUS=0
  read -r HOST 2>/dev/null </proc/sys/kernel/hostname
  read -r KERNEL 2>/dev/null </proc/sys/kernel/osrelease
  read -r BOOT_ID 2>/dev/null </proc/sys/kernel/random/boot_id
  status_field self CapEff
  CAPS=${FIELD:--}
  status_field self Uid
  UID_NOW=${FIELD%%[!0-9]*}
  while read -r hf_key _; do
    case $hf_key in cpu[0-9]*) CPUS=$((CPUS + 1)) ;; esac
  done 2>/dev/null </proc/stat
  [ $CPUS -gt 0 ] || CPUS=1
  while read -r _ hf_where hf_type hf_options _; do
    [ "$hf_where $hf_type" = '/proc proc' ] || continue
    HIDEPID=0
    case ,$hf_options in *,hidepid=*) HIDEPID=${hf_options##*hidepid=}; HIDEPID=${HIDEPID%%,*} ;; esac
  done 2>/dev/null </proc/mounts
  for hf_file in /etc/os-release /usr/lib/os-release; do
    [ -r $hf_file ] || continue
    while IFS='=' read -r hf_key hf_value; do
      [ "$hf_key" = PRETTY_NAME ] && { DISTRO=${hf_value#\"}; DISTRO=${DISTRO%\"}; }
    done 2>/dev/null <$hf_file
    break
  done
  [ "$DISTRO" != unknown ] || IFS= read -r DISTRO 2>/dev/null </etc/redhat-release || DISTRO=unknown
  if [ -e /.dockerenv ]; then CONTAINER=docker; elif [ -e /run/.containerenv ]; then CONTAINER=podman
  elif [ -n "${KUBERNETES_SERVICE_HOST:-}" ]; then CONTAINER=kubernetes; elif [ -n "${container:-}" ]; then CONTAINER=$container; fi
  [ $O_HOST = 1 ] || HOST=-
  plain "$HOST"
  [ $O_HOST = 1 ] || PLAIN=host
  SAFE_HOST=$PLAIN
}

# link_inode LINK: sets INODE to the number in a link such as net:[4026531992]; - if it cannot be read.
link_inode() {
  INODE=-
  have ls || return 0
  now
  o_start=$NOW
  li_text=$(ls -ln "$1" 2>/dev/null)
  quick ls $o_start
  case $li_text in *'['[0-9]*']') INODE=${li_text##*\[}; INODE=${INODE%\]} ;; esac
}

# open_bundle: chooses where to work, makes the work directory and the bundle's top directory, enters it, writes the first MANIFEST.
# Returns 1 if nowhere can be written.
open_bundle() {
  OUT=$O_OUT
  case $OUT in /* | -) ;; .) OUT=$(pwd) ;; *) OUT=$(pwd)/$OUT ;; esac
  stamp
  TOP=sockdiag-$SAFE_HOST-$STAMP
  BUDGET=$((O_MAXMB * 1048576))
  place || return 1
  cd "$WORK/$TOP" || return 1
  probe
  # Space to finish MANIFEST with when the disk is full.
  dd if=/dev/zero of="$CTL/ballast" bs=4096 count=32 2>/dev/null
  CAP=$((BUDGET / 4))
  link_inode /proc/self/ns/net
  NETNS=$INODE
  link_inode /proc/self/ns/pid
  PIDNS=$INODE
  iso
  write_header
}

# stamp: sets STAMP, the time as YYYYMMDDThhmmssZ.
stamp() {
  epoch_iso
  st_text=${ISO%%.*}
  st_text=${st_text%Z}
  STAMP=
  while [ -n "$st_text" ]; do
    st_char=${st_text%"${st_text#?}"}
    st_text=${st_text#?}
    case $st_char in - | :) ;; *) STAMP=$STAMP$st_char ;; esac
  done
  STAMP=${STAMP}Z
}

# place: makes WORK, the directory everything is written to first: in the output directory if there is room, else in a temporary one;
# with CTL, the control files, and the watchdog at work. Lowers BUDGET to what the place can bear. Sets FLOOR, the kilobytes to leave free.
place() {
  pl_list="/tmp${NL}/var/tmp${NL}/dev/shm${NL}/run"
  case ${TMPDIR:-} in /*) pl_list=$TMPDIR$NL$pl_list ;; esac
  [ "$OUT" = - ] || pl_list=$OUT$NL$pl_list
  # First with a margin, then with hardly any.
  for pl_need in 73728 256; do
    pl_rest=$pl_list$NL
    while [ -n "$pl_rest" ]; do
      pl_dir=${pl_rest%%"$NL"*} pl_rest=${pl_rest#*"$NL"}
      try_place "$pl_dir" $pl_need || continue
      [ "$OUT" = - ] || [ "$pl_dir" = "$OUT" ] || unfit_output
      return 0
    done
  done
  return 1
}

# unfit_output: says why the bundle is not made where it was asked for.
unfit_output() {
  if [ -d "$OUT" ]; then
    say "$OUT has no room or cannot be written: working in $pl_dir"
  elif [ -e "$OUT" ]; then
    say "$OUT is no directory, and no name that ends in .tgz or .tar.gz: working in $pl_dir"
  else
    say "there is no directory $OUT: working in $pl_dir"
  fi
}

# try_place DIR NEED: makes WORK in DIR if it has NEED kilobytes free, with all that belongs to it; else leaves nothing and returns 1.
try_place() {
  [ -d "$1" ] && [ -w "$1" ] || return 1
  WORK=$1/.sockdiag-$STAMP-$$
  CTL=$WORK/ctl
  # Before there is something to remove, should the collector be killed.
  start_watchdog
  mkdir "$WORK" 2>/dev/null || { stop_watchdog; WORK='' CTL=''; return 1; }
  if mkdir "$CTL" "$WORK/$TOP" "$WORK/$TOP/stderr" 2>/dev/null && must_put - "$CTL/job"; then
    put $((DEADLINE + 45)) 2>/dev/null >"$CTL/hard"
    put "$MASK" 2>/dev/null >"$CTL/mask.awk"
    guard 3 normal "$CTL/df" /dev/null df -P -k "$1"
    free_of "$CTL/df"
    tp_free=$FREE
    guard 3 normal "$CTL/df" /dev/null df -P -i "$1"
    free_of "$CTL/df"
    # A bundle is some hundred files.
    if [ "$FREE" != - ] && [ "$FREE" -lt 2000 ]; then FREE=0; else FREE=$tp_free; fi
    if [ "$FREE" = - ] || [ "$FREE" -ge "$2" ]; then
      FLOOR=0
      if [ "$FREE" = - ]; then
        return 0
      elif [ "$FREE" -lt 73728 ]; then
        BUDGET=$((FREE * 341))
      else
        # 64 MB stay free, and of the rest half is for the archive.
        FLOOR=65536
        pl_half=$(((FREE - FLOOR) / 2))
        [ $pl_half -ge $((BUDGET / 1024)) ] || BUDGET=$((pl_half * 1024))
      fi
      return 0
    fi
  fi
  rm -rf "$WORK"
  stop_watchdog
  WORK='' CTL=''
  return 1
}

# start_watchdog: starts the watchdog. Sets WATCHDOG, its process.
start_watchdog() {
  watchdog </dev/null >/dev/null 2>&1 3>&- &
  WATCHDOG=$!
}

# stop_watchdog: ends the watchdog, which may be at work ending a job; not waited for without a bound either. The signal is sent again
# and again: one that comes before the new process has set its trap is lost.
stop_watchdog() {
  k_tries=0
  while kill "$WATCHDOG" 2>/dev/null && alive "$WATCHDOG" && [ $k_tries -lt $((GRACE_STEPS * 5)) ]; do
    k_tries=$((k_tries + 1))
    sleep "$STEP" </dev/null >/dev/null 2>&1
  done
  if alive "$WATCHDOG"; then
    tree "$WATCHDOG"
    signal KILL $TREE
  fi
  wait "$WATCHDOG" 2>/dev/null
}

# first_lines REASON: prints how each MANIFEST begins. The reasons that stand here have nine letters, see close_manifest: cut-short is
# what a collector leaves that was killed.
first_lines() {
  put format=sockdiag.manifest/1 && put "collector=$PROGRAM $VERSION" && put complete=no && put "reason=$1"
}

# write_header: the first lines of MANIFEST. complete=no stands until the very end.
write_header() {
  first_lines cut-short 2>/dev/null >MANIFEST || disk_full
  header host "$HOST"
  header kernel "$KERNEL"
  header distro "$DISTRO"
  header start "$ISO"
  now
  header uptime "$NOW"
  header boot_id "$BOOT_ID"
  wh=-
  if have date; then wh=$(date '+%Z %z' 2>/dev/null); fi
  header timezone "$wh"
  header locale "$LOCALE"
  wh=-
  read -r wh 2>/dev/null </sys/devices/system/clocksource/clocksource0/current_clocksource
  header clock_source "$wh"
  header tz_variable "${TZ:--}"
  header uid "$UID_NOW"
  header caps "$CAPS"
  header netns "$NETNS"
  header pidns "$PIDNS"
  header hidepid "$HIDEPID"
  wh=-
  read -r wh 2>/dev/null </proc/sys/kernel/yama/ptrace_scope
  header ptrace_scope "$wh"
  wh=-
  read -r wh 2>/dev/null </proc/sys/kernel/kptr_restrict
  header kptr_restrict "$wh"
  wh=none
  [ ! -r /sys/fs/selinux/enforce ] || { read -r wh 2>/dev/null </sys/fs/selinux/enforce; wh="selinux enforce=$wh"; }
  [ ! -d /sys/kernel/security/apparmor ] || wh=apparmor
  header lsm "$wh"
  header container "$CONTAINER"
  wh=-
  read -r wh 2>/dev/null </proc/1/comm
  header pid1 "$wh"
  link_inode /proc/1/ns/net
  header pid1_netns "$INODE"
  link_inode /proc/1/ns/pid
  header pid1_pidns "$INODE"
  wh=-
  while read -r wh; do break; done 2>/dev/null </proc/self/cgroup
  header cgroup "$wh"
  header cpus "$CPUS"
  wh=-
  read -r wh 2>/dev/null </proc/loadavg
  header loadavg "$wh"
  wh=
  [ -z "${BASH_VERSION:-}" ] || wh="bash $BASH_VERSION"
  [ -z "${KSH_VERSION:-}" ] || wh="ksh $KSH_VERSION"
  [ -z "${YASH_VERSION:-}" ] || wh="yash $YASH_VERSION"
  header shell "${wh:-sh}"
  header path "$PATH"
  header options "$O_ARGS"
  header pid $$
  header deadline "$O_DEADLINE"
  header max_bytes "$BUDGET"
  wh=$(sees)
  header sees "$wh"
  case $wh in own*) SEES_OWN=' sees=own' ;; esac
  sum_of "$SCRIPT"
  header collector_sha256 "$SUM"
  tool_version ls
  case $TOOL_VERSION in *BusyBox*) wh=busybox ;; *oybox*) wh=toybox ;; *GNU*) wh=gnu ;; *) wh=- ;; esac
  header userland "$wh"
}

# sum_of FILE: sets SUM to its SHA-256, - where nothing can tell.
sum_of() {
  SUM=-
  { [ -f "$1" ] && have sha256sum; } || return 0
  so_fsize=$FSIZE FSIZE=65536
  guard 3 normal "$CTL/sum" /dev/null sha256sum "$1"
  FSIZE=$so_fsize
  read -r SUM _ 2>/dev/null <"$CTL/sum"
  case $SUM in '' | *[!0-9a-f]*) SUM=- ;; esac
}

# sums: appends a line "sum sha256=HEX path=PATH" to MANIFEST for each other file of the bundle.
sums() {
  have sha256sum || return 0
  guard 20 pack "$CTL/sums" /dev/null do_sums
  while read -r su_hex su_path; do
    # A * in front of the path stands for binary mode.
    case $su_hex in *[!0-9a-f]* | '') continue ;; esac
    manifest "sum sha256=$su_hex path=${su_path#\*}"
  done 2>/dev/null <"$CTL/sums"
}

# do_sums: the job of sums. Names are of the collector's making and hold no blanks.
do_sums() {
  ds_list=
  for ds_file in * */* */*/* */*/*/*; do
    case $ds_file in MANIFEST | MANIFEST.new) continue ;; esac
    [ ! -f "$ds_file" ] || ds_list="$ds_list $ds_file"
  done
  [ -z "$ds_list" ] || $LOW sha256sum $ds_list
}

# list_tools: what --list prints: hash and path of each.
list_tools() {
  put "$PROGRAM $VERSION"
  [ ! -f "$SCRIPT" ] || list_one "$SCRIPT"
  for lt_tool in $ALL_TOOLS; do
    lt_path=$(command -v "$lt_tool" 2>/dev/null) || lt_path=
    case $lt_path in
      /*) list_one "$lt_path" ;;
      '') put "- $lt_tool (not there)" ;;
      *) put "- $lt_tool (the shell's own)" ;;
    esac
  done
}

# list_one PATH: prints one line of it.
list_one() {
  lo_sum=-
  if command -v sha256sum >/dev/null 2>&1; then lo_sum=$(sha256sum "$1" 2>/dev/null </dev/null); fi
  put "${lo_sum%% *} $1"
}

# sees: prints whether all processes' descriptors can be seen.
sees() {
  if [ -r /proc/1/fd ] && [ -x /proc/1/fd ] && [ "$UID_NOW" = 0 ]; then put 'all processes'; else put 'own processes only'; fi
}

# on_signal NAME: what INT, TERM and HUP do: ask to stop. The rest is recorded as skipped and the bundle finished.
on_signal() {
  STOP=$1
  incomplete "signal-$1"
  [ -z "$CTL" ] || empty "$CTL/stop"
}

# close_manifest: rewrites MANIFEST with its verdict on itself.
close_manifest() {
  iso
  now
  cl_complete=yes
  [ -z "$REASON" ] || cl_complete=no
  read -r cl_stat 2>/dev/null <"/proc/$$/stat"
  set -- ${cl_stat##*") "}
  cl_bad=0
  while IFS= read -r cl_line; do
    case $cl_line in
      complete=no)
        put "complete=$cl_complete" || cl_bad=1
        [ -z "$REASON" ] || put "reason=$REASON"
        put "end=$ISO"
        put "samples=$SAMPLES_TAKEN"
        put "suspects=${SUSPECTS# }"
        # Clock ticks: own user and system time, then that of the commands that ended.
        put "cpu_ticks=${12:--} ${13:--} ${14:--} ${15:--}"
        put "records=$RECORDS" || cl_bad=1 ;;
      reason=cut-short) ;;
      *) put "$cl_line" || cl_bad=1 ;;
    esac
  done 2>/dev/null <MANIFEST >MANIFEST.new || cl_bad=1
  [ $cl_bad = 0 ] && mv -f MANIFEST.new MANIFEST 2>/dev/null && return 0
  # No room for a new one: the first lines are written over in place, which needs none, as they keep their length.
  incomplete disk-full
  rm -f MANIFEST.new
  first_lines disk-full 2>/dev/null 1<>MANIFEST
}

# finish: closes MANIFEST, packs the bundle, removes everything else, prints where it is, and exits.
finish() {
  trap - EXIT
  trap ':' INT TERM HUP
  [ -n "$CTL" ] && [ -d "$CTL" ] || exit 3
  empty "$CTL/ballast"
  [ -z "$EMPTY" ] || rm -f $EMPTY
  FSIZE=0 WATCH_SIZE=0 WATCH_FILE=-
  sums
  close_manifest
  cd "$WORK" || exit 3
  now
  put $((NOW + 330)) 2>/dev/null >"$CTL/hard"
  alive "$WATCHDOG" || start_watchdog
  if [ "$O_OUT" = - ]; then pack_stream; else pack_file; fi
  cd /
  if [ "$KEEP_WORK" = 0 ]; then
    # Renamed first: should the collector be killed now, the watchdog must not take the rest for a bundle.
    mv "$WORK/$TOP" "$WORK/gone" 2>/dev/null
    rm -rf "$WORK"
  fi
  stop_watchdog
  [ -n "$RESULT" ] || exit 3
  [ "$O_OUT" = - ] || put "$RESULT" >&3
  say "the bundle is ${REASON:+in}complete${REASON:+ ($REASON)}: $RESULT"
  [ -z "$REASON" ] || exit 1
  exit 0
}

# pack_stream: writes the tar to standard output (descriptor 3), or without tar the texts one after the other, each after its name.
# Sets RESULT.
pack_stream() {
  RESULT='' KEEP_WORK=0
  if have tar; then guard 300 pack /dev/null "$CTL/tar.err" do_stream; else guard 300 pack /dev/null "$CTL/tar.err" do_paste; fi
  [ "$RC" = 0 ] && RESULT='standard output' && return 0
  first_line "$CTL/tar.err"
  say "the bundle could not be written to standard output: ${LINE:-exit status $RC}"
}

# do_stream, do_paste: the jobs of pack_stream.
do_stream() { $LOW tar -cf - "$TOP" >&3; }
do_paste() {
  for dp_file in "$TOP"/MANIFEST "$TOP"/* "$TOP"/*/* "$TOP"/*/*/*; do
    [ -f "$dp_file" ] || continue
    put "\$ cat $dp_file" && copy "$dp_file" || return 1
  done >&3
}

# pack_file: makes the archive in the output directory under a temporary name and renames it. Where tar or space is missing the
# bundle stays a directory, moved there or left where it was written. Sets RESULT and KEEP_WORK.
pack_file() {
  RESULT='' KEEP_WORK=0
  for pf_dir in "$OUT" "${WORK%/*}"; do
    [ -d "$pf_dir" ] && [ -w "$pf_dir" ] || continue
    for PACKER in gzip tar; do
      have tar && have $PACKER || continue
      part_of "$pf_dir"
      now
      put $((NOW + 45)) 2>/dev/null >"$CTL/hard"
      guard 30 pack "$CTL/tar.out" "$CTL/tar.err" do_pack
      case $PACKER in
        gzip) free_name "$pf_dir" .tar.gz "$O_FILE" ;;
        *) free_name "$pf_dir" .tar ;;
      esac
      if [ "$RC" = 0 ] && [ -s "$PART" ] && mv -f "$PART" "$FREE_NAME" 2>/dev/null; then
        empty "$CTL/packed"
        RESULT=$FREE_NAME
        return 0
      fi
      rm -f "$PART"
    done
  done
  for pf_dir in "$OUT" "${WORK%/*}"; do
    [ -d "$pf_dir" ] && [ -w "$pf_dir" ] || continue
    free_name "$pf_dir" ''
    if same_place "$pf_dir" && mv "$TOP" "$FREE_NAME" 2>/dev/null; then
      RESULT=$FREE_NAME
      return 0
    fi
  done
  # Not even a rename: leave it where it is.
  RESULT=$WORK/$TOP KEEP_WORK=1
}

# same_place DIR: succeeds if moving the bundle to DIR is a mere rename, or there is room to copy it.
same_place() {
  [ "$1" = "${WORK%/*}" ] && return 0
  free_kb "$1"
  [ "$FREE" = - ] || [ "$FREE" -gt $((USED / 512 + 1024)) ]
}

# free_name DIR SUFFIX [FILE]: sets FREE_NAME, a path for the bundle that does not exist yet: FILE if there is none of that name.
free_name() {
  FREE_NAME=$1/${3:-$TOP$2} fn_n=1
  while [ -e "$FREE_NAME" ]; do
    fn_n=$((fn_n + 1))
    FREE_NAME=$1/$TOP-$fn_n$2
  done
}

# do_pack: the job of pack_file.
do_pack() {
  if [ $PACKER = tar ]; then
    $LOW tar -cf "$PART" "$TOP"
  else
    { { $LOW tar -cf - "$TOP" 4>&-; put "$?" >&4; } | $LOW gzip -c >"$PART" 4>&-; } 4>"$CTL/tar.rc" || return 1
    dk_rc=1
    read -r dk_rc <"$CTL/tar.rc"
    return "$dk_rc"
  fi
}

# -------------------------------------------------------------------------------------------------------------- bare shell

# bare: the last resort, where no directory can be made or no tool to wait with exists: one text with what the shell itself can read
# from /proc, each file after a line "$ cat NAME", to a file or to standard output. Exits.
bare() {
  say "$1: taking only what the shell itself can read"
  iso
  stamp
  ba_name=
  if [ "$O_OUT" != - ]; then
    for ba_dir in "$O_OUT" /tmp /var/tmp /dev/shm; do
      ba_name=$ba_dir/sockdiag-$SAFE_HOST-$STAMP.txt
      [ ! -e "$ba_name" ] && empty "$ba_name" && break
      ba_name=
    done
  fi
  if [ -n "$ba_name" ]; then
    bare_text "$1" >"$ba_name" || exit 3
    put "$ba_name" >&3
  else
    bare_text "$1" >&3 || exit 3
  fi
  exit 1
}

# bare_text REASON: prints that text. Only builtins; each file is bounded, as builtins read slowly.
bare_text() {
  put "\$ cat MANIFEST"
  for bt_line in format=sockdiag.manifest/1 "collector=$PROGRAM $VERSION" complete=no "reason=bare-shell: $1" "host=$HOST" \
    "kernel=$KERNEL" "distro=$DISTRO" "start=$ISO" "boot_id=$BOOT_ID" "uid=$UID_NOW" "caps=$CAPS" "hidepid=$HIDEPID" "container=$CONTAINER" \
    "path=$PATH"; do put "$bt_line"; done
  MISSING=' '
  for bt_tool in $ALL_TOOLS; do have "$bt_tool" || DRY=0 bare_missing "$bt_tool"; done
  for bt_file in /proc/uptime /proc/net/sockstat /proc/net/sockstat6 /proc/net/snmp /proc/net/netstat /proc/sys/fs/file-nr \
    /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 /proc/net/unix /proc/net/protocols; do
    [ -r $bt_file ] || continue
    put "\$ cat $bt_file"
    bt_n=0
    while [ $bt_n -lt 3000 ] && IFS= read -r bt_line; do
      bt_n=$((bt_n + 1))
      put "$bt_line"
    done <$bt_file
    [ $bt_n -lt 3000 ] || put '[sockdiag: cut here, the shell reads no more]'
  done
  put "\$ cat fd-counts"
  (cd /proc && fd_counts)
  put "\$ sysctl -a"
  sysctls
}

# bare_missing TOOL: missing, printed instead of written to MANIFEST.
bare_missing() {
  manifest() { put "$1"; }
  missing "$1"
}

# ------------------------------------------------------------------------------------------------------------------- main

# main ARGS...: see usage.
main() {
  choose_put
  options "$@"
  environment
  exec 3>&1 >&2 </dev/null
  host_facts
  ALL_TOOLS='ss netstat lsof strace ps dmesg ls cat awk sed sort tr tail dd df date tar gzip sha256sum setsid nice ionice mkdir mv rm sleep'
  if [ $LIST = 1 ]; then
    list_tools >&3
    exit 0
  fi
  if [ $DRY = 1 ]; then
    exec >&3
    probe
    stages
    put 'ls -ln, df -P -k, df -P -i, date -u, dd, tail -c, sed, sort, sha256sum, mkdir, mv, rm, sleep (on the bundle itself)'
    put 'tar -cf - sockdiag-HOST-TIME | gzip -c'
    exit 0
  fi
  busybox_helpers
  { have mkdir && have sleep && have rm && have mv; } || bare 'mkdir, mv, rm or sleep is not there'
  trap '' PIPE
  # Before there is anything to lose.
  trap 'on_signal INT' INT
  trap 'on_signal TERM' TERM
  trap 'on_signal HUP' HUP
  open_bundle || bare 'no directory can be written'
  # Whatever ends the shell, the bundle is closed.
  trap 'incomplete shell-error; finish' EXIT
  for ma_tool in $ALL_TOOLS; do have "$ma_tool" || missing "$ma_tool"; done
  say "collecting, at most $O_DEADLINE s"
  stages
  finish
}

# busybox_helpers: where basic tools are missing but busybox is there (an image with nothing else), uses its own.
busybox_helpers() {
  have busybox || return 0
  for bh_tool in mkdir mv rm sleep cat ls awk sed sort tr tail dd df date tar gzip; do
    have $bh_tool || { HELPERS="$HELPERS$bh_tool "; eval "$bh_tool() { busybox $bh_tool \"\$@\"; }"; }
  done
}

# stages: everything that is collected, cheapest and most volatile first. Under --dry-run the same functions print.
stages() {
  sample
  pick_suspects
  sockets
  identity
  suspects_proc
  namespaces
  netstat_table
  host_wide
  open_files
  log_tails
  remaining_samples
  ma_before=$SAMPLES_TAKEN
  traces
  # One more, so that growth can be measured over the whole time and the collector's own part be seen.
  if [ -z "$STOP$FULL" ] && [ $DRY = 0 ] && [ "$SAMPLES_TAKEN" = "$ma_before" ] && [ "$O_SAMPLES" -gt 1 ]; then
    now
    [ "$NOW" -ge "$DEADLINE" ] || sample
  fi
}

main "$@"
