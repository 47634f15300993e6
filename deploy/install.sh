#!/bin/bash
# Installs the Debian packages that a job needs and that are missing. Sourced by deploy/demo and tests/run, or run: deploy/install.sh GROUP...
# Only apt, only what is missing, quietly; a system database is never started. Needs root or sudo only when something is missing.
# MariaDB comes as mariadb-server-core: the same server without the system service.

rowgate_packages() {
    case $1 in
        build) echo "g++ cmake ninja-build pkg-config ccache libcpp-httplib-dev libmysqlcppconn-dev rapidjson-dev libfmt-dev" \
                    "libexpected-dev libcli11-dev libtomlplusplus-dev libsqlite3-dev libssl-dev libcurl4-openssl-dev zlib1g-dev libbrotli-dev" \
                    "doctest-dev" ;;
        demo) echo "sqlite3 curl" ;;
        mysql) echo "mariadb-server-core mariadb-client-core" ;;
        test) echo "python3 python3-pymysql curl sqlite3 mariadb-server-core mariadb-client-core" ;;
        bench) echo "sysbench wrk nginx valgrind" ;;
        xmysql | jose) echo "nodejs npm" ;;
        fuzz) echo "clang-14 libclang-rt-14-dev" ;;
        sqlmap) echo "sqlmap" ;;
        http) echo "nginx" ;;
        cors) echo "chromium" ;;
        fairness) echo "nghttp2-client" ;;
        memory | soak) echo "wrk" ;;
        slow) echo "slowhttptest nghttp2-client" ;;
        *) echo "install.sh: unknown group: $1" >&2; return 1 ;;
    esac
}

rowgate_missing() {
    local package
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
    done
}

# rowgate_install GROUP...: returns non-zero, with the reason on stderr, when a package cannot be had.
rowgate_install() {
    local group wanted="" missing log root_shell
    for group in "$@"; do
        wanted="$wanted $(rowgate_packages "$group")" || return 1
    done
    # shellcheck disable=SC2086
    missing=$(rowgate_missing $wanted)
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ]; then
        root_shell="bash"
    elif command -v sudo >/dev/null 2>&1; then
        root_shell="sudo bash"
    else
        echo "missing packages: $missing" >&2
        echo "run as root, or first: apt-get install --no-install-recommends $missing" >&2
        return 1
    fi
    echo "installing: $missing" >&2
    log=$(mktemp)
    # shellcheck disable=SC2086
    if $root_shell -s -- $missing >"$log" 2>&1 <<'SCRIPT'
set -u
export DEBIAN_FRONTEND=noninteractive
if [ ! -e /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
fi
get() { apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@" </dev/null; }
ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || apt-get -q update </dev/null
get "$@" && exit 0
# Lists that have grown old name packages that the mirror no longer has.
apt-get -q update </dev/null && get "$@"
SCRIPT
    then
        rm -f "$log"
    else
        tail -n 20 "$log" >&2
        rm -f "$log"
        echo "could not install: $missing" >&2
        return 1
    fi
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    rowgate_install "$@"
fi
