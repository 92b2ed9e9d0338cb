# Sourced by the checking scripts: runs steps and test suites, reports each in a line, and adds up.
# Of what succeeds one line is shown; the full output of every step stays in build/log.
# shellcheck shell=sh

passed=0 failed=0 skipped=0
cores=$(nproc)
log_directory=build/log
mkdir -p "$log_directory"
begun=$(date +%s)

# finish: the sum, as the last line. The exit status is 1 when something failed.
finish() {
    echo "took $(($(date +%s) - begun)) s"
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
    exit
}

# say VERDICT NAME SECONDS-SINCE
say() {
    printf '%-8s %s (%d s)\n' "$1" "$2" "$(($(date +%s) - $3))"
}

# details LOG: the lines of compilers and checkers that name an error, or else the end.
details() {
    grep -E ' error: |undefined reference' "$1" | sort -u | head -n 60 | grep . || tail -n 100 "$1"
    echo "all of it: $1"
}

# step NAME COMMAND...: one check. Status 77 is a skip, with a line `skipped: REASON` in its output.
step() {
    name=$1 started=$(date +%s) status=0
    log=$log_directory/$(printf '%s' "$name" | tr ' /' '--').log
    shift
    "$@" >"$log" 2>&1 </dev/null || status=$?
    case $status in
    0)
        passed=$((passed + 1))
        say ok "$name" "$started"
        ;;
    77)
        skipped=$((skipped + 1))
        say skipped "$name: $(sed -n 's/^skipped: //p' "$log" | head -n 1)" "$started"
        ;;
    *)
        failed=$((failed + 1))
        say FAILED "$name" "$started"
        details "$log" | sed 's/^/    /'
        return 1
        ;;
    esac
}

# build PRESET [CMAKE-OPTION...]: configures and builds.
build() {
    build_preset=$1
    shift
    cmake --preset "$build_preset" "$@" && cmake --build --preset "$build_preset" -j "$cores"
}

# suite PRESET [CTEST-OPTION...]: runs the tests of a build. Each counts for itself.
suite() {
    preset=$1 started=$(date +%s) status=0
    log=$log_directory/test-$preset.log
    results=$PWD/$log_directory/test-$preset.xml
    shift
    rm -f "$results"
    # Room for the output of tests that pass: it may say what was left out.
    ctest --preset "$preset" -j "$cores" --output-junit "$results" \
        --test-output-size-passed 100000 --test-output-size-failed 500000 "$@" \
        >"$log" 2>&1 </dev/null || status=$?
    # Sets suite_passed, suite_failed and suite_skipped.
    eval "$(script/read-junit --count "$results")"
    if [ "$status" -ne 0 ] && [ "$suite_failed" -eq 0 ]; then
        suite_failed=1 # ctest itself failed, or had no tests
    fi
    passed=$((passed + suite_passed)) failed=$((failed + suite_failed))
    skipped=$((skipped + suite_skipped))
    script/read-junit --skipped "$results"
    if [ "$suite_failed" -eq 0 ]; then
        say ok "test $preset: $suite_passed tests" "$started"
    else
        total=$((suite_passed + suite_failed))
        say FAILED "test $preset: $suite_failed of $total tests" "$started"
        script/read-junit --failed "$results" || tail -n 40 "$log"
    fi
}
