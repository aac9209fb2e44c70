# shellcheck shell=bash
# An apt of one's own below a folder: its configuration, lists and (empty) status file are apart from the machine's, so
# that it needs no root, adds no architecture, and locks nothing. Mirrors, keyrings, proxies and passwords are those that
# this machine's apt uses. Sourced by make-sysroot and fetch-paho-cpp, which set $program.

die() {
  printf '%s: %s\n' "$program" "$1" >&2
  exit 1
}

need_programs() {
  local name
  for name in "$@"; do
    command -v "$name" >/dev/null || die "the program \"$name\" is missing; ./bootstrap cross installs it (on Debian)"
  done
}

# The address of this machine's first source with the given Label ("Debian", "Debian-Security"), else the given default.
mirror_of() {
  local uri
  uri=$(apt-get indextargets --format '$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | sed -n "s/^$1|//p" | head -n 1) || true
  echo "${uri:-$2}"
}

# The keyring file that /etc/apt names for an address (both styles of sources), else the one of Debian's own package.
keyring_of() {
  local address=${1%/} found
  found=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | grep -v '^#' | awk -v address="$address" '
    BEGIN { RS = "" }
    index($0, address) && match($0, /Signed-By:[ \t]*\/[^ \t\n]+/) {
      name = substr($0, RSTART, RLENGTH); sub(/Signed-By:[ \t]*/, "", name); print name; exit
    }') || true
  [ -n "$found" ] ||
    found=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | grep -F "$address" |
      sed -n 's/^deb.*[[ ]signed-by=\([^] ]*\).*/\1/p' | head -n 1) || true
  for found in "$found" /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
    if [ -n "$found" ] && [ -r "$found" ]; then echo "$found"; return; fi
  done
}

# private_apt_begin FOLDER ARCHITECTURE "TYPE..." SUITE: prepares it and fetches the lists; apt_get then uses it.
private_apt_begin() {
  local folder=$1 architecture=$2 types=$3 suite=$4 log=$1/update.log
  mkdir -p "$folder"/{etc/preferences.d,etc/parts,state/lists/partial,cache/archives/partial}
  : >"$folder/state/status"
  write_sources "$types" "$suite" >"$folder/etc/sources.list"
  {
    apt-config dump --no-empty | grep -E '^Acquire::(http|https|ftp|Check|Retries|ForceIPv|proxy)' || true
    cat <<CONF
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Sandbox::User "$(id -un)";
APT::Get::AllowUnauthenticated "false";
Acquire::Languages "none";
Acquire::Retries::Delay "false";
Debug::NoLocking "true";
Dir::Etc::sourcelist "$folder/etc/sources.list";
Dir::Etc::sourceparts "$folder/etc/parts";
Dir::Etc::main "$folder/etc/none";
Dir::Etc::parts "$folder/etc/parts";
Dir::Etc::preferences "$folder/etc/none";
Dir::Etc::preferencesparts "$folder/etc/preferences.d";
Dir::Etc::netrc "/etc/apt/auth.conf";
Dir::Etc::netrcparts "/etc/apt/auth.conf.d";
Dir::Etc::trusted "/etc/apt/trusted.gpg";
Dir::Etc::trustedparts "/etc/apt/trusted.gpg.d";
Dir::State "$folder/state";
Dir::State::status "$folder/state/status";
Dir::Cache "$folder/cache";
Dir::Log "$folder/cache";
CONF
  } >"$folder/apt.conf"
  private_apt_folder=$folder
  update_lists "$log" && return
  grep -q '^[EW]: .*[/ ]'"$suite"'/InRelease' "$log" && die_without_lists "$suite" "$log"
  # Mirrors do not always keep the updates of every architecture in step.
  echo "$program: without the latest updates, for their lists could not be fetched: $(first_error "$log")" >&2
  sed -i -E '/-(updates|security) main$/d' "$folder/etc/sources.list"
  update_lists "$log" || die_without_lists "$suite" "$log"
}

die_without_lists() {
  die "the package lists of $1 could not be fetched: $(first_error "$2"). Does \"apt-get update\" work on this machine?"
}

update_lists() { apt_get update -o APT::Update::Error-Mode=any >"$1" 2>&1; }

write_sources() {
  local types=$1 suite=$2 main security type
  main=$(mirror_of Debian http://deb.debian.org/debian)
  security=$(mirror_of Debian-Security http://deb.debian.org/debian-security)
  for type in $types; do
    source_line "$type" "$main" "$suite"
    source_line "$type" "$main" "$suite-updates"
    # Where Debian's security team has no builds of an architecture, apt passes over it.
    source_line "$type" "$security" "$suite-security"
  done
}

source_line() {
  local keyring
  keyring=$(keyring_of "$2")
  echo "$1 ${keyring:+[signed-by=$keyring] }$2 $3 main"
}

apt_get() { APT_CONFIG=$private_apt_folder/apt.conf apt-get -q "$@"; }

first_error() { grep -m 1 '^[EW]: ' "$1" | sed 's/^[EW]: //; s/\.$//' || tail -n 1 "$1"; }
