#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs a test of widgets on an X server of its own, away from the user's desktop, bus and settings.
#
#   with-display.sh PROGRAM [ARG...]
set -eu

if ! command -v Xvfb >/dev/null 2>&1; then
  echo '1..0 # SKIP Xvfb is not installed'
  exit 0
fi

folder=$(mktemp -d)
server=
clean () {
  [ -z "$server" ] || { kill "$server" 2>/dev/null || :; wait "$server" 2>/dev/null || :; }
  rm -rf "$folder"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

# The number of the display comes through the pipe once the server is up; no line comes if it fails.
mkfifo "$folder/number"
Xvfb -displayfd 3 -screen 0 1280x1024x24 -extension GLX -nolisten tcp -noreset 3>"$folder/number" >/dev/null 2>"$folder/log" &
server=$!
read -r number <"$folder/number" || { cat "$folder/log" >&2; exit 1; }

unset WAYLAND_DISPLAY XAUTHORITY XDG_CURRENT_DESKTOP
mkdir -m 700 "$folder/run" "$folder/home"
# Drawn by cairo: no driver of the graphics card is loaded, and none can leak.
export __EGL_VENDOR_LIBRARY_DIRS="$folder"
export DISPLAY=":$number" GDK_BACKEND=x11 GSK_RENDERER=cairo GTK_A11Y=test GTK_USE_PORTAL=0 ADW_DISABLE_PORTAL=1 \
  GSETTINGS_BACKEND=memory GIO_USE_VFS=local DBUS_SESSION_BUS_ADDRESS=disabled: XDG_RUNTIME_DIR="$folder/run" HOME="$folder/home" \
  XDG_CONFIG_HOME="$folder/home/config" XDG_CACHE_HOME="$folder/home/cache" XDG_DATA_HOME="$folder/home/data" XDG_STATE_HOME="$folder/home/state"

"$@"
