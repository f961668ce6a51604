# Sourced by the other scripts: system packages, a virtual environment in .venv, and mcuq in it. Reuses what is there.
# usage: . scripts/setup.sh; set_up EXTRAS

APT_UPDATED=no

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "Error: installing packages needs root; run as root, or install sudo. The command was: $*" >&2
        exit 6
    fi
}

install_packages() {
    if ! command -v apt-get >/dev/null; then
        echo "Error: this script installs packages on Debian and Ubuntu only; install by other means: $*" >&2
        exit 6
    fi
    if [ "$APT_UPDATED" = no ]; then
        as_root apt-get update -q
        APT_UPDATED=yes
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

# The first Python between 3.10 and 3.13 that can make a virtual environment.
find_python() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11 python3.10; do
        if command -v "$candidate" >/dev/null && "$candidate" - 2>/dev/null <<'PYTHON'; then
import sys, venv, ensurepip
sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))
PYTHON
            echo "$candidate"
            return
        fi
    done
}

install_system_tools() {
    local missing=()
    command -v arm-none-eabi-gcc >/dev/null || missing+=(gcc-arm-none-eabi)
    echo '#include <string.h>' | arm-none-eabi-gcc -E - >/dev/null 2>&1 || missing+=(libnewlib-arm-none-eabi)
    command -v qemu-system-arm >/dev/null || missing+=(qemu-system-arm)
    echo '#include <string.h>' | gcc -E - >/dev/null 2>&1 || missing+=(gcc libc6-dev)
    [ -n "$(find_python)" ] || missing+=(python3 python3-venv)
    if [ ${#missing[@]} -gt 0 ]; then
        echo "Installing: ${missing[*]}"
        install_packages "${missing[@]}"
    fi
}

set_up() {
    local extras=$1 python stamp wanted
    install_system_tools
    python=$(find_python)
    if [ -z "$python" ]; then
        echo "Error: no Python 3.10 to 3.13 that can make a virtual environment was found" >&2
        exit 6
    fi
    [ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null || "$python" -m venv --clear .venv
    stamp=.venv/mcuq-installed
    wanted="$extras $(cksum pyproject.toml) $PWD"
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        echo "Installing mcuq[$extras] into .venv (TensorFlow among it: this takes a few minutes the first time)"
        .venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".[$extras]"
        echo "$wanted" >"$stamp"
    fi
}
