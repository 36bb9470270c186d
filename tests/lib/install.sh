# Sourced by tests/run and examples/run: installs Debian packages that are missing.
# Asks nothing of the network where nothing is missing.

build_packages=(
  g++ cmake make ninja-build git
  libboost-filesystem-dev libboost-program-options-dev
  nlohmann-json3-dev libfmt-dev libxxhash-dev libyaml-dev libarchive-dev libzstd-dev
)

# missing_packages NAME...: those of the packages that are not installed, one a line
missing_packages() {
  dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
    sed -n 's/^installed //p' | sort -u |
    comm -13 - <(printf '%s\n' "$@" | sort -u)
}

# install_packages NAME...: fails, and says what is missing, where it cannot install
install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    echo "This is not Debian: these packages, or what they are called here, must be installed: $*" >&2
    return 0
  fi
  local missing log as_root=()
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
    if ! command -v sudo >/dev/null || ! { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
      echo "Missing, and neither root nor sudo to install them: ${missing[*]}" >&2
      echo "    apt-get install ${missing[*]}" >&2
      return 1
    fi
  fi
  echo "installing: ${missing[*]}"
  log=$(mktemp)
  if ! (
    # A package that brings a service (munge, Slurm) starts it, unless this file says no.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
      trap '"${as_root[@]}" rm -f "$policy"' EXIT
      printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" install -m 755 /dev/stdin "$policy"
    fi
    "${as_root[@]}" apt-get update -q &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${missing[@]}"
  ) >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    rm -f "$log"
    echo "Could not install: ${missing[*]}" >&2
    return 1
  fi
  rm -f "$log"
}

# install_one_by_one NAME...: whatever can be installed, where not all of them can
install_one_by_one() {
  local name failed=0
  for name in "$@"; do
    install_packages "$name" || failed=1
  done
  return "$failed"
}
