#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""libtorrent as a program: downloads or seeds one torrent until SIGTERM. Its answers are lines on standard output:
ready, metadata, complete, and on SIGUSR1 and at its end a line of JSON with counters."""

import argparse
import json
import signal
import sys
import time

import libtorrent as lt


def settings(args):
    return {
        'listen_interfaces': f'{args.host}:{args.port}', 'outgoing_interfaces': args.host, 'user_agent': 'libtorrent/test',
        'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False, 'enable_natpmp': False,
        'enable_outgoing_utp': False, 'enable_incoming_utp': False, 'allow_multiple_connections_per_ip': True,
        'alert_mask': lt.alert.category_t.status_notification | lt.alert.category_t.error_notification,
        'upload_rate_limit': args.limit_up * 1024, 'download_rate_limit': args.limit_down * 1024,
        'in_enc_policy': lt.enc_policy.enabled, 'out_enc_policy': lt.enc_policy.enabled,
        # rtorrent asks for more at once the faster it gets; what is beyond the limit is dropped without a word, and it waits a minute.
        'max_allowed_in_request_queue': 100_000,
        **json.loads(args.settings),
    }


def add(session, source, args):
    if source.startswith('magnet:'):
        params = lt.parse_magnet_uri(source)
    else:
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(source)
    params.save_path = args.dir
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    if args.files:
        params.file_priorities = [4 if number in args.files else 0 for number in range(params.ti.num_files())]
    if args.trust:
        params.flags |= lt.torrent_flags.seed_mode
    return session.add_torrent(params)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('sources', nargs='+')
    parser.add_argument('--dir', required=True)
    parser.add_argument('--host', default='127.0.0.1')
    parser.add_argument('--port', type=int, required=True)
    parser.add_argument('--peer', action='append', default=[])
    parser.add_argument('--limit-up', type=int, default=0)
    parser.add_argument('--limit-down', type=int, default=0)
    parser.add_argument('--trust', action='store_true', help='do not check the data of a seed')
    parser.add_argument('--files', type=lambda text: [int(part) for part in text.split(',')], help='only these are wanted, counted from 0')
    parser.add_argument('--no-plugins', action='store_true', help='no peer exchange, and no metadata')
    parser.add_argument('--once', action='store_true', help='end when complete')
    parser.add_argument('--settings', default='{}')
    args = parser.parse_args()

    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append('end'))
    signal.signal(signal.SIGINT, lambda *_: stop.append('end'))
    signal.signal(signal.SIGUSR1, lambda *_: stop.append('report'))

    session = lt.session(settings(args), flags=0 if args.no_plugins else 1)
    classes = lt.ip_filter()
    for first, last in (('0.0.0.0', '255.255.255.255'), ('::', ':'.join(['ffff'] * 8))):
        classes.add_rule(first, last, 1 << lt.session.global_peer_class_id)
    session.set_peer_class_filter(classes)            # limits hold on local networks too
    handles = [add(session, source, args) for source in args.sources]
    for peer in args.peer:
        host, port = peer.rsplit(':', 1)
        for handle in handles:
            handle.connect_peer((host, int(port)))
    print('ready', flush=True)

    complete = named = 0
    started = time.monotonic()

    def report():
        states = [handle.status() for handle in handles]
        print(json.dumps({'up': sum(state.total_payload_upload for state in states),
                          'down': sum(state.total_payload_download for state in states),
                          'failed': sum(state.total_failed_bytes for state in states),
                          'peers': [peer.ip[0] for handle in handles for peer in handle.get_peer_info() if not peer.flags & peer.handshake],
                          'partial': sum(bool(peer.flags & peer.upload_only) and not peer.flags & peer.seed
                                         for handle in handles for peer in handle.get_peer_info()),
                          'seconds': time.monotonic() - started}), flush=True)

    while True:
        session.wait_for_alert(100)
        session.pop_alerts()
        states = [handle.status() for handle in handles]
        while named < sum(state.has_metadata for state in states):
            named += 1
            print('metadata', flush=True)
        while complete < sum(state.is_seeding or state.is_finished for state in states):
            complete += 1
            print('complete', flush=True)
        if args.once and complete == len(handles):
            break
        asked, stop[:] = list(stop), []
        if 'end' in asked:
            break
        if 'report' in asked:
            report()
    report()
    sys.stdout.flush()
    session.pause()
    del handles, session


if __name__ == '__main__':
    main()
