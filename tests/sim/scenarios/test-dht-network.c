/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ten thousand DHT nodes with churn, a fifth of them hostile: do lookups find who announced? */

/*
 * The DHT alone, without engines: every honest node is a real ShoalDht, all on one heap of timers,
 * where packets under way stand too. Hostile ones are written by hand and work together: all have
 * ids that belong to their addresses and answer pings, so they are in every table; one kind is
 * silent else, one invents nodes near the target, one names its accomplices under ids near the
 * target, and one takes announces and tells lies about peers.
 *
 * Ten thousand of them take 20 seconds of processor time, so sanitizers get a smaller network;
 * SHOAL_DHT_NODES sets any number.
 */

#include "shoal-dht.h"

#include <malloc.h>
#include <string.h>

#include "shoal-node-id.h"
#include "shoal-test.h"

#define SECOND_US     ((gint64) G_USEC_PER_SEC)
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define N_NODES       2500u
#else
#define N_NODES       10000u
#endif
#define N_KEYS        200u
#define N_LOOKUPS     1000u
#define JOIN_US       (120 * SECOND_US)     /* all join within it */
#define SETTLE_US     (60 * SECOND_US)
#define LAST_US       (120 * SECOND_US)     /* for the last lookup to end */
#define CHURN_US      (240 * SECOND_US)     /* between the announces and the lookups */
#define CHURN_PERCENT 1u                    /* of all nodes leave in a minute, and as many come */
#define LOSS_PERCENT  1u
#define HOPS_MAX      64u

typedef enum { HONEST, SILENT, INVENTOR, ACCOMPLICE, LIAR } Kind;

typedef struct _Net Net;

typedef struct
{
  ShoalHost  host;       /* first */
  Net       *net;
  ShoalAddr  addr;
  Kind       kind;
  gboolean   alive;
  ShoalSha1  id;         /* of a hostile one */
  ShoalDht  *dht;        /* (nullable): of an honest one that is alive */
  ShoalTimer timer;      /* joins, or a hostile one makes itself known */
} Node;

typedef struct
{
  ShoalTimer timer;
  Net       *net;
  ShoalAddr  from;
  ShoalAddr  to;
  gsize      size;
  guint8     data[];
} Packet;

struct _Net
{
  ShoalTimers *timers;
  ShoalRng     rng;
  gint64       now_us;
  GHashTable  *by_addr;      /* ShoalAddr in the Node to Node */
  GPtrArray   *nodes;        /* of Node (owned) */
  GPtrArray   *hostile;      /* of Node */
  guint64      n_packets;
  guint        n_announced;
  guint        n_under_way;
  guint        n_found;
  guint        n_over;
  guint64      n_asked;
  guint        hops[HOPS_MAX];
};

typedef struct
{
  Net      *net;
  ShoalAddr wanted;
  gboolean  found;
  guint     hops;
} Question;

static void join (Net *net, Node *node);

static Node *
any_node (Net *net)
{
  for (;;)
    {
      Node *node = g_ptr_array_index (net->nodes, shoal_rng_below (&net->rng, net->nodes->len));

      if (node->alive)
        return node;
    }
}

static Node *
any_honest (Net *net)
{
  for (;;)
    {
      Node *node = any_node (net);

      if (node->dht != NULL && shoal_dht_n_nodes (node->dht) > 0)
        return node;
    }
}

static ShoalAddr
any_addr (Net *net)
{
  for (;;)
    {
      guint8 ip[4];
      ShoalAddr addr;

      shoal_rng_bytes (&net->rng, ip, sizeof ip);
      addr = shoal_addr_make (SHOAL_FAMILY_IPV4, ip,
                              (guint16) (1024 + shoal_rng_below (&net->rng, 60000)));
      if (shoal_addr_is_usable (&addr) && !shoal_addr_is_local (&addr)
          && !g_hash_table_contains (net->by_addr, &addr))
        return addr;
    }
}

/* --- Packets --- */

static void hostile_heard (Node *self, const ShoalAddr *from, const guint8 *data, gsize size);

static void
packet_arrives (gpointer owner,
                gint64   now_us)
{
  Packet *packet = owner;
  Net *net = packet->net;
  Node *node = g_hash_table_lookup (net->by_addr, &packet->to);

  if (node != NULL && node->alive)
    {
      if (node->dht != NULL)
        shoal_dht_datagram (node->dht, &packet->from, packet->data, packet->size, now_us);
      else
        hostile_heard (node, &packet->from, packet->data, packet->size);
    }
  g_free (packet);
}

static void
send_packet (Node            *from,
             const ShoalAddr *to,
             const guint8    *data,
             gsize            size)
{
  Net *net = from->net;
  Packet *packet;

  net->n_packets++;
  g_assert_cmpuint (size, <=, SHOAL_KRPC_SIZE_MAX);
  if (shoal_rng_below (&net->rng, 100) < LOSS_PERCENT || !g_hash_table_contains (net->by_addr, to))
    return;
  packet = g_malloc (sizeof *packet + size);
  packet->net = net;
  packet->from = from->addr;
  packet->to = *to;
  packet->size = size;
  memcpy (packet->data, data, size);
  shoal_timer_init (&packet->timer, packet_arrives, packet);
  shoal_timers_arm (net->timers, &packet->timer,
                    net->now_us + 20000 + shoal_rng_below (&net->rng, 130000));
}

static ShoalSendResult
effect_send (ShoalHost       *host,
             const ShoalAddr *to,
             const guint8    *data,
             gsize            size,
             guint            segment,
             ShoalSendFlags   flags)
{
  send_packet ((Node *) host, to, data, size);

  return SHOAL_SEND_SENT;
}

static void
effect_random (ShoalHost *host,
               guint8    *out,
               gsize      size)
{
  shoal_rng_bytes (&((Node *) host)->net->rng, out, size);
}

static const ShoalHostOps host_ops = { .send = effect_send, .random = effect_random };

/* --- Hostile nodes --- */

static void
hostile_send (Node            *self,
              ShoalKrpc       *krpc,
              const ShoalAddr *to)
{
  g_auto (ShoalWriter) out = { 0 };

  krpc->id = self->id;
  krpc->flags |= SHOAL_KRPC_HAS_ID;
  shoal_krpc_write (krpc, &out);
  send_packet (self, to, out.data, out.size);
}

/* Becomes known: whoever is asked asks back. */
static void
hostile_calls (Node *self)
{
  ShoalKrpc query;
  Node *victim = any_node (self->net);

  shoal_krpc_init (&query, SHOAL_KRPC_QUERY, SHOAL_KRPC_PING);
  query.transaction = (ShoalKrpcBytes){ (const guint8 *) "evil", 4 };
  hostile_send (self, &query, &victim->addr);
}

static void
hostile_heard (Node            *self,
               const ShoalAddr *from,
               const guint8    *data,
               gsize            size)
{
  Net *net = self->net;
  guint8 nodes[8 * SHOAL_KRPC_NODE4_SIZE];
  ShoalKrpc query;
  ShoalKrpc answer;

  if (!shoal_krpc_parse (&query, data, size) || query.type != SHOAL_KRPC_QUERY)
    return;
  if (self->kind == SILENT && query.method != SHOAL_KRPC_PING)
    return;
  shoal_krpc_init (&answer, SHOAL_KRPC_ANSWER, query.method);
  answer.transaction = query.transaction;
  answer.ip = any_addr (net);
  if (query.method == SHOAL_KRPC_FIND_NODE || query.method == SHOAL_KRPC_GET_PEERS)
    {
      for (guint i = 0; i < 8 && self->kind != LIAR; i++)
        {
          guint8 *at = nodes + i * SHOAL_KRPC_NODE4_SIZE;
          Node *accomplice = g_ptr_array_index (net->hostile,
                                                shoal_rng_below (&net->rng, net->hostile->len));
          ShoalAddr addr = self->kind == INVENTOR ? any_addr (net) : accomplice->addr;
          ShoalSha1 id;

          shoal_rng_bytes (&net->rng, id.bytes, sizeof id.bytes);
          shoal_node_id_beside (&id, &query.target, 24 + shoal_rng_below (&net->rng, 100));
          /* Half of them with an id that is right for the address, wherever that is. */
          if (i % 2 == 0)
            shoal_node_id_secure (&id, &addr);
          memcpy (at, id.bytes, sizeof id.bytes);
          shoal_addr_to_compact (&addr, at + sizeof id.bytes);
        }
      answer.nodes4 = (ShoalKrpcBytes){ nodes, self->kind != LIAR ? sizeof nodes : 0 };
      answer.token = (ShoalKrpcBytes){ (const guint8 *) "token", 5 };
    }
  if (query.method == SHOAL_KRPC_GET_PEERS && self->kind == LIAR)
    {
      answer.n_values = 8;
      for (guint i = 0; i < answer.n_values; i++)
        answer.values[i] = any_addr (net);
    }
  hostile_send (self, &answer, from);
}

/* --- Life --- */

static void
on_ready (gpointer owner)
{
}

static const ShoalDhtOps dht_ops = { .ready = on_ready };

static void
join (Net  *net,
      Node *node)
{
  node->alive = TRUE;
  if (node->kind != HONEST)
    {
      for (guint i = 0; i < 8; i++)
        hostile_calls (node);
      shoal_timers_arm (net->timers, &node->timer,
                        net->now_us + 20 * SECOND_US + shoal_rng_below (&net->rng, 20000000));
      return;
    }
  node->dht = shoal_dht_new (&node->host, net->timers, &net->rng, &dht_ops, node, net->now_us);
  for (guint i = 0; i < 8; i++)
    shoal_dht_add_contact (node->dht, &any_node (net)->addr, net->now_us);
}

static void
on_node_timer (gpointer owner,
               gint64   now_us)
{
  Node *node = owner;

  if (!node->alive)
    {
      join (node->net, node);
      return;
    }
  for (guint i = 0; i < 4; i++)
    hostile_calls (node);
  shoal_timers_arm (node->net->timers, &node->timer,
                    now_us + 20 * SECOND_US + shoal_rng_below (&node->net->rng, 20000000));
}

static Node *
add_node (Net *net)
{
  Node *node = g_new0 (Node, 1);

  node->host.ops = &host_ops;
  node->net = net;
  node->addr = any_addr (net);
  node->kind = net->nodes->len % 5 != 4 ? HONEST : SILENT + (net->nodes->len / 5) % 4;
  shoal_rng_bytes (&net->rng, node->id.bytes, sizeof node->id.bytes);
  shoal_node_id_secure (&node->id, &node->addr);
  shoal_timer_init (&node->timer, on_node_timer, node);
  g_ptr_array_add (net->nodes, node);
  g_hash_table_insert (net->by_addr, &node->addr, node);
  if (node->kind != HONEST)
    g_ptr_array_add (net->hostile, node);

  return node;
}

static void
leave (Net  *net,
       Node *node)
{
  node->alive = FALSE;
  g_clear_pointer (&node->dht, shoal_dht_free);
  shoal_timers_disarm (net->timers, &node->timer);
}

static void
node_free (gpointer data)
{
  Node *node = data;

  shoal_dht_free (node->dht);
  g_free (node);
}

static void
pass (Net    *net,
      gint64  us)
{
  gint64 until_us = net->now_us + us;
  gint64 next_us;

  while ((next_us = shoal_timers_next (net->timers)) <= until_us)
    {
      net->now_us = MAX (net->now_us, next_us);
      shoal_timers_expire (net->timers, net->now_us);
    }
  net->now_us = until_us;
}

static void
net_clear (Net *net)
{
  /* Packets under way free themselves when they arrive at nobody. */
  for (guint i = 0; i < net->nodes->len; i++)
    leave (net, g_ptr_array_index (net->nodes, i));
  pass (net, 10 * SECOND_US);
  g_assert_cmpint (shoal_timers_next (net->timers), ==, SHOAL_NEVER);
  g_hash_table_unref (net->by_addr);
  g_ptr_array_unref (net->nodes);
  g_ptr_array_unref (net->hostile);
  shoal_timers_free (net->timers);
}

/* --- Lookups --- */

static void
on_peers (gpointer         owner,
          const ShoalAddr *addrs,
          guint            n,
          guint            hops)
{
  Question *question = owner;

  for (guint i = 0; i < n && !question->found; i++)
    if (shoal_addr_equal (&addrs[i], &question->wanted))
      {
        question->found = TRUE;
        question->hops = hops;
      }
}

static void
on_done (gpointer owner,
         guint    n_asked,
         guint    n_answered,
         guint    n_told)
{
  Question *question = owner;
  Net *net = question->net;

  net->n_over++;
  net->n_asked += n_asked;
  net->n_announced += n_told > 0 ? 1 : 0;
  if (question->found)
    {
      net->n_found++;
      net->hops[MIN (question->hops, HOPS_MAX - 1)]++;
    }
  g_free (question);
}

static const ShoalDhtLookupOps lookup_ops = { .peers = on_peers, .done = on_done };

static void
ask (Net             *net,
     const ShoalSha1 *key,
     const ShoalAddr *wanted,
     Node            *announcer)
{
  Question *question = g_new0 (Question, 1);
  Node *node = announcer != NULL ? announcer : any_honest (net);

  question->net = net;
  question->wanted = *wanted;
  g_assert_nonnull (shoal_dht_lookup (node->dht, key, announcer != NULL ? announcer->addr.port : 0,
                                      FALSE, FALSE, &lookup_ops, question, net->now_us));
}

static guint
median_hops (const Net *net)
{
  guint sum = 0;

  for (guint i = 0; i < HOPS_MAX; i++)
    {
      sum += net->hops[i];
      if (2 * sum >= net->n_found)
        return i;
    }

  return HOPS_MAX;
}

static void
report_memory (Net *net)
{
  gsize size = 0;
  guint n = 0;
  guint64 n_table = 0;

  for (guint i = 0; i < net->nodes->len; i++)
    {
      Node *node = g_ptr_array_index (net->nodes, i);

      if (node->dht == NULL)
        continue;
      n++;
      size += shoal_dht_size (node->dht);
      n_table += shoal_dht_n_nodes (node->dht);
    }
  g_test_message ("%u honest nodes: %.1f KiB counted each, %.1f nodes in each table; the whole "
                  "heap is %.1f KiB a node",
                  n, size / 1024.0 / n, (double) n_table / n, mallinfo2 ().uordblks / 1024.0 / n);
  g_assert_cmpuint (size / n, <, 32 * 1024);
}

static void
test_network (void)
{
  const char *wanted = g_getenv ("SHOAL_DHT_NODES");
  guint n_nodes = wanted != NULL ? (guint) g_ascii_strtoull (wanted, NULL, 10) : N_NODES;
  ShoalSha1 keys[N_KEYS];
  Node *announcers[N_KEYS];
  Net net = { 0 };

  shoal_rng_init (&net.rng, shoal_test_seed ());
  net.timers = shoal_timers_new ();
  net.now_us = 1000 * SECOND_US;
  net.by_addr = g_hash_table_new (shoal_addr_hash, shoal_addr_equal);
  net.nodes = g_ptr_array_new_with_free_func (node_free);
  net.hostile = g_ptr_array_new ();
  for (guint i = 0; i < n_nodes; i++)
    {
      Node *node = add_node (&net);

      shoal_timers_arm (net.timers, &node->timer,
                        net.now_us + (gint64) (i * (guint64) JOIN_US / n_nodes));
    }
  join (&net, g_ptr_array_index (net.nodes, 0));
  shoal_timers_disarm (net.timers, &((Node *) g_ptr_array_index (net.nodes, 0))->timer);
  pass (&net, JOIN_US + SETTLE_US);
  g_test_message ("All have joined: %" G_GUINT64_FORMAT " packets", net.n_packets);

  for (guint i = 0; i < N_KEYS; i++)
    {
      shoal_rng_bytes (&net.rng, keys[i].bytes, sizeof keys[i].bytes);
      announcers[i] = any_honest (&net);
      ask (&net, &keys[i], &announcers[i]->addr, announcers[i]);
      pass (&net, SECOND_US / 10);
    }
  pass (&net, LAST_US);
  g_assert_cmpuint (net.n_over, ==, N_KEYS);
  g_test_message ("%u of %u announced", net.n_announced, N_KEYS);

  for (gint64 us = 0; us < CHURN_US; us += SECOND_US)
    {
      guint n = (guint) ((us / SECOND_US + 1) * n_nodes * CHURN_PERCENT / 6000
                         - (us / SECOND_US) * n_nodes * CHURN_PERCENT / 6000);

      for (guint i = 0; i < n; i++)
        {
          leave (&net, any_node (&net));
          join (&net, add_node (&net));
        }
      pass (&net, SECOND_US);
    }
  report_memory (&net);

  net.n_over = net.n_found = 0;
  net.n_asked = 0;
  memset (net.hops, 0, sizeof net.hops);
  for (guint i = 0; i < N_LOOKUPS; i++)
    {
      ask (&net, &keys[i % N_KEYS], &announcers[i % N_KEYS]->addr, NULL);
      pass (&net, SECOND_US / 50);
    }
  pass (&net, LAST_US);
  g_assert_cmpuint (net.n_over, ==, N_LOOKUPS);
  g_test_message ("%u of %u lookups found the peer, median %u hops, %.1f questions each; %" G_GUINT64_FORMAT " packets in all",
                  net.n_found, N_LOOKUPS, median_hops (&net), (double) net.n_asked / N_LOOKUPS,
                  net.n_packets);
  g_assert_cmpuint (net.n_found, >=, N_LOOKUPS * 99 / 100);
  g_assert_cmpuint (median_hops (&net), <, 6);
  net_clear (&net);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sim/dht-network", test_network);

  return g_test_run ();
}
