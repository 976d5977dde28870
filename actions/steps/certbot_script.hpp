// What the certbot step asks of certbot and of a server that speaks TLS: POSIX shell, its values
// are positional parameters. Before it stand functions `tool` (certbot), `stop`, `start` and
// `reload`.
#pragma once

namespace rollbackd {

/// $1 renew or standalone, $2 name of the certificate, $3 yes: even where it is not due, $4 not
/// where it is younger than so many seconds; then certbot's further words. Says where the
/// certificate is, as certbot itself does.
inline constexpr char const* certbot_ready = R"sh(
export LC_ALL=C
verb=$1 name=$2 force=$3 younger=$4
shift 4
command -v openssl >/dev/null || { echo "openssl is not installed" >&2; exit 69; }
# A certbot that is ended before it has read its options leaves its log in a new folder.
own=$(mktemp -d) || exit 69
trap 'rm -rf "$own"' EXIT
trap 'exit 143' TERM INT HUP
in_own() (export TMPDIR="$own"; "$@")
# Where it is, as certbot says; nothing: there is none of that name yet.
file_of() {
    in_own tool certificates --cert-name "$name" </dev/null 2>/dev/null |
        sed -n 's/^ *Certificate Path: //p' | head -n 1
}
fact() { openssl x509 -in "$1" -noout "-$2" 2>/dev/null | sed 's/^[^=]*=//'; }
in_own tool --version </dev/null >/dev/null 2>&1 || { echo "certbot is not installed, or cannot be called" >&2; exit 69; }
file=$(file_of)
if [ -z "$file" ] && [ "$verb" = renew ]; then
    echo "certbot has no certificate named $name" >&2
    exit 10
fi
if [ -n "$file" ] && [ "$force" = true ]; then
    made=$(date -d "$(fact "$file" startdate)" +%s) || exit 10
    # Certificates are dated an hour back, so that clocks that are behind take them.
    if [ $(($(date +%s) - made)) -lt "$younger" ]; then
        echo "$name was issued less than ${younger}s ago; issuers limit how often, so it is not forced again" >&2
        exit 10
    fi
fi
)sh";

/// The web server is started again whatever certbot does. Where this script itself is ended the
/// step starts it: what is begun from here then would be ended with it.
inline constexpr char const* certbot_act = R"sh(
stopped=''
again() {
    [ -n "$stopped" ] || return 0
    stopped=''
    out=$(start </dev/null 2>&1) || { printf '%s\n' "$out" >&2; echo "the web server did not start again" >&2; return 1; }
}
trap 'code=$?; again || code=13; rm -rf "$own"; exit "$code"' EXIT
trap 'trap - EXIT; rm -rf "$own"; exit 143' TERM INT HUP
before=''
[ -z "$file" ] || before=$(fact "$file" serial)
[ "$force" != true ] || set -- "$@" --force-renewal
if [ "$verb" = renew ]; then
    said=$(in_own tool renew --non-interactive --no-random-sleep-on-renew --cert-name "$name" "$@" </dev/null 2>&1)
    code=$?
else
    stopped=yes
    out=$(stop </dev/null 2>&1) || { printf '%s\n' "$out" >&2; echo "the web server did not stop" >&2; exit 11; }
    said=$(in_own tool certonly --non-interactive --standalone --cert-name "$name" "$@" </dev/null 2>&1)
    code=$?
fi
again || exit 13
if [ "$code" != 0 ]; then
    printf '%s\n' "$said" | tail -n 15 >&2
    echo "certbot gave no certificate" >&2
    exit 11
fi
file=$(file_of)
[ -n "$file" ] || { echo "certbot has no certificate named $name afterwards" >&2; exit 12; }
now=$(fact "$file" serial) until=$(fact "$file" enddate)
[ -n "$now" ] && [ -n "$until" ] || { echo "$file cannot be read" >&2; exit 12; }
openssl x509 -in "$file" -noout -checkend 0 >/dev/null || { echo "$file is still the one that ended $until" >&2; exit 12; }
if [ "$now" = "$before" ]; then
    [ "$force" != true ] || { echo "$name is the same certificate as before" >&2; exit 12; }
    echo "$name was not due; it is valid until $until" >&2
else
    echo "$name is new, and valid until $until" >&2
fi
# Also where it was not due: what was renewed without a reload is not served yet.
out=$(reload </dev/null 2>&1) || { printf '%s\n' "$out" >&2; echo "the server did not reload" >&2; exit 14; }
printf '%s\n' "$now"
)sh";

inline constexpr char const* certbot_start = R"sh(
start </dev/null
)sh";

/// $1 HOST:PORT, $2 name asked for. The serial number and the end of what is served, by a fresh
/// handshake.
inline constexpr char const* certbot_served = R"sh(
export LC_ALL=C
served=$(timeout 5 openssl s_client -connect "$1" -servername "$2" </dev/null 2>/dev/null |
    openssl x509 -noout -serial -enddate 2>/dev/null) || { echo "$1 shows no certificate" >&2; exit 11; }
printf '%s\n' "$served" | sed 's/^[^=]*=//'
)sh";

}  // namespace rollbackd
