/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A few DHT nodes on one fake wire, moved by hand. */

#include "dht-wire.h"

#include <string.h>

#include "shoal-test.h"

void
dht_wire_packet_free (gpointer data)
{
  DhtWirePacket *packet = data;

  g_bytes_unref (packet->bytes);
  g_free (packet);
}

static DhtWireNode *
find (DhtWire         *wire,
      const ShoalAddr *addr)
{
  for (guint i = 0; i < DHT_WIRE_NODES; i++)
    if (shoal_addr_equal (&wire->nodes[i].addr, addr))
      return &wire->nodes[i];

  return NULL;
}

static ShoalSendResult
effect_send (ShoalHost       *host,
             const ShoalAddr *to,
             const guint8    *data,
             gsize            size,
             guint            segment,
             ShoalSendFlags   flags)
{
  DhtWireNode *node = (DhtWireNode *) host;
  DhtWirePacket *packet = g_new0 (DhtWirePacket, 1);

  g_assert_cmpuint (size, <=, SHOAL_KRPC_SIZE_MAX);
  *packet = (DhtWirePacket){ node->addr, *to, g_bytes_new (data, size) };
  g_queue_push_tail (find (node->wire, to) != NULL ? &node->wire->packets : &node->wire->strangers,
                     packet);

  return SHOAL_SEND_SENT;
}

static void
effect_random (ShoalHost *host,
               guint8    *out,
               gsize      size)
{
  shoal_rng_bytes (&((DhtWireNode *) host)->wire->rng, out, size);
}

static void
effect_lookup (ShoalHost   *host,
               ShoalLookup *lookup)
{
  DhtWireNode *node = (DhtWireNode *) host;

  g_assert_null (node->lookup);
  node->lookup = lookup;
}

static const ShoalHostOps host_ops = { .send = effect_send,
                                       .random = effect_random,
                                       .lookup = effect_lookup };

static void
on_ready (gpointer owner)
{
  ((DhtWireNode *) owner)->n_ready++;
}

static const ShoalDhtOps dht_ops = { .ready = on_ready };

void
dht_wire_pass (DhtWire *wire,
               gint64   us)
{
  gint64 until_us = wire->now_us + us;

  while (wire->now_us < until_us)
    {
      DhtWirePacket *packet;

      while ((packet = g_queue_pop_head (&wire->packets)) != NULL)
        {
          DhtWireNode *node = find (wire, &packet->to);
          gsize size;
          const guint8 *data = g_bytes_get_data (packet->bytes, &size);

          if (node->dht != NULL)
            g_assert_true (shoal_dht_datagram (node->dht, &packet->from, data, size, wire->now_us));
          dht_wire_packet_free (packet);
        }
      wire->now_us += SECOND_US / 20;
      shoal_timers_expire (wire->timers, wire->now_us);
    }
}

void
dht_wire_renew (DhtWire *wire,
                guint    node)
{
  DhtWireNode *self = &wire->nodes[node];

  shoal_dht_free (self->dht);
  self->dht = shoal_dht_new (&self->host, wire->timers, &wire->rng, &dht_ops, self, wire->now_us);
}

static void
set_up (DhtWire       *wire,
        gconstpointer  data)
{
  memset (wire, 0, sizeof *wire);
  shoal_rng_init (&wire->rng, shoal_test_seed ());
  wire->timers = shoal_timers_new ();
  wire->now_us = 1000 * SECOND_US;
  for (guint i = 0; i < DHT_WIRE_NODES; i++)
    {
      DhtWireNode *node = &wire->nodes[i];

      node->host.ops = &host_ops;
      node->wire = wire;
      g_assert_true (shoal_addr_parse (&node->addr, data != NULL ? data : "127.0.0.1",
                                       (guint16) (1000 + i)));
      dht_wire_renew (wire, i);
    }
}

static void
tear_down (DhtWire       *wire,
           gconstpointer  data)
{
  for (guint i = 0; i < DHT_WIRE_NODES; i++)
    {
      shoal_dht_free (wire->nodes[i].dht);
      if (wire->nodes[i].lookup != NULL)
        wire->nodes[i].lookup->done.func (&wire->nodes[i].lookup->done, wire->now_us);
    }
  g_queue_clear_full (&wire->packets, dht_wire_packet_free);
  g_queue_clear_full (&wire->strangers, dht_wire_packet_free);
  shoal_timers_free (wire->timers);
}

static void
on_peers (gpointer         owner,
          const ShoalAddr *addrs,
          guint            n,
          guint            hops)
{
  DhtWire *wire = owner;

  wire->n_peers += n;
  wire->peer = addrs[0];
  wire->other_port = addrs[n - 1].port;
}

static void
on_done (gpointer owner,
         guint    n_asked,
         guint    n_answered,
         guint    n_told)
{
  DhtWire *wire = owner;

  wire->n_done++;
  wire->n_told += n_told;
}

static const ShoalDhtLookupOps lookup_ops = { .peers = on_peers, .done = on_done };

void
dht_wire_send (DhtWire    *wire,
               const char *packet,
               const char *from)
{
  ShoalAddr addr;

  g_assert_true (shoal_addr_parse (&addr, from, 0));
  g_assert_true (shoal_dht_datagram (wire->nodes[0].dht, &addr, (const guint8 *) packet,
                                     strlen (packet), wire->now_us));
}

/* What the last packet to a stranger said; they are taken out. */
gboolean
dht_wire_take (DhtWire    *wire,
               ShoalKrpc  *krpc,
               GBytes    **bytes)
{
  DhtWirePacket *packet = g_queue_pop_head (&wire->strangers);
  const guint8 *data;
  gsize size;

  if (packet == NULL)
    return FALSE;
  g_clear_pointer (bytes, g_bytes_unref);
  *bytes = g_bytes_ref (packet->bytes);
  data = g_bytes_get_data (*bytes, &size);
  g_assert_true (shoal_krpc_parse (krpc, data, size));
  dht_wire_packet_free (packet);

  return TRUE;
}

ShoalDhtLookup *
dht_wire_look (DhtWire         *wire,
               guint            node,
               const ShoalSha1 *key,
               guint16          port,
               gboolean         implied_port)
{
  return shoal_dht_lookup (wire->nodes[node].dht, key, port, implied_port, FALSE, &lookup_ops, wire,
                           wire->now_us);
}

void
dht_wire_add (const char *path,
              const char *address,
              void      (*test) (DhtWire *wire, gconstpointer address))
{
  g_test_add (path, DhtWire, address, set_up, test, tear_down);
}

void
dht_wire_begin_anew (DhtWire *wire)
{
  tear_down (wire, NULL);
  set_up (wire, NULL);
}
