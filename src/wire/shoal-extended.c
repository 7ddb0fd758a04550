/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Extension messages: handshake (BEP 10), ut_metadata (BEP 9), lt_donthave (BEP 54), upload_only
 * (BEP 21). */

/* A field that is missing, of another type or out of its range counts as not said: peers say many
 * odd things in their handshakes, and none of them is a reason to part. Only what is no dictionary
 * at all is malformed. Pure functions, any thread. */

#include "shoal-extended.h"
#include "shoal-bencode.h"
#include "shoal-reader.h"
#include "shoal-safe-text.h"

#define METADATA_PARTS_MAX (SHOAL_METADATA_SIZE_MAX / SHOAL_METADATA_PART_SIZE)

/* In the order of their names, as a dictionary wants them. */
static const struct
{
  const char      *name;
  ShoalExtendedId  id;
} extensions[] = {
  { "lt_donthave", SHOAL_EXTENDED_DONTHAVE },
  { "upload_only", SHOAL_EXTENDED_UPLOAD_ONLY },
  { "ut_holepunch", SHOAL_EXTENDED_HOLEPUNCH },
  { "ut_metadata", SHOAL_EXTENDED_METADATA },
  { "ut_pex", SHOAL_EXTENDED_PEX },
};

/* The integer @key of @dict where it lies in [@min, @max], else @otherwise. */
static gint64
int_in_range (ShoalBencodeNode  dict,
              const char       *key,
              gint64            min,
              gint64            max,
              gint64            otherwise)
{
  gint64 value = shoal_bencode_int (shoal_bencode_get (dict, key), otherwise);

  return value >= min && value <= max ? value : otherwise;
}

gboolean
shoal_extended_handshake_parse (ShoalExtendedHandshake *out,
                                const guint8           *payload,
                                gsize                   size)
{
  g_autoptr (ShoalBencode) doc = NULL;
  ShoalBencodeNode root;
  ShoalBencodeNode numbers;
  const guint8 *bytes;
  gsize used;
  gsize n_bytes;

  *out = (ShoalExtendedHandshake){ .upload_only = -1 };
  /* Some clients put bytes behind the dictionary. */
  doc = shoal_bencode_parse (payload, size, &used, NULL);
  if (doc == NULL)
    return FALSE;
  root = shoal_bencode_root (doc);
  if (shoal_bencode_type (root) != SHOAL_BENCODE_DICT)
    return FALSE;

  numbers = shoal_bencode_get (root, "m");
  for (guint i = 0; i < G_N_ELEMENTS (extensions); i++)
    {
      ShoalBencodeNode number = shoal_bencode_get (numbers, extensions[i].name);

      out->has[extensions[i].id] = shoal_bencode_type (number) == SHOAL_BENCODE_INT;
      out->numbers[extensions[i].id] = (guint8) int_in_range (numbers, extensions[i].name, 0,
                                                              G_MAXUINT8, 0);
    }

  out->port = (guint16) int_in_range (root, "p", 0, G_MAXUINT16, 0);
  out->reqq = (guint32) int_in_range (root, "reqq", 0, G_MAXINT32, 0);
  out->metadata_size = (guint32) int_in_range (root, "metadata_size", 0, SHOAL_METADATA_SIZE_MAX,
                                               0);
  if (shoal_bencode_type (shoal_bencode_get (root, "upload_only")) == SHOAL_BENCODE_INT)
    out->upload_only = shoal_bencode_int (shoal_bencode_get (root, "upload_only"), 0) != 0;

  bytes = shoal_bencode_bytes (shoal_bencode_get (root, "v"), &n_bytes);
  if (bytes != NULL)
    out->client = shoal_safe_text (bytes, n_bytes, SHOAL_CLIENT_NAME_MAX);
  bytes = shoal_bencode_bytes (shoal_bencode_get (root, "yourip"), &n_bytes);
  if (bytes != NULL && n_bytes == 4)
    out->your_ip = shoal_addr_make (SHOAL_FAMILY_IPV4, bytes, 0);
  else if (bytes != NULL && n_bytes == 16)
    out->your_ip = shoal_addr_make (SHOAL_FAMILY_IPV6, bytes, 0);

  return TRUE;
}

static void
write_int (ShoalWriter *out,
           const char  *key,
           gint64       value)
{
  shoal_bencode_write_text (out, key);
  shoal_bencode_write_int (out, value);
}

GBytes *
shoal_extended_handshake_write (const ShoalExtendedHandshake *self)
{
  g_auto (ShoalWriter) out = { 0 };

  g_return_val_if_fail (self != NULL, NULL);

  shoal_bencode_write_begin (&out, SHOAL_BENCODE_DICT);
  shoal_bencode_write_text (&out, "m");
  shoal_bencode_write_begin (&out, SHOAL_BENCODE_DICT);
  for (guint i = 0; i < G_N_ELEMENTS (extensions); i++)
    if (self->has[extensions[i].id])
      write_int (&out, extensions[i].name, self->numbers[extensions[i].id]);
  shoal_bencode_write_end (&out);
  if (self->metadata_size != 0)
    write_int (&out, "metadata_size", self->metadata_size);
  if (self->port != 0)
    write_int (&out, "p", self->port);
  if (self->reqq != 0)
    write_int (&out, "reqq", self->reqq);
  if (self->upload_only >= 0)
    write_int (&out, "upload_only", self->upload_only);
  if (self->client != NULL)
    {
      shoal_bencode_write_text (&out, "v");
      shoal_bencode_write_text (&out, self->client);
    }
  if (self->your_ip.family != SHOAL_FAMILY_NONE)
    {
      shoal_bencode_write_text (&out, "yourip");
      shoal_bencode_write_bytes (&out, self->your_ip.ip,
                                 self->your_ip.family == SHOAL_FAMILY_IPV4 ? 4 : 16);
    }
  shoal_bencode_write_end (&out);

  return shoal_writer_steal (&out);
}

void
shoal_extended_handshake_clear (ShoalExtendedHandshake *self)
{
  g_return_if_fail (self != NULL);

  g_clear_pointer (&self->client, g_free);
}

/* Whether the data is as large as its part must be. */
static gboolean
has_right_size (const ShoalMetadataMessage *self)
{
  guint64 begin = (guint64) self->part * SHOAL_METADATA_PART_SIZE;

  if (self->total_size == 0)
    return self->data_size > 0 && self->data_size <= SHOAL_METADATA_PART_SIZE;

  return begin < self->total_size
         && self->data_size == MIN (SHOAL_METADATA_PART_SIZE, self->total_size - begin);
}

gboolean
shoal_metadata_message_parse (ShoalMetadataMessage *out,
                              const guint8         *payload,
                              gsize                 size)
{
  g_autoptr (ShoalBencode) doc = NULL;
  ShoalBencodeNode root;
  gint64 type;
  gint64 part;
  gsize used;

  *out = (ShoalMetadataMessage){ 0 };
  doc = shoal_bencode_parse (payload, size, &used, NULL);
  if (doc == NULL)
    return FALSE;
  root = shoal_bencode_root (doc);
  type = shoal_bencode_int (shoal_bencode_get (root, "msg_type"), -1);
  if (type < 0)
    return FALSE;
  if (type > SHOAL_METADATA_REJECT)
    {
      out->type = SHOAL_METADATA_OTHER;
      return TRUE;
    }

  part = int_in_range (root, "piece", 0, METADATA_PARTS_MAX - 1, -1);
  if (part < 0)
    return FALSE;
  out->type = (ShoalMetadataType) type;
  out->part = (guint32) part;
  if (out->type != SHOAL_METADATA_DATA)
    return TRUE;

  out->total_size = (guint32) int_in_range (root, "total_size", 0, SHOAL_METADATA_SIZE_MAX, 0);
  out->data = payload + used;
  out->data_size = size - used;

  return has_right_size (out);
}

GBytes *
shoal_metadata_message_write (const ShoalMetadataMessage *self)
{
  g_auto (ShoalWriter) out = { 0 };

  g_return_val_if_fail (self != NULL, NULL);

  shoal_bencode_write_begin (&out, SHOAL_BENCODE_DICT);
  write_int (&out, "msg_type", self->type);
  write_int (&out, "piece", self->part);
  if (self->type == SHOAL_METADATA_DATA)
    write_int (&out, "total_size", self->total_size);
  shoal_bencode_write_end (&out);
  if (self->type == SHOAL_METADATA_DATA)
    shoal_writer_bytes (&out, self->data, self->data_size);

  return shoal_writer_steal (&out);
}

gboolean
shoal_donthave_parse (guint32      *piece,
                      const guint8 *payload,
                      gsize         size)
{
  ShoalReader reader = shoal_reader (payload, size);

  *piece = shoal_reader_u32 (&reader);

  return shoal_reader_done (&reader);
}

gboolean
shoal_upload_only_parse (gboolean     *upload_only,
                         const guint8 *payload,
                         gsize         size)
{
  ShoalReader reader = shoal_reader (payload, size);

  *upload_only = shoal_reader_u8 (&reader) != 0;

  return shoal_reader_done (&reader);
}
