#!/bin/sh
# Installs Skiff on this machine and starts it: a server, or with SKIFF_URL and SKIFF_TOKEN an agent. Ends when the node is Ready.
#
#   curl -sfL https://HOST/install.sh | INSTALL_SKIFF_URL=https://HOST sh -                       a server
#   curl -sfL https://HOST/install.sh | INSTALL_SKIFF_URL=https://HOST SKIFF_URL=https://SERVER:6443 SKIFF_TOKEN=… sh -     an agent
#   ./install.sh --disable ingress                                                               out of a checkout, with a flag
#
# Words after it, and those of INSTALL_SKIFF_EXEC, are `server` or `agent` and their flags. Run again, it changes what is given and keeps the
# rest: binary, role, every flag. A flag with an empty value (--disable=) goes back to its default. Nothing is touched before all is checked.
#
# Where the executable comes from: the first of these that is there.
#   INSTALL_SKIFF_SKIP_DOWNLOAD=true   the one that is installed
#   INSTALL_SKIFF_BINARY               a local file
#   INSTALL_SKIFF_URL                  a folder on the web with sha256sums.txt and skiff-linux-<x64|arm64>.xz or .gz (or as it is); curl or wget
#   dist/skiff-linux-<x64|arm64>       beside this script: `npm run build` makes it. The air-gap bundle has it, and images/*.tar, which are imported
#   the one that is installed
#
# How it is installed:
#   INSTALL_SKIFF_EXEC                 server or agent, and flags: "server --disable ingress"
#   INSTALL_SKIFF_NAME                 the service is skiff-NAME rather than skiff (agents: skiff-agent)
#   INSTALL_SKIFF_BIN_DIR              default /usr/local/bin, or /opt/bin where that cannot be written
#   INSTALL_SKIFF_SYSTEMD_DIR          default /etc/systemd/system
#   INSTALL_SKIFF_SYMLINK=skip         no link `kubectl` (else there is one where the machine has no kubectl); =force: in any case
#   INSTALL_SKIFF_SKIP_ENABLE=true     not at boot, and not started now
#   INSTALL_SKIFF_SKIP_START=true      not started now
#   INSTALL_SKIFF_FORCE_RESTART=true   started again also when nothing has changed
#   INSTALL_SKIFF_SKIP_CHECK=true      installs although `skiff check` finds problems
#   INSTALL_SKIFF_TIMEOUT              seconds to wait for the node to be Ready, default 600
#
# Settings of Skiff, kept in /etc/skiff/config.yaml.d/install.yaml (mode 0600) under the name of their flag:
#   SKIFF_URL, SKIFF_TOKEN, SKIFF_TOKEN_FILE, SKIFF_AGENT_TOKEN, SKIFF_DATA_DIR, SKIFF_NODE_NAME, SKIFF_RESOLV_CONF, SKIFF_KUBECONFIG_OUTPUT,
#   SKIFF_KUBECONFIG_MODE, SKIFF_KUBECONFIG_GROUP
# and as environment of the service, in /etc/skiff/install.env (mode 0600):
#   SKIFF_CONFIG_FILE, HTTP_PROXY, HTTPS_PROXY, NO_PROXY, http_proxy, https_proxy, no_proxy
#
# Exit codes: 0 installed, and Ready; 1 failed, with the reason and what to do; 2 wrong usage. `skiff uninstall` takes all of it away again: each file
# made here that was not there before is a line in /var/lib/skiff/installed-files.
set -eu

LEDGER=/var/lib/skiff/installed-files
ENV_FILE=/etc/skiff/install.env
RUN_DIR=/run/skiff
STATUS_FILE=$RUN_DIR/status
LOG_FILE=/var/log/skiff.log
KEPT_ENVIRONMENT='SKIFF_CONFIG_FILE HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy'
TAB=$(printf '\t')

say() { printf 'skiff: %s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }
usage() { say "$@"; exit 2; }
have() { command -v "$1" >/dev/null 2>&1; }
is_true() { [ "${1:-}" = true ] || [ "${1:-}" = 1 ] || [ "${1:-}" = yes ]; }

main() {
  case " $* " in *' --help '* | *' -h '*) show_help; exit 0 ;; esac
  [ "$(id -u)" = 0 ] || fail 'needs root: run it with sudo (curl … | sudo sh -)'
  work=$(mktemp -d)
  new_binary=
  trap 'rm -rf "$work" ${new_binary:+"$new_binary"}' EXIT
  trap 'exit 130' HUP INT TERM
  find_machine
  find_init
  read_kept
  read_words "$@"
  choose_service
  merge_environment
  merge_settings
  find_binary
  check_binary
  check_machine

  install_binary
  install_settings
  install_images
  install_kubectl
  "install_$init"
  # A power cut from here on finds it whole.
  [ $changed = false ] || sync
  start_service
}

show_help() {
  if [ -f "$0" ] && grep -q '^# Installs Skiff' "$0"; then sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0"; else say 'what it reads is said at the top of the script'; fi
}

# ---- what is here ----

find_machine() {
  [ "$(uname -s)" = Linux ] || fail "Skiff runs on Linux; this is $(uname -s)"
  case $(uname -m) in
    x86_64 | amd64) arch=x64 loader=/lib64/ld-linux-x86-64.so.2 ;;
    aarch64 | arm64) arch=arm64 loader=/lib/ld-linux-aarch64.so.1 ;;
    armv6l | armv7l) fail "this is a 32-bit system ($(uname -m)): install the 64-bit edition of Raspberry Pi OS, Debian or Ubuntu" ;;
    *) fail "no executable for $(uname -m): Skiff is made for x86_64 and aarch64" ;;
  esac
  # A Raspberry Pi with the 32-bit edition may well run a 64-bit kernel.
  if have getconf && [ "$(getconf LONG_BIT 2>/dev/null)" = 32 ]; then
    fail "the kernel is 64-bit but the system is 32-bit: install the 64-bit edition of Raspberry Pi OS, Debian or Ubuntu"
  fi
}

# A running systemd or OpenRC; where nothing is to be started (an image that is being built), one that is installed.
find_init() {
  init=background
  if [ -d /run/systemd/system ] && have systemctl; then init=systemd
  elif [ -d /run/openrc ] && have rc-service; then init=openrc
  elif is_true "${INSTALL_SKIFF_SKIP_START:-}" || is_true "${INSTALL_SKIFF_SKIP_ENABLE:-}"; then
    if have systemctl; then init=systemd; elif have rc-update; then init=openrc; fi
  fi
}

# What an earlier run of this script has chosen.
read_kept() {
  kept_role=$(kept INSTALL_SKIFF_ROLE)
  kept_service=$(kept INSTALL_SKIFF_SERVICE)
  kept_bin_dir=$(kept INSTALL_SKIFF_BIN_DIR)
  bin_dir=${INSTALL_SKIFF_BIN_DIR:-$kept_bin_dir}
  if [ -z "$bin_dir" ]; then
    bin_dir=/usr/local/bin
    [ -w /usr/local/bin ] || [ ! -d /opt/bin ] || bin_dir=/opt/bin
  fi
  case $bin_dir in /*) ;; *) usage "INSTALL_SKIFF_BIN_DIR: \"$bin_dir\" must be an absolute path" ;; esac
  binary=$bin_dir/skiff
}

kept() {
  [ ! -f "$ENV_FILE" ] || sed -n "s/^$1='\(.*\)'\$/\1/p" "$ENV_FILE"
}

# ---- what is asked for ----

# Each setting becomes a line "flag<TAB>value" in $work/given; `--config` is no setting but tells where they are.
read_words() {
  asked_role=
  asked_config=${SKIFF_CONFIG_FILE:-}
  : >"$work/given"
  if [ -n "${INSTALL_SKIFF_EXEC:-}" ]; then
    # xargs splits as a shell would, quotes included, and runs nothing.
    printf '%s\n' "$INSTALL_SKIFF_EXEC" | xargs printf '%s\n' >"$work/words" || usage "INSTALL_SKIFF_EXEC: a quote is not closed: $INSTALL_SKIFF_EXEC"
  else
    : >"$work/words"
  fi
  for word in "$@"; do printf '%s\n' "$word" >>"$work/words"; done
  flag=
  while IFS= read -r word || [ -n "$word" ]; do read_word "$word"; done <"$work/words"
  [ -z "$flag" ] || give "$flag" true
  if [ -n "$asked_role" ]; then role=$asked_role
  elif [ -n "${SKIFF_URL:-}" ] || grep -q "^server$TAB" "$work/given"; then role=agent
  else role=${kept_role:-server}; fi
  read_environment
}

read_word() {
  if [ -n "$flag" ]; then
    case $1 in
      --*) give "$flag" true; flag= ;;
      *) give "$flag" "$1"; flag=; return ;;
    esac
  fi
  case $1 in
    --*=*) name=${1%%=*}; give "${name#--}" "${1#*=}" ;;
    --?*) flag=${1#--} ;;
    server | agent)
      [ -z "$asked_role" ] || usage "unexpected word \"$1\": the role is $asked_role already"
      asked_role=$1 ;;
    *) usage "unexpected word \"$1\": give server or agent, and flags (--name value)" ;;
  esac
}

give() {
  case $1 in *[!a-z-]*) usage "--$1: unknown flag" ;; esac
  case $2 in *"$TAB"*) usage "--$1: tabs cannot be kept" ;; esac
  if [ "$1" = config ]; then asked_config=$2; else printf '%s\t%s\n' "$1" "$2" >>"$work/given"; fi
}

# Variables of Skiff that stand for flags. What is said as a flag wins.
read_environment() {
  give_variable data-dir "${SKIFF_DATA_DIR:-}"
  give_variable token "${SKIFF_TOKEN:-}"
  give_variable token-file "${SKIFF_TOKEN_FILE:-}"
  give_variable node-name "${SKIFF_NODE_NAME:-}"
  give_variable resolv-conf "${SKIFF_RESOLV_CONF:-}"
  if [ "$role" = agent ]; then
    give_variable server "${SKIFF_URL:-}"
  else
    give_variable agent-token "${SKIFF_AGENT_TOKEN:-}"
    give_variable write-kubeconfig "${SKIFF_KUBECONFIG_OUTPUT:-}"
    give_variable write-kubeconfig-mode "${SKIFF_KUBECONFIG_MODE:-}"
    give_variable write-kubeconfig-group "${SKIFF_KUBECONFIG_GROUP:-}"
  fi
}

give_variable() {
  [ -z "$2" ] || grep -q "^$1$TAB" "$work/given" || give "$1" "$2"
}

choose_service() {
  if [ -n "${INSTALL_SKIFF_NAME:-}" ]; then
    case $INSTALL_SKIFF_NAME in *[!A-Za-z0-9_.-]*) usage "INSTALL_SKIFF_NAME: \"$INSTALL_SKIFF_NAME\" may have letters, digits, \"-\", \"_\" and \".\"" ;; esac
    service=skiff-$INSTALL_SKIFF_NAME
  elif [ -n "$kept_service" ]; then service=$kept_service
  elif [ "$role" = agent ]; then service=skiff-agent
  else service=skiff; fi
  [ -z "$kept_role" ] || [ "$kept_role" = "$role" ] || fail "this machine is installed as $kept_role: take it away first with \"skiff uninstall\""
  [ -z "$kept_service" ] || [ "$kept_service" = "$service" ] || fail "Skiff is installed here as the service $kept_service: INSTALL_SKIFF_NAME=${kept_service#skiff-} changes that one, \"skiff uninstall\" takes it away"
}

# The environment of the service: kept, with what is set now in its place.
merge_environment() {
  : >"$work/install.env"
  remember INSTALL_SKIFF_ROLE "$role"
  remember INSTALL_SKIFF_SERVICE "$service"
  remember INSTALL_SKIFF_BIN_DIR "$bin_dir"
  SKIFF_CONFIG_FILE=$asked_config
  for name in $KEPT_ENVIRONMENT; do
    eval "value=\${$name:-}"
    remember "$name" "${value:-$(kept "$name")}"
  done
  config=$(sed -n "s/^SKIFF_CONFIG_FILE='\(.*\)'\$/\1/p" "$work/install.env")
  config=${config:-/etc/skiff/config.yaml}
  settings=$config.d/install.yaml
}

remember() {
  case $2 in *"'"* | *'
'*) usage "$1: quotes and line breaks cannot be kept: $2" ;; esac
  [ -z "$2" ] || printf "%s='%s'\n" "$1" "$2" >>"$work/install.env"
}

# The settings as they are to be: kept ones whose flag is not given now, then those that are. One flag, one line.
merge_settings() {
  mkdir -p "$work/config.yaml.d"
  [ ! -f "$config" ] || cp "$config" "$work/config.yaml"
  [ -f "$work/config.yaml" ] || : >"$work/config.yaml"
  for file in "$config.d"/*; do case $file in *.yaml | *.yml) [ ! -f "$file" ] || cp "$file" "$work/config.yaml.d/" ;; esac; done
  merged=$work/config.yaml.d/install.yaml
  {
    echo "# Settings that install.sh was given. It keeps them when it is run again: sh install.sh --flag value"
    [ ! -f "$settings" ] || keep_settings <"$settings"
    cut -f1 "$work/given" | sort -u | while IFS= read -r name; do write_setting "$name"; done
  } >"$work/merged"
  mv "$work/merged" "$merged"
}

keep_settings() {
  keeping=true
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      '#'*) continue ;;
      [a-z]*:*)
        name=${line%%:*}
        keeping=true
        ! grep -q "^${name%+}$TAB" "$work/given" || keeping=false ;;
    esac
    [ $keeping = false ] || printf '%s\n' "$line"
  done
}

# An empty value takes the flag out; given several times, a flag is a list.
write_setting() {
  values=$(sed -n "s/^$1$TAB//p" "$work/given" | sed "s/'/''/g; s/^/'/; s/\$/'/")
  case $values in
    "''") ;;
    *'
'*) printf '%s: [%s]\n' "$1" "$(printf '%s\n' "$values" | paste -sd, -)" ;;
    *) printf '%s: %s\n' "$1" "$values" ;;
  esac
}

# ---- the executable ----

# Leaves its path in $source.
find_binary() {
  here=
  case $0 in */*) here=$(cd "$(dirname "$0")" 2>/dev/null && pwd) || here= ;; esac
  if is_true "${INSTALL_SKIFF_SKIP_DOWNLOAD:-}"; then
    [ -x "$binary" ] || fail "INSTALL_SKIFF_SKIP_DOWNLOAD: there is no $binary: put it there, or leave this out"
    source=$binary
  elif [ -n "${INSTALL_SKIFF_BINARY:-}" ]; then
    [ -f "$INSTALL_SKIFF_BINARY" ] || fail "INSTALL_SKIFF_BINARY: \"$INSTALL_SKIFF_BINARY\" does not exist"
    source=$INSTALL_SKIFF_BINARY
  elif [ -n "${INSTALL_SKIFF_URL:-}" ]; then download
  elif [ -n "$here" ] && [ -x "$here/dist/skiff-linux-$arch" ]; then source=$here/dist/skiff-linux-$arch
  elif [ -x "$binary" ]; then
    source=$binary
    say "keeping the installed $binary"
  elif [ -n "$here" ] && [ -f "$here/build/executable.ts" ]; then fail "there is no $here/dist/skiff-linux-$arch: make it with \"cd $here && build/prepare && npm run build\", and run this again"
  else fail 'where from? INSTALL_SKIFF_URL=https://… (a folder with sha256sums.txt), or INSTALL_SKIFF_BINARY=FILE'; fi
}

# Where it is before it is known to be right. Beside its place to be: /tmp may be too small for it, or forbid executing.
stage() {
  new_binary=$bin_dir
  until [ -d "$new_binary" ]; do new_binary=${new_binary%/*}; done
  new_binary=$new_binary/.skiff.$$
}

download() {
  url=${INSTALL_SKIFF_URL%/}
  name=skiff-linux-$arch
  fetch "$url/sha256sums.txt" "$work/sums" || fail "cannot download $url/sha256sums.txt: check INSTALL_SKIFF_URL and the network"
  if [ -f "$binary" ] && [ "$(sum_of "$name")" = "$(sha256 "$binary")" ]; then
    say "$binary is the one of $url"
    source=$binary
    return
  fi
  if have xz && [ -n "$(sum_of "$name.xz")" ]; then packed=$name.xz unpack='xz -dc'
  elif have gzip && [ -n "$(sum_of "$name.gz")" ]; then packed=$name.gz unpack='gzip -dc'
  elif [ -n "$(sum_of "$name")" ]; then packed=$name unpack=cat
  elif [ -n "$(sum_of "$name.xz")" ]; then fail "$name.xz cannot be unpacked: $(install_hint xz-utils xz)"
  else fail "$url/sha256sums.txt names no $name: is INSTALL_SKIFF_URL right?"; fi
  stage
  say "downloading $url/$packed"
  fetch "$url/$packed" "$new_binary" progress || fail "cannot download $url/$packed: try again"
  [ "$(sha256 "$new_binary")" = "$(sum_of "$packed")" ] || fail "$url/$packed is damaged (its sha256 is not the one of sha256sums.txt): try again"
  mv "$new_binary" "$new_binary.packed"
  $unpack <"$new_binary.packed" >"$new_binary" || { rm -f "$new_binary.packed"; fail "$packed cannot be unpacked: is there room in $bin_dir?"; }
  rm -f "$new_binary.packed"
  chmod 755 "$new_binary"
  source=$new_binary
}

# URL FILE [progress]
fetch() {
  quiet=true
  [ -z "${3:-}" ] || [ ! -t 2 ] || quiet=
  if have curl; then curl -fL ${quiet:+-sS} --progress-bar --retry 3 --connect-timeout 20 -o "$2" "$1"
  elif have wget; then wget ${quiet:+-q} -T 60 -O "$2" "$1"
  else fail "needs curl or wget: $(install_hint curl curl)"; fi
}

sum_of() { sed -n "s/^\([0-9a-f]\{64\}\)  *\*\{0,1\}$1\$/\1/p" "$work/sums"; }
sha256() {
  if have sha256sum; then sha256sum "$1" | cut -d' ' -f1; else openssl dgst -sha256 -r "$1" | cut -d' ' -f1; fi
}

# Whether it starts at all; the rest it can tell by itself.
check_binary() {
  if [ ! -x "$source" ]; then
    stage
    cp "$source" "$new_binary" || fail "cannot write to ${new_binary%/*}: choose another folder with INSTALL_SKIFF_BIN_DIR"
    chmod 755 "$new_binary"
    source=$new_binary
  fi
  [ -e "$loader" ] || fail "this system has no glibc ($loader): Skiff runs on Debian 12, Ubuntu 22.04, Raspberry Pi OS (64-bit), Fedora and the like, not on musl"
  version=$("$source" --version 2>"$work/errors") && return
  error=$(head -n 1 "$work/errors")
  case $error in
    *libatomic*) fail "libatomic is missing: $(install_hint libatomic1 libatomic)" ;;
    *libstdc++*) fail "libstdc++ is missing: $(install_hint libstdc++6 libstdc++)" ;;
    *GLIBC*) fail "this system's glibc is too old: Skiff needs 2.34 (Debian 12, Ubuntu 22.04, RHEL 9 or newer)" ;;
    *'xec format error'*) fail "$source is not for this machine ($(uname -m)): take skiff-linux-$arch" ;;
    *) fail "$source does not start: ${error:-no reason given}" ;;
  esac
}

install_hint() { # DEBIAN_NAME OTHER_NAME
  if have apt-get; then echo "apt-get install $1"
  elif have dnf; then echo "dnf install $2"
  elif have zypper; then echo "zypper install $2"
  elif have pacman; then echo "pacman -S $2"
  elif have apk; then echo "apk add $2"
  elif have emerge; then echo "emerge $2"
  else echo "install $1"; fi
}

check_machine() {
  status=0
  "$source" check "$role" --config "$work/config.yaml" >"$work/checked" 2>&1 || status=$?
  sed "s|$work/config.yaml.d/|$config.d/|g; s|$work/config.yaml|$config|g" "$work/checked" >"$work/report"
  case $status in
    0) grep -v '^ok' "$work/report" >&2 || true ;;
    2)
      # An executable from before there was a check.
      ! grep -q 'unknown command "check"' "$work/report" || return 0
      cat "$work/report" >&2
      exit 2 ;;
    *)
      grep -v '^ok' "$work/report" >&2 || true
      is_true "${INSTALL_SKIFF_SKIP_CHECK:-}" || fail 'nothing was changed. Mend this and run it again (INSTALL_SKIFF_SKIP_CHECK=true installs all the same)' ;;
  esac
}

# ---- putting it there ----

changed=false

# Writes down what is about to be made and was not there, with the folders above it that are missing.
making() {
  [ ! -e "$1" ] && [ ! -L "$1" ] || return 0
  ! grep -qxF -e "$1" -e "$1/" "$LEDGER" 2>/dev/null || return 0
  case $1 in
    /etc/skiff | /var/lib/skiff) line=$1/ ;;
    # Of a folder that goes with all that is in it.
    /etc/skiff/*) [ ! -d /etc/skiff ] || ! grep -qxF /etc/skiff/ "$LEDGER" 2>/dev/null || return 0; making /etc/skiff; line=$1 ;;
    *)
      [ -e "${1%/*}" ] || [ -z "${1%/*}" ] || making "${1%/*}"
      line=$1 ;;
  esac
  if [ ! -d /var/lib/skiff ]; then
    mkdir -p /var/lib/skiff
    echo /var/lib/skiff/ >>"$LEDGER"
    [ "$line" != /var/lib/skiff/ ] || return 0
  fi
  echo "$line" >>"$LEDGER"
}

make_folder() {
  [ -d "$1" ] || { making "$1"; mkdir -p "$1"; }
}

# FILE MODE: what is on standard input becomes the file, whole or not at all; notes whether that changes anything.
put() {
  cat >"$work/put"
  if [ -f "$1" ] && cmp -s "$work/put" "$1"; then return; fi
  make_folder "${1%/*}"
  making "$1"
  (umask 077 && cat "$work/put" >"$1.new")
  chmod "$2" "$1.new"
  mv -f "$1.new" "$1"
  changed=true
}

install_binary() {
  if [ "$source" = "$binary" ] || { [ -f "$binary" ] && cmp -s "$source" "$binary"; }; then return; fi
  make_folder "$bin_dir"
  if [ "$source" != "$new_binary" ]; then
    stage
    cp "$source" "$new_binary" || fail "cannot write to $bin_dir: choose another folder with INSTALL_SKIFF_BIN_DIR"
    chmod 755 "$new_binary"
  fi
  making "$binary"
  mv -f "$new_binary" "$binary"
  new_binary=
  changed=true
  say "installed $binary (${version#skiff })"
}

install_settings() {
  put "$settings" 0600 <"$merged"
  put "$ENV_FILE" 0600 <"$work/install.env"
}

# Those of the air-gap bundle beside this script: a node imports what lies there when it starts.
install_images() {
  [ -n "$here" ] && [ -d "$here/images" ] && [ -d "$here/dist" ] || return 0
  folder=$(setting data-dir /var/lib/skiff)/agent/images
  make_folder "$folder"
  for image in "$here/images"/*; do
    to=$folder/${image##*/}
    if [ ! -f "$image" ] || { [ -f "$to" ] && cmp -s "$image" "$to"; }; then continue; fi
    making "$to"
    cp "$image" "$folder/.${image##*/}.new"
    mv -f "$folder/.${image##*/}.new" "$to"
    changed=true
    say "put $to there"
  done
}

# Only where it is of use: the executable has the client built in, and the machine has none.
install_kubectl() {
  link=$bin_dir/kubectl
  [ "${INSTALL_SKIFF_SYMLINK:-}" != skip ] || return 0
  has_verb kubectl || return 0
  if [ "${INSTALL_SKIFF_SYMLINK:-}" != force ] && { have kubectl || [ -e "$link" ]; }; then return; fi
  making "$link"
  ln -sf skiff "$link"
}

install_systemd() {
  folder=${INSTALL_SKIFF_SYSTEMD_DIR:-/etc/systemd/system}
  put "$folder/$service.service" 0644 <<U
[Unit]
Description=Skiff, Kubernetes in one executable ($role)
Wants=network-online.target
After=network-online.target time-set.target time-sync.target firewalld.service
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
EnvironmentFile=-/etc/default/%N
EnvironmentFile=-/etc/sysconfig/%N
EnvironmentFile=-$ENV_FILE
ExecStart=$binary $role
# Containers are no part of a restart: they go on, and are found again. At a shutdown of the machine Skiff ends them in order.
KillMode=process
Delegate=yes
Restart=always
RestartSec=2
# A node waits for its server as long as it takes; while pods end at a shutdown, more time is asked for.
TimeoutStartSec=infinity
TimeoutStopSec=90
WatchdogSec=120
WatchdogSignal=SIGKILL
OOMScoreAdjust=-999
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=0
TasksMax=infinity

[Install]
WantedBy=multi-user.target
U
  [ ! -d /run/systemd/system ] || systemctl daemon-reload
  if ! is_true "${INSTALL_SKIFF_SKIP_ENABLE:-}" && [ "$(systemctl is-enabled "$service" 2>/dev/null)" != enabled ]; then
    making "/etc/systemd/system/multi-user.target.wants/$service.service"
    systemctl --quiet enable "$service"
  fi
}

install_openrc() {
  put "/etc/init.d/$service" 0755 <<U
#!/sbin/openrc-run
description="Skiff, Kubernetes in one executable ($role)"
supervisor=supervise-daemon
command=$binary
command_args="$role"
pidfile=/run/\$RC_SVCNAME.pid
output_log=$LOG_FILE
error_log=$LOG_FILE
respawn_delay=2
respawn_max=0
retry=TERM/90/KILL/5
rc_ulimit="-n 1048576"
# Containers are no part of a restart: they go on, and are found again.
rc_cgroup_cleanup=no
set -a
[ ! -f $ENV_FILE ] || . $ENV_FILE
SKIFF_STATUS_FILE=$STATUS_FILE
set +a

depend() {
  # Nothing that is needed: what a system calls these differs, and it goes without any of them.
  want cgroups
  use net dns logger
  after localmount netmount mountall firewall bootmisc ntpd ntp-client chronyd
}

start_pre() {
  checkpath -d -m 0755 $RUN_DIR
  rm -f $RUN_DIR/machine-stops
}

# At a shutdown of the machine pods are ended in order.
stop_pre() {
  ! yesno "\${RC_GOINGDOWN:-no}" || : >$RUN_DIR/machine-stops
}
U
  making "$LOG_FILE"
  if ! is_true "${INSTALL_SKIFF_SKIP_ENABLE:-}" && [ ! -L "/etc/runlevels/default/$service" ]; then
    making "/etc/runlevels/default/$service"
    rc-update -q add "$service" default
  fi
}

install_background() {
  making "$LOG_FILE"
}

# ---- starting it ----

start_service() {
  if is_true "${INSTALL_SKIFF_SKIP_ENABLE:-}" || is_true "${INSTALL_SKIFF_SKIP_START:-}"; then
    say "installed, not started: $(start_hint)"
    return
  fi
  if [ $changed = false ] && ! is_true "${INSTALL_SKIFF_FORCE_RESTART:-}" && "is_ready_$init"; then
    say 'nothing has changed, and it runs'
  else
    say "starting $service"
    # One that was started by hand would hold the ports.
    if ! "is_ready_$init" && has_instance && has_verb stop; then "$binary" stop >&2; fi
    "start_$init"
    wait_until_ready
  fi
  tell_next
}

has_instance() {
  for file in "$RUN_DIR"/*/instance.json; do [ ! -f "$file" ] || return 0; done
  return 1
}

start_hint() {
  case $init in
    systemd) echo "systemctl enable --now $service" ;;
    openrc) echo "rc-update add $service default; rc-service $service start" ;;
    *) echo "run install.sh without INSTALL_SKIFF_SKIP_START" ;;
  esac
}

property() { systemctl show -p "$1" "$service" | cut -d= -f2-; }

start_systemd() {
  systemctl reset-failed "$service" 2>/dev/null || true
  before=$(property InvocationID)
  systemctl restart --no-block "$service"
}
is_ready_systemd() { [ "$(property ActiveState)" = active ]; }
look_systemd() {
  text=$(property StatusText)
  case $(property ActiveState)/$(property SubState) in
    active/*) if [ "$(property InvocationID)" != "${before:-}" ]; then state=ready; else text=; fi ;;
    failed/* | */auto-restart) state=failed ;;
  esac
}
show_log_systemd() { journalctl -u "$service" -n "$1" -o cat --no-pager 2>/dev/null || true; }

start_openrc() {
  rm -f "$STATUS_FILE"
  log_start=$(wc -c 2>/dev/null <"$LOG_FILE" || echo 0)
  rc-service -q "$service" restart || fail "$service does not start: rc-service $service start"
}
is_ready_openrc() { rc-service -q "$service" status >/dev/null 2>&1 && grep -q '^ready ' "$STATUS_FILE" 2>/dev/null; }
look_openrc() {
  look_file
  # supervise-daemon tries for ever; an end with an error is one that stays.
  [ "$state" = ready ] || ! tail -c "+$((log_start + 1))" "$LOG_FILE" 2>/dev/null | grep -q '^skiff: ' || state=failed
}
show_log_openrc() { tail -n "$1" "$LOG_FILE" 2>/dev/null || true; }

# No init system to give it to: it runs beside the shell, and does not come back after a boot.
start_background() {
  mkdir -p "$RUN_DIR"
  stop_background
  rm -f "$STATUS_FILE"
  detach='nohup'
  ! have setsid || detach='setsid'
  (
    export SKIFF_STATUS_FILE="$STATUS_FILE"
    set -a
    # shellcheck disable=SC1090
    . "$ENV_FILE"
    set +a
    # Not in the cgroup of this login, which goes with it.
    for group in /sys/fs/cgroup /sys/fs/cgroup/*; do { echo 0 >"$group/cgroup.procs"; } 2>/dev/null || true; done
    exec $detach "$binary" "$role" >>"$LOG_FILE" 2>&1 </dev/null
  ) &
  echo $! >"$(pid_file)"
}
pid_file() { echo "$RUN_DIR/$service.pid"; }
runs_background() { [ -f "$(pid_file)" ] && kill -0 "$(cat "$(pid_file)")" 2>/dev/null; }
stop_background() {
  runs_background || return 0
  kill "$(cat "$(pid_file)")"
  while runs_background; do sleep 0.2 2>/dev/null || sleep 1; done
}
is_ready_background() { runs_background && grep -q '^ready ' "$STATUS_FILE" 2>/dev/null; }
look_background() {
  look_file
  runs_background || state=failed
}
show_log_background() { tail -n "$1" "$LOG_FILE" 2>/dev/null || true; }

# "starting images" or "ready Skiff … is ready at https://…"
look_file() {
  [ -f "$STATUS_FILE" ] || return 0
  text=$(sed -n '1s/^[a-z]* //p' "$STATUS_FILE" 2>/dev/null)
  ! grep -q '^ready ' "$STATUS_FILE" 2>/dev/null || state=ready
}

wait_until_ready() {
  limit=${INSTALL_SKIFF_TIMEOUT:-600}
  began=$(date +%s)
  shown='' shown_at=$began
  while :; do
    state=starting text=
    "look_$init"
    now=$(date +%s)
    [ $state != ready ] || break
    if [ $state = failed ]; then
      "show_log_$init" 12 >&2
      fail "$service does not start; the reason is above"
    fi
    [ $((now - began)) -lt "$limit" ] || { "show_log_$init" 5 >&2; fail "the node is not Ready after $limit s. $service goes on trying: $(log_hint)"; }
    if [ -n "$text" ] && { [ "$text" != "$shown" ] || [ $((now - shown_at)) -ge 10 ]; }; then
      say "$text ($((now - began)) s)"
      shown=$text shown_at=$now
    fi
    sleep 0.3 2>/dev/null || sleep 1
  done
  say "${text:-ready} ($((now - began)) s)"
}

log_hint() {
  case $init in
    systemd) echo "journalctl -fu $service" ;;
    *) echo "tail -f $LOG_FILE" ;;
  esac
}

stop_hint() {
  if has_verb stop; then echo "$(by_name) stop"; return; fi
  case $init in
    systemd) echo "systemctl stop $service" ;;
    openrc) echo "rc-service $service stop" ;;
    *) echo "kill \$(cat $(pid_file))" ;;
  esac
}
has_verb() {
  [ -f "$work/help" ] || "$binary" --help >"$work/help"
  grep -q "^  $1 " "$work/help"
}

# ---- what next ----

by_name() { if [ "$(command -v skiff 2>/dev/null)" = "$binary" ]; then echo skiff; else echo "$binary"; fi; }

setting() { # FLAG DEFAULT: of the settings given here, else of the configuration file
  found=$(cat "$config" "$settings" 2>/dev/null | sed -n "s/^$1: *//p" | tail -n 1 | sed "s/^'\(.*\)'\$/\1/; s/^\"\(.*\)\"\$/\1/; s/''/'/g")
  echo "${found:-$2}"
}

tell_next() {
  echo
  if [ "$role" = agent ]; then
    echo "This machine is a node now. On the server: kubectl get nodes"
  else
    tell_next_of_server
  fi
  echo
  echo "Log: $(log_hint)    Stop (containers go on): $(stop_hint)"
  [ $init != background ] || echo "There is no systemd or OpenRC here: after a boot start it with \"$binary $role\", or run install.sh again."
}

tell_next_of_server() {
  kubeconfig=$(setting write-kubeconfig /etc/skiff/skiff.yaml)
  client=kubectl
  have kubectl || ! has_verb kubectl || client="$(by_name) kubectl"
  token=$(cat "$(setting data-dir /var/lib/skiff)/server/node-token" 2>/dev/null || true)
  address=$(server_address)
  echo "The cluster is up. Next:"
  echo
  echo "  export KUBECONFIG=$kubeconfig"
  echo "  $client create deployment web --image=nginx"
  echo
  echo "Another machine joins with:"
  echo
  if [ -n "${INSTALL_SKIFF_URL:-}" ]; then
    echo "  curl -sfL ${INSTALL_SKIFF_URL%/}/install.sh | INSTALL_SKIFF_URL=${INSTALL_SKIFF_URL%/} SKIFF_URL=$address SKIFF_TOKEN=$token sh -"
  else
    echo "  SKIFF_URL=$address SKIFF_TOKEN=$token sh install.sh"
  fi
}

server_address() {
  state=starting text=
  "look_$init"
  told=$(printf '%s\n' "$text" | sed -n 's|.*\(https://[^ ]*\).*|\1|p')
  echo "${told:-https://THIS-MACHINE:$(setting https-listen-port 6443)}"
}

main "$@"
