/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a peer says, one function for each kind of message. */

#include "shoal-link-private.h"

typedef gboolean (*MessageFunc) (ShoalLink *self, const ShoalMessage *message);

static gboolean
refuse (ShoalLink  *self,
        const char *why)
{
  shoal_link_hang_up (self, why);

  return FALSE;
}

static gboolean
on_choke (ShoalLink          *self,
          const ShoalMessage *message)
{
  if (self->peer_choking)
    return TRUE;
  self->peer_choking = TRUE;
  self->slow_start = TRUE;
  self->depth = SHOAL_DEPTH_FIRST;
  /* With BEP 6 every request is answered (allowed fast pieces) or rejected one by one; else all are
   * void at once. */
  if (!shoal_link_is_fast (self))
    shoal_link_give_back (self, TRUE);
  shoal_swarm_changed (self->swarm);

  return TRUE;
}

static gboolean
on_unchoke (ShoalLink          *self,
            const ShoalMessage *message)
{
  self->peer_choking = FALSE;
  self->last_block_us = self->engine->now_us;
  shoal_link_update_interest (self);
  shoal_link_request_more (self);
  shoal_swarm_changed (self->swarm);

  return TRUE;
}

static gboolean
on_interested (ShoalLink          *self,
               const ShoalMessage *message)
{
  if (self->peer_interested)
    return TRUE;
  self->peer_interested = TRUE;
  self->swarm->choke_now = TRUE;

  return TRUE;
}

static gboolean
on_not_interested (ShoalLink          *self,
                   const ShoalMessage *message)
{
  if (!self->peer_interested)
    return TRUE;
  self->peer_interested = FALSE;
  self->swarm->choke_now = TRUE;

  return TRUE;
}

/* The peer has all there is now. */
static void
became_seed (ShoalLink *self)
{
  self->has_all = TRUE;
  g_clear_pointer (&self->bits, shoal_bitfield_free);
  if (self->known != NULL)
    self->known->is_seed = TRUE;
}

static gboolean
on_have (ShoalLink          *self,
         const ShoalMessage *message)
{
  ShoalSwarm *swarm = self->swarm;

  if (!swarm->has_metadata)
    {
      if (self->early_haves == NULL)
        self->early_haves = g_array_new (FALSE, FALSE, sizeof (guint32));
      if (self->early_haves->len < SHOAL_EARLY_HAVES_MAX)
        g_array_append_val (self->early_haves, message->piece);
      return TRUE;
    }
  if (message->piece >= swarm->n_pieces)
    return refuse (self, "a piece that does not exist");
  if (self->has_all)
    return TRUE;

  self->bits_told = TRUE;
  if (self->bits == NULL)
    self->bits = shoal_bitfield_new (swarm->n_pieces);
  if (!shoal_bitfield_set (self->bits, message->piece))
    return TRUE;

  if (self->counted)
    shoal_picker_add_copy (swarm->picker, message->piece);
  else
    shoal_link_count (self);
  if (swarm->picker != NULL
      && shoal_bitfield_get (shoal_picker_missing (swarm->picker), message->piece))
    {
      if (!self->am_interested)
        shoal_link_update_interest (self);
      if (!self->peer_choking && self->requests.n_live < self->depth)
        shoal_link_request_more (self);
    }
  if (shoal_bitfield_is_full (self->bits))
    {
      /* The availability stays the sum over all peers: one that has everything is counted another
       * way. */
      shoal_link_uncount (self);
      became_seed (self);
      shoal_link_count (self);
    }
  shoal_swarm_super_heard (swarm, message->piece);

  return TRUE;
}

static gboolean
pieces_told (ShoalLink *self)
{
  self->bits_told = TRUE;
  shoal_link_count (self);
  shoal_link_update_interest (self);
  shoal_swarm_changed (self->swarm);

  return TRUE;
}

/* Some peers say a few haves before they tell their bitfield, and a later one replaces what was
 * told. */
static void
forget_pieces (ShoalLink *self)
{
  shoal_link_uncount (self);
  self->has_all = FALSE;
  g_clear_pointer (&self->bits, shoal_bitfield_free);
}

static gboolean
on_bitfield (ShoalLink          *self,
             const ShoalMessage *message)
{
  ShoalSwarm *swarm = self->swarm;

  if (!swarm->has_metadata)
    {
      self->bits_told = TRUE;
      g_clear_pointer (&self->early_bits, g_bytes_unref);
      self->early_bits = g_bytes_new (message->payload, message->payload_size);
      return TRUE;
    }

  forget_pieces (self);
  self->bits = shoal_bitfield_from_wire (message->payload, message->payload_size, swarm->n_pieces);
  if (self->bits == NULL)
    return refuse (self, "the bitfield has the wrong size");
  if (shoal_bitfield_is_full (self->bits))
    became_seed (self);

  return pieces_told (self);
}

static gboolean
on_have_all (ShoalLink          *self,
             const ShoalMessage *message)
{
  if (!shoal_link_is_fast (self))
    return refuse (self, "have all without the fast extension");
  forget_pieces (self);
  became_seed (self);

  return pieces_told (self);
}

static gboolean
on_have_none (ShoalLink          *self,
              const ShoalMessage *message)
{
  if (!shoal_link_is_fast (self))
    return refuse (self, "have none without the fast extension");
  forget_pieces (self);

  return pieces_told (self);
}

static gboolean
on_request (ShoalLink          *self,
            const ShoalMessage *message)
{
  shoal_link_asked (self, message->piece, message->offset, message->size);

  return self->state == SHOAL_LINK_LIVE;
}

static gboolean
on_cancel (ShoalLink          *self,
           const ShoalMessage *message)
{
  shoal_link_asked_not (self, message->piece, message->offset, message->size);

  return TRUE;
}

static gboolean
on_reject (ShoalLink          *self,
           const ShoalMessage *message)
{
  ShoalSwarm *swarm = self->swarm;
  ShoalBlock block = { message->piece, 0 };

  if (!shoal_link_is_fast (self))
    return refuse (self, "a reject without the fast extension");
  if (swarm->metainfo == NULL
      || !shoal_layout_is_block (swarm->metainfo->layout, message->piece, message->offset,
                                 message->size, &block.block))
    return TRUE;
  if (shoal_requests_take (&self->requests, block, NULL) == SHOAL_REQUEST_LIVE
      && swarm->picker != NULL)
    {
      shoal_picker_release (swarm->picker, self, block);
      /* Asked for the same again at once, it would refuse again at once. */
      if (!self->peer_choking)
        {
          self->refused_us = self->engine->now_us;
          if (++self->n_refused == SHOAL_REFUSED_MAX)
            return refuse (self, "it refuses everything");
        }
      /* It is not asked for a piece that it refuses while choking. */
      for (guint i = 0; self->fast_in != NULL && i < self->fast_in->len; i++)
        if (g_array_index (self->fast_in, guint32, i) == block.piece)
          {
            g_array_remove_index_fast (self->fast_in, i);
            break;
          }
    }

  return TRUE;
}

static gboolean
on_allowed_fast (ShoalLink          *self,
                 const ShoalMessage *message)
{
  if (!shoal_link_is_fast (self))
    return refuse (self, "allowed fast without the fast extension");
  if (!self->swarm->has_metadata || message->piece >= self->swarm->n_pieces)
    return TRUE;
  if (self->fast_in == NULL)
    self->fast_in = g_array_new (FALSE, FALSE, sizeof (guint32));
  if (self->fast_in->len < 64)
    g_array_append_val (self->fast_in, message->piece);
  if (self->peer_choking)
    shoal_link_request_more (self);

  return TRUE;
}

static gboolean
on_hash_message (ShoalLink          *self,
                 const ShoalMessage *message)
{
  ShoalHashRequest request;
  const guint8 *hashes;

  if (!shoal_hash_message_parse (&request, message->id, message->payload, message->payload_size,
                                 &hashes))
    return refuse (self, "a malformed message about hashes");
  if (message->id == SHOAL_MESSAGE_HASH_REQUEST)
    shoal_swarm_hashes_asked (self->swarm, self, &request);
  else if (message->id == SHOAL_MESSAGE_HASHES)
    shoal_swarm_hashes_came (self->swarm, self, &request, hashes);
  else
    shoal_swarm_hashes_refused (self->swarm, self, &request);

  return TRUE;
}

static gboolean
on_port (ShoalLink          *self,
         const ShoalMessage *message)
{
  /* Whoever listens on the gateway's side of a private torrent is none of the DHT's business. */
  if (!self->swarm->is_private)
    shoal_engine_dht_told_port (self->engine->dht, &self->addr, message->port);

  return TRUE;
}

/* A hint about what is in the peer's cache; rarest first serves the swarm better. */
static gboolean
on_ignored (ShoalLink          *self,
            const ShoalMessage *message)
{
  return TRUE;
}

static const MessageFunc functions[] = {
  [SHOAL_MESSAGE_CHOKE] = on_choke,
  [SHOAL_MESSAGE_UNCHOKE] = on_unchoke,
  [SHOAL_MESSAGE_INTERESTED] = on_interested,
  [SHOAL_MESSAGE_NOT_INTERESTED] = on_not_interested,
  [SHOAL_MESSAGE_HAVE] = on_have,
  [SHOAL_MESSAGE_BITFIELD] = on_bitfield,
  [SHOAL_MESSAGE_REQUEST] = on_request,
  [SHOAL_MESSAGE_CANCEL] = on_cancel,
  [SHOAL_MESSAGE_PORT] = on_port,
  [SHOAL_MESSAGE_SUGGEST] = on_ignored,
  [SHOAL_MESSAGE_HAVE_ALL] = on_have_all,
  [SHOAL_MESSAGE_HAVE_NONE] = on_have_none,
  [SHOAL_MESSAGE_REJECT] = on_reject,
  [SHOAL_MESSAGE_ALLOWED_FAST] = on_allowed_fast,
  [SHOAL_MESSAGE_EXTENDED] = shoal_link_extended,
  [SHOAL_MESSAGE_HASH_REQUEST] = on_hash_message,
  [SHOAL_MESSAGE_HASHES] = on_hash_message,
  [SHOAL_MESSAGE_HASH_REJECT] = on_hash_message,
};

gboolean
shoal_link_message (ShoalLink          *self,
                    const ShoalMessage *message)
{
  if ((guint) message->id >= G_N_ELEMENTS (functions) || functions[message->id] == NULL)
    return TRUE;

  return functions[message->id] (self, message) && self->state == SHOAL_LINK_LIVE;
}
