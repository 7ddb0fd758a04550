/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fuzz target: the DHT as a state machine: strangers' questions, answers to its own, anything at
 * all, and time. */

/*
 * The input is a row of steps: a byte that says what happens, a byte for who it is or how much, and
 * what the step wants. Questions carry the token that their sender was given, answers the
 * transaction of a question that waits, and items are signed: otherwise nothing would ever come
 * through, and all that is behind these doors would not be seen.
 */

#include <openssl/evp.h>
#include <string.h>
#include "shoal-dht-private.h"
#include "shoal-reader.h"
#include "shoal-signature.h"

#define PEERS     16u
#define ASKED     8u     /* questions that are remembered */
#define STEPS_MAX 150u

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

typedef struct
{
  ShoalAddr to;
  guint8    id[4];
} Asked;

typedef struct
{
  ShoalHost   host;             /* first */
  ShoalRng    rng;
  ShoalTimers *timers;
  ShoalDht    *dht;
  gint64      now_us;
  Asked       asked[ASKED];     /* the last ones, in a ring */
  guint       n_asked;
  guint8      tokens[PEERS][SHOAL_KRPC_TOKEN_MAX];
  gsize       token_sizes[PEERS];
  ShoalLookup *name;            /* (nullable): that is being looked up */
} World;

/* Loopback, two networks of IPv4 and one of IPv6. */
static ShoalAddr
peer (guint8 number)
{
  guint8 ip[16] = { 0 };

  number %= PEERS;
  if (number % 4 == 3)
    {
      memcpy (ip, (guint8[]){ 0x20, 0x01, 0x04, number }, 4);
      return shoal_addr_make (SHOAL_FAMILY_IPV6, ip, (guint16) (1000 + number));
    }
  memcpy (ip, (guint8[]){ number % 4 == 0 ? 127 : 20 + number % 4, 0, 0, 1 + number }, 4);

  return shoal_addr_make (SHOAL_FAMILY_IPV4, ip, (guint16) (1000 + number));
}

static ShoalSendResult
effect_send (ShoalHost       *host,
             const ShoalAddr *to,
             const guint8    *data,
             gsize            size,
             guint            segment,
             ShoalSendFlags   flags)
{
  World *world = (World *) host;
  guint number = to->port - 1000u;
  ShoalKrpc krpc;

  g_assert (size <= SHOAL_KRPC_SIZE_MAX);
  g_assert (shoal_krpc_parse (&krpc, data, size));
  g_assert ((krpc.flags & SHOAL_KRPC_DEFECT) == 0);
  if (krpc.type == SHOAL_KRPC_QUERY)
    {
      Asked *asked = &world->asked[world->n_asked++ % ASKED];

      g_assert (krpc.transaction.size == sizeof asked->id);
      asked->to = *to;
      memcpy (asked->id, krpc.transaction.data, sizeof asked->id);
    }
  else if (krpc.token.data != NULL && number < PEERS)
    {
      memcpy (world->tokens[number], krpc.token.data, krpc.token.size);
      world->token_sizes[number] = krpc.token.size;
    }

  return number == 13 ? SHOAL_SEND_FAILED : SHOAL_SEND_SENT;
}

static void
effect_random (ShoalHost *host,
               guint8    *out,
               gsize      size)
{
  shoal_rng_bytes (&((World *) host)->rng, out, size);
}

static void
effect_lookup (ShoalHost   *host,
               ShoalLookup *lookup)
{
  World *world = (World *) host;

  /* One at a time is answered; the others have no address. */
  if (world->name == NULL)
    world->name = lookup;
  else
    lookup->done.func (&lookup->done, world->now_us);
}

static void
on_ready (gpointer owner)
{
}

static void
on_announced (gpointer         owner,
              const ShoalSha1 *key,
              const ShoalAddr *addr)
{
  g_assert (shoal_addr_is_usable (addr));
}

static void
on_external (gpointer         owner,
             const ShoalAddr *external)
{
  g_assert (external->family != SHOAL_FAMILY_NONE && external->port == 0);
}

static void
on_peers (gpointer         owner,
          const ShoalAddr *addrs,
          guint            n,
          guint            hops)
{
  g_assert (n > 0);
  for (guint i = 0; i < n; i++)
    g_assert (shoal_addr_is_usable (&addrs[i]));
}

static void
on_done (gpointer owner,
         guint    n_asked,
         guint    n_answered,
         guint    n_told)
{
  g_assert (n_answered <= n_asked && n_told <= 2 * SHOAL_DHT_K);
}

static const ShoalHostOps host_ops = { .send = effect_send,
                                       .random = effect_random,
                                       .lookup = effect_lookup };
static const ShoalDhtOps dht_ops = { .ready = on_ready,
                                     .announced = on_announced,
                                     .external = on_external };
static const ShoalDhtLookupOps lookup_ops = { on_peers, on_done };

/* --- What strangers say --- */

/* Ids in all corners, and many near to each other. */
static ShoalSha1
make_id (guint8 number,
         guint8 last)
{
  ShoalSha1 id = { { number & 0xf0, number << 4 } };

  id.bytes[SHOAL_SHA1_SIZE - 1] = last;

  return id;
}

static void
sign (ShoalKrpc *put,
      guint8    *key,
      guint8    *signature)
{
  static const guint8 secret[SHOAL_SIGNATURE_KEY_SIZE] = { 1 };
  EVP_PKEY *pair = EVP_PKEY_new_raw_private_key (EVP_PKEY_ED25519, NULL, secret, sizeof secret);
  EVP_MD_CTX *context = EVP_MD_CTX_new ();
  g_auto (ShoalWriter) covered = { 0 };
  gsize key_size = SHOAL_SIGNATURE_KEY_SIZE;
  gsize signature_size = SHOAL_SIGNATURE_SIZE;

  shoal_krpc_write_signed (&covered, put);
  g_assert (EVP_PKEY_get_raw_public_key (pair, key, &key_size) == 1);
  g_assert (EVP_DigestSignInit (context, NULL, NULL, NULL, pair) == 1);
  g_assert (EVP_DigestSign (context, signature, &signature_size, covered.data, covered.size) == 1);
  put->key = (ShoalKrpcBytes){ key, key_size };
  put->signature = (ShoalKrpcBytes){ signature, signature_size };
  EVP_MD_CTX_free (context);
  EVP_PKEY_free (pair);
}

static void
ask (World       *world,
     ShoalReader *reader,
     guint8       number)
{
  static const guint8 values[1000] = { '9', '9', '6', ':' };
  static const gsize value_sizes[] = { 1000, 4, 2 };
  ShoalAddr from = peer (number);
  guint8 method = shoal_reader_u8 (reader);
  guint8 about = shoal_reader_u8 (reader);
  guint8 how = shoal_reader_u8 (reader);
  guint8 key[SHOAL_SIGNATURE_KEY_SIZE];
  guint8 signature[SHOAL_SIGNATURE_SIZE];
  g_auto (ShoalWriter) out = { 0 };
  ShoalKrpc krpc;

  shoal_krpc_init (&krpc, SHOAL_KRPC_QUERY, method % SHOAL_KRPC_UNKNOWN);
  krpc.transaction = (ShoalKrpcBytes){ &how, 1 };
  krpc.id = make_id (number, method);
  krpc.flags = SHOAL_KRPC_HAS_ID;
  krpc.token = (ShoalKrpcBytes){ world->tokens[number % PEERS],
                                 world->token_sizes[number % PEERS] };
  if (krpc.method != SHOAL_KRPC_PING && krpc.method != SHOAL_KRPC_PUT)
    {
      krpc.flags |= SHOAL_KRPC_HAS_TARGET;
      krpc.target = make_id (about, about);
    }
  if (krpc.method == SHOAL_KRPC_FIND_NODE || krpc.method == SHOAL_KRPC_GET_PEERS
      || krpc.method == SHOAL_KRPC_GET)
    krpc.flags |= (how & 1 ? SHOAL_KRPC_WANT4 : 0) | (how & 2 ? SHOAL_KRPC_WANT6 : 0);
  if (krpc.method == SHOAL_KRPC_GET_PEERS)
    krpc.flags |= (how & 4 ? SHOAL_KRPC_SCRAPE : 0) | (how & 8 ? SHOAL_KRPC_NOSEED : 0);
  if (krpc.method == SHOAL_KRPC_ANNOUNCE_PEER)
    {
      krpc.flags |= SHOAL_KRPC_HAS_PORT | (how & 1 ? SHOAL_KRPC_IMPLIED_PORT : 0)
                    | (how & 2 ? SHOAL_KRPC_SEED : 0);
      krpc.port = how;
    }
  if (krpc.method == SHOAL_KRPC_PUT || krpc.method == SHOAL_KRPC_GET)
    {
      /* The size of a value is a number of its text, so that each is bencode: a long string, a
       * number, an empty list. */
      static const char *const small[] = { "", "i42e", "le" };
      guint which = how % G_N_ELEMENTS (value_sizes);

      krpc.value = (ShoalKrpcBytes){ which == 0 ? values : (const guint8 *) small[which],
                                     value_sizes[which] };
      krpc.salt = (ShoalKrpcBytes){ values, how & 16 ? about % 80 : 0 };
      krpc.seq = about;
      krpc.cas = about - 1;
      if (how & 32)
        {
          krpc.flags |= SHOAL_KRPC_HAS_SEQ | (how & 64 ? SHOAL_KRPC_HAS_CAS : 0);
          sign (&krpc, key, signature);
          if (about == 255)
            signature[0] ^= 1;
        }
      if (krpc.method == SHOAL_KRPC_GET)
        {
          shoal_krpc_item_target (&krpc, &krpc.target);
          krpc.value = krpc.key = krpc.signature = krpc.salt = (ShoalKrpcBytes){ NULL, 0 };
        }
    }
  shoal_krpc_write (&krpc, &out);
  g_assert (shoal_dht_datagram (world->dht, &from, out.data, out.size, world->now_us));
}

/* What lists nodes: two bytes for each. */
static ShoalKrpcBytes
make_nodes (ShoalReader *reader,
            ShoalFamily  family,
            guint        n,
            guint8      *out)
{
  guint8 *at = out;

  for (guint i = 0; i < n; i++)
    {
      guint8 number = shoal_reader_u8 (reader);
      ShoalSha1 id = make_id (shoal_reader_u8 (reader), number);
      ShoalAddr addr = peer (number);

      /* More addresses than there are peers. */
      addr.ip[2] = number >> 4;
      if (addr.family != family)
        continue;
      memcpy (at, id.bytes, SHOAL_SHA1_SIZE);
      shoal_addr_to_compact (&addr, at + SHOAL_SHA1_SIZE);
      at += SHOAL_SHA1_SIZE + shoal_addr_compact_size (&addr);
    }

  return (ShoalKrpcBytes){ out, (gsize) (at - out) };
}

static void
answer (World       *world,
        ShoalReader *reader,
        guint8       how)
{
  const Asked *asked = &world->asked[how % ASKED];
  guint n = how >> 4;
  g_autofree guint8 *nodes = g_malloc (16 * SHOAL_KRPC_NODE6_SIZE);
  g_auto (ShoalWriter) out = { 0 };
  ShoalKrpc krpc;

  if (asked->to.family == SHOAL_FAMILY_NONE)
    return;
  shoal_krpc_init (&krpc, n == 15 ? SHOAL_KRPC_ERROR : SHOAL_KRPC_ANSWER, SHOAL_KRPC_PING);
  krpc.transaction = (ShoalKrpcBytes){ asked->id, sizeof asked->id };
  krpc.id = make_id ((guint8) asked->to.ip[3], (guint8) asked->to.port);
  if (how & 8)
    {
      ShoalAddr seen = peer (shoal_reader_u8 (reader));

      krpc.ip = seen;
      krpc.token = (ShoalKrpcBytes){ asked->id, 1 + n };
      krpc.values[krpc.n_values++] = peer (shoal_reader_u8 (reader));
      krpc.values[krpc.n_values++] = asked->to;
    }
  if (asked->to.family == SHOAL_FAMILY_IPV4)
    krpc.nodes4 = make_nodes (reader, SHOAL_FAMILY_IPV4, n, nodes);
  else
    krpc.nodes6 = make_nodes (reader, SHOAL_FAMILY_IPV6, n, nodes);
  shoal_krpc_write (&krpc, &out);
  shoal_dht_datagram (world->dht, &asked->to, out.data, out.size, world->now_us);
}

/* --- What happens here --- */

static void
start (World *world)
{
  world->dht = shoal_dht_new (&world->host, world->timers, &world->rng, &dht_ops, NULL,
                              world->now_us);
}

static void
begin_again (World *world)
{
  g_autoptr (GBytes) kept = shoal_dht_keep (world->dht);

  shoal_dht_free (world->dht);
  start (world);
  if (kept == NULL)
    return;
  g_assert (g_bytes_get_size (kept) <= SHOAL_DHT_KEPT_SIZE_MAX);
  g_assert (shoal_dht_restore (world->dht, g_bytes_get_data (kept, NULL), g_bytes_get_size (kept),
                               world->now_us));
}

static void
name_found (World *world,
            guint  n)
{
  ShoalLookup *lookup = g_steal_pointer (&world->name);

  if (lookup == NULL)
    return;
  lookup->addrs = g_new (ShoalAddr, n + 1);
  for (guint i = 0; i < n; i++)
    lookup->addrs[lookup->n_addrs++] = peer ((guint8) i);
  lookup->done.func (&lookup->done, world->now_us);
}

static void
control (World *world,
         guint8 number)
{
  static const char *const routers[] = { "", "router.example:6881, 21.0.0.2:1001",
                                         "a.example:1 b.example:2", "nonsense [::1]:x" };

  switch (number % 8)
    {
    case 0:
      shoal_dht_set_read_only (world->dht, number & 8);
      break;
    case 1:
      shoal_dht_wake (world->dht, world->now_us);
      break;
    case 2:
      begin_again (world);
      break;
    case 3:
      name_found (world, number >> 4);
      break;
    default:
      shoal_dht_set_routers (world->dht, routers[number % 4], world->now_us);
    }
}

static void
take_step (World       *world,
           ShoalReader *reader)
{
  guint8 what = shoal_reader_u8 (reader);
  guint8 number = shoal_reader_u8 (reader);
  ShoalSha1 key = make_id (number, number);
  ShoalAddr from = peer (number);
  gsize take = MIN ((gsize) number * 2, shoal_reader_left (reader));

  switch (what & 7)
    {
    case 0:
      world->now_us += (gint64) number * number * 20000;
      shoal_timers_expire (world->timers, world->now_us);
      break;
    case 1:
      shoal_dht_add_contact (world->dht, &from, world->now_us);
      break;
    case 2:
      shoal_dht_lookup (world->dht, &key, number, (number & 1) != 0, (number & 2) != 0, &lookup_ops,
                        NULL, world->now_us);
      break;
    case 3:
      answer (world, reader, number);
      break;
    case 4:
      control (world, number);
      break;
    case 5:
    case 6:
      ask (world, reader, number);
      break;
    default:
      from = peer (what >> 3);
      shoal_dht_datagram (world->dht, &from, shoal_reader_bytes (reader, take), take,
                          world->now_us);
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  World world = { .host = { &host_ops },
                  .timers = shoal_timers_new (),
                  .now_us = 1000 * (gint64) G_USEC_PER_SEC };
  ShoalReader reader = shoal_reader (data, size);

  shoal_rng_init (&world.rng, 1);
  start (&world);
  for (guint step = 0; step < STEPS_MAX && shoal_reader_left (&reader) > 1; step++)
    take_step (&world, &reader);
  for (guint i = 0; i < 40; i++)
    {
      world.now_us += 2 * (gint64) G_USEC_PER_SEC;
      shoal_timers_expire (world.timers, world.now_us);
    }
  for (guint i = 0; i < SHOAL_N_DHT_NODES; i++)
    shoal_dht_table_check (world.dht->nodes[i]->table);
  g_assert (shoal_dht_size (world.dht) < 1024 * 1024);
  shoal_dht_free (world.dht);
  name_found (&world, 0);
  shoal_timers_free (world.timers);

  return 0;
}
