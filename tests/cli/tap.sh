# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What the command-line tests share. Meson gives QUANTA (the program), GUESTS and SCENARIOS (folders). Each test runs in a
# temporary folder of its own.
set -u
export LC_ALL=C
unset NO_COLOR QUANTA_GUESTS QUANTA_MACHINES
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
n=0

# ok DESCRIPTION COMMAND...: passes when the command succeeds.
ok() {
    n=$((n + 1))
    description=$1
    shift
    if "$@"; then
        echo "ok $n - $description"
    else
        echo "not ok $n - $description"
        [ ! -s out ] || head -n 3 out | sed 's/^/# stdout: /'
        [ ! -s err ] || head -n 3 err | sed 's/^/# stderr: /'
    fi
}

skip() {
    n=$((n + 1))
    echo "ok $n - $1 # SKIP $2"
}

# quanta ARGUMENTS...: standard output in ./out, standard error in ./err, exit status in $status.
quanta() {
    status=0
    "$QUANTA" "$@" >out 2>err </dev/null || status=$?
}

# expect STATUS TEXT ARGUMENTS...: exit status, and a line of standard error that is TEXT.
expect() {
    wanted=$1
    text=$2
    shift 2
    quanta "$@"
    ok "exit $wanted, says: $text" said "$wanted" "$text"
}

said() {
    [ "$status" -eq "$1" ] || { echo "# exit status $status"; return 1; }
    grep -qF -- "$2" err
}

exits() {
    [ "$status" -eq "$1" ] || { echo "# exit status $status"; return 1; }
}

finish() {
    echo "1..$n"
}
