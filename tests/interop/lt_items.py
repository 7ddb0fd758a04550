#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""libtorrent stores items in the DHT, or reads them: lt_items.py put|get OWN-ENDPOINT NODE INFO-HASH. The node is the whole network.
Put also announces a torrent of that info-hash. Get prints the kinds of what it got, and "done" comes when it is through."""

import hashlib
import sys
import time

import libtorrent as lt

VALUE = 'Hello World!'
SALT = 'foobar'
# The key pair of the examples in BEP 44.
PUBLIC = bytes.fromhex('77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548')
PRIVATE = bytes.fromhex('e06d3183d14159228433ed599221b80bd0a5ce8352e4bdf0262f76786ef1c74db7e7a9fea2c0eb269d61e3b38e450a22e754941ac78479d6c54e1faf6037881d')
SECONDS = 40


def alerts_until(session, seconds, condition, needed=True):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        session.wait_for_alert(100)
        for alert in session.pop_alerts():
            if condition(alert):
                return alert
    if needed:
        raise SystemExit('no answer came in time')
    return None


def main():
    role, own, node, info_hash = sys.argv[1:]
    session = lt.session({
        'listen_interfaces': own, 'outgoing_interfaces': own.rpartition(':')[0], 'dht_bootstrap_nodes': node, 'enable_dht': True, 'enable_lsd': False,
        'enable_upnp': False, 'enable_natpmp': False, 'dht_restrict_routing_ips': False, 'dht_restrict_search_ips': False, 'dht_announce_interval': 5,
        'alert_mask': lt.alert.category_t.dht_notification | lt.alert.category_t.dht_operation_notification | lt.alert.category_t.status_notification})
    alerts_until(session, SECONDS, lambda alert: isinstance(alert, lt.dht_bootstrap_alert))
    if role == 'put':
        session.dht_put_immutable_item(VALUE)
        alerts_until(session, SECONDS, lambda alert: isinstance(alert, lt.dht_put_alert) and alert.num_success > 0)
        session.dht_put_mutable_item(PRIVATE, PUBLIC, VALUE, SALT)
        alerts_until(session, SECONDS, lambda alert: isinstance(alert, lt.dht_put_alert) and alert.num_success > 0)
        params = lt.parse_magnet_uri(f'magnet:?xt=urn:btih:{info_hash}')
        params.save_path = '.'
        session.add_torrent(params)
        for _ in range(SECONDS):
            session.dht_get_peers(lt.sha1_hash(bytes.fromhex(info_hash)))
            if alerts_until(session, 1, lambda alert: isinstance(alert, lt.dht_get_peers_reply_alert), False):
                break
    else:
        found = []
        session.dht_get_immutable_item(lt.sha1_hash(hashlib.sha1(lt.bencode(VALUE)).digest()))
        alert = alerts_until(session, SECONDS, lambda alert: isinstance(alert, lt.dht_immutable_item_alert))
        if VALUE in str(alert.item):
            found.append('immutable')
        session.dht_get_mutable_item(PUBLIC, SALT)
        alert = alerts_until(session, SECONDS, lambda alert: isinstance(alert, lt.dht_mutable_item_alert) and alert.authoritative)
        if VALUE in str(alert.item):
            found.append('mutable')
        host, port = node.rsplit(':', 1)
        session.dht_sample_infohashes((host, int(port)), lt.sha1_hash(bytes(20)))
        alert = alerts_until(session, SECONDS, lambda alert: isinstance(alert, lt.dht_sample_infohashes_alert))
        if [str(sample) for sample in alert.samples] == [info_hash]:
            found.append('sample')
        print(*found)
    print('done', flush=True)


if __name__ == '__main__':
    main()
