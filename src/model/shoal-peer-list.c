/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The connected peers of the torrent on show. */

#include "shoal-peer-private.h"

/* Whoever is gone is taken out in place, whoever is new comes to the end: one scan, and signals
 * only for what moved. */

struct _ShoalPeerList
{
  GObject parent_instance;

  GPtrArray  *peers;        /* of ShoalPeer (owned) */
  GHashTable *by_address;   /* address inside a peer to that peer */
};

static GType
shoal_peer_list_get_item_type (GListModel *model)
{
  return SHOAL_TYPE_PEER;
}

static guint
shoal_peer_list_get_n_items (GListModel *model)
{
  return SHOAL_PEER_LIST (model)->peers->len;
}

static gpointer
shoal_peer_list_get_item (GListModel *model,
                          guint       position)
{
  ShoalPeerList *self = SHOAL_PEER_LIST (model);

  return position < self->peers->len ? g_object_ref (g_ptr_array_index (self->peers, position))
                                     : NULL;
}

static void
list_model_init (GListModelInterface *interface)
{
  interface->get_item_type = shoal_peer_list_get_item_type;
  interface->get_n_items = shoal_peer_list_get_n_items;
  interface->get_item = shoal_peer_list_get_item;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (ShoalPeerList, shoal_peer_list, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static void
shoal_peer_list_finalize (GObject *object)
{
  ShoalPeerList *self = SHOAL_PEER_LIST (object);

  g_hash_table_unref (self->by_address);
  g_ptr_array_unref (self->peers);
  G_OBJECT_CLASS (shoal_peer_list_parent_class)->finalize (object);
}

static void
shoal_peer_list_class_init (ShoalPeerListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = shoal_peer_list_finalize;
}

static void
shoal_peer_list_init (ShoalPeerList *self)
{
  self->peers = g_ptr_array_new_with_free_func (g_object_unref);
  self->by_address = g_hash_table_new (g_str_hash, g_str_equal);
}

ShoalPeerList *
shoal_peer_list_new (void)
{
  return g_object_new (SHOAL_TYPE_PEER_LIST, NULL);
}

ShoalPeer *
shoal_peer_list_lookup (ShoalPeerList *self,
                        const char    *address)
{
  g_return_val_if_fail (SHOAL_IS_PEER_LIST (self) && address != NULL, NULL);

  return g_hash_table_lookup (self->by_address, address);
}

static void
drop_absent (ShoalPeerList        *self,
             const ShoalPeerStats *peers,
             guint                 n)
{
  g_autoptr(GHashTable) present = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < n; i++)
    g_hash_table_add (present, (gpointer) peers[i].address);

  for (guint i = self->peers->len; i > 0; i--)
    {
      ShoalPeer *peer = g_ptr_array_index (self->peers, i - 1);

      if (g_hash_table_contains (present, shoal_peer_get_address (peer)))
        continue;
      g_hash_table_remove (self->by_address, shoal_peer_get_address (peer));
      g_ptr_array_remove_index (self->peers, i - 1);
      g_list_model_items_changed (G_LIST_MODEL (self), i - 1, 1, 0);
    }
}

void
shoal_peer_list_apply (ShoalPeerList        *self,
                       const ShoalPeerStats *peers,
                       guint                 n)
{
  guint first;

  drop_absent (self, peers, n);

  first = self->peers->len;
  for (guint i = 0; i < n; i++)
    {
      ShoalPeer *peer = g_hash_table_lookup (self->by_address, peers[i].address);

      if (peer != NULL)
        {
          shoal_peer_apply (peer, &peers[i]);
          continue;
        }
      peer = shoal_peer_new (&peers[i]);
      g_ptr_array_add (self->peers, peer);
      g_hash_table_insert (self->by_address, (gpointer) shoal_peer_get_address (peer), peer);
    }
  if (self->peers->len > first)
    g_list_model_items_changed (G_LIST_MODEL (self), first, 0, self->peers->len - first);
}
