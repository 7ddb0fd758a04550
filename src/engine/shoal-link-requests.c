/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the client asks a peer for: interest, pipeline depth, timeouts. */

/*
 * The depth of the pipeline is what the peer sends in one round trip and a margin. It
 * starts at 4 and grows by one with every block that comes (doubling each round trip) until the
 * rate no longer follows; from then on it is computed from rate and round-trip time. The round trip
 * is measured only by requests that found nothing under way, because the others wait behind each
 * other. It is the least ever seen: when a queue on the way makes answers later than that, a depth
 * computed from it alone would lower the rate, and the lower rate the depth. So a second's worth is
 * always under way, as long as it is not much memory.
 *
 * What is asked for takes memory until it came. A thousand slow peers with a few blocks each would
 * take all of it, and the next ones would get nothing to do. So who sends no more than a block in a
 * second has the fewer under way the fuller memory is, down to the block that is coming and one
 * more.
 */

#include "shoal-link-private.h"

#define HORIZON_MIN_US (40 * G_TIME_SPAN_MILLISECOND)   /* of data under way at least, so that
                                                         * wake-ups can be rare */
#define HORIZON_MAX_US (3 * G_USEC_PER_SEC)                /* and at most: who takes longer for what
                                                            * it was asked for is not asked for
                                                            * more */
#define QUEUE_MAX_US   (4 * HORIZON_MIN_US)             /* requests that waited longer (and four
                                                         * round trips) lie in a queue: no more
                                                         * of them */
#define PLENTY         (4u * 1024 * 1024)              /* bytes: up to so much is under way for a
                                                        * second's worth, however quick the
                                                        * answers */
#define RATE_UPDATE_US (500 * G_TIME_SPAN_MILLISECOND)
#define BATCH          8u                               /* requests leave together, unless few are
                                                         * under way */
#define LIMITED_US     (5 * G_USEC_PER_SEC)             /* kept waiting by us so lately, it is not
                                                         * the peer that is late */

static gboolean
has_something (ShoalLink *self)
{
  const ShoalBitfield *missing;

  if (self->swarm->picker == NULL || self->swarm->state != SHOAL_TORRENT_DOWNLOADING)
    return FALSE;
  missing = shoal_picker_missing (self->swarm->picker);
  if (shoal_bitfield_is_empty (missing))
    return FALSE;
  if (self->has_all)
    return TRUE;
  if (self->bits == NULL)
    return FALSE;
  for (guint32 i = 0; i < (missing->n_bits + 63) / 64; i++)
    if ((missing->words[i] & self->bits->words[i]) != 0)
      return TRUE;

  return FALSE;
}

void
shoal_link_update_interest (ShoalLink *self)
{
  gboolean interested;

  if (!shoal_link_is_live (self))
    return;
  interested = has_something (self);
  if (interested == self->am_interested)
    return;
  self->am_interested = interested;
  shoal_link_say (self, interested ? SHOAL_MESSAGE_INTERESTED : SHOAL_MESSAGE_NOT_INTERESTED);
}

/* Bytes a second. A block in many seconds says little about the second in which it came. */
static guint64
current_rate (ShoalLink *self)
{
  guint64 rate = shoal_rate_get (&self->rate_now, self->engine->now_us);

  return rate <= SHOAL_BLOCK_SIZE
           ? MIN (rate, shoal_rate_get (&self->rate_down, self->engine->now_us))
           : rate;
}

static void
update_depth (ShoalLink *self)
{
  gint64 now_us = self->engine->now_us;
  guint64 rate;

  if (now_us - self->last_rate_us < RATE_UPDATE_US)
    return;
  rate = current_rate (self);
  if (self->slow_start && self->last_rate > 0 && rate < self->last_rate + self->last_rate / 8)
    self->slow_start = FALSE;
  if (!self->slow_start)
    {
      gint64 horizon_us = CLAMP (2 * self->rtt_us, HORIZON_MIN_US, HORIZON_MAX_US);
      guint64 owed = rate * (guint64) horizon_us / G_USEC_PER_SEC;

      owed = MAX (owed, MIN (rate, PLENTY));
      self->depth = (guint) (owed / SHOAL_BLOCK_SIZE) + SHOAL_DEPTH_MIN;
    }
  self->last_rate = rate;
  self->last_rate_us = now_us;
}

void
shoal_link_arrived (ShoalLink          *self,
                    const ShoalRequest *request,
                    guint32             size)
{
  ShoalSwarm *swarm = self->swarm;
  gint64 now_us = self->engine->now_us;

  self->received += size;
  shoal_rate_add (&self->rate_down, size, now_us);
  shoal_rate_add (&self->rate_now, size, now_us);
  shoal_rate_add (&swarm->rate_down, size, now_us);
  shoal_rate_add (&self->engine->rate_down, size, now_us);
  swarm->downloaded += size;
  if (request == NULL)
    return;
  if (request->first)
    {
      gint64 rtt_us = MAX (now_us - request->sent_us, 1);

      self->rtt_us = self->rtt_us == 0 ? rtt_us : MIN (self->rtt_us, rtt_us);
    }
  if (self->slow_start
      && now_us - request->sent_us <= CLAMP (4 * self->rtt_us, QUEUE_MAX_US, HORIZON_MAX_US))
    self->depth++;
  update_depth (self);
  self->depth = CLAMP (self->depth, SHOAL_DEPTH_MIN, MAX (self->peer_reqq, SHOAL_DEPTH_MIN));
}

/* How many requests may be under way now; @rate: bytes a second. */
static guint
allowed_depth (const ShoalLink *self,
               guint64          rate)
{
  if (self->suspended || self->n_refused > 0)
    return 1;

  return rate <= SHOAL_BLOCK_SIZE ? MIN (self->depth, shoal_picker_fair_depth (self->swarm->picker))
                                  : self->depth;
}

void
shoal_link_request_more (ShoalLink *self)
{
  ShoalSwarm *swarm = self->swarm;
  ShoalBlock blocks[64];
  ShoalPickWho who = { 0 };
  guint depth;
  gboolean rested = self->requests.n_live == 0 && !self->in_block && !self->suspended;
  gboolean asked = FALSE;

  if (!shoal_link_is_live (self) || swarm->state != SHOAL_TORRENT_DOWNLOADING
      || swarm->picker == NULL || !self->am_interested)
    return;
  if (self->peer_choking && (self->fast_in == NULL || self->fast_in->len == 0))
    return;
  if (self->suspended && self->in_block && !self->discard)
    return;
  if (self->n_refused > 0 && self->refused_us + SHOAL_REFUSED_US > self->engine->now_us)
    return;
  who.rate = current_rate (self);
  depth = allowed_depth (self, who.rate);
  /* Requests leave in batches: a small gap is not worth a message of its own. */
  if (self->requests.n_live >= depth
      || (self->requests.n_live > 2 * BATCH && depth - self->requests.n_live < BATCH))
    return;

  who.owner = self;
  who.contributor = self->contributor;
  who.bits = self->has_all ? NULL : self->bits;
  who.now_us = self->engine->now_us;
  if (self->peer_choking)
    {
      who.only = (const guint32 *) (gpointer) self->fast_in->data;
      who.n_only = self->fast_in->len;
    }
  else if (!self->has_all && self->bits == NULL)
    {
      return;
    }

  while (self->requests.n_live < depth)
    {
      guint n;

      who.n_queued = self->requests.n_live + (self->in_block ? 1 : 0);
      n = shoal_picker_pick (swarm->picker, &who, blocks,
                             MIN (depth - self->requests.n_live, G_N_ELEMENTS (blocks)));
      if (n == 0)
        break;
      for (guint i = 0; i < n; i++)
        {
          guint32 offset = blocks[i].block * SHOAL_BLOCK_SIZE;
          guint32 left = shoal_layout_piece_size (swarm->metainfo->layout, blocks[i].piece)
                         - offset;

          shoal_requests_push (&self->requests, blocks[i], self->engine->now_us);
          shoal_message_write_request (shoal_outbox_append (self->outbox,
                                                            SHOAL_REQUEST_MESSAGE_SIZE),
                                       SHOAL_MESSAGE_REQUEST, blocks[i].piece, offset,
                                       MIN (left, SHOAL_BLOCK_SIZE));
        }
      asked = TRUE;
    }
  if (asked)
    {
      /* Nothing was expected before: it is not late with anything. */
      if (rested)
        self->last_block_us = self->engine->now_us;
      shoal_link_attend (self);
    }
}

void
shoal_link_withdraw (ShoalLink *self,
                     ShoalBlock block)
{
  guint32 offset = block.block * SHOAL_BLOCK_SIZE;
  guint32 left = shoal_layout_piece_size (self->swarm->metainfo->layout, block.piece) - offset;

  if (self->in_block && self->block.piece == block.piece && self->block.block == block.block)
    {
      shoal_link_block_off (self);
      return;
    }
  if (shoal_requests_drop (&self->requests, block, self->engine->now_us))
    shoal_link_say_request (self, SHOAL_MESSAGE_CANCEL, block.piece, offset,
                            MIN (left, SHOAL_BLOCK_SIZE));
}

void
shoal_link_give_back (ShoalLink *self,
                      gboolean   late)
{
  ShoalPicker *picker = self->swarm->picker;
  ShoalBlock block;

  if (self->in_block && !self->discard)
    {
      shoal_link_block_off (self);
      if (picker != NULL)
        shoal_picker_release (picker, self, self->block);
    }
  while (shoal_requests_drop_oldest (&self->requests, &block, self->engine->now_us))
    if (picker != NULL)
      shoal_picker_release (picker, self, block);
  if (!late)
    shoal_requests_clear (&self->requests);
}

/* Requests behind the block that is coming, or all, go to others at once; the peer need not answer
 * them. */
static void
take_back (ShoalLink *self)
{
  ShoalPicker *picker = self->swarm->picker;
  ShoalBlock block;

  while (shoal_requests_drop_oldest (&self->requests, &block, self->engine->now_us))
    {
      guint32 offset = block.block * SHOAL_BLOCK_SIZE;
      guint32 left = shoal_layout_piece_size (self->swarm->metainfo->layout, block.piece) - offset;

      shoal_link_say_request (self, SHOAL_MESSAGE_CANCEL, block.piece, offset,
                              MIN (left, SHOAL_BLOCK_SIZE));
      if (picker != NULL)
        shoal_picker_release (picker, self, block);
    }
}

/* How long the peer may stay silent: four times what it needs for all that is under way, by its own
 * rate. */
static gint64
patience_us (ShoalLink *self)
{
  guint64 rate = shoal_rate_get (&self->rate_down, self->engine->now_us);
  guint64 owed = (guint64) (self->requests.n_live + (self->in_block ? 1 : 0)) * SHOAL_BLOCK_SIZE;

  if (rate == 0)
    return SHOAL_REQUEST_TIMEOUT_US;

  return CLAMP ((gint64) (4 * owed * G_USEC_PER_SEC / rate), SHOAL_REQUEST_TIMEOUT_MIN_US,
                SHOAL_REQUEST_TIMEOUT_US);
}

void
shoal_link_check_timeouts (ShoalLink *self)
{
  gint64 now_us = self->engine->now_us;
  gint64 since_us;

  shoal_requests_age (&self->requests, now_us);
  if (self->limited_us != 0 && self->limited_us + LIMITED_US > now_us)
    self->last_block_us = now_us;
  if (self->requests.n_live == 0 && (!self->in_block || self->discard))
    {
      shoal_link_request_more (self);
      return;
    }
  since_us = self->last_block_us;
  if (!self->in_block)
    since_us = MAX (since_us, shoal_requests_peek (&self->requests, 0)->sent_us);
  if (now_us - self->last_block_us > SHOAL_SNUB_US && !self->snubbed)
    {
      self->snubbed = TRUE;
      self->swarm->choke_now = TRUE;
    }
  if (now_us - since_us <= patience_us (self))
    {
      shoal_link_request_more (self);
      return;
    }

  /*
   * Others get its blocks at once; what still comes from it is dropped. It may prove itself with
   * one: that whose bytes keep coming, else another.
   */
  take_back (self);
  if (now_us - self->heard_us > SHOAL_REQUEST_TIMEOUT_MIN_US
      || now_us - since_us > SHOAL_BLOCK_TIMEOUT_US)
    shoal_link_give_back (self, TRUE);
  self->suspended = TRUE;
  self->slow_start = TRUE;
  self->depth = SHOAL_DEPTH_MIN;
  shoal_link_request_more (self);
}
