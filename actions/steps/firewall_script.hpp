// What the firewall step asks of nft and ufw: POSIX shell, its values are positional parameters.
// Before it stands a function `tool`, which calls the one that is used.
#pragma once

namespace rollbackd {

/// $1 close, limit or open; $2 ports; $3 networks; $4 ports of rollbackd's own API; $5 here or
/// there: whether it runs on this machine. The way in of whoever must mend this later is never
/// closed: sshd's ports, the one of this very connection, and the API's.
inline constexpr char const* firewall_prelude = R"sh(
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
verb=$1 ports=$2 networks=$3 own=$4 where=$5
connection() {
    [ $# != 4 ] || echo "$4 the port of this very ssh connection"
    [ "$where" = here ] || [ "$1" = "$3" ] || return
    for port in $own; do echo "$port rollbackd's own API"; done
}
ways_in() {
    connection $SSH_CONNECTION
    echo "22 the port of ssh"
    ss -Htanp 2>/dev/null | sed -n '/"sshd/s/^[^ ]* *[^ ]* *[^ ]* *[^ ]*:\([0-9]*\) .*/\1 a port of sshd/p'
    systemctl show --property=Listen --value ssh.socket sshd.socket 2>/dev/null |
        sed -n 's/.*:\([0-9]*\) (Stream).*/\1 a port of sshd/p'
}
if [ "$verb" != open ]; then
    open=$(ways_in)
    for port in $ports; do
        why=$(printf '%s\n' "$open" | sed -n "s/^$port //p" | head -n 1)
        [ -z "$why" ] || { echo "port $port is $why: it is never closed" >&2; exit 10; }
    done
fi
)sh";

/// The whole transaction is on standard input; nft and the kernel test it.
inline constexpr char const* nft_ready = R"sh(
rules=$(cat)
said=$(printf '%s\n' "$rules" | tool --check --file - 2>&1) || {
    printf '%s\n' "$said" | head -n 5 >&2
    echo "nftables cannot be told; it needs root and the package nftables" >&2
    exit 69
}
)sh";

/// Exit 1: the tables are not as they are to be.
inline constexpr char const* nft_state = R"sh(
is_so() {
    for port in $ports; do
        table=$(tool list table inet "rollbackd_port_$port" 2>/dev/null)
        case $verb:$table in
            open:) ;;
            close:*' saddr '*) return 1 ;;
            limit:*'hook prerouting'*' saddr '*"th dport $port "*drop*) ;;
            close:*'hook prerouting'*"th dport $port "*drop*) ;;
            *) return 1 ;;
        esac
    done
}
)sh";

inline constexpr char const* nft_act = R"sh(
dropped=$(for port in $ports; do tool list table inet "rollbackd_port_$port" 2>/dev/null; done |
    sed -n 's/.*counter packets \([0-9]*\) .*/\1/p' | awk '{ all += $1 } END { print all + 0 }')
printf '%s\n' "$rules" | tool --file - || exit 11
is_so || { echo "nftables took it, and does not show it" >&2; exit 12; }
case $verb in
    close) echo "$ports: a drop stands in front of every rule, for IPv4 and IPv6" ;;
    limit) echo "$ports: open to $networks, closed to all others" ;;
    open) echo "$ports: nothing of ours is in the way any more; $dropped packets were dropped" ;;
esac
)sh";

/// What follows $1…$4 is not used. ufw's rules are two files of its own; ours carry a comment.
inline constexpr char const* ufw_ready = R"sh(
umask 077
folder=/etc/ufw state=/etc/ufw/rollbackd mark=726f6c6c6261636b64
[ "$(id -u)" = 0 ] || { echo "ufw needs root" >&2; exit 69; }
said=$(tool status 2>&1) || { printf '%s\n' "$said" >&2; echo "ufw cannot be asked" >&2; exit 69; }
case $said in
    *'Status: active'*) ;;
    *) echo "ufw is not active, so its rules have no effect; use by: nftables" >&2; exit 10 ;;
esac
[ -w "$folder/user.rules" ] && [ -w "$folder/user6.rules" ] || { echo "$folder: its rules cannot be written" >&2; exit 10; }
if ! grep -qi '^IPV6=yes' /etc/default/ufw && [ -n "$(ip -6 addr show scope global 2>/dev/null)" ]; then
    echo "ufw does not look at IPv6 here (IPV6 in /etc/default/ufw); use by: nftables" >&2
    exit 10
fi
for port in $ports; do
    [ "$verb" != open ] || break
    iptables -t nat -S 2>/dev/null | grep -qE -- "--dport $port .*-j DNAT" || continue
    echo "port $port is published by a container engine, past ufw's rules; use by: nftables" >&2
    exit 10
done
# The rules for a port from a network, whatever they do with it: the action of each.
actions() {
    from=$2 six=$2
    [ "$2" != any ] || from=0.0.0.0/0 six=::/0
    cat "$folder/user.rules" "$folder/user6.rules" |
        awk -v port="$1" -v from="$from" -v six="$six" -v mark="comment=$mark" -v ours="$3" '
            $1 == "###" && $2 == "tuple" && $5 == "any" && $6 == port && $8 == "any" && $10 == "in" &&
            ($9 == from || $9 == six) && (ours == "yes") == ($11 == mark) && NF <= 11 { print $4 }' | sort -u
}
is_ours() { grep -h "^### tuple ### .* comment=$mark\$" "$folder/user.rules" "$folder/user6.rules"; }
)sh";

/// A rule that is there already would stay where it is, behind the allows, and ufw would say
/// "Skipping" and exit 0: it is moved out of the way, and comes back with all the others. The rules
/// as they were are put back byte for byte, as long as nobody else has changed them meanwhile.
inline constexpr char const* ufw_act = R"sh(
current() { cat "$folder/user.rules" "$folder/user6.rules"; }
mkdir -p -- "$state" && chmod 700 "$state" || exit 10
if [ ! -e "$state/after" ]; then
    # What is there before the first change, also where an earlier life was cut off in it.
    if [ ! -e "$state/busy" ]; then
        cp -p "$folder/user.rules" "$folder/user6.rules" "$state/" && : >"$state/moved" || exit 10
    fi
elif [ ! -e "$state/busy" ] && ! current | cmp -s - "$state/after"; then
    rm -f "$state/user.rules" "$state/user6.rules"
fi
: >"$state/busy" && sync -- "$state" || exit 10
said() { printf '%s\n' "$*" >&2; exit 11; }
words() { case $1 in *_log-all) echo "${1%_log-all} log-all" ;; *_log) echo "${1%_log} log" ;; *) echo "$1" ;; esac; }
put() {
    for action in $(actions "$2" "$3" no); do
        rule="$(words "$action") from $3 to any port $2"
        grep -qxF -- "$rule" "$state/moved" || printf '%s\n' "$rule" >>"$state/moved"
        out=$(tool delete $rule 2>&1) || said "$out"
    done
    [ "$(actions "$2" "$3" yes)" = "$1" ] && return
    out=$(tool prepend "$1" from "$3" to any port "$2" comment rollbackd 2>&1) || said "$out"
}
take() {
    is_ours | awk -v port="$1" '$6 == port { print $4, $9 }' | sort -u | while read -r action from; do
        case $from in 0.0.0.0/0|::/0) from=any ;; esac
        [ "$2" != limits ] || [ "$from" != any ] || continue
        tool delete "$action" from "$from" to any port "$1" </dev/null >/dev/null 2>&1
    done
}
for port in $ports; do
    case $verb in
        close) put deny "$port" any; take "$port" limits ;;
        limit)
            put deny "$port" any
            take "$port" limits
            for network in $networks; do put allow "$port" "$network"; done ;;
        open)
            take "$port" all
            # What had to make way for this port's deny; the last to open puts all in their places.
            sed -n "/ port $port\$/p" "$state/moved" | while read -r rule; do tool $rule </dev/null >/dev/null 2>&1; done ;;
    esac
done
for port in $ports; do
    [ "$verb" = open ] || break
    [ -z "$(is_ours | awk -v port="$port" '$6 == port')" ] || { echo "port $port: ufw did not take our rules away" >&2; exit 12; }
done
if [ -z "$(is_ours)" ]; then
    current >"$state/now"
    if [ -e "$state/user.rules" ] && [ -e "$state/user6.rules" ]; then
        how='the rules are those from before, to the byte'
        if ! cat "$state/user.rules" "$state/user6.rules" | cmp -s - "$state/now"; then
            for name in user.rules user6.rules; do
                cp -p "$state/$name" "$folder/.$name.rollbackd" && mv -f "$folder/.$name.rollbackd" "$folder/$name" || exit 11
            done
            out=$(tool reload 2>&1) || said "$out"
        fi
    else
        how='others have changed rules meanwhile: theirs stay, ours are gone'
        while read -r rule; do tool $rule </dev/null >/dev/null 2>&1; done <"$state/moved"
    fi
    rm -rf -- "$state"
else
    current >"$state/after" && rm -f "$state/busy" && sync -- "$state"
fi
[ "$(tool status | head -n 1)" = 'Status: active' ] || { echo "ufw is not active any more" >&2; exit 12; }
case $verb in
    close) echo "$ports: denied in front of every rule of ufw" ;;
    limit) echo "$ports: open to $networks, closed to all others" ;;
    open) echo "$ports: open as before; ${how:-other ports are still closed by rollbackd}" ;;
esac
)sh";

/// Both families, one after the other; IPv6 may be switched off in the kernel.
inline constexpr char const* iptables_list = R"sh(
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
if [ "$1" = 6 ]; then
    [ -e /proc/net/if_inet6 ] || { echo none; exit 0; }
    exec ip6tables -S
fi
exec iptables -S
)sh";

/// $1 addresses, $2 ports: whether each accepts a connection, all asked at once. A line for each:
/// ADDRESS PORT open | refused | silent | unknown WHY
inline constexpr char const* outside_look = R"sh(
export LC_ALL=C
command -v bash >/dev/null || { echo "bash is not installed here; it is what asks" >&2; exit 69; }
# The time is counted by who asks, once it asks: a machine that is busy takes longer to begin.
asks='(exec 3<>"/dev/tcp/$0/$1") & asked=$!
sleep 3 >/dev/null 2>&1 & limit=$!
wait -n "$asked" "$limit"
if kill -0 "$asked" 2>/dev/null; then kill "$asked"; exit 124; fi
kill "$limit" 2>/dev/null
wait "$asked"'
for address in $1; do
    for port in $2; do
        {
            said=$(bash -c "$asks" "$address" "$port" 2>&1)
            case $?:$said in
                0:*) echo "$address $port open" ;;
                124:*) echo "$address $port silent" ;;
                *refused*) echo "$address $port refused" ;;
                *) echo "$address $port unknown ${said##*: }" ;;
            esac
        } &
    done
done
wait
)sh";

}  // namespace rollbackd
