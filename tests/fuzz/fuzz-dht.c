/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: the DHT as a state machine: strangers' packets, answers to its own questions, time. */

/*
 * The input is a row of steps: a byte that says what happens, a byte for its size or for who it is, and the bytes of a packet. Answers get
 * the transaction of the question that was sent last, or nothing would ever come through.
 */

#include "shoal-dht.h"

#include <string.h>

#include "shoal-reader.h"

#define PEERS 16u

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

typedef struct
{
  ShoalHost host;             /* first */
  ShoalRng  rng;
  ShoalAddr last_to;
  guint8    last_id[4];
  gboolean  asked;
  ShoalLookup *lookup;
} World;

static ShoalSendResult
effect_send (ShoalHost       *host,
             const ShoalAddr *to,
             const guint8    *data,
             gsize            size,
             guint            segment,
             ShoalSendFlags   flags)
{
  World *world = (World *) host;
  ShoalKrpc krpc;

  g_assert (size <= SHOAL_KRPC_SIZE_MAX + 256);
  g_assert (shoal_krpc_parse (&krpc, data, size));
  if (krpc.type == SHOAL_KRPC_QUERY && krpc.transaction.size == sizeof world->last_id)
    {
      world->asked = TRUE;
      world->last_to = *to;
      memcpy (world->last_id, krpc.transaction.data, sizeof world->last_id);
    }

  return to->ip[3] == 13 ? SHOAL_SEND_FAILED : SHOAL_SEND_SENT;
}

static void
effect_random (ShoalHost *host,
               guint8    *out,
               gsize      size)
{
  shoal_rng_bytes (&((World *) host)->rng, out, size);
}

static void
on_ready (gpointer owner)
{
}

static void
on_peers (gpointer         owner,
          const ShoalAddr *addrs,
          guint            n,
          guint            hops)
{
  for (guint i = 0; i < n; i++)
    g_assert (shoal_addr_is_usable (&addrs[i]));
}

static void
on_done (gpointer owner,
         guint    n_asked,
         guint    n_answered,
         guint    n_told)
{
  g_assert (n_answered <= n_asked);
}

static const ShoalHostOps host_ops = { .send = effect_send, .random = effect_random };
static const ShoalDhtOps dht_ops = { .ready = on_ready };
static const ShoalDhtLookupOps lookup_ops = { on_peers, on_done };

/* Some near, some far away. */
static ShoalAddr
peer (guint8 number)
{
  guint8 ip[4] = { number % 3 == 0 ? 127 : 20 + number % PEERS, 0, 0, 1 + number % PEERS };

  return shoal_addr_make (SHOAL_FAMILY_IPV4, ip, (guint16) (1000 + number % PEERS));
}

/* An answer that lists nodes made of the input. */
static void
answer (World       *world,
        ShoalDht    *dht,
        ShoalReader *reader,
        gint64       now_us)
{
  g_auto (ShoalWriter) out = { 0 };
  ShoalKrpc krpc;
  gsize size = shoal_reader_u8 (reader);

  shoal_krpc_init (&krpc, SHOAL_KRPC_ANSWER, SHOAL_KRPC_PING);
  size = MIN (size * SHOAL_KRPC_NODE4_SIZE, shoal_reader_left (reader) / SHOAL_KRPC_NODE4_SIZE * SHOAL_KRPC_NODE4_SIZE);
  shoal_reader_copy (reader, krpc.id.bytes, MIN (sizeof krpc.id.bytes, shoal_reader_left (reader)));
  size = MIN (size, shoal_reader_left (reader) / SHOAL_KRPC_NODE4_SIZE * SHOAL_KRPC_NODE4_SIZE);
  krpc.nodes4 = (ShoalKrpcBytes){ shoal_reader_bytes (reader, size), size };
  krpc.transaction = (ShoalKrpcBytes){ world->last_id, sizeof world->last_id };
  krpc.token = (ShoalKrpcBytes){ world->last_id, 4 };
  krpc.ip = peer (krpc.id.bytes[3]);
  krpc.n_values = 1;
  krpc.values[0] = peer (krpc.id.bytes[4]);
  shoal_krpc_write (&krpc, &out);
  shoal_dht_datagram (dht, &world->last_to, out.data, out.size, now_us);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  World world = { .host = { &host_ops } };
  ShoalTimers *timers = shoal_timers_new ();
  ShoalReader reader = shoal_reader (data, size);
  gint64 now_us = 1000 * (gint64) G_USEC_PER_SEC;
  ShoalDht *dht;

  shoal_rng_init (&world.rng, 1);
  dht = shoal_dht_new (&world.host, timers, &world.rng, &dht_ops, NULL, now_us);
  for (guint step = 0; step < 300 && shoal_reader_left (&reader) > 1; step++)
    {
      guint8 what = shoal_reader_u8 (&reader);
      guint8 number = shoal_reader_u8 (&reader);
      ShoalAddr from = peer (what >> 3);
      ShoalSha1 key = { { number } };
      gsize take = MIN ((gsize) number * 2, shoal_reader_left (&reader));

      switch (what & 7)
        {
        case 0:
          now_us += (gint64) number * number * 20000;
          shoal_timers_expire (timers, now_us);
          break;
        case 1:
          from = peer (number);
          shoal_dht_add_contact (dht, &from, now_us);
          break;
        case 2:
          shoal_dht_lookup (dht, &key, number, (number & 1) != 0, (number & 2) != 0, &lookup_ops, NULL, now_us);
          break;
        case 3:
          if (world.asked)
            answer (&world, dht, &reader, now_us);
          break;
        case 4:
          shoal_dht_set_read_only (dht, (number & 1) != 0);
          break;
        default:
          shoal_dht_datagram (dht, &from, shoal_reader_bytes (&reader, take), take, now_us);
        }
    }
  for (guint i = 0; i < 40; i++)
    {
      now_us += 2 * (gint64) G_USEC_PER_SEC;
      shoal_timers_expire (timers, now_us);
    }
  g_assert (shoal_dht_size (dht) < 1024 * 1024);
  shoal_dht_free (dht);
  shoal_timers_free (timers);

  return 0;
}
