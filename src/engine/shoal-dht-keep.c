/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a DHT node remembers between runs: its id and good nodes. */

/*
 * "SHOALDHT", a version, then for each family that has nodes: the family, our id, a number of 16
 * bits and so many endpoints in compact form; at the end the SHA-1 of all that. Ids of others are
 * not kept: whoever answers tells its own.
 */

#include "shoal-dht-private.h"

#include <string.h>
#include "shoal-reader.h"

#define MAGIC      "SHOALDHT"
#define MAGIC_SIZE 8u
#define VERSION    1u

GBytes *
shoal_dht_keep (const ShoalDht *self)
{
  g_auto (ShoalWriter) out = { 0 };
  const ShoalDhtEntry *good[SHOAL_DHT_KEPT_MAX];
  ShoalSha1 digest;
  guint n_all = 0;

  g_return_val_if_fail (self != NULL, NULL);

  shoal_writer_bytes (&out, MAGIC, MAGIC_SIZE);
  shoal_writer_u8 (&out, VERSION);
  for (guint i = 0; i < SHOAL_N_DHT_NODES; i++)
    {
      const ShoalDhtNode *node = self->nodes[i];
      guint n = shoal_dht_table_list (node->table, good, G_N_ELEMENTS (good));

      if (n == 0)
        continue;
      n_all += n;
      shoal_writer_u8 (&out, node->family);
      shoal_writer_bytes (&out, node->id.bytes, sizeof node->id.bytes);
      shoal_writer_u16 (&out, (guint16) n);
      for (guint j = 0; j < n; j++)
        shoal_addr_to_compact (&good[j]->addr,
                               shoal_writer_space (&out, shoal_addr_compact_size (&good[j]->addr)));
    }
  if (n_all == 0)
    return NULL;
  shoal_sha1 (out.data, out.size, &digest);
  shoal_writer_bytes (&out, digest.bytes, sizeof digest.bytes);

  return shoal_writer_steal (&out);
}

/* Reads it all; with @self it is taken too. */
static gboolean
read_kept (ShoalDht   *self,
           ShoalReader reader)
{
  const guint8 *magic = shoal_reader_bytes (&reader, MAGIC_SIZE);

  if (magic == NULL || memcmp (magic, MAGIC, MAGIC_SIZE) != 0
      || shoal_reader_u8 (&reader) != VERSION)
    return FALSE;
  while (!reader.bad && shoal_reader_left (&reader) > 0)
    {
      guint8 family = shoal_reader_u8 (&reader);
      gsize unit = family == SHOAL_FAMILY_IPV6 ? 18 : 6;
      ShoalSha1 id;
      guint n;

      if (family != SHOAL_FAMILY_IPV4 && family != SHOAL_FAMILY_IPV6)
        return FALSE;
      shoal_reader_copy (&reader, id.bytes, sizeof id.bytes);
      n = shoal_reader_u16 (&reader);
      if (reader.bad || n > SHOAL_DHT_KEPT_MAX)
        return FALSE;
      if (self != NULL)
        shoal_dht_node_set_id (self->nodes[family == SHOAL_FAMILY_IPV6], &id);
      for (guint i = 0; i < n; i++)
        {
          const guint8 *compact = shoal_reader_bytes (&reader, unit);
          ShoalAddr addr;

          if (compact == NULL)
            return FALSE;
          shoal_addr_from_compact (&addr, family, compact);
          if (self != NULL)
            shoal_dht_add_contact (self, &addr, self->now_us);
        }
    }

  return !reader.bad;
}

gboolean
shoal_dht_restore (ShoalDht     *self,
                   const guint8 *data,
                   gsize         size,
                   gint64        now_us)
{
  ShoalSha1 digest;

  g_return_val_if_fail (self != NULL, FALSE);

  if (size > SHOAL_DHT_KEPT_SIZE_MAX || size < MAGIC_SIZE + 1 + sizeof digest.bytes)
    return FALSE;
  size -= sizeof digest.bytes;
  shoal_sha1 (data, size, &digest);
  if (memcmp (digest.bytes, data + size, sizeof digest.bytes) != 0
      || !read_kept (NULL, shoal_reader (data, size)))
    return FALSE;
  shoal_dht_set_now (self, now_us);

  return read_kept (self, shoal_reader (data, size));
}
