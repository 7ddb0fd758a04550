/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes from a peer: foreseen places for blocks, and the plain parser for all the rest. */

/*
 * Peers answer in the order of the requests, so shoal_link_window() lays out where the next
 * bytes belong: [rest of a block] ([13 bytes of head] [block in its piece])… [scratch]. When the
 * guess is right the kernel's copy is the only one. Where a head is not the one foreseen, all bytes
 * from there on are gathered into one piece of memory and go through the plain parser; the places
 * that they were read into hold nothing that is marked valid.
 */

#include "shoal-link-private.h"

#include <string.h>

static inline guint32
block_size (const ShoalLink *self,
            ShoalBlock       block)
{
  guint32 left = shoal_layout_piece_size (self->swarm->metainfo->layout, block.piece)
                 - block.block * SHOAL_BLOCK_SIZE;

  return MIN (left, SHOAL_BLOCK_SIZE);
}

/* Whether bytes may be read at all now, and how many within the limits. */
static guint
allowance (ShoalLink *self)
{
  guint64 allowed;

  if (self->state == SHOAL_LINK_DIALING || self->state == SHOAL_LINK_CLOSING)
    return 0;
  if (self->exempt || self->swarm == NULL || self->state != SHOAL_LINK_LIVE)
    return G_MAXUINT;
  allowed = shoal_limiter_ask (&self->engine->limiter, &self->swarm->limiter, SHOAL_DOWN,
                               SHOAL_WINDOW_SIZE, &self->wait[SHOAL_DOWN], self->engine->now_us);
  if (allowed == 0)
    self->limited_us = self->engine->now_us;

  return (guint) MIN (allowed, G_MAXUINT);
}

guint
shoal_link_low_mark (ShoalLink *self)
{
  guint64 owed;

  if (allowance (self) == 0)
    return 0;
  if (self->requests.n_live == 0 || self->swarm == NULL || self->swarm->picker == NULL
      || shoal_picker_in_end_game (self->swarm->picker))
    return 1;

  /* The last block owed may be short, so it is left out. */
  owed = (guint64) (self->requests.n_live - 1) * SHOAL_BLOCK_SIZE
         + (self->in_block ? self->block_size - self->block_got : 0);
  if (self->engine->limiter.buckets[SHOAL_DOWN].rate != 0
      || self->swarm->limiter.buckets[SHOAL_DOWN].rate != 0)
    return 1;

  return (guint) CLAMP (owed, 1, SHOAL_LOW_MARK);
}

static guint
trim (ShoalWindow *window,
      struct iovec *iov,
      guint         allowed)
{
  for (guint i = 0; i < window->n_parts; i++)
    {
      guint size = MIN (window->parts[i].size, allowed);

      iov[i].iov_base = window->parts[i].data;
      iov[i].iov_len = size;
      allowed -= size;
      if (allowed == 0)
        return i + 1;
    }

  return window->n_parts;
}

static inline void
add_part (ShoalWindow *window,
          guint8      *data,
          guint32      size)
{
  window->parts[window->n_parts++] = (ShoalWindowPart){ data, size };
}

guint
shoal_link_window (ShoalLink    *self,
                   struct iovec *iov,
                   guint         max)
{
  ShoalEngine *engine = self->engine;
  ShoalWindow *window = &engine->window;
  guint allowed = allowance (self);
  gboolean foresee;

  if (allowed == 0)
    return 0;

  if (engine->scratch == NULL)
    {
      engine->scratch = g_malloc (SHOAL_SCRATCH_SIZE);
      engine->gathered = g_malloc (SHOAL_WINDOW_SIZE);
    }
  window->link = self;
  window->n_parts = window->n_blocks = 0;
  window->rest = self->in_block && self->place != NULL;
  max = MIN (max, G_N_ELEMENTS (window->parts));

  if (window->rest)
    add_part (window, self->place + self->block_got, self->block_size - self->block_got);
  foresee = self->state == SHOAL_LINK_LIVE && self->carry_size == 0
            && (!self->in_block || window->rest) && self->swarm->picker != NULL;
  for (guint i = 0; foresee && i < self->requests.n_live && i < SHOAL_WINDOW_BLOCKS
                    && window->n_parts + 3 <= max;
       i++)
    {
      ShoalBlock block = shoal_requests_peek (&self->requests, i)->block;
      guint8 *place = shoal_picker_place (self->swarm->picker, self, block);

      if (place == NULL)
        break;
      add_part (window, window->heads[i], SHOAL_PIECE_HEADER_SIZE);
      add_part (window, place, block_size (self, block));
      window->n_blocks++;
    }
  /* What is foreseen for sure is not followed by a place from which it would have to be copied. */
  if (window->n_blocks < SHOAL_WINDOW_BLOCKS)
    add_part (window, engine->scratch, SHOAL_SCRATCH_SIZE);

  return trim (window, iov, allowed);
}

/* A block begins: finds out whether it was asked for and where it goes. FALSE: hung up. */
static gboolean
block_begin (ShoalLink *self,
             guint32    piece,
             guint32    offset,
             guint32    size)
{
  ShoalSwarm *swarm = self->swarm;
  ShoalBlock block = { piece, 0 };
  ShoalRequestKind kind;

  if (!swarm->has_metadata || swarm->metainfo == NULL
      || !shoal_layout_is_block (swarm->metainfo->layout, piece, offset, size, &block.block))
    {
      shoal_link_hang_up (self, "a block that nobody asked for");
      return FALSE;
    }

  kind = shoal_requests_take (&self->requests, block, &self->block_request);
  if (kind == SHOAL_REQUEST_UNKNOWN)
    {
      shoal_link_hang_up (self, "a block that nobody asked for");
      return FALSE;
    }

  self->in_block = TRUE;
  self->block = block;
  self->block_size = size;
  self->block_got = 0;
  self->place = NULL;
  self->discard = kind == SHOAL_REQUEST_LATE || swarm->picker == NULL;
  if (!self->discard)
    {
      self->place = shoal_picker_place (swarm->picker, self, block);
      if (self->place == NULL)
        {
          if (self->own_place == NULL)
            self->own_place = g_malloc (SHOAL_BLOCK_SIZE);
          self->place = self->own_place;
        }
    }

  return TRUE;
}

static void
block_end (ShoalLink *self)
{
  ShoalSwarm *swarm = self->swarm;
  gboolean discard = self->discard;
  const guint8 *data = self->place == self->own_place ? self->own_place : NULL;

  g_assert (swarm != NULL);
  self->in_block = FALSE;
  self->place = NULL;
  self->last_block_us = self->engine->now_us;
  self->snubbed = self->suspended = FALSE;
  self->n_refused = 0;
  shoal_link_arrived (self, discard ? NULL : &self->block_request, self->block_size);
  if (discard)
    {
      swarm->wasted += self->block_size;
      return;
    }
  shoal_swarm_block (swarm, self, self->block, self->block_size, data);
}

void
shoal_link_block_off (ShoalLink *self)
{
  self->discard = TRUE;
  self->place = NULL;
}

void
shoal_link_block_private (ShoalLink *self)
{
  if (!self->in_block || self->place == NULL || self->place == self->own_place)
    return;
  if (self->own_place == NULL)
    self->own_place = g_malloc (SHOAL_BLOCK_SIZE);
  memcpy (self->own_place, self->place, self->block_got);
  self->place = self->own_place;
}

/* Bytes of a block that are not in their place yet. */
static gsize
feed_block (ShoalLink    *self,
            const guint8 *bytes,
            gsize         size)
{
  gsize n = MIN (size, self->block_size - self->block_got);

  if (self->place != NULL)
    memcpy (self->place + self->block_got, bytes, n);
  self->block_got += n;
  if (self->block_got == self->block_size)
    block_end (self);

  return n;
}

static void
keep (ShoalLink    *self,
      const guint8 *bytes,
      gsize         size)
{
  if (self->carry_size + size > self->carry_capacity)
    {
      self->carry_capacity = MAX (self->carry_size + size, 512);
      self->carry = g_realloc (self->carry, self->carry_capacity);
    }
  memcpy (self->carry + self->carry_size, bytes, size);
  self->carry_size += size;
}

/*
 * One message, or the head of a block, from the front of @bytes, where all that is known of it
 * lies. Returns how many bytes were used; 0: more are needed (@needed of them in all), or hung up.
 */
static gsize
take_message (ShoalLink    *self,
              const guint8 *bytes,
              gsize         size,
              gsize        *needed)
{
  ShoalMessageId id;
  ShoalMessage message;
  guint32 whole;

  if (self->state == SHOAL_LINK_GREETING)
    {
      ShoalHandshake handshake;

      *needed = SHOAL_HANDSHAKE_SIZE;
      if (!shoal_handshake_begins (bytes, MIN (size, SHOAL_HANDSHAKE_SIZE)))
        {
          shoal_link_hang_up (self, "another protocol");
          return 0;
        }
      if (size < SHOAL_HANDSHAKE_SIZE)
        return 0;
      if (!shoal_handshake_parse (&handshake, bytes))
        {
          shoal_link_hang_up (self, "a bad handshake");
          return 0;
        }
      shoal_link_welcome (self, &handshake);
      return SHOAL_HANDSHAKE_SIZE;
    }

  /* Who has been greeted belongs to a torrent. */
  g_assert (self->swarm != NULL);
  switch (shoal_message_peek (bytes, size, &whole, &id))
    {
    case SHOAL_FRAME_BAD:
      shoal_link_hang_up (self, "a message of a wrong size");
      return 0;

    case SHOAL_FRAME_MORE:
      *needed = size < 4 ? 4 : 5;   /* the size, then the id */
      return 0;

    case SHOAL_FRAME_OK:
    default:
      break;
    }

  if (id == SHOAL_MESSAGE_PIECE)
    {
      ShoalReader head = shoal_reader (bytes + 5, 8);
      guint32 piece, offset;

      *needed = SHOAL_PIECE_HEADER_SIZE;
      if (size < SHOAL_PIECE_HEADER_SIZE)
        return 0;
      piece = shoal_reader_u32 (&head);
      offset = shoal_reader_u32 (&head);
      return block_begin (self, piece, offset, whole - SHOAL_PIECE_HEADER_SIZE)
               ? SHOAL_PIECE_HEADER_SIZE
               : 0;
    }

  *needed = whole;
  if (size < whole)
    return 0;
  if (!shoal_message_parse (&message, bytes, whole))
    {
      shoal_link_hang_up (self, "a malformed message");
      return 0;
    }

  return shoal_link_message (self, &message) ? whole : 0;
}

static inline gboolean
takes_input (const ShoalLink *self)
{
  return self->state == SHOAL_LINK_GREETING || self->state == SHOAL_LINK_LIVE;
}

/* The plain parser: @bytes are the next of the stream, in one piece. */
static void
feed (ShoalLink    *self,
      const guint8 *bytes,
      gsize         size)
{
  while (size > 0 && takes_input (self))
    {
      gsize needed = 0;
      gsize used;

      if (self->in_block)
        {
          used = feed_block (self, bytes, size);
        }
      else if (self->carry_size == 0)
        {
          used = take_message (self, bytes, size, &needed);
          if (used == 0)
            {
              if (takes_input (self))
                keep (self, bytes, size);
              return;
            }
        }
      else
        {
          /* Adds what is needed to the carried beginning: first to know what it is, then to have it
           * whole. */
          used = take_message (self, self->carry, self->carry_size, &needed);
          if (used > 0)
            {
              g_assert (used == self->carry_size);
              self->carry_size = 0;
              continue;
            }
          if (!takes_input (self))
            return;
          used = MIN (size, needed - self->carry_size);
          keep (self, bytes, used);
          if (self->carry_size == needed
              && take_message (self, self->carry, self->carry_size, &needed) > 0)
            self->carry_size = 0;
        }
      bytes += used;
      size -= used;
    }
}

/* All bytes from part @first on, from @skip bytes into it, in one piece of memory. */
static gsize
gather (ShoalEngine *engine,
        guint        first,
        gsize        size)
{
  gsize done = 0;

  for (guint i = first; done < size; i++)
    {
      gsize n = MIN (size - done, engine->window.parts[i].size);

      memcpy (engine->gathered + done, engine->window.parts[i].data, n);
      done += n;
    }

  return done;
}

/* Goes on with what is foreseen as long as it is right; returns how many parts it used up. */
static guint
take_foreseen (ShoalLink *self,
               gsize     *size)
{
  ShoalWindow *window = &self->engine->window;
  guint part = 0;

  /* Blocks are foreseen of a torrent only. */
  if (self->swarm == NULL)
    {
      g_assert (!window->rest && window->n_blocks == 0);
      return 0;
    }

  if (window->rest)
    {
      gsize n = MIN (*size, window->parts[0].size);

      self->block_got += n;
      *size -= n;
      part = 1;
      if (self->block_got == self->block_size)
        block_end (self);
    }

  for (guint i = 0; i < window->n_blocks && *size >= SHOAL_PIECE_HEADER_SIZE && takes_input (self);
       i++, part += 2)
    {
      guint8 *place = window->parts[part + 1].data;
      guint8 head[SHOAL_PIECE_HEADER_SIZE];
      ShoalBlock block;
      gsize n;

      if (self->requests.n_live == 0)
        break;
      block = shoal_requests_peek (&self->requests, 0)->block;
      shoal_message_write_piece_header (head, block.piece, block.block * SHOAL_BLOCK_SIZE,
                                        block_size (self, block));
      if (memcmp (head, window->heads[i], sizeof head) != 0 || self->swarm->picker == NULL
          || shoal_picker_place (self->swarm->picker, self, block) != place)
        break;

      if (!block_begin (self, block.piece, block.block * SHOAL_BLOCK_SIZE,
                        block_size (self, block)))
        break;
      *size -= SHOAL_PIECE_HEADER_SIZE;
      n = MIN (*size, self->block_size);
      self->block_got = n;
      *size -= n;
      if (n == self->block_size)
        block_end (self);
    }

  return part;
}

/* What was read is deciphered where it lies, before anybody looks at it. */
static void
decipher_window (ShoalLink *self,
                 gsize      size)
{
  const ShoalWindow *window = &self->engine->window;

  for (guint i = 0; size > 0; i++)
    {
      gsize n = MIN (size, window->parts[i].size);

      shoal_link_decipher (self, window->parts[i].data, n);
      size -= n;
    }
}

void
shoal_link_received (ShoalLink *self,
                     gsize      size)
{
  ShoalEngine *engine = self->engine;
  guint part;

  g_return_if_fail (engine->in_turn && engine->window.link == self);

  engine->window.link = NULL;
  if (size == 0)
    return;
  self->heard_us = engine->now_us;
  if (self->swarm != NULL && !self->exempt && self->state == SHOAL_LINK_LIVE)
    shoal_limiter_spend (&engine->limiter, &self->swarm->limiter, SHOAL_DOWN, size,
                         &self->wait[SHOAL_DOWN]);

  if (self->state == SHOAL_LINK_GREETING && shoal_link_is_greeting_encrypted (self))
    {
      /* Nothing is foreseen yet, so all of it lies in one place. */
      guint8 *bytes = engine->window.parts[0].data;
      gsize used = shoal_link_decipher_greeting (self, bytes, size);

      feed (self, bytes + used, size - used);
      size = 0;
    }
  else if (self->cipher != NULL)
    {
      decipher_window (self, size);
    }

  part = take_foreseen (self, &size);
  if (size > 0 && takes_input (self))
    {
      const guint8 *bytes = engine->window.parts[part].data;

      if (size > engine->window.parts[part].size)
        {
          gather (engine, part, size);
          bytes = engine->gathered;
        }
      else if (part + 1 < engine->window.n_parts)
        {
          /* Heads and places are written again while the parser runs. */
          memcpy (engine->gathered, bytes, size);
          bytes = engine->gathered;
        }
      feed (self, bytes, size);
    }
  if (takes_input (self) && self->swarm != NULL)
    shoal_link_request_more (self);
}
