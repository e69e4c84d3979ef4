#!/bin/sh
# Unpacks a distribution into an empty folder and runs it there, without a Java on the PATH or in JAVA_HOME, from another directory, through a
# link, with an empty home, and once read-only as a user who can write into the temporary directory alone. Ends with 0 if all of it works and
# nothing has changed where it is installed.
#
#     ./mvnw -Pdist -DskipTests package && tools/check_dist.sh target/halftone-*.tar.gz
set -eu
archive=$1
work=$(mktemp -d)
trap 'chmod -R u+w "$work" && rm -rf "$work"' EXIT

# A PATH with all that is there but Java.
mkdir "$work/path" "$work/home" "$work/elsewhere" "$work/installed" "$work/locked" "$work/temporary"
for folder in /usr/bin /bin; do
    for program in "$folder"/*; do
        name=${program##*/}
        case "$name" in
            java* | j[a-z]*) ;;
            *) [ -e "$work/path/$name" ] || ln -s "$program" "$work/path/$name" ;;
        esac
    done
done
PATH=$work/path
export PATH
unset JAVA_HOME XDG_CACHE_HOME
HOME=$work/home
# Java takes the home from the system's list of users.
HALFTONE_JAVA_OPTS="-Duser.home=$work/home -Djava.io.tmpdir=$work/temporary"
export HOME HALFTONE_JAVA_OPTS
if command -v java >/dev/null; then
    echo "there is a java on the PATH of this test" >&2
    exit 1
fi

tar -xzf "$archive" -C "$work/installed"
root=$(echo "$work"/installed/halftone-*)
(cd "$root" && find . -type f -exec cksum {} +) >"$work/before"
printf '%-34s %s MB\n' "unpacked" "$(du -sm "$root" | cut -f1)"
ln -s "$root/bin/halftone" "$work/linked"
cd "$work/elsewhere"

try() { # NAME EXPECTED COMMAND...: the command must end with 0 and print EXPECTED
    name=$1
    expected=$2
    shift 2
    if ! "$@" >"$work/out" 2>"$work/err" || ! grep -q "$expected" "$work/out"; then
        echo "$name: failed; expected \"$expected\"" >&2
        cat "$work/out" "$work/err" >&2
        exit 1
    fi
    printf '%-34s %s\n' "$name" "$(grep -m 1 "$expected" "$work/out")"
}

halftone=$root/bin/halftone
try "--version" "halftone" "$halftone" --version
try "inspect, through a link" "llama" "$work/linked" inspect zoo:llama-nano
try "inspect, with an empty PATH" "llama" env PATH= "$halftone" inspect zoo:llama-nano
try "quantize" "bits per weight" "$halftone" quantize zoo:llama-nano --recipe gptq-w4g64 \
    --calibration "$root/corpus/sotu.calibration.txt" --samples 8 --out out
try "eval" "perplexity" "$halftone" eval out --reference zoo:llama-nano --text "$root/corpus/sotu.test.txt" --chunks 8

cat >study.yaml <<EOF
study: Does a study run?
models: {llama-nano: zoo:llama-nano}
recipes: {gptq-w3g64: gptq-w3g64}
calibration: {samples: 2, length: 64, draws: 1, seed: 0, default: sotu, sets: {sotu: {text: "$root/corpus/sotu.calibration.txt"}}}
evaluate: [perplexity: {name: sotu, text: "$root/corpus/sotu.test.txt", length: 64, chunks: 2}]
EOF
try "study" "0 failed" "$halftone" study study.yaml --out study

chmod -R a-w "$root"
chmod a-w "$work/locked"
chmod a+rwx "$work/temporary"
chmod a+rx "$work" "$work/installed"
HALFTONE_JAVA_OPTS="-Duser.home=$work/locked -Djava.io.tmpdir=$work/temporary"
runner=
[ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && runner="setpriv --reuid=65534 --regid=65534 --clear-groups"
# shellcheck disable=SC2086 # the runner is several words or none
try "read-only" "perplexity" $runner env HOME="$work/locked" "$halftone" eval out --text "$root/corpus/sotu.test.txt" --chunks 2

(cd "$root" && find . -type f -exec cksum {} +) >"$work/after"
if ! cmp -s "$work/before" "$work/after"; then
    echo "files have changed where it is installed:" >&2
    diff "$work/before" "$work/after" >&2 || true
    exit 1
fi
