/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All torrents of a session, in the order in which they were added. */

#include "shoal-torrent-list-private.h"

#include "shoal-torrent-private.h"

/* Ids only ever grow, so an array that is sorted by id is also in the order of adding, and a
 * look-up is a binary search. */

struct _ShoalTorrentList
{
  GObject parent_instance;

  GPtrArray *torrents;   /* of ShoalTorrent, by id */
};

enum { CHANGED, N_SIGNALS };
static guint signals[N_SIGNALS];

static void list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (ShoalTorrentList, shoal_torrent_list, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static GType
get_item_type (GListModel *model)
{
  return SHOAL_TYPE_TORRENT;
}

static guint
get_n_items (GListModel *model)
{
  return SHOAL_TORRENT_LIST (model)->torrents->len;
}

static gpointer
get_item (GListModel *model,
          guint       position)
{
  GPtrArray *torrents = SHOAL_TORRENT_LIST (model)->torrents;

  return position < torrents->len ? g_object_ref (g_ptr_array_index (torrents, position)) : NULL;
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

static void
shoal_torrent_list_finalize (GObject *object)
{
  g_ptr_array_unref (SHOAL_TORRENT_LIST (object)->torrents);
  G_OBJECT_CLASS (shoal_torrent_list_parent_class)->finalize (object);
}

static void
shoal_torrent_list_class_init (ShoalTorrentListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = shoal_torrent_list_finalize;

  signals[CHANGED] = g_signal_new ("changed", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
}

static void
shoal_torrent_list_init (ShoalTorrentList *self)
{
  self->torrents = g_ptr_array_new_with_free_func (g_object_unref);
}

/* Where @id is or belongs. */
static guint
position_of (ShoalTorrentList *self,
             guint64           id,
             gboolean         *found)
{
  guint low = 0;
  guint high = self->torrents->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;

      if (shoal_torrent_get_id (g_ptr_array_index (self->torrents, middle)) < id)
        low = middle + 1;
      else
        high = middle;
    }

  *found = low < self->torrents->len
           && shoal_torrent_get_id (g_ptr_array_index (self->torrents, low)) == id;
  return low;
}

static void
remove_all (ShoalTorrentList *self,
            const guint64    *ids,
            guint             n_ids)
{
  guint at = 0;
  guint n = 0;   /* that go at @at and are told together */

  for (guint i = 0; i < n_ids; i++)
    {
      gboolean found;
      guint position = position_of (self, ids[i], &found);

      if (!found)
        continue;

      /* What goes is taken out at once; of a run of neighbours the next one is then always at its
       * beginning, and what listeners see in between is right, since they are told before anything
       * else goes. */
      if (n > 0 && position != at)
        {
          g_list_model_items_changed (G_LIST_MODEL (self), at, n, 0);
          n = 0;
          position = position_of (self, ids[i], &found);
          if (!found)
            continue;
        }

      g_ptr_array_remove_index (self->torrents, position);
      at = position;
      n++;
    }

  if (n > 0)
    g_list_model_items_changed (G_LIST_MODEL (self), at, n, 0);
}

static void
add_all (ShoalTorrentList *self,
         GPtrArray        *added)
{
  guint at = 0;
  guint n = 0;

  for (guint i = 0; i < added->len; i++)
    {
      ShoalTorrent *torrent = g_ptr_array_index (added, i);
      gboolean found;
      guint position = position_of (self, shoal_torrent_get_id (torrent), &found);

      /* Twice in one snapshot: the first stands. */
      if (found)
        continue;

      if (n > 0 && position != at + n)
        {
          g_list_model_items_changed (G_LIST_MODEL (self), at, 0, n);
          n = 0;
          position = position_of (self, shoal_torrent_get_id (torrent), &found);
        }

      g_ptr_array_insert (self->torrents, (int) position, g_object_ref (torrent));
      at = n == 0 ? position : at;
      n++;
    }

  if (n > 0)
    g_list_model_items_changed (G_LIST_MODEL (self), at, 0, n);
}

ShoalTorrentList *
shoal_torrent_list_new (void)
{
  return g_object_new (SHOAL_TYPE_TORRENT_LIST, NULL);
}

ShoalTorrent *
shoal_torrent_list_lookup (ShoalTorrentList *self,
                           guint64           id)
{
  gboolean found;
  guint position;

  g_return_val_if_fail (SHOAL_IS_TORRENT_LIST (self), NULL);

  position = position_of (self, id, &found);
  return found ? g_ptr_array_index (self->torrents, position) : NULL;
}

void
shoal_torrent_list_apply (ShoalTorrentList    *self,
                          const ShoalSnapshot *snapshot)
{
  g_autoptr(GPtrArray) added = g_ptr_array_new_with_free_func (g_object_unref);
  ShoalTorrentChange change = SHOAL_TORRENT_CHANGE_NONE;

  g_return_if_fail (SHOAL_IS_TORRENT_LIST (self));

  remove_all (self, snapshot->removed, snapshot->n_removed);

  for (guint i = 0; i < snapshot->n_torrents; i++)
    {
      ShoalTorrent *torrent = shoal_torrent_list_lookup (self, snapshot->torrents[i].id);

      if (torrent != NULL)
        change |= shoal_torrent_apply (torrent, &snapshot->torrents[i]);
      else
        g_ptr_array_add (added, shoal_torrent_new (&snapshot->torrents[i]));
    }

  add_all (self, added);

  if (change != SHOAL_TORRENT_CHANGE_NONE)
    g_signal_emit (self, signals[CHANGED], 0, change);
}

void
shoal_torrent_list_apply_state (ShoalTorrentList  *self,
                                guint64            id,
                                ShoalTorrentState  state,
                                ShoalReason        reason,
                                const char        *detail)
{
  ShoalTorrent *torrent = shoal_torrent_list_lookup (self, id);
  ShoalTorrentChange change;

  if (torrent == NULL)
    return;

  change = shoal_torrent_apply_state (torrent, state, reason, detail);
  if (change != SHOAL_TORRENT_CHANGE_NONE)
    g_signal_emit (self, signals[CHANGED], 0, change);
}

void
shoal_torrent_list_remove (ShoalTorrentList *self,
                           guint64           id)
{
  g_return_if_fail (SHOAL_IS_TORRENT_LIST (self));

  remove_all (self, &id, 1);
}
