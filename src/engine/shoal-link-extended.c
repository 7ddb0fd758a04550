/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Extension messages of a link: BEP 10, BEP 9, BEP 21, BEP 54. */

#include "shoal-link-private.h"

#include <string.h>

static void
say (ShoalLink *self,
     guint8     number,
     GBytes    *payload)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (payload, &size);
  guint8 *out = shoal_outbox_append (self->outbox, 6 + size);

  shoal_message_write_extended_header (out, number, size);
  memcpy (out + 6, bytes, size);
  shoal_link_attend (self);
}

void
shoal_link_say_extension (ShoalLink      *self,
                          ShoalExtendedId extension,
                          GBytes         *payload)
{
  say (self, self->numbers[extension], payload);
}

/* Whether the peer may use it. */
static gboolean
offers (const ShoalLink *self,
        ShoalExtendedId  extension)
{
  if (extension == SHOAL_EXTENDED_HOLEPUNCH)
    return shoal_swarm_punches (self->swarm);

  return extension != SHOAL_EXTENDED_PEX || shoal_swarm_uses_pex (self->swarm);
}

void
shoal_link_say_extended (ShoalLink *self)
{
  ShoalSwarm *swarm = self->swarm;
  ShoalExtendedHandshake handshake = {
    .client = (char *) "Shoal " SHOAL_VERSION,
    .port = shoal_engine_public_port (self->engine),
    .reqq = SHOAL_REQQ,
    .upload_only = swarm->state == SHOAL_TORRENT_SEEDING && !shoal_swarm_is_super (swarm),
    .your_ip = self->addr,
  };
  g_autoptr(GBytes) payload = NULL;

  for (guint i = 1; i < SHOAL_N_EXTENDED; i++)
    {
      handshake.numbers[i] = i;
      handshake.has[i] = offers (self, (ShoalExtendedId) i);
    }
  if (swarm->has_metadata)
    handshake.metadata_size = swarm->info_size;
  payload = shoal_extended_handshake_write (&handshake);
  say (self, SHOAL_EXTENDED_HANDSHAKE, payload);
}

static gboolean
on_handshake (ShoalLink          *self,
              const ShoalMessage *message)
{
  ShoalSwarm *swarm = self->swarm;
  ShoalExtendedHandshake handshake;

  if (!shoal_extended_handshake_parse (&handshake, message->payload, message->payload_size))
    {
      shoal_link_hang_up (self, "a malformed extension handshake");
      return FALSE;
    }

  for (guint i = 1; i < SHOAL_N_EXTENDED; i++)
    if (handshake.has[i])
      self->numbers[i] = handshake.numbers[i];
  if (handshake.client != NULL)
    {
      g_free (self->client);
      self->client = g_steal_pointer (&handshake.client);
    }
  if (handshake.reqq > 0)
    self->peer_reqq = MIN (handshake.reqq, SHOAL_REQUESTS_MAX);
  if (handshake.upload_only >= 0)
    self->upload_only = handshake.upload_only;
  if (handshake.metadata_size > 0 && handshake.metadata_size <= SHOAL_METADATA_SIZE_MAX)
    self->metadata_size = handshake.metadata_size;
  if (handshake.your_ip.family != SHOAL_FAMILY_NONE)
    shoal_engine_vote_external (self->engine, SHOAL_EXTERNAL_PEER, &self->addr, &handshake.your_ip);
  if (handshake.port != 0 && !self->outgoing)
    shoal_link_reach (self, handshake.port);
  shoal_extended_handshake_clear (&handshake);
  shoal_swarm_metadata_offer (swarm, self);
  shoal_swarm_pex_offer (swarm, self);

  return TRUE;
}

gboolean
shoal_link_ask_metadata (ShoalLink *self,
                         guint32    part)
{
  ShoalMetadataMessage request = { .type = SHOAL_METADATA_REQUEST, .part = part };
  g_autoptr(GBytes) payload = NULL;

  if (self->numbers[SHOAL_EXTENDED_METADATA] == 0 || !shoal_link_is_live (self))
    return FALSE;
  payload = shoal_metadata_message_write (&request);
  say (self, self->numbers[SHOAL_EXTENDED_METADATA], payload);

  return TRUE;
}

static void
answer_metadata (ShoalLink *self,
                 guint32    part)
{
  ShoalMetainfo *metainfo = self->swarm->metainfo;
  ShoalMetadataMessage answer = { .type = SHOAL_METADATA_REJECT, .part = part };
  g_autoptr(GBytes) payload = NULL;

  if (self->numbers[SHOAL_EXTENDED_METADATA] == 0)
    return;
  if (metainfo == NULL && self->swarm->loading)
    {
      if (self->metadata_wanted == NULL)
        self->metadata_wanted = g_array_new (FALSE, FALSE, sizeof (guint32));
      if (self->metadata_wanted->len < SHOAL_METADATA_WANTED_MAX)
        {
          g_array_append_val (self->metadata_wanted, part);
          return;
        }
    }
  if (metainfo != NULL && (guint64) part * SHOAL_METADATA_PART_SIZE < metainfo->info_size
      && shoal_outbox_size (self->outbox) < SHOAL_UPLOAD_AHEAD_MAX)
    {
      gsize offset = (gsize) part * SHOAL_METADATA_PART_SIZE;

      self->gave_metadata = TRUE;
      answer.type = SHOAL_METADATA_DATA;
      answer.total_size = metainfo->info_size;
      answer.data = metainfo->info + offset;
      answer.data_size = MIN (metainfo->info_size - offset, SHOAL_METADATA_PART_SIZE);
    }
  payload = shoal_metadata_message_write (&answer);
  say (self, self->numbers[SHOAL_EXTENDED_METADATA], payload);
}

void
shoal_link_torrent_loaded (ShoalLink *self)
{
  g_autoptr(GArray) parts = g_steal_pointer (&self->metadata_wanted);
  g_autoptr(GArray) hashes = g_steal_pointer (&self->hashes_wanted);

  for (guint i = 0; parts != NULL && shoal_link_is_live (self) && i < parts->len; i++)
    answer_metadata (self, g_array_index (parts, guint32, i));
  for (guint i = 0; hashes != NULL && shoal_link_is_live (self) && i < hashes->len; i++)
    shoal_swarm_hashes_asked (self->swarm, self, &g_array_index (hashes, ShoalHashRequest, i));
}

static gboolean
on_metadata (ShoalLink          *self,
             const ShoalMessage *message)
{
  ShoalMetadataMessage part;

  if (!shoal_metadata_message_parse (&part, message->payload, message->payload_size))
    {
      shoal_link_hang_up (self, "a malformed metadata message");
      return FALSE;
    }

  switch (part.type)
    {
    case SHOAL_METADATA_REQUEST:
      answer_metadata (self, part.part);
      break;

    case SHOAL_METADATA_DATA:
      shoal_swarm_metadata_part (self->swarm, self, part.part, part.total_size, part.data,
                                 part.data_size);
      break;

    case SHOAL_METADATA_REJECT:
      shoal_swarm_metadata_refused (self->swarm, self, part.part);
      break;

    default:
      break;
    }

  return self->state == SHOAL_LINK_LIVE;
}

static gboolean
on_donthave (ShoalLink          *self,
             const ShoalMessage *message)
{
  ShoalSwarm *swarm = self->swarm;
  guint32 piece;

  if (!shoal_donthave_parse (&piece, message->payload, message->payload_size)
      || !swarm->has_metadata || piece >= swarm->n_pieces)
    return TRUE;
  if (!shoal_link_peer_has (self, piece))
    return TRUE;

  shoal_link_uncount (self);
  if (self->has_all)
    {
      self->has_all = FALSE;
      if (self->known != NULL)
        self->known->is_seed = FALSE;
      self->bits = shoal_bitfield_new (swarm->n_pieces);
      shoal_bitfield_set_all (self->bits);
    }
  shoal_bitfield_clear (self->bits, piece);
  shoal_link_count (self);
  shoal_link_update_interest (self);

  return TRUE;
}

static gboolean
on_upload_only (ShoalLink          *self,
                const ShoalMessage *message)
{
  gboolean upload_only;

  if (shoal_upload_only_parse (&upload_only, message->payload, message->payload_size))
    self->upload_only = upload_only;

  return TRUE;
}

gboolean
shoal_link_extended (ShoalLink          *self,
                     const ShoalMessage *message)
{
  switch (message->extended)
    {
    case SHOAL_EXTENDED_HANDSHAKE:
      return on_handshake (self, message);

    case SHOAL_EXTENDED_METADATA:
      return on_metadata (self, message);

    case SHOAL_EXTENDED_DONTHAVE:
      return on_donthave (self, message);

    case SHOAL_EXTENDED_UPLOAD_ONLY:
      return on_upload_only (self, message);

    case SHOAL_EXTENDED_PEX:
      shoal_swarm_pex_came (self->swarm, self, message);
      return TRUE;

    case SHOAL_EXTENDED_HOLEPUNCH:
      shoal_swarm_punch_came (self->swarm, self, message);
      return TRUE;

    default:
      return TRUE;
    }
}
