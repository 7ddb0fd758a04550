/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A peer that comes over uTP: what it hears, in which packets, and what is told of it. */

#include "rig.h"

#include <string.h>
#include "shoal-link-private.h"
#include "shoal-utp.h"

#define KIB   1024u
#define TURNS 50u

static const ContentFile one_file[] = { { .size = 300 * KIB } };

/* The other end of a link. */
typedef struct
{
  Rig            *rig;
  ShoalAddr       addr;
  ShoalUtp       *utp;
  ShoalUtpBuffers buffers;
  gsize           sizes[2];   /* of the first packets with data that came */
  guint           n_sizes;
  GByteArray     *heard;
} Far;

static void
far_dial (Far *self,
          Rig *rig)
{
  *self = (Far){ .rig = rig, .heard = g_byte_array_new () };
  g_assert_true (shoal_addr_parse (&self->addr, "5.6.7.8:7001", 0));
  self->utp = shoal_utp_new_dial (77, 1000, SHOAL_FAMILY_IPV4, &self->buffers, rig->now_us);
}

static void
far_clear (Far *self)
{
  shoal_utp_free (self->utp);
  g_byte_array_unref (self->heard);
}

static void
far_take (Far          *self,
          const guint8 *data,
          gsize         size)
{
  ShoalUtpPacket packet;

  g_assert_true (shoal_utp_packet_parse (&packet, data, size));
  if (packet.type == SHOAL_UTP_DATA && self->n_sizes < G_N_ELEMENTS (self->sizes))
    self->sizes[self->n_sizes++] = packet.size;
  shoal_utp_packet (self->utp, &packet, self->rig->now_us, self->rig->now_us);
  while (shoal_utp_unread (self->utp) > 0)
    {
      guint8 bytes[1000];
      struct iovec iov = { bytes, sizeof bytes };

      g_byte_array_append (self->heard, bytes, (guint) shoal_utp_read (self->utp, &iov, 1));
    }
}

/* Ten milliseconds on both sides. */
static void
far_turn (Far *self)
{
  guint8 train[SHOAL_UTP_TRAIN_MAX];
  guint segment, probe;
  gsize size;

  if (self->rig->now_us >= shoal_utp_deadline (self->utp))
    shoal_utp_tick (self->utp, self->rig->now_us);
  while ((size = shoal_utp_output (self->utp, train, &segment, &probe, self->rig->now_us)) > 0)
    {
      shoal_engine_begin (self->rig->engine, self->rig->now_us, RIG_WALL_S);
      for (gsize at = 0; at < size; at += segment > 0 ? segment : size)
        shoal_engine_datagram (self->rig->engine, &self->addr, train + at,
                               segment > 0 ? MIN (segment, size - at) : size, self->rig->now_us);
      shoal_engine_end (self->rig->engine);
    }
  rig_turn (self->rig, 10 * G_TIME_SPAN_MILLISECOND);
  while (self->rig->fake->datagrams->len > 0)
    {
      ShoalAddr to;
      g_autoptr(GBytes) bytes = fake_host_take_datagram (self->rig->fake, &to);

      if (shoal_addr_equal (&to, &self->addr))
        far_take (self, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
    }
}

static void
look_at_peers (Rig *rig)
{
  ShoalCommand *command = shoal_command_new (SHOAL_COMMAND_SUBSCRIBE);

  command->view = 15;
  command->mask = SHOAL_VIEW_PEERS;
  command->id = rig->id;
  rig_send (rig, command);
}

/* Some take what stands behind the handshake in its packet only when another one comes. */
static void
test_greeted (void)
{
  g_autoptr(Rig) rig = rig_new (one_file, G_N_ELEMENTS (one_file), 64 * KIB, NULL);
  ShoalHandshake handshake = { .reserved = SHOAL_RESERVED_EXTENDED | SHOAL_RESERVED_FAST };
  guint8 greeting[SHOAL_HANDSHAKE_SIZE];
  ShoalSha1 keys[2];
  Far far;

  rig->engine->config.use_utp = TRUE;
  shoal_engine_begin (rig->engine, rig->now_us, RIG_WALL_S);
  shoal_engine_network (rig->engine, &(ShoalNetworkState){ .tcp_port = 6881, .udp_port = 6881 });
  shoal_engine_end (rig->engine);
  rig_fill (rig);
  rig_add (rig, FALSE, FALSE);
  rig_until (rig, SHOAL_TORRENT_SEEDING, 10);

  far_dial (&far, rig);
  for (guint i = 0; i < TURNS && shoal_utp_state (far.utp) != SHOAL_UTP_OPEN; i++)
    far_turn (&far);
  g_assert_cmpint (shoal_utp_state (far.utp), ==, SHOAL_UTP_OPEN);
  shoal_info_hash_keys (&rig->content->metainfo->hash, keys);
  handshake.info_hash = keys[0];
  memset (&handshake.peer_id, 'x', sizeof handshake.peer_id);
  shoal_handshake_write (&handshake, greeting);
  g_assert_cmpuint (shoal_utp_room (far.utp, rig->now_us), >=, sizeof greeting);
  shoal_utp_write (far.utp, greeting, sizeof greeting);
  for (guint i = 0; i < TURNS; i++)
    far_turn (&far);
  g_assert_cmpuint (far.n_sizes, ==, 2);
  g_assert_cmpuint (far.sizes[0], ==, SHOAL_HANDSHAKE_SIZE);
  g_assert_cmpuint (far.sizes[1], >, 5);
  g_assert_cmpuint (far.heard->len, >=, SHOAL_HANDSHAKE_SIZE + far.sizes[1]);
  g_assert_true (shoal_handshake_parse (&handshake, far.heard->data));

  look_at_peers (rig);
  g_assert_cmpuint (rig->snapshot->n_peers, ==, 1);
  g_assert_cmpuint (rig->snapshot->peers[0].flags & (SHOAL_PEER_UTP | SHOAL_PEER_INCOMING), ==,
                    SHOAL_PEER_UTP | SHOAL_PEER_INCOMING);
  far_clear (&far);
}

/* Over TCP there is no such letter. */
static void
test_tcp (void)
{
  g_autoptr(Rig) rig = rig_new (one_file, G_N_ELEMENTS (one_file), 64 * KIB, NULL);

  rig_add (rig, FALSE, FALSE);
  rig_bot (rig, 1);
  rig_run (rig, 10);
  look_at_peers (rig);
  g_assert_cmpuint (rig->snapshot->n_peers, ==, 1);
  g_assert_cmpuint (rig->snapshot->peers[0].flags & SHOAL_PEER_UTP, ==, 0);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/engine/link-utp/greeted", test_greeted);
  g_test_add_func ("/engine/link-utp/tcp", test_tcp);

  return g_test_run ();
}
