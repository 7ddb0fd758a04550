/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scripted peers: what they say and how they answer. */

#include "rig.h"

#include <string.h>

#include "shoal-extended.h"

#define METADATA_PART 7u   /* the bots' number of ut_metadata */

void
rig_bot_say (RigBot       *self,
             gconstpointer bytes,
             gsize         size)
{
  g_byte_array_append (self->out, bytes, size);
}

void
rig_bot_simple (RigBot        *self,
                ShoalMessageId id)
{
  guint8 bytes[8];

  rig_bot_say (self, bytes, shoal_message_write_simple (bytes, id));
}

void
rig_bot_piece (RigBot        *self,
               ShoalMessageId id,
               guint32        piece)
{
  guint8 bytes[16];

  rig_bot_say (self, bytes, shoal_message_write_piece_index (bytes, id, piece));
}

static void
say_request (RigBot        *self,
             ShoalMessageId id,
             guint32        piece,
             guint32        offset,
             guint32        size)
{
  guint8 bytes[32];

  rig_bot_say (self, bytes, shoal_message_write_request (bytes, id, piece, offset, size));
}

void
rig_bot_ask (RigBot *self,
             guint32 piece,
             guint32 offset,
             guint32 size)
{
  say_request (self, SHOAL_MESSAGE_REQUEST, piece, offset, size);
}

void
rig_bot_extended (RigBot *self,
                  guint8  number,
                  GBytes *payload)
{
  guint8 head[8];
  gsize size;
  const guint8 *bytes = g_bytes_get_data (payload, &size);

  rig_bot_say (self, head, shoal_message_write_extended_header (head, number, size));
  rig_bot_say (self, bytes, size);
}

void
rig_bot_begin (RigBot *self)
{
  ShoalHandshake handshake = {
    .reserved = (self->fast ? SHOAL_RESERVED_FAST : 0)
                | (self->extended ? SHOAL_RESERVED_EXTENDED : 0)
                | (self->offers_v2 ? SHOAL_RESERVED_V2 : 0),
    .peer_id = self->id,
  };
  ShoalSha1 keys[2];
  guint n_keys;
  guint8 bytes[SHOAL_HANDSHAKE_SIZE];
  guint32 n_pieces = self->rig->content->metainfo->layout->n_pieces;

  self->shook = TRUE;
  n_keys = shoal_info_hash_keys (&self->rig->content->metainfo->hash, keys);
  handshake.info_hash = keys[self->by_v2 ? n_keys - 1 : 0];
  shoal_handshake_write (&handshake, bytes);
  rig_bot_say (self, bytes, sizeof bytes);
  if (self->extended)
    {
      ShoalExtendedHandshake extended = { .metadata_size = self->metadata_size,
                                          .upload_only = self->upload_only ? 1 : -1,
                                          .port = self->port };
      g_autoptr(GBytes) payload = NULL;

      for (guint i = 1; i < SHOAL_N_EXTENDED; i++)
        {
          extended.has[i] = self->numbers[i] != 0;
          extended.numbers[i] = self->numbers[i];
        }
      extended.has[SHOAL_EXTENDED_METADATA] = TRUE;
      extended.numbers[SHOAL_EXTENDED_METADATA] = METADATA_PART;
      payload = shoal_extended_handshake_write (&extended);
      rig_bot_extended (self, SHOAL_EXTENDED_HANDSHAKE, payload);
    }
  if (self->mute_pieces)
    return;
  if (self->fast)
    {
      rig_bot_simple (self, self->has_all ? SHOAL_MESSAGE_HAVE_ALL : SHOAL_MESSAGE_HAVE_NONE);
    }
  else if (self->has_all)
    {
      g_autoptr(ShoalBitfield) all = shoal_bitfield_new (n_pieces);
      gsize size = shoal_bitfield_wire_size (n_pieces);
      g_autofree guint8 *wire = g_malloc0 (size + 5);

      shoal_bitfield_set_all (all);
      shoal_message_write_bitfield_header (wire, size);
      shoal_bitfield_to_wire (all, wire + 5);
      rig_bot_say (self, wire, size + 5);
    }
}

static void
answer (RigBot             *self,
        const ShoalMessage *request)
{
  g_autofree guint8 *bytes = g_malloc (SHOAL_PIECE_HEADER_SIZE + request->size);

  shoal_message_write_piece_header (bytes, request->piece, request->offset, request->size);
  memcpy (bytes + SHOAL_PIECE_HEADER_SIZE,
          content_piece (self->rig->content, request->piece) + request->offset, request->size);
  if (self->lies)
    bytes[SHOAL_PIECE_HEADER_SIZE + 5] ^= 0xff;
  if (self->lies_once)
    self->lies = FALSE;
  for (guint32 i = 0; self->lies_in_padding && i < request->size; i++)
    {
      const ShoalLayout *layout = self->rig->content->metainfo->layout;

      if (layout->file_pad[shoal_layout_file_at (layout,
                                                 shoal_layout_piece_offset (layout, request->piece)
                                                   + request->offset + i)])
        bytes[SHOAL_PIECE_HEADER_SIZE + i] = 0xff;
    }
  rig_bot_say (self, bytes, SHOAL_PIECE_HEADER_SIZE + request->size);
}

void
rig_bot_deliver (RigBot *self,
                 guint   max)
{
  guint n = MIN (max, self->requests->len);

  for (guint i = 0; i < n; i++)
    answer (self, &g_array_index (self->requests, ShoalMessage, i));
  if (n > 0)
    g_array_remove_range (self->requests, 0, n);
}

static void
on_request (RigBot             *self,
            const ShoalMessage *message)
{
  self->n_requests++;
  if (self->rejects)
    say_request (self, SHOAL_MESSAGE_REJECT, message->piece, message->offset, message->size);
  else if (self->silent)
    g_array_append_vals (self->requests, message, 1);
  else
    answer (self, message);
}

static void
answer_metadata (RigBot *self,
                 guint32 part)
{
  ShoalMetainfo *metainfo = self->rig->content->metainfo;
  g_autofree guint8 *data = g_malloc0 (MAX (self->metadata_size, metainfo->info_size));
  gsize offset = (gsize) part * SHOAL_METADATA_PART_SIZE;
  ShoalMetadataMessage message = { .type = SHOAL_METADATA_DATA,
                                   .part = part,
                                   .total_size = self->metadata_size,
                                   .data = data + offset };
  g_autoptr(GBytes) payload = NULL;

  self->n_asked_metadata++;
  if (self->metadata_silent || offset >= self->metadata_size)
    return;
  memcpy (data, metainfo->info, MIN (metainfo->info_size, self->metadata_size));
  if (self->metadata_lies)
    data[offset] ^= 0xff;
  message.data_size = MIN (self->metadata_size - offset, SHOAL_METADATA_PART_SIZE);
  payload = shoal_metadata_message_write (&message);
  rig_bot_extended (self, SHOAL_EXTENDED_METADATA, payload);
}

static void
on_extended (RigBot             *self,
             const ShoalMessage *message)
{
  ShoalExtendedHandshake handshake;
  ShoalMetadataMessage metadata;

  if (message->extended == SHOAL_EXTENDED_HANDSHAKE)
    {
      g_assert_true (shoal_extended_handshake_parse (&handshake, message->payload,
                                                     message->payload_size));
      if (handshake.metadata_size > 0)
        self->told_metadata_size = handshake.metadata_size;
      self->told_upload_only = handshake.upload_only;
      memcpy (self->told_numbers, handshake.numbers, sizeof self->told_numbers);
      shoal_extended_handshake_clear (&handshake);
      return;
    }
  if (message->extended != METADATA_PART)
    {
      if (self->hear != NULL)
        self->hear (self, message);
      return;
    }
  g_assert_true (shoal_metadata_message_parse (&metadata, message->payload, message->payload_size));
  if (metadata.type == SHOAL_METADATA_REQUEST)
    answer_metadata (self, metadata.part);
  else if (metadata.type == SHOAL_METADATA_DATA)
    self->n_metadata++;
}

static void
on_message (RigBot             *self,
            const ShoalMessage *message)
{
  switch ((guint) message->id)
    {
    case SHOAL_MESSAGE_REQUEST:
      on_request (self, message);
      break;

    case SHOAL_MESSAGE_INTERESTED:
      self->interested = TRUE;
      if (!self->chokes)
        rig_bot_simple (self, SHOAL_MESSAGE_UNCHOKE);
      break;

    case SHOAL_MESSAGE_NOT_INTERESTED:
      self->interested = FALSE;
      break;

    case SHOAL_MESSAGE_CHOKE:
    case SHOAL_MESSAGE_UNCHOKE:
      self->unchoked = message->id == SHOAL_MESSAGE_UNCHOKE;
      break;

    case SHOAL_MESSAGE_PIECE:
      self->n_blocks +=
        memcmp (message->payload,
                content_piece (self->rig->content, message->piece) + message->offset, message->size)
        == 0;
      break;

    case SHOAL_MESSAGE_CANCEL:
      self->n_cancels++;
      break;

    case SHOAL_MESSAGE_HAVE:
      self->n_haves++;
      break;

    case SHOAL_MESSAGE_HAVE_ALL:
      self->told_all = TRUE;
      break;

    case SHOAL_MESSAGE_REJECT:
      self->n_rejects++;
      break;

    case SHOAL_MESSAGE_KEEP_ALIVE:
      self->n_keep_alives++;
      break;

    case SHOAL_MESSAGE_EXTENDED:
      on_extended (self, message);
      break;

    default:
      if (self->hear != NULL)
        self->hear (self, message);
      break;
    }
}

void
rig_bot_hear (RigBot *self)
{
  if (!self->greeted)
    {
      if (self->in->len < SHOAL_HANDSHAKE_SIZE)
        return;
      g_assert_true (shoal_handshake_parse (&self->heard, self->in->data));
      g_byte_array_remove_range (self->in, 0, SHOAL_HANDSHAKE_SIZE);
      self->greeted = TRUE;
      if (!self->shook)
        rig_bot_begin (self);
    }
  while (self->in->len >= 4)
    {
      ShoalMessage message;
      ShoalMessageId id;
      guint32 size;

      if (shoal_message_peek (self->in->data, self->in->len, &size, &id) != SHOAL_FRAME_OK
          || size > self->in->len)
        return;
      g_assert_true (shoal_message_parse (&message, self->in->data, size));
      on_message (self, &message);
      g_byte_array_remove_range (self->in, 0, size);
    }
}

/* Bytes of the bot into the engine. */
void
rig_bot_speak (RigBot *self)
{
  while (self->link != NULL && self->out->len > 0)
    {
      struct iovec iov[34];
      guint n = shoal_link_low_mark (self->link) > 0
                  ? shoal_link_window (self->link, iov, G_N_ELEMENTS (iov))
                  : 0;
      gsize done = 0;

      for (guint i = 0; i < n && done < self->out->len; i++)
        {
          gsize size = MIN (iov[i].iov_len, self->out->len - done);

          memcpy (iov[i].iov_base, self->out->data + done, size);
          done += size;
        }
      if (done == 0)
        return;
      g_byte_array_remove_range (self->out, 0, done);
      shoal_link_received (self->link, done);
    }
}

void
rig_bot_take (RigBot *self)
{
  ShoalSpan spans[8];
  guint n;

  while (self->link != NULL
         && (n = shoal_link_output (self->link, spans, G_N_ELEMENTS (spans))) > 0)
    {
      gsize size = 0;

      for (guint i = 0; i < n; i++)
        {
          const guint8 *bytes = spans[i].file != NULL ? self->rig->data + spans[i].offset
                                                      : spans[i].bytes;

          g_byte_array_append (self->in, bytes, spans[i].size);
          size += spans[i].size;
        }
      shoal_link_sent (self->link, size);
    }
}

RigBot *
rig_bot (Rig   *self,
         guint8 number)
{
  RigBot *bot = g_new0 (RigBot, 1);
  g_autofree char *text = g_strdup_printf ("5.6.%u.1:6881", number);

  bot->rig = self;
  bot->in = g_byte_array_new ();
  bot->out = g_byte_array_new ();
  bot->requests = g_array_new (FALSE, FALSE, sizeof (ShoalMessage));
  bot->fast = TRUE;
  bot->told_upload_only = -1;
  memset (bot->id.bytes, number, sizeof bot->id.bytes);
  g_assert_true (shoal_addr_parse (&bot->addr, text, 0));
  g_ptr_array_add (self->bots, bot);
  shoal_engine_begin (self->engine, self->now_us, RIG_WALL_S);
  bot->link = shoal_engine_accept (self->engine, &bot->addr, NULL);
  shoal_engine_end (self->engine);

  return bot;
}

void
rig_bot_answer (RigBot *self,
                guint   index)
{
  Rig *rig = self->rig;

  g_assert_cmpuint (index, <, rig->fake->dials->len);
  shoal_engine_begin (rig->engine, rig->now_us, RIG_WALL_S);
  if (self->link != NULL)
    shoal_link_closed (self->link, "another way");
  self->link = g_array_index (rig->fake->dials, FakeDial, index).link;
  g_array_remove_index (rig->fake->dials, index);
  self->greeted = self->shook = FALSE;
  g_byte_array_set_size (self->in, 0);
  g_byte_array_set_size (self->out, 0);
  shoal_link_opened (self->link, &self->addr);
  shoal_engine_end (rig->engine);
}

void
rig_bot_leave (RigBot *self)
{
  ShoalLink *link = g_steal_pointer (&self->link);

  if (link == NULL)
    return;
  shoal_engine_begin (self->rig->engine, self->rig->now_us, RIG_WALL_S);
  shoal_link_closed (link, "it left");
  shoal_engine_end (self->rig->engine);
}

void
rig_bot_free (gpointer data)
{
  RigBot *self = data;

  g_byte_array_unref (self->in);
  g_byte_array_unref (self->out);
  g_array_unref (self->requests);
  g_free (self);
}
