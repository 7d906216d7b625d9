#!/usr/bin/env bash
# The whole test of Wolfden. From a clean clone it takes less than half an hour on two cores.
#
#   ./test.sh              everything
#   ./test.sh --long       the same with more storms and long soaks; hours
#   ./test.sh STEP ...     only these steps; `./test.sh --help` names them
#
# What is missing is installed (Debian, as root) or named together with the way to get it. The last line counts: `N passed,
# M failed, K skipped`, the tests of all runners together; a check that has no tests of its own (formatting, lints, ...)
# counts as one. The exit code is 0 only when nothing failed.
#
# WOLFDEN_SEEDS    storms per kind of simulator (600)
# WOLFDEN_SOAK_KILLS  processes killed in the soak (40)
# WOLFDEN_FUZZ_SECONDS  for each reader of bytes from outside (10)
# CI               when set, a missing tool is a failure and not a skipped step (Miri excepted: it is announced)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly STEPS=(fmt web clippy doc build tests storms system fuzz doctest miri)
# The least version of Node.js that can build the dashboard.
readonly NODE_MAJOR=20 NODE_MINOR=19

# ---- what was asked for ----

usage() {
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p;}' test.sh
    echo "Steps: ${STEPS[*]}"
}

is_long=no
wanted=()
for word in "$@"; do
    case "$word" in
    --long) is_long=yes ;;
    --help | -h)
        usage
        exit 0
        ;;
    *)
        if [[ " ${STEPS[*]} " != *" $word "* ]]; then
            echo "test.sh: '$word' is no step; the steps are: ${STEPS[*]}" >&2
            exit 2
        fi
        wanted+=("$word")
        ;;
    esac
done
((${#wanted[@]})) || wanted=("${STEPS[@]}")

# Everything is built once, in the release profile; its debug information is line tables only (Cargo.toml).
export CARGO_TERM_COLOR=never NO_COLOR=1
if [[ $is_long == yes ]]; then
    export WOLFDEN_SEEDS=${WOLFDEN_SEEDS:-6000} WOLFDEN_SOAK_KILLS=${WOLFDEN_SOAK_KILLS:-200}
    readonly WOLFDEN_FUZZ_SECONDS=${WOLFDEN_FUZZ_SECONDS:-600}
    readonly LIMIT_MINUTES=300
else
    export WOLFDEN_SEEDS=${WOLFDEN_SEEDS:-600}
    readonly WOLFDEN_FUZZ_SECONDS=${WOLFDEN_FUZZ_SECONDS:-10}
    readonly LIMIT_MINUTES=40
fi

# ---- counting ----

passed=0 failed=0 skipped=0
remarks=()
log=$(mktemp -d)/step.log
job=
trap 'rm -rf "$(dirname "$log")"' EXIT
trap 'echo "test.sh: broken off" >&2; end_job; exit 130' INT TERM

remark() {
    echo "$1"
    remarks+=("$1")
}

# missing NAME HOW-TO-GET-IT
missing() {
    if [[ -n ${CI:-} ]]; then
        remark "MISSING: $1, which CI must have: $2"
        failed=$((failed + 1))
    else
        remark "MISSING: $1: $2"
        skipped=$((skipped + 1))
    fi
}

is_wanted() { [[ " ${wanted[*]} " == *" $1 "* ]]; }
has() { command -v "$1" >/dev/null 2>&1; }

# Adds up the numbers before `word` in the lines of the log that match `line`: sum LINE WORD
sum() {
    awk -v line="$1" -v word="$2" '
        $0 ~ line {
            rest = $0
            while (match(rest, "[0-9]+ " word "([^a-z]|$)")) {
                split(substr(rest, RSTART, RLENGTH), part, " ")
                all += part[1]
                rest = substr(rest, RSTART + RLENGTH)
            }
        }
        END { print all + 0 }' "$log"
}

# count STATUS RUNNER...: what the runners in the log say, and one failure when they say less than the exit code.
count() {
    local status=$1 good=0 bad=0 left=0 word
    shift
    for runner in "$@"; do
        case "$runner" in
        nextest)
            # Tests that were left out by the step's own filter are counted by the step that runs them.
            good=$((good + $(sum '^ *Summary .*tests? run:' passed)))
            for word in failed 'timed out' 'exec failed'; do
                bad=$((bad + $(sum '^ *Summary .*tests? run:' "$word")))
            done
            ;;
        cargo)
            good=$((good + $(sum '^test result:' passed)))
            bad=$((bad + $(sum '^test result:' failed)))
            left=$((left + $(sum '^test result:' ignored)))
            ;;
        vitest)
            good=$((good + $(sum '^ *Tests  ' passed)))
            bad=$((bad + $(sum '^ *Tests  ' failed)))
            left=$((left + $(sum '^ *Tests  ' skipped)))
            ;;
        browser)
            # The steps that the browser took; the test that starts it prints them as a figure.
            good=$((good + $(sum 'browser: [0-9]+ passed, [0-9]+ failed' passed)))
            bad=$((bad + $(sum 'browser: [0-9]+ passed, [0-9]+ failed' failed)))
            ;;
        check) good=$((good + (status == 0 ? 1 : 0))) ;;
        esac
    done
    if ((status != 0 && bad == 0)); then
        bad=1
    elif ((status == 0 && good == 0)); then
        remark "nothing was tested in this step"
        bad=$((bad + 1))
    fi
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + left))
    counted="$good passed, $bad failed, $left skipped"
}

# ---- running ----

end_job() {
    [[ -n $job ]] || return 0
    kill -TERM -- "-$job" 2>/dev/null || return 0
    sleep 5
    kill -KILL -- "-$job" 2>/dev/null || true
}

# run COMMAND...: shows and keeps what it prints, ends it when it takes too long. Not a pipe: something that outlives the
# command and still holds its output could make a pipe wait for ever.
run() {
    local shown=0 size status=0 end=$((SECONDS + LIMIT_MINUTES * 60))
    : >"$log"
    set -m # a process group of its own
    ("$@") >"$log" 2>&1 </dev/null &
    job=$!
    set +m
    show() {
        size=$(wc -c <"$log")
        tail -c "+$((shown + 1))" "$log" | head -c "$((size - shown))"
        shown=$size
    }
    while kill -0 "$job" 2>/dev/null; do
        show
        if ((SECONDS > end)); then
            remark "ended after $LIMIT_MINUTES minutes: $*"
            end_job
        fi
        sleep 0.5
    done
    wait "$job" || status=$?
    job=
    show
    return "$status"
}

# step NAME "RUNNER ..." TITLE COMMAND...
step() {
    local name=$1 runners=$2 title=$3 begin=$SECONDS status=0 counted=
    shift 3
    is_wanted "$name" || return 0
    printf '\n=== %s: %s\n' "$name" "$title"
    run "$@" || status=$?
    # shellcheck disable=SC2086 # a list of words
    count "$status" $runners
    printf -- '--- %s: %s in %d s\n' "$name" "$counted" "$((SECONDS - begin))"
    if ((status != 0)); then
        remarks+=("FAILED: step $name (run it alone: ./test.sh $name)")
    fi
    return "$status"
}

finish() {
    printf '\n'
    if ((${#remarks[@]})); then
        printf '%s\n' "${remarks[@]}"
    fi
    printf 'took %d min %d s\n' "$((SECONDS / 60))" "$((SECONDS % 60))"
    echo "$passed passed, $failed failed, $skipped skipped"
    ((failed == 0)) || exit 1
    exit 0
}

# ---- what it takes ----

is_node_good() {
    has node && has npm &&
        node -e "const [a, b] = process.versions.node.split('.').map(Number);
                 process.exit(a > $NODE_MAJOR || (a === $NODE_MAJOR && b >= $NODE_MINOR) ? 0 : 1)"
}

# The same places as in web-ui/e2e/browser.mjs.
has_chromium() {
    local path
    [[ -n ${CHROMIUM:-} ]] && [[ -x $CHROMIUM ]] && return 0
    for path in /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome /usr/bin/google-chrome-stable \
        /snap/bin/chromium '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'; do
        [[ -x $path ]] && return 0
    done
    return 1
}

# Debian packages for what is not there.
install_packages() {
    local packages=()
    has cc || packages+=(gcc libc6-dev)
    has c++ || packages+=(g++)
    # The headers are compiled with each compiler that an author may have.
    has gcc || packages+=(gcc)
    has clang || packages+=(clang)
    # Windows resource DLLs: Wine runs them, mingw compiles those of the tests and links resmon.exe.
    has wine || packages+=(wine wine64)
    has x86_64-w64-mingw32-gcc || packages+=(gcc-mingw-w64-x86-64 mingw-w64-x86-64-dev)
    has x86_64-w64-mingw32-g++ || packages+=(g++-mingw-w64-x86-64)
    has ps || packages+=(procps)
    if ! has node || ! has npm; then packages+=(nodejs npm); fi
    has_chromium || packages+=(chromium)
    ((${#packages[@]})) || return 0
    if ! has apt-get || [[ $(id -u) != 0 ]]; then
        echo "not installed, because that needs apt-get and root: ${packages[*]}"
        return 0
    fi
    echo "installing ${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null || echo "apt-get update failed"
    apt-get install -qq -y --no-install-recommends "${packages[@]}" >/dev/null || echo "apt-get install failed"
}

tools() {
    printf '=== tools\n'
    if ! has cargo; then
        remark "MISSING: cargo: install Rust 1.89 or newer with rustup (rust-lang.org, Install), then open a new shell"
        failed=$((failed + 1))
        finish
    fi
    install_packages
    if has rustup; then
        cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt || true
        cargo clippy --version >/dev/null 2>&1 || rustup component add clippy || true
        rustup target add x86_64-pc-windows-gnu || true
    fi
    if is_wanted system || is_wanted tests; then
        has wine || missing "Wine" "install it (packages wine and wine64); Windows resource DLLs are tested under it"
        has x86_64-w64-mingw32-gcc || missing "mingw" "install gcc-mingw-w64-x86-64 and g++-mingw-w64-x86-64"
    fi
    has cc || missing "a C compiler" "install gcc or clang; the examples in C and the headers are compiled by tests"
    if is_wanted system || is_wanted tests; then
        has clang || missing "clang" "install it (package clang); the headers for C are compiled with it, with gcc and with mingw"
    fi
    cargo --version
    if is_node_good; then echo "node $(node --version)"; fi
    if cargo nextest --version >/dev/null 2>&1; then
        has_nextest=yes
        cargo nextest --version | head -n 1
    else
        has_nextest=no
        echo "cargo-nextest is not there; cargo test is used instead"
    fi
}

# ---- the steps ----

check_format() { cargo fmt --all --check -- --color never; }

check_web() {
    cd web-ui
    npm ci && npm run check && npm test && npm run build
}

check_doc() { RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps; }

# Tests of one part of the workspace, selected by a filter of nextest: everything is built with the same features, once.
nextest() { cargo nextest run --release --locked --workspace --no-tests fail "$@"; }

check_tests() {
    if [[ $has_nextest == yes ]]; then
        nextest --status-level slow --final-status-level slow -E 'not (package(wolfden-tests) or binary(storms) or binary(replica_seeds) or binary(sabotage))'
    else
        # One after the other, the storms and the whole system included.
        cargo test --release --locked --workspace --tests --no-fail-fast
    fi
}

check_storms() {
    echo "$WOLFDEN_SEEDS seeds"
    nextest --success-output final -E 'binary(storms) or binary(replica_seeds) or binary(sabotage)'
}

check_system() { nextest --success-output immediate -E 'package(wolfden-tests)'; }

# Every reader of bytes from outside, for so long; a find prints the line that repeats it.
check_fuzz() { cargo run --release --locked --package wolfden-fuzz -- --seconds "$WOLFDEN_FUZZ_SECONDS"; }

has_miri() { cargo +nightly miri --version >/dev/null 2>&1; }

# The door between Rust and the C interface, alone and through whole lives of resources. Handles cross the ABI as numbers, so
# provenance is permissive. The tests of control codes go through the same door and would double the time.
check_miri() {
    MIRIFLAGS=-Zmiri-permissive-provenance cargo +nightly miri test --locked -p resapi --lib --test life
}

tools
step fmt check "formatting" check_format || true
if ! is_wanted web; then
    :
elif is_node_good; then
    step web vitest "the dashboard: types, unit tests, build" check_web || true
else
    missing "Node.js $NODE_MAJOR.$NODE_MINOR or newer with npm" \
        "install it (nodejs.org, or your system's packages); without it the dashboard is neither built nor tested"
fi
if ! has_chromium && is_wanted system; then
    missing "chromium" "install it, or set CHROMIUM to its path; the dashboard is tested in it"
fi
step clippy check "lints; a warning is an error" \
    cargo clippy --release --locked --workspace --all-targets -- -D warnings || true
step doc check "documentation; a warning is an error" check_doc || true
if ! step build check "everything in the release profile" cargo build --release --locked --workspace; then
    remark "nothing else can be tested, because it does not build"
    finish
fi
if [[ $has_nextest == no ]] && { is_wanted storms || is_wanted system; }; then
    wanted+=(tests)
fi
step tests "nextest cargo browser" "tests of each part" check_tests || true
if [[ $has_nextest == yes ]]; then
    step storms nextest "storms: seeds in which no promise may break" check_storms || true
    step system "nextest browser" "the whole system: processes, libraries, faults, browser" check_system || true
elif is_wanted storms || is_wanted system; then
    printf '\n=== storms, system: part of the step 'tests', because cargo-nextest is not there\n'
fi
step fuzz check "bounded fuzzing: $WOLFDEN_FUZZ_SECONDS s for each reader of bytes from outside" check_fuzz || true
step doctest cargo "examples in the documentation" cargo test --release --locked --workspace --doc --no-fail-fast || true
if is_wanted miri; then
    has_miri || { has rustup && rustup component add miri rust-src --toolchain nightly >/dev/null 2>&1; } || true
    if has_miri; then
        step miri cargo "the door to foreign code under Miri" check_miri || true
    else
        remark "MISSING: Miri: rustup toolchain install nightly --component miri,rust-src. THE DOOR TO FOREIGN CODE WAS NOT CHECKED."
        skipped=$((skipped + 1))
    fi
fi
finish
