/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two handshakes, and what is said right behind them. */

#include "shoal-link-private.h"

#include <string.h>

void
shoal_link_write_greeting (ShoalLink *self,
                           guint8    *out)
{
  ShoalHandshake handshake = {
    .reserved = SHOAL_RESERVED_EXTENDED | SHOAL_RESERVED_FAST,
    .info_hash = self->key,
    .peer_id = self->engine->peer_id,
  };

  if (shoal_engine_dht_is_on (self->engine->dht) && !self->swarm->is_private)
    handshake.reserved |= SHOAL_RESERVED_DHT;
  /* The bit says that the torrent has a v2 hash; beside that hash it says nothing. */
  if (shoal_swarm_is_hybrid (self->swarm) && !shoal_swarm_is_v2_key (self->swarm, &self->key))
    {
      handshake.reserved |= SHOAL_RESERVED_V2;
      self->offered_v2 = TRUE;
    }
  shoal_handshake_write (&handshake, out);
}

void
shoal_link_greet (ShoalLink *self)
{
  shoal_link_write_greeting (self, shoal_outbox_append (self->outbox, SHOAL_HANDSHAKE_SIZE));
  self->greeted = TRUE;
  shoal_link_attend (self);
}

static ShoalSwarm *
find_swarm (ShoalLink            *self,
            const ShoalHandshake *handshake)
{
  ShoalSwarm *swarm = shoal_engine_find_by_key (self->engine, &handshake->info_hash);

  if (swarm == NULL || !shoal_swarm_is_live (swarm))
    return NULL;
  if (shoal_peerbook_is_banned (swarm->book, &self->addr))
    return NULL;
  if (swarm->n_links >= shoal_swarm_link_cap (swarm))
    return NULL;

  return swarm;
}

/*
 * The two ends of a hybrid agree on one of its hashes. Who dials with that of v1 and says that it
 * knows the other too gets that one for an answer: then both speak version 2. libtorrent takes no
 * other answer once it has met us in both swarms.
 */
static gboolean
agree_on_key (ShoalLink            *self,
              const ShoalHandshake *handshake)
{
  ShoalSwarm *swarm = self->swarm;
  const ShoalSha1 *v2_key = &swarm->keys[swarm->n_keys - 1];

  if (!self->outgoing)
    {
      gboolean upgrade = (handshake->reserved & SHOAL_RESERVED_V2) != 0
                         && shoal_swarm_is_hybrid (swarm);

      self->key = upgrade ? *v2_key : handshake->info_hash;
      return TRUE;
    }
  if (self->offered_v2 && shoal_sha1_equal (&handshake->info_hash, v2_key))
    self->key = *v2_key;

  return shoal_sha1_equal (&self->key, &handshake->info_hash);
}

/* Anything may be said once both handshakes are through. */
static void
go_live (ShoalLink *self)
{
  self->state = SHOAL_LINK_LIVE;
  self->useful_us = self->engine->now_us;
  self->apart = shoal_outbox_size (self->outbox);
  if (self->reserved & SHOAL_RESERVED_EXTENDED)
    shoal_link_say_extended (self);
  if (self->swarm->has_metadata && !self->swarm->opened)
    shoal_swarm_load (self->swarm);
  shoal_link_tell_pieces (self);
  if ((self->reserved & SHOAL_RESERVED_DHT) != 0 && !self->swarm->is_private
      && shoal_engine_dht_port (self->engine->dht) != 0)
    {
      shoal_message_write_port (shoal_outbox_append (self->outbox, 7),
                                shoal_engine_dht_port (self->engine->dht));
      shoal_link_attend (self);
    }
  shoal_swarm_changed (self->swarm);
}

/* A dial led to ourselves. The end that was dialled learns of it first, as the other has to say who
 * it is before it hears anything. */
static void
forget_own_address (ShoalLink *self)
{
  if (self->known != NULL)
    shoal_peerbook_ban_address (self->swarm->book, self->known);
  SHOAL_NODE_FOREACH (node, &self->swarm->links)
    {
      ShoalLink *dialled = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (dialled != self && dialled->outgoing && !dialled->peer_id_known && dialled->known != NULL
          && shoal_addr_same_ip (&dialled->addr, &self->addr)
          && (dialled->addr.port == self->engine->port
              || dialled->addr.port == shoal_engine_public_port (self->engine)))
        shoal_peerbook_ban_address (self->swarm->book, dialled->known);
    }
}

void
shoal_link_welcome (ShoalLink            *self,
                    const ShoalHandshake *handshake)
{
  self->reserved = handshake->reserved;
  self->peer_id = handshake->peer_id;
  self->peer_id_known = TRUE;

  if (self->swarm == NULL)
    {
      ShoalSwarm *swarm = find_swarm (self, handshake);

      if (swarm == NULL)
        {
          shoal_link_hang_up (self, "the torrent is not wanted here");
          return;
        }
      if (self->method != 0 && shoal_engine_find_by_key (self->engine, &self->key) != swarm)
        {
          shoal_link_hang_up (self, "the peer encrypted for another torrent");
          return;
        }
      shoal_link_join (self, swarm);
    }
  if (!agree_on_key (self, handshake))
    {
      shoal_link_hang_up (self, "the peer answered for another torrent");
      return;
    }
  if (self->known != NULL)
    self->known->is_v2 = shoal_swarm_is_v2_key (self->swarm, &self->key);

  if (memcmp (&self->peer_id, &self->engine->peer_id, sizeof self->peer_id) == 0)
    {
      forget_own_address (self);
      shoal_link_hang_up (self, "it is the client itself");
      return;
    }
  if (!shoal_link_may_be_second (self))
    {
      shoal_link_hang_up (self, "the peer is connected twice");
      return;
    }

  if (!self->greeted)
    shoal_link_greet (self);
  go_live (self);
}

/* Our pieces, in the shortest form that the peer understands. */
void
shoal_link_tell_pieces (ShoalLink *self)
{
  ShoalSwarm *swarm = self->swarm;
  const ShoalBitfield *had = shoal_swarm_had (swarm);
  gboolean fast = shoal_link_is_fast (self);

  if (self->we_told)
    return;

  self->we_told = TRUE;
  if (shoal_swarm_is_super (swarm))
    {
      shoal_swarm_super_begin (swarm, self);
      return;
    }
  if (!swarm->has_metadata || (!swarm->all_had && (had == NULL || shoal_bitfield_is_empty (had))))
    {
      self->told_none = TRUE;
      if (fast)
        shoal_link_say (self, SHOAL_MESSAGE_HAVE_NONE);
      if (!swarm->has_metadata)
        return;
    }
  else if (fast && swarm->all_had)
    {
      shoal_link_say (self, SHOAL_MESSAGE_HAVE_ALL);
    }
  else
    {
      gsize size = shoal_bitfield_wire_size (swarm->n_pieces);
      guint8 *out = shoal_outbox_append (self->outbox, 5 + size);

      shoal_message_write_bitfield_header (out, size);
      if (had != NULL)
        {
          shoal_bitfield_to_wire (had, out + 5);
        }
      else
        {
          g_autoptr(ShoalBitfield) all = shoal_bitfield_new (swarm->n_pieces);

          shoal_bitfield_set_all (all);
          shoal_bitfield_to_wire (all, out + 5);
        }
      shoal_link_attend (self);
    }

  if (fast)
    {
      self->n_fast = shoal_allowed_fast_set (&self->addr, &self->key, swarm->n_pieces,
                                             SHOAL_ALLOWED_FAST, self->fast);
      for (guint i = 0; i < self->n_fast; i++)
        shoal_link_say_piece (self, SHOAL_MESSAGE_ALLOWED_FAST, self->fast[i]);
    }
}
