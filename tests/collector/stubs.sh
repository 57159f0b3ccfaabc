# Sourced by the tests after lib.sh: programs that stand before the real tools. POSIX sh.
# shellcheck shell=sh

stubs=$TEST_DIR/stubs

# stub NAME: makes a tool of that name from standard input.
stub() {
  { echo '#!/bin/sh'; cat; } >"$stubs/$1"
  chmod +x "$stubs/$1"
}
# fresh: no stubs.
fresh() { rm -rf "$stubs" && mkdir -p "$stubs"; }
# stubbed ARGS...: collects with the stubs before the real tools.
stubbed() {
  stubbed_path=$PATH
  PATH=$stubs:$PATH
  collect "${SHELL_UNDER_TEST:-dash}" --samples 1 --strace off "$@"
  PATH=$stubbed_path
  check 'whole' well_formed
  check 'nothing is left' nothing_left
  check 'sockstat is there' test -s "$BUNDLE/samples/01/sockstat"
}
