/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A cheap scripted peer that speaks the wire format. */

#include "sim-bot.h"

#include "shoal-handshake.h"
#include "shoal-message.h"
#include "sim-net.h"

#include <string.h>

#define ROUND_US     (10 * SIM_SECOND)
#define SLOTS        4u
#define LINKS_MAX    40u
#define GIVE_UP_US   (90 * SIM_SECOND)
#define SAMPLES      4u                  /* pieces of which the rarest is fetched */
#define NO_PIECE     G_MAXUINT32

typedef struct
{
  SimBot        *bot;
  SimEnd        *end;
  GByteArray    *in;
  GByteArray    *out;
  guint          out_at;
  ShoalBitfield *bits;
  GArray        *wanted;          /* of ShoalMessage: requests to be answered */
  gboolean       dialled;
  gboolean       greeted;         /* its handshake came */
  gboolean       am_choking;
  gboolean       am_interested;
  gboolean       peer_choking;
  gboolean       peer_interested;
  guint32        piece;           /* being fetched */
  guint8        *data;            /* of that piece */
  guint32        n_missing;       /* bytes */
  gint64         active_us;
  guint64        got;             /* bytes of blocks, this round */
} BotLink;

/* --- Saying things --- */

static void
say_bytes (BotLink *self,
           gconstpointer bytes,
           guint         size)
{
  g_byte_array_append (self->out, bytes, size);
  sim_end_want (self->end);
}

static void
say (BotLink       *self,
     ShoalMessageId id)
{
  guint8 bytes[8];

  say_bytes (self, bytes, shoal_message_write_simple (bytes, id));
}

static void
greet (BotLink *self)
{
  ShoalHandshake handshake = { .info_hash = self->bot->torrent->key };
  guint8 bytes[SHOAL_HANDSHAKE_SIZE];

  memcpy (handshake.peer_id.bytes, "-SB0001-", 8);
  memcpy (handshake.peer_id.bytes + 8, &self->bot->peer.id, sizeof self->bot->peer.id);
  shoal_handshake_write (&handshake, bytes);
  say_bytes (self, bytes, sizeof bytes);
  if (!shoal_bitfield_is_empty (self->bot->had))
    {
      gsize size = shoal_bitfield_wire_size (self->bot->torrent->n_pieces);
      g_autofree guint8 *message = g_malloc (5 + size);

      shoal_message_write_bitfield_header (message, size);
      shoal_bitfield_to_wire (self->bot->had, message + 5);
      say_bytes (self, message, (guint) (5 + size));
    }
}

/* --- Fetching --- */

static void
stop_fetching (BotLink *self)
{
  if (self->piece == NO_PIECE)
    return;
  self->bot->fetching[self->piece]--;
  self->piece = NO_PIECE;
  g_clear_pointer (&self->data, g_free);
}

static gboolean
is_fetchable (const BotLink *self,
              guint32        piece,
              gboolean       shared)
{
  const SimBot *bot = self->bot;

  return shoal_bitfield_get (self->bits, piece) && !shoal_bitfield_get (bot->had, piece)
         && (shared || bot->fetching[piece] == 0);
}

/* The rarest of a few; pieces that others fetch only when there is nothing else. */
static guint32
choose_piece (const BotLink *self)
{
  SimBot *bot = self->bot;
  guint32 n = bot->torrent->n_pieces;

  for (guint shared = 0; shared < 2; shared++)
    {
      guint32 best = NO_PIECE;
      guint32 from = shoal_rng_below (&bot->peer.world->rng, n);
      guint seen = 0;

      for (guint32 i = 0; i < n && seen < SAMPLES; i++)
        {
          guint32 piece = (from + i) % n;

          if (!is_fetchable (self, piece, shared))
            continue;
          seen++;
          if (best == NO_PIECE || bot->copies[piece] < bot->copies[best])
            best = piece;
        }
      if (best != NO_PIECE)
        return best;
    }

  return NO_PIECE;
}

static void
fetch_next (BotLink *self)
{
  SimBot *bot = self->bot;
  const ShoalLayout *layout = bot->torrent->metainfo->layout;

  if (self->piece != NO_PIECE || self->peer_choking || !self->am_interested)
    return;
  self->piece = choose_piece (self);
  if (self->piece == NO_PIECE)
    return;

  bot->fetching[self->piece]++;
  self->n_missing = shoal_layout_piece_size (layout, self->piece);
  self->data = g_malloc0 (self->n_missing);
  self->active_us = bot->peer.world->now_us;
  for (guint32 b = 0; b < shoal_layout_n_blocks (layout, self->piece); b++)
    {
      guint8 bytes[SHOAL_REQUEST_MESSAGE_SIZE];

      shoal_message_write_request (bytes, SHOAL_MESSAGE_REQUEST, self->piece, b * SHOAL_BLOCK_SIZE,
                                   shoal_layout_block_size (layout, self->piece, b));
      say_bytes (self, bytes, sizeof bytes);
    }
}

static void
update_interest (BotLink *self)
{
  gboolean interested = self->bits != NULL && shoal_bitfield_offers (self->bits, self->bot->had);

  if (interested != self->am_interested)
    {
      self->am_interested = interested;
      say (self, interested ? SHOAL_MESSAGE_INTERESTED : SHOAL_MESSAGE_NOT_INTERESTED);
    }
  fetch_next (self);
}

static void
piece_done (BotLink *self)
{
  SimBot *bot = self->bot;
  guint32 piece = self->piece;
  gboolean right =
    sim_torrent_equals (bot->torrent, (guint64) piece * bot->torrent->piece_size, self->data,
                        shoal_layout_piece_size (bot->torrent->metainfo->layout, piece));

  stop_fetching (self);
  if (!right)
    {
      bot->n_wrong++;
      sim_end_close (self->end);
      return;
    }
  if ((bot->traits & SIM_BOT_INSATIABLE) != 0 || !shoal_bitfield_set (bot->had, piece))
    return;
  if (shoal_bitfield_is_full (bot->had))
    bot->done_us = bot->peer.world->now_us;
  for (guint i = 0; i < bot->peer.ends->len; i++)
    {
      BotLink *link = ((SimEnd *) g_ptr_array_index (bot->peer.ends, i))->data;
      guint8 bytes[9];

      if (link == NULL || !link->greeted)
        continue;
      shoal_message_write_piece_index (bytes, SHOAL_MESSAGE_HAVE, piece);
      say_bytes (link, bytes, sizeof bytes);
      update_interest (link);
    }
}

static void
block_came (BotLink            *self,
            const ShoalMessage *message)
{
  self->got += message->size;
  self->bot->got += message->size;
  if (message->piece != self->piece)
    return;
  self->active_us = self->bot->peer.world->now_us;
  memcpy (self->data + message->offset, message->payload, message->size);
  self->n_missing -= MIN (message->size, self->n_missing);
  if (self->n_missing == 0)
    piece_done (self);
  fetch_next (self);
}

/* --- Giving --- */

static void
set_choking (BotLink *self,
             gboolean choking)
{
  if (self->am_choking == choking)
    return;
  self->am_choking = choking;
  say (self, choking ? SHOAL_MESSAGE_CHOKE : SHOAL_MESSAGE_UNCHOKE);
  if (choking)
    g_array_set_size (self->wanted, 0);
}

static guint
n_unchoked (const SimBot *self)
{
  guint n = 0;

  for (guint i = 0; i < self->peer.ends->len; i++)
    {
      const BotLink *link = ((SimEnd *) g_ptr_array_index (self->peer.ends, i))->data;

      n += link != NULL && !link->am_choking;
    }

  return n;
}

/* The three that gave most and one by chance; as seed four by chance. */
static void
choke_round (SimBot *self)
{
  SimWorld *world = self->peer.world;
  g_autoptr(GPtrArray) chosen = g_ptr_array_new ();
  gboolean leecher = !shoal_bitfield_is_full (self->had);

  for (guint slot = 0; slot < SLOTS && (self->traits & SIM_BOT_FREE_RIDER) == 0; slot++)
    {
      BotLink *best = NULL;
      guint n = 0;

      for (guint i = 0; i < self->peer.ends->len; i++)
        {
          BotLink *link = ((SimEnd *) g_ptr_array_index (self->peer.ends, i))->data;

          if (link == NULL || !link->peer_interested || g_ptr_array_find (chosen, link, NULL))
            continue;
          if (leecher && slot + 1 < SLOTS)
            best = best == NULL || link->got > best->got ? link : best;
          else if (shoal_rng_below (&world->rng, ++n) == 0)
            best = link;
        }
      if (best != NULL)
        g_ptr_array_add (chosen, best);
    }

  for (guint i = 0; i < self->peer.ends->len; i++)
    {
      BotLink *link = ((SimEnd *) g_ptr_array_index (self->peer.ends, i))->data;

      if (link == NULL)
        continue;
      set_choking (link, !g_ptr_array_find (chosen, link, NULL));
      link->got /= 2;
      if (link->piece != NO_PIECE && world->now_us - link->active_us > GIVE_UP_US)
        sim_end_close (link->end);
    }
}

static gsize
bot_output (SimEnd *end,
            guint8 *out,
            gsize   max)
{
  BotLink *self = end->data;
  SimBot *bot = self->bot;
  gsize n;

  if (self->out_at == self->out->len && self->wanted->len > 0
      && ((bot->traits & SIM_BOT_STALLER) == 0 || bot->answers_left > 0))
    {
      ShoalMessage request = g_array_index (self->wanted, ShoalMessage, 0);
      guint64 offset = (guint64) request.piece * bot->torrent->piece_size + request.offset;

      g_array_remove_index (self->wanted, 0);
      g_byte_array_set_size (self->out, SHOAL_PIECE_HEADER_SIZE + request.size);
      self->out_at = 0;
      shoal_message_write_piece_header (self->out->data, request.piece, request.offset,
                                        request.size);
      sim_torrent_fill (bot->torrent, offset, self->out->data + SHOAL_PIECE_HEADER_SIZE,
                        request.size);
      if ((bot->traits & SIM_BOT_POISONER) != 0
          && (bot->lies_every == 0 || bot->n_given % bot->lies_every == 0))
        {
          self->out->data[SHOAL_PIECE_HEADER_SIZE + request.size / 2] ^= 0xff;
          bot->n_lies++;
        }
      bot->n_given++;
      bot->given += request.size;
      bot->answers_left--;
    }
  n = MIN (max, self->out->len - self->out_at);
  if (n == 0)
    return 0;
  memcpy (out, self->out->data + self->out_at, n);
  self->out_at += (guint) n;
  if (self->out_at == self->out->len)
    {
      g_byte_array_set_size (self->out, 0);
      self->out_at = 0;
    }

  return n;
}

/* --- Hearing --- */

static void
peer_has (BotLink *self,
          guint32  piece)
{
  if (shoal_bitfield_set (self->bits, piece))
    self->bot->copies[piece]++;
}

static void
handle_message (BotLink            *self,
                const ShoalMessage *message)
{
  SimBot *bot = self->bot;

  switch (message->id)
    {
    case SHOAL_MESSAGE_CHOKE:
      self->peer_choking = TRUE;
      stop_fetching (self);
      break;
    case SHOAL_MESSAGE_UNCHOKE:
      self->peer_choking = FALSE;
      fetch_next (self);
      break;
    case SHOAL_MESSAGE_INTERESTED:
      self->peer_interested = TRUE;
      if ((bot->traits & SIM_BOT_FREE_RIDER) == 0 && n_unchoked (bot) < SLOTS)
        set_choking (self, FALSE);
      break;
    case SHOAL_MESSAGE_NOT_INTERESTED:
      self->peer_interested = FALSE;
      set_choking (self, TRUE);
      break;
    case SHOAL_MESSAGE_HAVE:
      g_assert_cmpuint (message->piece, <, bot->torrent->n_pieces);
      peer_has (self, message->piece);
      if (!shoal_bitfield_get (bot->had, message->piece))
        update_interest (self);
      break;
    case SHOAL_MESSAGE_BITFIELD:
      {
        g_autoptr(ShoalBitfield) bits = shoal_bitfield_from_wire (message->payload,
                                                                  message->payload_size,
                                                                  bot->torrent->n_pieces);

        g_assert_nonnull (bits);
        for (guint32 i = shoal_bitfield_next_set (bits, 0); i != SHOAL_BITFIELD_NONE;
             i = shoal_bitfield_next_set (bits, i + 1))
          peer_has (self, i);
        update_interest (self);
      }
      break;
    case SHOAL_MESSAGE_REQUEST:
      if (self->am_choking)
        break;
      g_assert_true (shoal_bitfield_get (bot->had, message->piece)
                     || (bot->traits & SIM_BOT_SEED) != 0);
      g_array_append_vals (self->wanted, message, 1);
      sim_end_want (self->end);
      break;
    case SHOAL_MESSAGE_CANCEL:
      for (guint i = 0; i < self->wanted->len; i++)
        {
          const ShoalMessage *request = &g_array_index (self->wanted, ShoalMessage, i);

          if (request->piece == message->piece && request->offset == message->offset)
            {
              g_array_remove_index (self->wanted, i);
              break;
            }
        }
      break;
    case SHOAL_MESSAGE_PIECE:
      block_came (self, message);
      break;
    default:
      break;
    }
}

static void
read_link (BotLink *self)
{
  SimEnd *end = self->end;
  gsize waiting = sim_end_waiting (end);
  guint old = self->in->len;
  guint at = 0;

  g_byte_array_set_size (self->in, old + (guint) waiting);
  sim_end_take (end, self->in->data + old, waiting);
  if (!self->greeted)
    {
      ShoalHandshake handshake;

      if (self->in->len < SHOAL_HANDSHAKE_SIZE)
        return;
      if (!shoal_handshake_parse (&handshake, self->in->data))
        {
          sim_end_close (end);   /* somebody encrypts */
          return;
        }
      at = SHOAL_HANDSHAKE_SIZE;
      self->greeted = TRUE;
      if (!self->dialled)
        greet (self);
    }
  while (end->open)
    {
      ShoalMessage message;
      ShoalMessageId id;
      guint32 size;
      ShoalFrame frame = shoal_message_peek (self->in->data + at, self->in->len - at, &size, &id);

      g_assert_cmpint (frame, !=, SHOAL_FRAME_BAD);
      if (frame == SHOAL_FRAME_MORE || self->in->len - at < size)
        break;
      g_assert_true (shoal_message_parse (&message, self->in->data + at, size));
      handle_message (self, &message);
      at += size;
    }
  g_byte_array_remove_range (self->in, 0, at);
}

/* --- Links --- */

static BotLink *
new_link (SimBot  *bot,
          SimEnd  *end,
          gboolean dialled)
{
  BotLink *self = g_new0 (BotLink, 1);

  self->bot = bot;
  self->end = end;
  self->dialled = dialled;
  self->in = g_byte_array_new ();
  self->out = g_byte_array_new ();
  self->bits = shoal_bitfield_new (bot->torrent->n_pieces);
  self->wanted = g_array_new (FALSE, FALSE, sizeof (ShoalMessage));
  self->am_choking = self->peer_choking = TRUE;
  self->piece = NO_PIECE;

  return self;
}

static void
link_free (BotLink *self)
{
  stop_fetching (self);
  for (guint32 i = shoal_bitfield_next_set (self->bits, 0); i != SHOAL_BITFIELD_NONE;
       i = shoal_bitfield_next_set (self->bits, i + 1))
    self->bot->copies[i]--;
  g_byte_array_unref (self->in);
  g_byte_array_unref (self->out);
  shoal_bitfield_free (self->bits);
  g_array_unref (self->wanted);
  g_free (self);
}

static void
end_link (SimEnd *end)
{
  g_clear_pointer ((BotLink **) &end->data, link_free);
  sim_end_gone (end);
}

void
sim_bot_dial (SimBot          *self,
              const ShoalAddr *addr)
{
  SimEnd *end;

  for (guint i = 0; i < self->peer.ends->len; i++)
    if (shoal_addr_same_ip (&((SimEnd *) g_ptr_array_index (self->peer.ends, i))->remote, addr))
      return;
  end = sim_net_dial (&self->peer, addr, NULL);
  end->data = new_link (self, end, TRUE);
}

static void
find_peers (SimBot *self)
{
  ShoalAddr addrs[32];
  guint n;

  if (self->tracker == NULL || (self->traits & SIM_BOT_DEAF) != 0
      || self->peer.ends->len >= self->n_dials || self->done_us != 0)
    return;
  n = sim_tracker_sample (self->tracker, &self->torrent->key, &self->peer.addr, addrs,
                          MIN (self->n_dials - self->peer.ends->len, G_N_ELEMENTS (addrs)));
  for (guint i = 0; i < n; i++)
    sim_bot_dial (self, &addrs[i]);
}

static void
handle_end (SimBot *self,
            SimEnd *end,
            guint   ready)
{
  if ((ready & SIM_READY_CLOSED) != 0)
    {
      end_link (end);
      return;
    }
  if ((ready & SIM_READY_ACCEPT) != 0)
    {
      if (self->peer.ends->len > LINKS_MAX)
        {
          end_link (end);
          return;
        }
      end->data = new_link (self, end, FALSE);
    }
  if ((ready & SIM_READY_OPENED) != 0)
    greet (end->data);
  if (sim_end_waiting (end) > 0)
    read_link (end->data);
  if (end->eof && sim_end_waiting (end) == 0)
    {
      end_link (end);
      return;
    }
  sim_end_flush (end);
}

void
sim_bot_kill (SimBot *self)
{
  for (guint i = 0; i < self->peer.ends->len; i++)
    {
      SimEnd *end = g_ptr_array_index (self->peer.ends, i);

      g_clear_pointer ((BotLink **) &end->data, link_free);
    }
  sim_net_cut (&self->peer, TRUE);
  self->peer.dead = TRUE;
}

static gint64
bot_turn (SimPeer *peer)
{
  SimBot *self = (SimBot *) peer;
  SimWorld *world = peer->world;
  SimEnd *end;
  guint ready;

  if (world->now_us >= self->round_us)
    {
      find_peers (self);
      choke_round (self);
      self->round_us = world->now_us + ROUND_US;
    }
  while ((end = sim_peer_next (peer, &ready)) != NULL)
    handle_end (self, end, ready);

  return self->round_us;
}

static void
bot_free (SimPeer *peer)
{
  SimBot *self = (SimBot *) peer;

  while (peer->ends->len > 0)
    end_link (g_ptr_array_index (peer->ends, 0));
  peer->dead = TRUE;
  g_clear_pointer (&self->had, shoal_bitfield_free);
  g_clear_pointer (&self->copies, g_free);
  g_clear_pointer (&self->fetching, g_free);
}

static const SimPeerOps bot_ops = { bot_turn, bot_output, bot_free };

SimBot *
sim_bot_new (SimWorld   *world,
             SimTorrent *torrent,
             SimTracker *tracker,
             guint       traits)
{
  SimBot *self = g_new0 (SimBot, 1);

  self->torrent = torrent;
  self->tracker = tracker;
  self->traits = traits;
  self->n_dials = 8;
  self->had = shoal_bitfield_new (torrent->n_pieces);
  if ((traits & SIM_BOT_SEED) != 0)
    shoal_bitfield_set_all (self->had);
  self->copies = g_new0 (guint16, torrent->n_pieces);
  self->fetching = g_new0 (guint8, torrent->n_pieces);
  sim_world_add (world, &self->peer, &bot_ops);
  if (tracker != NULL)
    sim_tracker_peer (tracker, &self->peer.addr, &torrent->key);
  /* Not all at once. */
  self->round_us = world->now_us + (gint64) shoal_rng_below (&world->rng, 10 * SIM_SECOND);
  sim_peer_alarm (&self->peer, self->round_us);

  return self;
}
