/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the engine does with the DHT: whom it looks for, how often, whom it never does, and that it
 * can be without. */

#include "rig.h"

#include <string.h>

#include "shoal-announce.h"
#include "shoal-krpc.h"

#define SECOND_US ((gint64) G_USEC_PER_SEC)
#define KIB       1024u
#define ROUTER    "router.example"
#define N_NODES   8u      /* of the DHT: 10.0.0.1 and so on, the first one is the router */
#define QUIET_US  (8 * SECOND_US)

typedef struct
{
  Rig       *rig;
  gboolean   mute;        /* nobody answers */
  gboolean   knows;       /* the nodes know a peer of every torrent */
  GArray    *targets;     /* of ShoalSha1: looked for, in order of their first question */
  GArray    *begun;       /* of gint64: when a lookup of any torrent began */
  gint64     last_us;     /* the last question for peers */
  guint      n_told;      /* announces */
  gboolean   implied;     /* of the last one: the port that it comes from */
  guint16    port;        /* that it named */
  guint      n_names;     /* routers' names looked up */
  guint      n_sent;      /* datagrams in all */
  ShoalAddr  to;          /* of the last one to somebody else */
} Scene;

static const ContentFile one_file[] = { { .size = 100 * KIB } };

static void
fill_nodes (guint8 *out)
{
  for (guint i = 0; i < N_NODES; i++, out += SHOAL_KRPC_NODE4_SIZE)
    {
      const guint8 place[] = { 10, 0, 0, (guint8) (i + 1), 0x1a, 0xe1 };

      memset (out, (int) (i * 31 + 5), SHOAL_SHA1_SIZE);
      memcpy (out + SHOAL_SHA1_SIZE, place, sizeof place);
    }
}

static void
note (Scene           *self,
      const ShoalKrpc *query)
{
  gboolean known = FALSE;

  if (query->method == SHOAL_KRPC_ANNOUNCE_PEER)
    {
      self->n_told++;
      self->implied = (query->flags & SHOAL_KRPC_IMPLIED_PORT) != 0;
      self->port = query->port;
    }
  if (query->method != SHOAL_KRPC_GET_PEERS)
    return;
  for (guint i = 0; i < self->targets->len; i++)
    known = known
            || shoal_sha1_equal (&g_array_index (self->targets, ShoalSha1, i), &query->target);
  if (!known)
    g_array_append_val (self->targets, query->target);
  if (self->begun->len == 0 || self->rig->now_us - self->last_us > QUIET_US)
    g_array_append_val (self->begun, self->rig->now_us);
  self->last_us = self->rig->now_us;
}

static void
answer (Scene           *self,
        const ShoalKrpc *query,
        const ShoalAddr *from)
{
  g_auto(ShoalWriter) out = { 0 };
  guint8 nodes[N_NODES * SHOAL_KRPC_NODE4_SIZE];
  const guint8 peer[] = { 8, 7, 6, 5 };
  ShoalKrpc reply;

  fill_nodes (nodes);
  shoal_krpc_init (&reply, SHOAL_KRPC_ANSWER, query->method);
  reply.flags = SHOAL_KRPC_HAS_ID;
  reply.transaction = query->transaction;
  memset (reply.id.bytes, (from->ip[3] - 1) * 31 + 5, sizeof reply.id.bytes);
  if (query->method == SHOAL_KRPC_GET_PEERS)
    reply.token = (ShoalKrpcBytes){ (const guint8 *) "token", 5 };
  if (query->method == SHOAL_KRPC_GET_PEERS && self->knows)
    {
      reply.values[0] = shoal_addr_make (SHOAL_FAMILY_IPV4, peer, 7000);
      reply.n_values = 1;
    }
  if (query->method == SHOAL_KRPC_GET_PEERS || query->method == SHOAL_KRPC_FIND_NODE)
    reply.nodes4 = (ShoalKrpcBytes){ nodes, sizeof nodes };
  shoal_krpc_write (&reply, &out);
  shoal_engine_datagram (self->rig->engine, from, out.data, out.size, self->rig->now_us);
}

/* Name server and DHT in one. */
static void
serve (Rig      *rig,
       gpointer  data)
{
  Scene *self = data;

  while (rig->fake->lookups->len > 0)
    {
      ShoalLookup *lookup = g_ptr_array_index (rig->fake->lookups, 0);

      g_assert_cmpstr (lookup->host, ==, ROUTER);
      self->n_names++;
      fake_host_answer_lookup (rig->fake, 0, "10.0.0.1", rig->now_us);
    }
  while (rig->fake->datagrams->len > 0)
    {
      ShoalAddr to;
      g_autoptr(GBytes) bytes = fake_host_take_datagram (rig->fake, &to);
      gsize size;
      const guint8 *packet = g_bytes_get_data (bytes, &size);
      ShoalKrpc query;

      g_assert_true (shoal_krpc_parse (&query, packet, size));
      g_assert_cmpint (query.type, ==, SHOAL_KRPC_QUERY);
      self->n_sent++;
      note (self, &query);
      if (to.ip[0] != 10)
        self->to = to;
      else if (!self->mute)
        answer (self, &query, &to);
    }
}

static void
configure (ShoalConfig *config,
           gboolean     on)
{
  shoal_config_init (config);
  config->use_dht = on;
  config->use_lsd = FALSE;
  g_strlcpy (config->dht_routers, ROUTER ":6881", sizeof config->dht_routers);
}

static void
set_up (Scene        *self,
        gconstpointer data)
{
  ShoalConfig config;

  configure (&config, TRUE);
  self->rig = rig_new (one_file, G_N_ELEMENTS (one_file), 16 * KIB, &config);
  self->rig->serve = serve;
  self->rig->serve_data = self;
  self->targets = g_array_new (FALSE, FALSE, sizeof (ShoalSha1));
  self->begun = g_array_new (FALSE, FALSE, sizeof (gint64));
  shoal_engine_begin (self->rig->engine, self->rig->now_us, RIG_WALL_S);
  shoal_engine_network (self->rig->engine,
                        &(ShoalNetworkState){ .tcp_port = 6881, .udp_port = 6881 });
  shoal_engine_end (self->rig->engine);
}

static void
tear_down (Scene        *self,
           gconstpointer data)
{
  rig_free (self->rig);
  g_array_unref (self->targets);
  g_array_unref (self->begun);
}

static void
pass (Scene *self,
      guint  seconds)
{
  for (guint i = 0; i < 2 * seconds; i++)
    rig_turn (self->rig, SECOND_US / 2);
}

static void
add_torrent (Scene   *self,
             char     letter,
             gboolean is_private)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);
  g_autofree char *pieces = g_strnfill (SHOAL_SHA1_SIZE, letter);
  g_autofree char *text =
    g_strdup_printf ("d4:infod6:lengthi10e4:name1:%c12:piece lengthi16384e6:pieces20:%s%see",
                     letter, pieces, is_private ? "7:privatei1e" : "");

  command->add = shoal_add_options_new ();
  command->add->dir = g_strdup ("/");
  command->add->metainfo = g_bytes_new (text, strlen (text));
  rig_send (self->rig, command);
  g_assert_no_error (self->rig->reply);
}

static void
add_magnet (Scene      *self,
            const char *hash)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_ADD);

  command->add = shoal_add_options_new ();
  command->add->dir = g_strdup ("/");
  command->add->uri = g_strdup_printf ("magnet:?xt=urn:btih:%s", hash);
  rig_send (self->rig, command);
  g_assert_no_error (self->rig->reply);
}

/* The magnet came last and is looked for first; the private one never is. */
static void
test_order (Scene        *self,
            gconstpointer data)
{
  static const guint8 eights[SHOAL_SHA1_SIZE] = { [0 ... SHOAL_SHA1_SIZE - 1] = 0x88 };

  self->mute = TRUE;
  for (char letter = 'a'; letter <= 'f'; letter++)
    add_torrent (self, letter, letter == 'c');
  add_magnet (self, "8888888888888888888888888888888888888888");
  pass (self, 5);
  g_assert_cmpuint (self->n_names, ==, 1);
  g_assert_cmpuint (self->targets->len, ==, 0);

  self->mute = FALSE;
  pass (self, 60);
  g_assert_cmpuint (self->targets->len, ==, 6);
  g_assert_cmpmem (g_array_index (self->targets, ShoalSha1, 0).bytes, SHOAL_SHA1_SIZE, eights,
                   sizeof eights);
  pass (self, 3600);
  g_assert_cmpuint (self->targets->len, ==, 6);
  g_assert_cmpuint (self->n_told, >=, 6 * 4);
}

static void
check_gap (Scene *self,
           guint  index,
           double seconds)
{
  double gap;

  g_assert_cmpuint (self->begun->len, >, index + 1);
  gap = (double) (g_array_index (self->begun, gint64, index + 1)
                  - g_array_index (self->begun, gint64, index))
        / SECOND_US;
  g_test_message ("lookup %u: after %.1f s", index + 1, gap);
  g_assert_cmpfloat (gap, >=, seconds * 0.9);
  g_assert_cmpfloat (gap, <=, seconds * 1.1 + 4);
}

/* Twice as long each time while nobody is found; five minutes while hardly anybody is. */
static void
test_alone (Scene        *self,
            gconstpointer data)
{
  add_magnet (self, "8888888888888888888888888888888888888888");
  pass (self, 3600);
  for (guint i = 0; i < 6; i++)
    check_gap (self, i, 15 << i);
  check_gap (self, 6, 900);

  self->knows = TRUE;
  pass (self, 900);
  g_array_set_size (self->begun, 0);
  pass (self, 700);
  check_gap (self, 0, 300);
}

/* A seed is announced every quarter of an hour, and sooner after nobody could be told. */
static void
test_seed (Scene        *self,
           gconstpointer data)
{
  rig_fill (self->rig);
  rig_add (self->rig, FALSE, FALSE);
  rig_until (self->rig, SHOAL_TORRENT_SEEDING, 10);
  pass (self, 3000);
  g_assert_cmpuint (self->begun->len, >=, 3);
  for (guint i = 0; i + 1 < self->begun->len; i++)
    check_gap (self, i, 900);
  g_assert_cmpuint (self->n_told, >=, 3 * 4);

  self->mute = TRUE;
  pass (self, 990);
  self->mute = FALSE;
  self->n_told = 0;
  pass (self, 120);
  g_assert_cmpuint (self->n_told, >=, 4);
}

static void
say_port (RigBot *bot)
{
  static const guint8 message[] = { 0, 0, 0, 3, 9, 0x12, 0x34 };

  rig_bot_say (bot, message, sizeof message);
}

/* Who tells its port is asked there. */
static void
test_port (Scene        *self,
           gconstpointer data)
{
  RigBot *bot;

  self->mute = TRUE;
  rig_add (self->rig, FALSE, FALSE);
  bot = rig_bot (self->rig, 3);
  pass (self, 2);
  g_assert_nonnull (bot->link);
  g_assert_cmpuint (self->to.port, ==, 0);
  say_port (bot);
  pass (self, 5);
  g_assert_cmpuint (self->to.port, ==, 0x1234);
  g_assert_true (shoal_addr_same_ip (&self->to, &bot->addr));
  g_assert_nonnull (bot->link);
}

/* Reached by uTP at the port that a NAT chose, unless the gateway gave one. */
static void
test_implied_port (Scene        *self,
                   gconstpointer data)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_CONFIG);
  ShoalConfig config;

  configure (&config, TRUE);
  command->config = g_memdup2 (&config, sizeof config);
  rig_send (self->rig, command);
  add_magnet (self, "8888888888888888888888888888888888888888");
  pass (self, 30);
  g_assert_true (self->implied);
  g_assert_cmpuint (self->port, ==, 6881);

  shoal_engine_begin (self->rig->engine, self->rig->now_us, RIG_WALL_S);
  shoal_engine_mapped (self->rig->engine, &(ShoalMapping){ .state = SHOAL_MAP_DONE,
                                                           .tcp_port = 7000,
                                                           .udp_port = 7000,
                                                           .address = "8.8.4.4" });
  shoal_engine_end (self->rig->engine);
  pass (self, 100);
  g_assert_false (self->implied);
  g_assert_cmpuint (self->port, ==, 7000);
}

/* Behind a proxy the port of our end of its relay is nobody's business: nodes see where they are
 * asked from. */
static void
test_port_of_a_relay (Scene        *self,
                      gconstpointer data)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_CONFIG);
  ShoalConfig config;

  configure (&config, TRUE);
  config.use_tcp = FALSE;
  config.proxy_all = TRUE;
  g_strlcpy (config.proxy, "socks5://192.0.2.1:1080", sizeof config.proxy);
  command->config = g_memdup2 (&config, sizeof config);
  rig_send (self->rig, command);
  shoal_engine_begin (self->rig->engine, self->rig->now_us, RIG_WALL_S);
  shoal_engine_network (self->rig->engine, &(ShoalNetworkState){ .udp_port = 6881 });
  shoal_engine_end (self->rig->engine);
  add_magnet (self, "8888888888888888888888888888888888888888");
  pass (self, 30);
  g_assert_true (self->implied);
  g_assert_cmpuint (self->port, ==, SHOAL_ANNOUNCE_NO_PORT);
}

/* Switched off in the middle of lookups, nothing is sent any more; on again, it begins anew. */
static void
test_off (Scene        *self,
          gconstpointer data)
{
  ShoalCommand *command;
  ShoalConfig config;

  for (char letter = 'a'; letter <= 'f'; letter++)
    add_torrent (self, letter, FALSE);
  for (guint i = 0; i < 100 && self->targets->len == 0; i++)
    rig_turn (self->rig, SECOND_US / 10);
  g_assert_cmpuint (self->targets->len, >, 0);

  configure (&config, FALSE);
  command = shoal_command_new (SHOAL_COMMAND_CONFIG);
  command->config = g_memdup2 (&config, sizeof config);
  rig_send (self->rig, command);
  self->n_sent = self->n_names = 0;
  pass (self, 1200);
  g_assert_cmpuint (self->n_sent, ==, 0);
  g_assert_cmpuint (self->n_names, ==, 0);

  configure (&config, TRUE);
  command = shoal_command_new (SHOAL_COMMAND_CONFIG);
  command->config = g_memdup2 (&config, sizeof config);
  rig_send (self->rig, command);
  g_array_set_size (self->targets, 0);
  pass (self, 1200);
  g_assert_cmpuint (self->n_names, >, 0);
  g_assert_cmpuint (self->targets->len, ==, 6);
}

#define ADD(name, func) \
  g_test_add ("/engine/engine-dht/" name, Scene, NULL, set_up, func, tear_down)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("order", test_order);
  ADD ("alone", test_alone);
  ADD ("seed", test_seed);
  ADD ("port", test_port);
  ADD ("implied-port", test_implied_port);
  ADD ("port-of-a-relay", test_port_of_a_relay);
  ADD ("off", test_off);

  return g_test_run ();
}
