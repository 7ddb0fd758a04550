/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers to the questions of other DHT nodes. */

/*
 * A token says that its owner could be reached at its address a few minutes ago: a digest of a
 * secret and the address. The secret changes every five minutes and the one before stays good, so
 * nothing is kept for anybody who asks.
 */

#include "shoal-dht-private.h"

#include <string.h>

#define TOKEN_SIZE  8u
#define VALUES4_MAX 80u    /* peers of an answer, so that it fits into a packet */
#define VALUES6_MAX 25u
#define VALUES_BESIDE_BLOOMS 10u

static const guint8 our_version[] = { 'S', 'H', 0, 1 };

/* What an answer borrows. */
typedef struct
{
  ShoalKrpc krpc;
  guint8    nodes4[SHOAL_DHT_K * SHOAL_KRPC_NODE4_SIZE];
  guint8    nodes6[SHOAL_DHT_K * SHOAL_KRPC_NODE6_SIZE];
  guint8    token[TOKEN_SIZE];
  guint8    blooms[2][SHOAL_KRPC_BLOOM_SIZE];
  ShoalSha1 samples[SHOAL_DHT_SAMPLES];
} Answer;

static void
make_token (const ShoalDht  *dht,
            const ShoalAddr *to,
            guint            which,
            guint8          *out)
{
  guint8 input[SHOAL_DHT_SECRET + sizeof to->ip];
  ShoalSha1 digest;

  memcpy (input, dht->secrets[which], SHOAL_DHT_SECRET);
  memcpy (input + SHOAL_DHT_SECRET, to->ip, sizeof to->ip);
  shoal_sha1 (input, sizeof input, &digest);
  memcpy (out, digest.bytes, TOKEN_SIZE);
}

static void
turn_secrets (ShoalDht *dht)
{
  gint64 age_us = dht->now_us - dht->secret_us;

  if (age_us < SHOAL_DHT_TOKEN_US)
    return;
  if (age_us < 2 * SHOAL_DHT_TOKEN_US)
    memcpy (dht->secrets[1], dht->secrets[0], SHOAL_DHT_SECRET);
  else
    dht->host->ops->random (dht->host, dht->secrets[1], SHOAL_DHT_SECRET);
  dht->host->ops->random (dht->host, dht->secrets[0], SHOAL_DHT_SECRET);
  dht->secret_us = dht->now_us;
}

static gboolean
is_our_token (ShoalDht        *dht,
              const ShoalAddr *from,
              ShoalKrpcBytes   token)
{
  guint8 ours[TOKEN_SIZE];

  turn_secrets (dht);
  for (guint i = 0; token.size == TOKEN_SIZE && i < 2; i++)
    {
      make_token (dht, from, i, ours);
      if (memcmp (ours, token.data, TOKEN_SIZE) == 0)
        return TRUE;
    }

  return FALSE;
}

/* Every address counts for itself, roughly, and all together. What comes from this machine is not
 * limited: whoever is on it can use up its processor without our help. */
static gboolean
is_allowed (ShoalDht        *dht,
            const ShoalAddr *from)
{
  ShoalAddr site = shoal_addr_site (from);
  guint slot;

  if (shoal_addr_is_loopback (from))
    return TRUE;
  site.port = (guint16) dht->ip_salt;
  slot = (shoal_addr_hash (&site) ^ dht->ip_salt) % SHOAL_DHT_IP_SLOTS;
  if (dht->now_us - dht->second_us >= (gint64) G_USEC_PER_SEC)
    {
      dht->second_us = dht->now_us;
      dht->n_answers = 0;
      memset (dht->ip_answers, 0, sizeof dht->ip_answers);
    }
  if (dht->n_answers >= SHOAL_DHT_ANSWERS || dht->ip_answers[slot] >= SHOAL_DHT_ANSWERS_PER_IP)
    return FALSE;
  dht->n_answers++;
  dht->ip_answers[slot]++;

  return TRUE;
}

/* The farthest node of the family that the asker does not speak, or of its own. FALSE: there is
 * none. */
static gboolean
leave_out_node (ShoalKrpc  *krpc,
                ShoalFamily asker)
{
  gboolean first4 = asker == SHOAL_FAMILY_IPV6;

  if (krpc->nodes4.size > 0 && (first4 || krpc->nodes6.size == 0))
    krpc->nodes4.size -= SHOAL_KRPC_NODE4_SIZE;
  else if (krpc->nodes6.size > 0)
    krpc->nodes6.size -= SHOAL_KRPC_NODE6_SIZE;
  else
    return FALSE;

  return TRUE;
}

static void
send_answer (ShoalDhtNode    *at,
             ShoalKrpc       *krpc,
             const ShoalAddr *to)
{
  ShoalDht *dht = at->dht;

  /* A large item or two filters, and nodes of both families, are more than a packet. */
  do
    {
      dht->packet.size = 0;
      shoal_krpc_write (krpc, &dht->packet);
    }
  while (dht->packet.size > SHOAL_KRPC_SIZE_MAX && leave_out_node (krpc, to->family));
  if (dht->host->ops->send (dht->host, to, dht->packet.data, dht->packet.size, 0, 0)
      != SHOAL_SEND_SENT)
    g_debug ("An answer of %" G_GSIZE_FORMAT " bytes could not be sent", dht->packet.size);
}

static void
refuse (ShoalDhtNode    *at,
        const ShoalKrpc *query,
        const ShoalAddr *to,
        guint            error)
{
  static const struct { guint error; const char *text; } texts[] = {
    { SHOAL_KRPC_ERROR_SERVER, "Try again later" },
    { SHOAL_KRPC_ERROR_PROTOCOL, "Protocol error" },
    { SHOAL_KRPC_ERROR_METHOD, "Method unknown" },
    { SHOAL_KRPC_ERROR_TOO_BIG, "Value too big" },
    { SHOAL_KRPC_ERROR_SIGNATURE, "Invalid signature" },
    { SHOAL_KRPC_ERROR_SALT, "Salt too big" },
    { SHOAL_KRPC_ERROR_CAS, "Another sequence number is stored" },
    { SHOAL_KRPC_ERROR_SEQ, "A newer one is stored" },
  };
  ShoalKrpc krpc;

  shoal_krpc_init (&krpc, SHOAL_KRPC_ERROR, query->method);
  krpc.transaction = query->transaction;
  krpc.version = (ShoalKrpcBytes){ our_version, sizeof our_version };
  krpc.error = error;
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (texts[i].error == error)
      krpc.text = (ShoalKrpcBytes){ (const guint8 *) texts[i].text, strlen (texts[i].text) };
  send_answer (at, &krpc, to);
}

/* Nodes near the target that the asker can reach. */
static ShoalKrpcBytes
put_nodes (const ShoalDhtNode *of,
           const ShoalSha1    *target,
           const ShoalAddr    *asker,
           guint8             *out)
{
  const ShoalDhtEntry *near[SHOAL_DHT_K];
  guint n = shoal_dht_table_closest (of->table, target, TRUE, near, SHOAL_DHT_K);
  guint8 *at = out;

  for (guint i = 0; i < n; i++)
    {
      if (!shoal_dht_fits (&near[i]->addr, asker) || shoal_addr_equal (&near[i]->addr, asker))
        continue;
      memcpy (at, near[i]->id.bytes, SHOAL_SHA1_SIZE);
      shoal_addr_to_compact (&near[i]->addr, at + SHOAL_SHA1_SIZE);
      at += SHOAL_SHA1_SIZE + shoal_addr_compact_size (&near[i]->addr);
    }

  return (ShoalKrpcBytes){ out, (gsize) (at - out) };
}

static void
answer_nodes (ShoalDhtNode    *at,
              Answer          *answer,
              const ShoalKrpc *query,
              const ShoalAddr *from)
{
  gboolean is_ipv4 = from->family == SHOAL_FAMILY_IPV4;
  gboolean want4 = (query->flags & SHOAL_KRPC_WANT4) != 0;
  gboolean want6 = (query->flags & SHOAL_KRPC_WANT6) != 0;

  if (want4 || (is_ipv4 && !want6))
    answer->krpc.nodes4 = put_nodes (at->dht->nodes[0], &query->target, from, answer->nodes4);
  if (want6 || (!is_ipv4 && !want4))
    answer->krpc.nodes6 = put_nodes (at->dht->nodes[1], &query->target, from, answer->nodes6);
}

static void
answer_token (ShoalDhtNode    *at,
              Answer          *answer,
              const ShoalAddr *from)
{
  turn_secrets (at->dht);
  make_token (at->dht, from, 0, answer->token);
  answer->krpc.token = (ShoalKrpcBytes){ answer->token, TOKEN_SIZE };
}

static void
answer_peers (ShoalDhtNode    *at,
              Answer          *answer,
              const ShoalKrpc *query,
              const ShoalAddr *from)
{
  ShoalDhtStore *store = at->dht->store;
  guint max = from->family == SHOAL_FAMILY_IPV4 ? VALUES4_MAX : VALUES6_MAX;

  if ((query->flags & SHOAL_KRPC_SCRAPE) != 0
      && shoal_dht_store_scrape (store, &query->target, answer->blooms[0], answer->blooms[1]))
    {
      answer->krpc.bloom_seeds = (ShoalKrpcBytes){ answer->blooms[0], SHOAL_KRPC_BLOOM_SIZE };
      answer->krpc.bloom_peers = (ShoalKrpcBytes){ answer->blooms[1], SHOAL_KRPC_BLOOM_SIZE };
      max = VALUES_BESIDE_BLOOMS;
    }
  answer->krpc.n_values = shoal_dht_store_peers (store, &query->target, from,
                                                 (query->flags & SHOAL_KRPC_NOSEED) != 0,
                                                 answer->krpc.values, max);
}

static void
answer_item (ShoalDhtNode    *at,
             Answer          *answer,
             const ShoalKrpc *query)
{
  const ShoalDhtItem *item = shoal_dht_store_get (at->dht->store, &query->target);

  if (item == NULL)
    return;
  if (item->is_mutable)
    {
      answer->krpc.flags |= SHOAL_KRPC_HAS_SEQ;
      answer->krpc.seq = item->seq;
      if ((query->flags & SHOAL_KRPC_HAS_SEQ) != 0 && query->seq >= item->seq)
        return;
      answer->krpc.key = (ShoalKrpcBytes){ item->key, sizeof item->key };
      answer->krpc.signature = (ShoalKrpcBytes){ item->signature, sizeof item->signature };
    }
  answer->krpc.value.data = g_bytes_get_data (item->value, &answer->krpc.value.size);
}

static void
answer_samples (ShoalDhtNode *at,
                Answer       *answer)
{
  guint n = shoal_dht_store_sample (at->dht->store, answer->samples, at->dht->now_us);

  answer->krpc.flags |= SHOAL_KRPC_HAS_SAMPLES;
  answer->krpc.samples = (ShoalKrpcBytes){ (const guint8 *) answer->samples,
                                           n * sizeof *answer->samples };
  answer->krpc.interval_s = SHOAL_DHT_SAMPLE_S;
  answer->krpc.n_stored = shoal_dht_store_n_keys (at->dht->store);
}

/* What a question changes here. Returns: 0 or a ShoalKrpcErrorCode */
static guint
take (ShoalDht        *dht,
      const ShoalKrpc *query,
      const ShoalAddr *from)
{
  ShoalAddr peer = *from;

  if ((query->flags & SHOAL_KRPC_DEFECT) != 0)
    return SHOAL_KRPC_ERROR_PROTOCOL;
  switch (query->method)
    {
    case SHOAL_KRPC_ANNOUNCE_PEER:
      if (!is_our_token (dht, from, query->token))
        return SHOAL_KRPC_ERROR_PROTOCOL;
      if ((query->flags & SHOAL_KRPC_IMPLIED_PORT) == 0)
        peer.port = query->port;
      if (!shoal_addr_is_usable (&peer))
        return 0;
      shoal_dht_store_announce (dht->store, &query->target, &peer,
                                (query->flags & SHOAL_KRPC_SEED) != 0, dht->now_us);
      if (dht->ops->announced != NULL)
        dht->ops->announced (dht->owner, &query->target, &peer);
      return 0;

    case SHOAL_KRPC_PUT:
      if (!is_our_token (dht, from, query->token))
        return SHOAL_KRPC_ERROR_PROTOCOL;
      return shoal_dht_store_put (dht->store, query, from, dht->now_us);

    case SHOAL_KRPC_UNKNOWN:
      return (query->flags & SHOAL_KRPC_HAS_TARGET) != 0 ? 0 : SHOAL_KRPC_ERROR_METHOD;

    default:
      return 0;
    }
}

void
shoal_dht_answer (ShoalDhtNode    *at,
                  const ShoalKrpc *query,
                  const ShoalAddr *from)
{
  ShoalDht *dht = at->dht;
  Answer answer;
  guint error;

  if (dht->read_only || !is_allowed (dht, from))
    return;
  error = take (dht, query, from);
  if (error != 0)
    {
      refuse (at, query, from, error);
      return;
    }

  shoal_krpc_init (&answer.krpc, SHOAL_KRPC_ANSWER, query->method);
  answer.krpc.id = at->id;
  answer.krpc.ip = *from;
  answer.krpc.transaction = query->transaction;
  answer.krpc.version = (ShoalKrpcBytes){ our_version, sizeof our_version };
  switch (query->method)
    {
    case SHOAL_KRPC_GET_PEERS:
      answer_peers (at, &answer, query, from);
      answer_token (at, &answer, from);
      answer_nodes (at, &answer, query, from);
      break;

    case SHOAL_KRPC_GET:
      answer_item (at, &answer, query);
      answer_token (at, &answer, from);
      answer_nodes (at, &answer, query, from);
      break;

    case SHOAL_KRPC_SAMPLE_INFOHASHES:
      answer_samples (at, &answer);
      answer_nodes (at, &answer, query, from);
      break;

    case SHOAL_KRPC_FIND_NODE:
    case SHOAL_KRPC_UNKNOWN:
      answer_nodes (at, &answer, query, from);
      break;

    default:
      break;
    }
  send_answer (at, &answer.krpc, from);
  shoal_dht_node_heard (at, query, from);
}
