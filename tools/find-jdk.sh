#!/bin/sh
# Prints the home of a JDK 25 or newer, or says what to install and exits with 1.
# Order: JAVA_HOME, the javac on PATH, the folders where package managers and SDK managers put JDKs.
set -u

# A JDK names its version in the file 'release': reading it is faster than starting a JVM.
is_25() {
    [ -x "$1/bin/javac" ] && [ -r "$1/release" ] || return 1
    major=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release")
    [ -n "$major" ] && [ "$major" -ge 25 ]
}

take() {
    if is_25 "$1"; then
        printf '%s\n' "$1"
        exit 0
    fi
}

[ -n "${JAVA_HOME:-}" ] && take "$JAVA_HOME"

javac=$(command -v javac 2>/dev/null) || javac=
while [ -n "$javac" ] && [ -L "$javac" ]; do
    target=$(readlink "$javac")
    case "$target" in
        /*) javac=$target ;;
        *) javac=$(dirname "$javac")/$target ;;
    esac
done
[ -n "$javac" ] && take "$(dirname "$(dirname "$javac")")"

for home in \
    /usr/lib/jvm/*25* /usr/lib/jvm/* /usr/java/* /usr/local/java/* /opt/java/* /opt/jdk* \
    "$HOME"/.sdkman/candidates/java/* "$HOME"/.jdks/* "$HOME"/.local/share/mise/installs/java/* "$HOME"/.asdf/installs/java/* \
    /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home /usr/local/opt/openjdk*/libexec/openjdk.jdk/Contents/Home \
    /Library/Java/JavaVirtualMachines/*/Contents/Home "$HOME"/Library/Java/JavaVirtualMachines/*/Contents/Home \
    "/c/Program Files/Eclipse Adoptium"/* "/c/Program Files/Java"/*; do
    take "$home"
done

echo "HT-001 no JDK 25 found (looked at JAVA_HOME, PATH and the usual folders); install one, for example Eclipse Temurin 25, or set JAVA_HOME to it" >&2
exit 1
