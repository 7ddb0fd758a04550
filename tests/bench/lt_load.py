#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""libtorrent with many torrents that it is told are complete: prints "ready N" and then idles until SIGTERM."""

import signal
import sys
from pathlib import Path

import libtorrent as lt


def main():
    data, torrents, host, port = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
    session = lt.session({'listen_interfaces': f'{host}:{port}', 'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False,
                          'enable_natpmp': False, 'active_limit': -1, 'active_seeds': -1, 'alert_mask': 0})
    paths = [] if torrents == '-' else sorted(Path(torrents).glob('*.torrent'))
    for path in paths:
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(str(path))
        params.save_path = str(data)
        params.flags |= lt.torrent_flags.seed_mode
        params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
        session.async_add_torrent(params)
    while len(session.get_torrents()) < len(paths):
        session.wait_for_alert(5)
        session.pop_alerts()
    print(f'ready {len(paths)}', flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == '__main__':
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()
