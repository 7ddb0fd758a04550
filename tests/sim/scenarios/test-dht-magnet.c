/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole engines that find each other by the DHT alone; what is private never comes near it. */

#include <string.h>

#include "shoal-test.h"
#include "sim-swarm.h"

#define PIECE_SIZE 16384u
#define N_PIECES   200u
#define RATE       500000u   /* bytes a second */
#define OTHERS     12u       /* nodes of the DHT without a torrent */

typedef struct
{
  SimSwarm        *swarm;
  const ShoalSha1 *private_key;   /* (nullable) */
  guint            n_public;      /* datagrams that name the public torrent */
  guint            n_private;
} Scene;

static gboolean
names (const guint8    *bytes,
       gsize            size,
       const ShoalSha1 *key)
{
  return memmem (bytes, size, key->bytes, sizeof key->bytes) != NULL;
}

static void
on_datagram (gpointer      data,
             const guint8 *bytes,
             gsize         size)
{
  Scene *self = data;

  self->n_public += names (bytes, size, &self->swarm->torrent->key);
  self->n_private += self->private_key != NULL && names (bytes, size, self->private_key);
}

/* Everybody's router is the first one. */
static SimNode *
add_node (Scene *self)
{
  SimNode *node = sim_swarm_new_node (self->swarm, RATE, 10 * RATE);
  g_autofree char *router = shoal_addr_to_text (&sim_swarm_node (self->swarm, 0)->peer.addr);

  node->config.use_dht = TRUE;
  if (self->swarm->nodes->len > 1)
    g_strlcpy (node->config.dht_routers, router, sizeof node->config.dht_routers);
  sim_node_start (node);

  return node;
}

static void
set_up (Scene *self)
{
  *self = (Scene){ .swarm = sim_swarm_new (shoal_test_seed (), PIECE_SIZE, 64) };
  self->swarm->torrent = sim_torrent_new (self->swarm->world, PIECE_SIZE, PIECE_SIZE * N_PIECES,
                                          NULL);
  self->swarm->world->watch = on_datagram;
  self->swarm->world->watch_data = self;
  for (guint i = 0; i < 1 + OTHERS; i++)
    add_node (self);
}

static SimNode *
add_magnet (Scene *self)
{
  g_autofree char *hash = shoal_hex (self->swarm->torrent->key.bytes, SHOAL_SHA1_SIZE);
  g_autofree char *uri = g_strdup_printf ("magnet:?xt=urn:btih:%s", hash);
  SimNode *node = add_node (self);

  sim_node_add_uri (node, self->swarm->torrent, uri);

  return node;
}

static void
complete (Scene  *self,
          gint64  limit_us)
{
  gint64 begun_us = self->swarm->world->now_us;

  sim_swarm_run (self->swarm, limit_us);
  sim_swarm_check_data (self->swarm);
  g_test_message ("complete after %.0f s, %u datagrams with the key",
                  (double) (self->swarm->world->now_us - begun_us) / SIM_SECOND, self->n_public);
}

/* The seed was announced when the magnet comes. */
static void
test_magnet (gconstpointer loss_percent)
{
  Scene scene;
  SimNode *node;

  set_up (&scene);
  scene.swarm->world->loss_percent = GPOINTER_TO_UINT (loss_percent);
  sim_node_add (add_node (&scene), scene.swarm->torrent, TRUE);
  sim_world_pass (scene.swarm->world, 60 * SIM_SECOND);
  node = add_magnet (&scene);
  complete (&scene, 120 * SIM_SECOND);
  g_assert_true (node->has_metadata);
  sim_swarm_free (scene.swarm);
}

/* The magnet was there first and announced itself: whoever of the two looks first finds the
 * other. */
static void
test_late_seed (void)
{
  Scene scene;

  set_up (&scene);
  add_magnet (&scene);
  sim_world_pass (scene.swarm->world, 90 * SIM_SECOND);
  g_assert_cmpuint (sim_swarm_node (scene.swarm, OTHERS + 1)->n_links, ==, 0);
  sim_node_add (add_node (&scene), scene.swarm->torrent, TRUE);
  complete (&scene, 240 * SIM_SECOND);
  sim_swarm_free (scene.swarm);
}

/* Two who have the same private torrent do not meet, and nobody in the DHT hears of it, while a
 * public one is found. */
static void
test_private (void)
{
  Scene scene;
  SimTorrent *secret;
  SimNode *nodes[2];

  set_up (&scene);
  secret = sim_torrent_new_private (scene.swarm->world, PIECE_SIZE, PIECE_SIZE * N_PIECES);
  scene.private_key = &secret->key;
  sim_node_add (add_node (&scene), scene.swarm->torrent, TRUE);
  for (guint i = 0; i < 2; i++)
    {
      nodes[i] = add_node (&scene);
      sim_node_add (nodes[i], secret, i == 0);
    }
  add_magnet (&scene);
  sim_world_pass (scene.swarm->world, 2400 * SIM_SECOND);
  g_assert_cmpint (sim_swarm_node (scene.swarm, OTHERS + 4)->state, ==, SHOAL_TORRENT_SEEDING);
  g_assert_cmpint (nodes[0]->state, ==, SHOAL_TORRENT_SEEDING);
  g_assert_cmpint (nodes[1]->state, ==, SHOAL_TORRENT_DOWNLOADING);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpuint (nodes[i]->n_links, ==, 0);
  g_assert_cmpuint (scene.n_public, >, 0);
  g_assert_cmpuint (scene.n_private, ==, 0);
  sim_swarm_free (scene.swarm);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/sim/dht-magnet/plain", GUINT_TO_POINTER (0), test_magnet);
  g_test_add_data_func ("/sim/dht-magnet/lossy", GUINT_TO_POINTER (10), test_magnet);
  g_test_add_func ("/sim/dht-magnet/late-seed", test_late_seed);
  g_test_add_func ("/sim/dht-magnet/private", test_private);

  return g_test_run ();
}
