/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peer exchange (ut_pex, BEP 11): who joined and who left, with flags. */

/* Six strings in a dictionary: for each family the compact addresses that were added, a byte of
 * flags for each of them, and those that were dropped. Pure functions, any thread. */

#include "shoal-pex.h"
#include "shoal-bencode.h"

static const struct
{
  ShoalFamily family;
  gsize       size;
  const char *added;
  const char *flags;
  const char *dropped;
} lists[] = {
  { SHOAL_FAMILY_IPV4, 6, "added", "added.f", "dropped" },
  { SHOAL_FAMILY_IPV6, 18, "added6", "added6.f", "dropped6" },
};

/* FALSE: not a whole number of addresses. */
static gboolean
read_list (ShoalBencodeNode  root,
           guint             list,
           const char       *key,
           const char       *flags_key,
           ShoalPexPeer     *peers,
           guint            *n_peers,
           gboolean         *excess)
{
  gsize size = 0, n_flags = 0;
  const guint8 *bytes = shoal_bencode_bytes (shoal_bencode_get (root, key), &size);
  const guint8 *flags = flags_key != NULL
                          ? shoal_bencode_bytes (shoal_bencode_get (root, flags_key), &n_flags)
                          : NULL;
  gsize n;

  if (bytes == NULL)
    return TRUE;
  if (size % lists[list].size != 0)
    return FALSE;
  n = size / lists[list].size;
  if (n > SHOAL_PEX_READ_MAX)
    {
      *excess = TRUE;
      n = SHOAL_PEX_READ_MAX;
    }
  for (gsize i = 0; i < n; i++)
    {
      ShoalPexPeer *peer = &peers[(*n_peers)++];

      shoal_addr_from_compact (&peer->addr, lists[list].family, bytes + i * lists[list].size);
      peer->flags = flags != NULL && i < n_flags ? flags[i] : 0;
    }

  return TRUE;
}

gboolean
shoal_pex_parse (ShoalPexMessage *out,
                 const guint8    *payload,
                 gsize            size)
{
  g_autoptr (ShoalBencode) doc = NULL;
  ShoalBencodeNode root;
  gsize used;

  out->n_added = out->n_dropped = 0;
  out->excess = FALSE;
  doc = shoal_bencode_parse (payload, size, &used, NULL);
  if (doc == NULL)
    return FALSE;
  root = shoal_bencode_root (doc);
  if (shoal_bencode_type (root) != SHOAL_BENCODE_DICT)
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    if (!read_list (root, i, lists[i].added, lists[i].flags, out->added, &out->n_added,
                    &out->excess)
        || !read_list (root, i, lists[i].dropped, NULL, out->dropped, &out->n_dropped,
                       &out->excess))
      return FALSE;

  return TRUE;
}

static void
write_addrs (ShoalWriter        *out,
             const char         *key,
             guint               list,
             const ShoalPexPeer *peers,
             guint               n)
{
  g_auto (ShoalWriter) bytes = { 0 };

  for (guint i = 0; i < n; i++)
    if (peers[i].addr.family == lists[list].family)
      shoal_addr_to_compact (&peers[i].addr, shoal_writer_space (&bytes, lists[list].size));
  shoal_bencode_write_text (out, key);
  shoal_bencode_write_bytes (out, bytes.data, bytes.size);
}

static void
write_flags (ShoalWriter        *out,
             guint               list,
             const ShoalPexPeer *peers,
             guint               n)
{
  g_auto (ShoalWriter) bytes = { 0 };

  for (guint i = 0; i < n; i++)
    if (peers[i].addr.family == lists[list].family)
      shoal_writer_u8 (&bytes, peers[i].flags);
  shoal_bencode_write_text (out, lists[list].flags);
  shoal_bencode_write_bytes (out, bytes.data, bytes.size);
}

GBytes *
shoal_pex_write (const ShoalPexMessage *self)
{
  g_auto (ShoalWriter) out = { 0 };

  g_return_val_if_fail (self != NULL && self->n_added <= SHOAL_PEX_LIST_MAX
                          && self->n_dropped <= SHOAL_PEX_LIST_MAX,
                        NULL);

  shoal_bencode_write_begin (&out, SHOAL_BENCODE_DICT);
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    {
      write_addrs (&out, lists[i].added, i, self->added, self->n_added);
      write_flags (&out, i, self->added, self->n_added);
    }
  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    write_addrs (&out, lists[i].dropped, i, self->dropped, self->n_dropped);
  shoal_bencode_write_end (&out);

  return shoal_writer_steal (&out);
}
