#!/bin/sh
# Installs the Starling agent of one fleet on this machine and enrols it. Reads the claim token from standard input.
#
#   printf %s TOKEN | sudo sh starling-install.sh [options]
#
#   --prefix DIRECTORY   where the program goes (default /opt/starling)
#   --state DIRECTORY    where key, models and telemetry go (default /var/lib/starling)
#   --root DIRECTORY     install below another root, for images; starts nothing
#   --foreground         no service: install, enrol, and say how to run it
#   --user NAME          run as this user (default starling; made if it is missing)
#   --uninstall          stop the service and remove the program; the state stays
#   --print-unit         print the systemd unit, and do nothing
#   --help
#
# Running it again upgrades: the old version stays beside the new one, and an enrolled device keeps its key.
set -eu

url='@URL@'
insecure='@INSECURE@'
key='@KEY@'
prefix=/opt/starling
state=/var/lib/starling
root=
user=starling
service=yes
action=install

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $1"; [ $# -lt 2 ] || say "fix: $2"; exit 1; }

usage() {
  sed -n '2,/^set -eu/p' "$0" | sed -e '/^set -eu/d' -e 's/^# \{0,1\}//'
}

needs_value() { [ $# -ge 2 ] && [ -n "$2" ] || fail "$1 needs a value" "see --help"; }

while [ $# -gt 0 ]; do
  case $1 in
    --prefix) needs_value "$@"; prefix=$2; shift 2 ;;
    --state) needs_value "$@"; state=$2; shift 2 ;;
    --root) needs_value "$@"; root=${2%/}; service=no; shift 2 ;;
    --user) needs_value "$@"; user=$2; shift 2 ;;
    --foreground) service=no; shift ;;
    --uninstall) action=uninstall; shift ;;
    --print-unit) action=print; shift ;;
    --help|-h) usage; exit 0 ;;
    *) fail "unknown option $1" "see --help" ;;
  esac
done

unit=/etc/systemd/system/starling-agent.service

uninstall() {
  if [ -z "$root" ] && command -v systemctl >/dev/null 2>&1; then systemctl disable --now starling-agent.service 2>/dev/null || true; fi
  rm -f "$root$unit"
  rm -rf "$root$prefix"
  say "removed $root$prefix; key and models stay in $root$state"
}

find_platform() {
  [ "$(uname -s)" = Linux ] || fail "this installer is for Linux, not $(uname -s)"
  case $(uname -m) in
    x86_64|amd64) platform=linux-x64 ;;
    aarch64|arm64) platform=linux-arm64 ;;
    *) fail "there is no agent package for $(uname -m)" "x86-64 and 64-bit Arm are supported; a 64-bit system may be installed on this board" ;;
  esac
  # The engine is built against glibc.
  if ls /lib/ld-musl-* >/dev/null 2>&1 && ! ls /lib*/ld-linux-* /lib/*/ld-linux-* >/dev/null 2>&1; then
    fail "this system has musl, the agent needs glibc" "use a Debian, Ubuntu, Fedora or similar base"
  fi
  case $platform in
    # @PACKAGES@
    *) fail "the fleet has no package for $platform" ;;
  esac
}

# What is fetched is checked against a digest in this script, which was itself checked: the certificate adds nothing to that.
fetch() {
  if command -v curl >/dev/null 2>&1; then curl -fS ${insecure:+-k} --retry 3 --progress-bar "$1" -o "$2"
  elif command -v wget >/dev/null 2>&1; then wget ${insecure:+--no-check-certificate} -q "$1" -O "$2"
  else fail "neither curl nor wget is installed" "install one of them"; fi
}

# The digest vouches for the Node inside. With it, the signature is checked by the key of the fleet that this script names.
verify_signature() {
  fetch "$url/api/v1/agent/packages/$file/signature" "$work/signature.jws" ||
    fail "the signature of the package could not be fetched from $url; nothing was installed" "is the fleet reachable from here?"
  verdict=0
  "$work/unpacked/bin/node" --input-type=commonjs -e '
    const [file, x, digest] = process.argv.slice(1);
    try {
      const { createPublicKey, verify } = require("node:crypto");
      const [header, payload, signature] = require("node:fs").readFileSync(file, "utf8").trim().split(".");
      const parse = (part) => JSON.parse(Buffer.from(part, "base64url").toString());
      const key = createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x } });
      const isOfKey = verify(null, Buffer.from(header + "." + payload), key, Buffer.from(signature, "base64url"));
      const { alg, typ } = parse(header);
      const isOfKind = alg === "EdDSA" && typ === "starling-agent-package+jws";
      process.exit(isOfKey && isOfKind && parse(payload).digest === digest ? 0 : 3);
    } catch {
      process.exit(3);
    }
  ' "$work/signature.jws" "$key" "$digest" || verdict=$?
  case $verdict in
    0) ;;
    3) fail "the package is not signed by this fleet; nothing was installed" "get a new command from the fleet" ;;
    *) fail "the Node of the package does not run here; nothing was installed" "it needs glibc 2.28 or newer, and a file system that lets programs run" ;;
  esac
}

install_program() {
  versions=$root$prefix/versions
  target=$versions/$version
  if [ ! -x "$target/bin/starling-agent" ]; then
    mkdir -p "$versions"
    work=$(mktemp -d "$versions/.new-XXXXXX")
    trap 'rm -rf "$work"' EXIT INT TERM
    say "fetching $file"
    fetch "$url/api/v1/agent/packages/$file" "$work/package.tar.gz" || fail "the package could not be fetched from $url" "is the fleet reachable from here?"
    printf '%s  %s\n' "$digest" "$work/package.tar.gz" | sha256sum -c - >/dev/null 2>&1 ||
      fail "the package does not have the digest that the fleet announced; nothing was installed" "get a new command from the fleet"
    mkdir "$work/unpacked"
    tar -xzf "$work/package.tar.gz" -C "$work/unpacked"
    verify_signature
    chmod 0755 "$work/unpacked"
    mv "$work/unpacked" "$target"
    rm -rf "$work"
    trap - EXIT INT TERM
  fi
  # Under another root the link must hold there too.
  ln -sfn "versions/$version" "$root$prefix/current.new"
  mv -T "$root$prefix/current.new" "$root$prefix/current"
  say "installed $root$prefix/current ($version)"
}

make_user() {
  id "$user" >/dev/null 2>&1 || useradd --system --home-dir "$state" --no-create-home --shell /usr/sbin/nologin "$user"
}

as_user() {
  if [ "$(id -u)" = 0 ] && [ -z "$root" ] && [ "$service" = yes ]; then setpriv --reuid "$user" --regid "$user" --init-groups "$@"; else "$@"; fi
}

enrol() {
  mkdir -p "$root$state"
  chmod 0700 "$root$state"
  if [ "$service" = yes ]; then chown -R "$user:" "$root$state"; fi
  if [ -f "$root$state/enrolment.json" ]; then say "already enrolled; the key stays"; return; fi
  [ ! -t 0 ] || say "paste the claim token, then press Ctrl-D:"
  as_user "$root$prefix/current/bin/starling-agent" enrol --data-directory "$root$state" --token-file -
}

print_unit() {
  groups=
  for group in video render; do if getent group $group >/dev/null 2>&1; then groups="$groups $group"; fi; done
  cat <<UNIT
[Unit]
Description=Starling agent
Documentation=$url
After=network-online.target time-sync.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
ExecStart=$prefix/current/bin/starling-agent run
Environment=STARLING_DATA_DIRECTORY=$state
User=$user
SupplementaryGroups=$groups
Restart=always
RestartSec=2
RestartMaxDelaySec=60
RestartSteps=5
WatchdogSec=60
TimeoutStopSec=30
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ReadWritePaths=$state
ProtectHome=yes
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
UNIT
}

# No ProtectClock: it shuts out every device but the clock on systemd before 253, and with it cameras and GPUs. Without capabilities
# and with the system calls of @system-service the clock cannot be set anyway.
start_service() {
  print_unit > "$unit"
  systemctl daemon-reload
  systemctl enable starling-agent.service >/dev/null 2>&1
  systemctl restart starling-agent.service
  say "the service runs: systemctl status starling-agent"
}

if [ "$action" = uninstall ]; then uninstall; exit 0; fi
if [ "$action" = print ]; then print_unit; exit 0; fi
if [ "$service" = yes ]; then
  [ "$(id -u)" = 0 ] || fail "installing a service needs root" "run it with sudo, or with --foreground and a --prefix and --state of your own"
  command -v systemctl >/dev/null 2>&1 && [ -d /run/systemd/system ] || fail "systemd does not run here" "use --foreground"
  make_user
fi
find_platform
install_program
enrol
if [ "$service" = yes ]; then start_service
else say "run it: $root$prefix/current/bin/starling-agent run --data-directory $root$state"; fi
