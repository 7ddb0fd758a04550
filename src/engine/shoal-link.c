/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of a link: dialled or accepted, greeted, live, ended. */

/*
 * A link belongs to the engine from shoal_link_dial() or shoal_engine_accept() until the host
 * says shoal_link_closed(), which happens exactly once, never inside another call. Between
 * hang-up and that moment it takes no input and makes no output.
 */

#include "shoal-link-private.h"

#include <string.h>

/* Blocks that waited for hashes go out. */
static void
on_hold (gpointer owner,
         gint64   now_us)
{
  shoal_link_pump (owner);
}

static ShoalLink *
link_new (ShoalEngine     *engine,
          const ShoalAddr *addr)
{
  ShoalLink *self = g_new0 (ShoalLink, 1);

  self->engine = engine;
  self->addr = *addr;
  self->am_choking = self->peer_choking = TRUE;
  self->peer_reqq = SHOAL_REQQ_DEFAULT;
  self->depth = SHOAL_DEPTH_FIRST;
  self->slow_start = TRUE;
  /* A peer on the same machine is often the end of a tunnel, so only the network beyond it is
   * exempt. */
  self->exempt = shoal_addr_is_local (addr) && !shoal_addr_is_loopback (addr);
  self->outbox = shoal_outbox_new ();
  self->uploads = g_array_new (FALSE, FALSE, sizeof (ShoalUpload));
  self->opened_us = self->heard_us = self->said_us = self->useful_us = engine->now_us;
  shoal_rate_init (&self->rate_down, 20);
  shoal_rate_init (&self->rate_up, 20);
  shoal_rate_init (&self->rate_now, 2);
  for (guint i = 0; i < 2; i++)
    shoal_limiter_wait_init (&self->wait[i], self);
  shoal_timer_init (&self->hold_timer, on_hold, self);
  shoal_node_init (&self->engine_node);
  shoal_node_init (&self->swarm_node);
  shoal_link_legs_init (self);
  shoal_node_append (&engine->links, &self->engine_node);
  engine->n_links++;

  return self;
}

static void
link_free (ShoalLink *self)
{
  self->engine->n_links--;
  shoal_node_unlink (&self->engine_node);
  shoal_link_legs_end (self);
  shoal_link_cipher_free (self);
  for (guint i = 0; i < 2; i++)
    shoal_limiter_wait_end (&self->wait[i]);
  if (self->engine->window.link == self)
    self->engine->window.link = NULL;
  shoal_timers_disarm (self->engine->timers, &self->hold_timer);
  shoal_requests_clear (&self->requests);
  g_array_unref (self->uploads);
  shoal_outbox_free (self->outbox);
  g_clear_pointer (&self->bits, shoal_bitfield_free);
  g_clear_pointer (&self->early_bits, g_bytes_unref);
  g_clear_pointer (&self->early_haves, g_array_unref);
  g_clear_pointer (&self->fast_in, g_array_unref);
  g_clear_pointer (&self->metadata_wanted, g_array_unref);
  g_clear_pointer (&self->hashes_wanted, g_array_unref);
  g_clear_pointer (&self->pex, shoal_pex_link_free);
  g_free (self->carry);
  g_free (self->own_place);
  g_free (self->client);
  g_free (self);
}

void
shoal_link_join (ShoalLink  *self,
                 ShoalSwarm *swarm)
{
  self->swarm = swarm;
  shoal_node_append (&swarm->links, &self->swarm_node);
  swarm->n_links++;
  if (self->outgoing)
    swarm->n_dialled++;
  shoal_engine_activate (self->engine, swarm);
}

ShoalLink *
shoal_link_dial (ShoalSwarm     *swarm,
                 ShoalKnownPeer *known)
{
  ShoalEngine *engine = swarm->engine;
  ShoalLink *self = link_new (engine, &known->addr);

  self->outgoing = TRUE;
  self->state = SHOAL_LINK_DIALING;
  self->known = known;
  self->contributor = known->number;
  known->link = self;
  self->key = swarm->keys[known->is_v2 ? swarm->n_keys - 1 : 0];
  engine->n_half_open++;
  shoal_link_join (self, swarm);
  shoal_link_dial_legs (self);

  return self;
}

ShoalLink *
shoal_engine_accept (ShoalEngine     *self,
                     const ShoalAddr *from,
                     gpointer         host_data)
{
  ShoalLink *link;

  g_return_val_if_fail (self->in_turn, NULL);

  if (self->quitting || self->n_links >= self->config.max_links
      || !shoal_engine_may_connect (self, from))
    return NULL;

  link = link_new (self, from);
  link->state = SHOAL_LINK_GREETING;
  link->undecided = TRUE;
  link->contributor = SHOAL_CONTRIBUTOR_UNKNOWN | ++self->link_serial;
  link->host_data = host_data;
  link->tcp_leg = TRUE;

  return link;
}

void
shoal_link_opened (ShoalLink       *self,
                   const ShoalAddr *local)
{
  if (self->state == SHOAL_LINK_DIALING && shoal_link_tcp_opened (self))
    shoal_link_opened_at_last (self);
}

void
shoal_link_opened_at_last (ShoalLink *self)
{
  self->engine->n_half_open--;
  self->state = SHOAL_LINK_GREETING;
  self->opened_us = self->heard_us = self->engine->now_us;
  if (self->known != NULL)
    {
      self->known->failures = 0;
      self->known->connectable = TRUE;
    }
  if (!shoal_link_cipher_dial (self))
    shoal_link_greet (self);
}

void
shoal_link_attend (ShoalLink *self)
{
  if (self->state != SHOAL_LINK_CLOSING && self->state != SHOAL_LINK_DIALING)
    shoal_link_attend_leg (self);
}

void
shoal_link_say (ShoalLink     *self,
                ShoalMessageId id)
{
  guint8 bytes[8];
  guint size = shoal_message_write_simple (bytes, id);

  memcpy (shoal_outbox_append (self->outbox, size), bytes, size);
  shoal_link_attend (self);
}

void
shoal_link_say_piece (ShoalLink     *self,
                      ShoalMessageId id,
                      guint32        piece)
{
  shoal_message_write_piece_index (shoal_outbox_append (self->outbox, 9), id, piece);
  shoal_link_attend (self);
}

void
shoal_link_say_request (ShoalLink     *self,
                        ShoalMessageId id,
                        guint32        piece,
                        guint32        offset,
                        guint32        size)
{
  shoal_message_write_request (shoal_outbox_append (self->outbox, SHOAL_REQUEST_MESSAGE_SIZE), id,
                               piece, offset, size);
  shoal_link_attend (self);
}

void
shoal_link_say_hashes (ShoalLink              *self,
                       ShoalMessageId          id,
                       const ShoalHashRequest *request)
{
  shoal_hash_message_write (shoal_outbox_append (self->outbox, SHOAL_HASHES_HEADER_SIZE), id,
                            request);
  shoal_link_attend (self);
}

gboolean
shoal_link_is_fast (const ShoalLink *self)
{
  return (self->reserved & SHOAL_RESERVED_FAST) != 0;
}

gboolean
shoal_link_peer_has (const ShoalLink *self,
                     guint32          piece)
{
  return self->has_all || (self->bits != NULL && shoal_bitfield_get (self->bits, piece));
}

gboolean
shoal_link_is_seed (const ShoalLink *self)
{
  return self->has_all;
}

void
shoal_link_count (ShoalLink *self)
{
  /* One that is being closed was taken off already and is not asked again. */
  if (self->counted || !shoal_link_is_live (self) || self->swarm->picker == NULL
      || !self->bits_told)
    return;
  if (!self->has_all && self->bits == NULL)
    return;
  shoal_picker_add_peer (self->swarm->picker, self->has_all ? NULL : self->bits);
  self->counted = TRUE;
}

void
shoal_link_uncount (ShoalLink *self)
{
  if (!self->counted)
    return;
  self->counted = FALSE;
  if (self->swarm->picker != NULL)
    shoal_picker_remove_peer (self->swarm->picker, self->has_all ? NULL : self->bits);
}

/* Pieces may have been told before anybody knew how many there are. */
void
shoal_link_metadata_known (ShoalLink *self)
{
  ShoalSwarm *swarm = self->swarm;

  if (!shoal_link_is_live (self))
    return;

  if (self->has_all)
    g_clear_pointer (&self->early_haves, g_array_unref);
  if (self->early_bits != NULL)
    {
      gsize size;
      const guint8 *bytes = g_bytes_get_data (self->early_bits, &size);

      g_clear_pointer (&self->bits, shoal_bitfield_free);
      self->bits = shoal_bitfield_from_wire (bytes, size, swarm->n_pieces);
      g_clear_pointer (&self->early_bits, g_bytes_unref);
      if (self->bits == NULL)
        {
          shoal_link_hang_up (self, "the bitfield has the wrong size");
          return;
        }
    }
  for (guint i = 0; self->early_haves != NULL && i < self->early_haves->len; i++)
    {
      guint32 piece = g_array_index (self->early_haves, guint32, i);

      if (piece >= swarm->n_pieces)
        {
          shoal_link_hang_up (self, "a piece that does not exist");
          return;
        }
      if (self->bits == NULL)
        self->bits = shoal_bitfield_new (swarm->n_pieces);
      shoal_bitfield_set (self->bits, piece);
      self->bits_told = TRUE;
    }
  g_clear_pointer (&self->early_haves, g_array_unref);
  if (self->bits != NULL && shoal_bitfield_is_full (self->bits))
    {
      self->has_all = TRUE;
      if (self->known != NULL)
        self->known->is_seed = TRUE;
      g_clear_pointer (&self->bits, shoal_bitfield_free);
    }
}

/* Requests, metadata parts and reads that are under way for this link are nobody's any more; in its
 * new state it gets no others. */
static void
let_go (ShoalLink     *self,
        ShoalLinkState state)
{
  self->state = state;
  shoal_link_drop_uploads (self, FALSE, FALSE);
  if (self->swarm != NULL)
    {
      shoal_link_give_back (self, TRUE);
      shoal_swarm_metadata_gone (self->swarm, self);
      shoal_swarm_leaves_asker_gone (self->swarm, self);
      shoal_swarm_leaves_gone (self->swarm, self);
      shoal_link_uncount (self);
    }
}

void
shoal_link_hang_up (ShoalLink  *self,
                    const char *why)
{
  if (self->state == SHOAL_LINK_CLOSING)
    return;

  if (self->state == SHOAL_LINK_DIALING)
    self->engine->n_half_open--;
  let_go (self, SHOAL_LINK_CLOSING);
  self->why = why;
  shoal_link_hang_up_legs (self);
}

void
shoal_link_end (ShoalLink  *self,
                const char *why)
{
  if (self->state != SHOAL_LINK_LIVE)
    {
      if (self->state != SHOAL_LINK_ENDING)
        shoal_link_hang_up (self, why);
      return;
    }

  for (guint i = 0; i < self->requests.n_live; i++)
    {
      ShoalBlock block = shoal_requests_peek (&self->requests, i)->block;
      guint32 left = shoal_layout_piece_size (self->swarm->metainfo->layout, block.piece)
                     - block.block * SHOAL_BLOCK_SIZE;

      shoal_link_say_request (self, SHOAL_MESSAGE_CANCEL, block.piece,
                              block.block * SHOAL_BLOCK_SIZE, MIN (left, SHOAL_BLOCK_SIZE));
    }
  let_go (self, SHOAL_LINK_ENDING);
  self->why = why;
  self->opened_us = self->engine->now_us;
  if (shoal_outbox_size (self->outbox) == 0)
    {
      shoal_link_hang_up (self, why);
      return;
    }
  shoal_link_attend_leg (self);
}

/* Blocks count as uploaded once they stand in the outbox; those that the peer did not take were not
 * uploaded. */
static void
take_back_unsent (ShoalLink *self)
{
  guint64 unsent = MIN (self->sent, shoal_outbox_unsent_bodies (self->outbox));

  self->sent -= unsent;
  self->swarm->uploaded -= MIN (self->swarm->uploaded, unsent);
}

void
shoal_link_closed (ShoalLink  *self,
                   const char *why)
{
  ShoalSwarm *swarm = self->swarm;
  gint64 now_us = self->engine->now_us;
  gboolean dialling = self->state == SHOAL_LINK_DIALING;

  if (!shoal_link_tcp_closed (self))
    return;
  g_debug ("link closed: %s", self->why != NULL ? self->why : why != NULL ? why : "by the peer");
  if (dialling)
    self->engine->n_half_open--;
  if (self->state != SHOAL_LINK_CLOSING)
    let_go (self, SHOAL_LINK_CLOSING);

  if (swarm != NULL)
    {
      ShoalKnownPeer *known;

      shoal_link_leave_to_twin (self);
      known = self->known;
      take_back_unsent (self);
      if ((self->contributor & SHOAL_CONTRIBUTOR_UNKNOWN) != 0 && self->received > 0)
        shoal_swarm_remember (swarm, self->contributor, &self->addr);
      shoal_node_unlink (&self->swarm_node);
      swarm->n_links--;
      if (self->outgoing)
        swarm->n_dialled--;
      shoal_choker_forget (&swarm->choker, self);
      swarm->choke_now = TRUE;
      if (known != NULL && known->link == self)
        {
          known->link = NULL;
          if (self->stopped)
            known->retry_us = now_us;   /* not its fault: it is wanted again when the torrent goes
                                         * on */
          else if (shoal_link_cipher_is_short (self) && !known->excused)
            shoal_peerbook_excuse (swarm->book, known, now_us);
          else if (shoal_link_cipher_failed (self) && !dialling
                   && self->engine->config.encryption == SHOAL_ENCRYPTION_PREFER)
            shoal_peerbook_refused_cipher (swarm->book, known, now_us);
          else if (dialling || (self->outgoing && !self->peer_id_known))
            {
              shoal_peerbook_failed (swarm->book, known, now_us);
              if (dialling)
                shoal_swarm_punch (swarm, known);
              /* It may know the torrent by the other hash only. */
              if (self->greeted && shoal_swarm_is_hybrid (swarm))
                known->is_v2 = !known->is_v2;
            }
          else
            shoal_peerbook_closed (swarm->book, known,
                                   self->gave_metadata || self->received + self->sent > 0, now_us);
        }
      shoal_swarm_changed (swarm);
      shoal_engine_activate (self->engine, swarm);
    }
  shoal_engine_want_dials (self->engine);
  link_free (self);
}

/* Somebody who has nothing for us and wants nothing from us takes a place that another could
 * use. */
static gboolean
is_useless (ShoalLink *self)
{
  ShoalSwarm *swarm = self->swarm;

  if (swarm->state == SHOAL_TORRENT_SEEDING && self->bits_told
      && (self->has_all || self->upload_only))
    {
      if (self->known != NULL)
        self->known->is_seed = TRUE;   /* one that wants nothing is as good as a seed to a seed */
      return TRUE;
    }

  return self->useful_us + SHOAL_USELESS_TIMEOUT_US < self->engine->now_us
         && swarm->state != SHOAL_TORRENT_METADATA;
}

void
shoal_link_tick (ShoalLink *self)
{
  gint64 now_us = self->engine->now_us;

  switch (self->state)
    {
    case SHOAL_LINK_GREETING:
      if (self->opened_us
            + (shoal_link_cipher_failed (self) ? SHOAL_MSE_TIMEOUT_US : SHOAL_GREET_TIMEOUT_US)
          < now_us)
        shoal_link_hang_up (self, "no handshake came");
      break;

    case SHOAL_LINK_ENDING:
      if (self->opened_us + G_USEC_PER_SEC < now_us)
        shoal_link_hang_up (self, self->why);
      break;

    case SHOAL_LINK_LIVE:
      if (self->twin_us != 0 && self->twin_us <= now_us)
        {
          shoal_link_settle_twins (self);
          if (self->state != SHOAL_LINK_LIVE)
            break;
        }
      if (self->am_interested || self->peer_interested)
        self->useful_us = now_us;
      if (self->heard_us + SHOAL_IDLE_TIMEOUT_US < now_us)
        {
          shoal_link_hang_up (self, "nothing was heard for too long");
          break;
        }
      if (is_useless (self))
        {
          shoal_link_hang_up (self, "neither side wants anything");
          break;
        }
      if (self->said_us + SHOAL_KEEP_ALIVE_US < now_us && shoal_outbox_size (self->outbox) == 0)
        shoal_link_say (self, SHOAL_MESSAGE_KEEP_ALIVE);
      if (shoal_outbox_size (self->outbox) > SHOAL_OUTBOX_MAX)
        {
          shoal_link_hang_up (self, "the peer does not read");
          break;
        }
      shoal_link_check_timeouts (self);
      break;

    case SHOAL_LINK_DIALING:
    case SHOAL_LINK_CLOSING:
    default:
      break;
    }
}

gpointer
shoal_link_host_data (const ShoalLink *link)
{
  return link->host_data;
}

void
shoal_link_set_host_data (ShoalLink *link,
                          gpointer   host_data)
{
  link->host_data = host_data;
}

guint
shoal_link_output (ShoalLink *self,
                   ShoalSpan *spans,
                   guint      max)
{
  gsize size = shoal_outbox_size (self->outbox);
  guint64 allowed = size;
  guint n;

  if (self->state == SHOAL_LINK_DIALING || self->state == SHOAL_LINK_CLOSING || size == 0)
    return 0;

  if (!self->exempt && self->state == SHOAL_LINK_LIVE)
    {
      allowed = shoal_limiter_ask (&self->engine->limiter, &self->swarm->limiter, SHOAL_UP, size,
                                   &self->wait[SHOAL_UP], self->engine->now_us);
      if (allowed == 0)
        return 0;
    }

  if (self->cipher != NULL)
    allowed = shoal_link_encipher (self, (gsize) allowed);
  n = shoal_outbox_spans (self->outbox, spans, max);
  for (guint i = 0; i < n; i++)
    {
      if (spans[i].size >= allowed)
        {
          spans[i].size = (guint32) allowed;
          return spans[i].size > 0 ? i + 1 : i;
        }
      allowed -= spans[i].size;
    }

  return n;
}

void
shoal_link_sent (ShoalLink *self,
                 gsize      size)
{
  if (size == 0 || self->state == SHOAL_LINK_CLOSING)
    return;

  self->said_us = self->engine->now_us;
  shoal_outbox_sent (self->outbox, size);
  if (self->swarm != NULL && !self->exempt && self->state == SHOAL_LINK_LIVE)
    shoal_limiter_spend (&self->engine->limiter, &self->swarm->limiter, SHOAL_UP, size,
                         &self->wait[SHOAL_UP]);
  if (self->state == SHOAL_LINK_ENDING && shoal_outbox_size (self->outbox) == 0)
    shoal_link_hang_up (self, self->why);
  else if (self->state == SHOAL_LINK_LIVE)
    shoal_link_pump (self);
}
