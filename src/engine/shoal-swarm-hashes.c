/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Piece layers of BEP 52: asked of peers after a magnet link's info dictionary, and given to peers
 * that ask. */

/*
 * A layer comes from one peer at a time, in chunks, several layers from several peers at once. The
 * whole is compared with the file's root: who sent a wrong one is known and banned. A layer whose
 * peer goes, refuses or is too slow begins anew with another.
 */

#include "shoal-link-private.h"

#include <string.h>

#include "shoal-hashes.h"
#include "shoal-merkle.h"

#define ASKED_MAX        8u                         /* chunks that one peer is asked for at once */
#define ANSWER_TIMEOUT_US (10 * G_USEC_PER_SEC)
#define LAYER_OVERHEAD   64u                        /* bytes beside its hashes that a layer takes in
                                                     * a .torrent, at most */

typedef enum
{
  CHUNK_WANTED,
  CHUNK_ASKED,
  CHUNK_HAD,
} ChunkState;

/* One layer on its way. */
typedef struct
{
  ShoalSha256 root;
  guint32     n;             /* hashes */
  guint32     n_chunks;
  guint32     next;          /* first chunk that was not asked for */
  guint32     n_asked;
  guint32     n_chunks_had;
  guint32     n_had;         /* hashes */
  guint8     *hashes;        /* (nullable): NULL: nobody was asked yet */
  guint8     *chunks;        /* of ChunkState */
  ShoalLink  *link;          /* who is asked; NULL: nobody */
  gint64      heard_us;      /* it was asked, or last answered */
} LayerFetch;

struct _ShoalLayersFetch
{
  ShoalMetainfo *metainfo;   /* without layers */
  guint          level;
  LayerFetch    *layers;     /* each root once */
  guint32        n_layers;
  guint32        n_done;
  GQueue         waiting;    /* of indices */
  GPtrArray     *active;     /* of LayerFetch: somebody is asked */
  guint64        n_hashes;
  guint64        n_had;
  gboolean       later;      /* the torrent is used already: its v1 hashes are enough for that */
};

static void
reset_layer (ShoalLayersFetch *self,
             LayerFetch       *layer)
{
  self->n_had -= layer->n_had;
  layer->next = layer->n_asked = layer->n_chunks_had = layer->n_had = 0;
  layer->link = NULL;
  g_clear_pointer (&layer->hashes, g_free);
  g_clear_pointer (&layer->chunks, g_free);
}

static void
fetch_free (ShoalLayersFetch *self)
{
  for (guint32 i = 0; i < self->n_layers; i++)
    reset_layer (self, &self->layers[i]);
  g_queue_clear (&self->waiting);
  g_ptr_array_unref (self->active);
  shoal_metainfo_unref (self->metainfo);
  g_free (self->layers);
  g_free (self);
}

void
shoal_swarm_layers_clear (ShoalSwarm *self)
{
  g_clear_pointer (&self->layers, fetch_free);
}

double
shoal_swarm_layers_progress (const ShoalSwarm *self)
{
  guint64 info_size = self->layers->metainfo->info_size;

  return (double) (info_size + self->layers->n_had * SHOAL_SHA256_SIZE)
         / (double) (info_size + self->layers->n_hashes * SHOAL_SHA256_SIZE);
}

/* --- Asking --- */

/* One that goes by the v1 hash of a hybrid knows nothing of hashes (libtorrent hangs up). */
gboolean
shoal_swarm_can_give_hashes (ShoalSwarm *self,
                             ShoalLink  *link)
{
  return shoal_link_is_live (link) && link->hashes_after_us <= shoal_swarm_now (self)
         && shoal_swarm_is_v2_key (self, &link->key);
}

/* Short at the end of a layer, and there even where the hashes are fewer. */
static guint32
chunk_length (const LayerFetch *layer,
              guint32           chunk)
{
  guint32 left = layer->n - chunk * SHOAL_HASHES_ASK_MAX;

  return (guint32) CLAMP (shoal_merkle_round_up (left), 2, SHOAL_HASHES_ASK_MAX);
}

static ShoalHashRequest
chunk_request (const ShoalLayersFetch *self,
               const LayerFetch       *layer,
               guint32                 chunk)
{
  return (ShoalHashRequest){
    .root = layer->root,
    .base = self->level,
    .index = chunk * SHOAL_HASHES_ASK_MAX,
    .length = chunk_length (layer, chunk),
  };
}

static guint
ask_chunks (ShoalSwarm *self,
            LayerFetch *layer,
            guint       max)
{
  guint n = 0;

  for (; n < max && layer->next < layer->n_chunks; n++)
    {
      ShoalHashRequest request = chunk_request (self->layers, layer, layer->next);

      /* The time runs from when nothing was waited for. */
      if (layer->n_asked++ == 0)
        layer->heard_us = shoal_swarm_now (self);
      layer->chunks[layer->next++] = CHUNK_ASKED;
      shoal_link_say_hashes (layer->link, SHOAL_MESSAGE_HASH_REQUEST, &request);
    }

  return n;
}

static void
ask (ShoalSwarm *self,
     ShoalLink  *link)
{
  ShoalLayersFetch *fetch = self->layers;
  guint n_asked = 0;

  for (guint i = 0; i < fetch->active->len; i++)
    {
      LayerFetch *layer = g_ptr_array_index (fetch->active, i);

      n_asked += layer->link == link ? layer->n_asked : 0;
    }
  for (guint i = 0; i < fetch->active->len && n_asked < ASKED_MAX; i++)
    {
      LayerFetch *layer = g_ptr_array_index (fetch->active, i);

      if (layer->link == link)
        n_asked += ask_chunks (self, layer, ASKED_MAX - n_asked);
    }
  while (n_asked < ASKED_MAX && !g_queue_is_empty (&fetch->waiting))
    {
      LayerFetch *layer = &fetch->layers[GPOINTER_TO_UINT (g_queue_pop_head (&fetch->waiting))];

      layer->link = link;
      layer->hashes = g_malloc ((gsize) layer->n * SHOAL_SHA256_SIZE);
      layer->chunks = g_malloc0 (layer->n_chunks);
      g_ptr_array_add (fetch->active, layer);
      n_asked += ask_chunks (self, layer, ASKED_MAX - n_asked);
    }
}

/* The layers that the peer was asked for are others' business now. */
static gboolean
release (ShoalSwarm *self,
         ShoalLink  *link)
{
  ShoalLayersFetch *fetch = self->layers;
  gboolean any = FALSE;

  for (guint i = fetch->active->len; i > 0; i--)
    {
      LayerFetch *layer = g_ptr_array_index (fetch->active, i - 1);

      if (layer->link != link)
        continue;
      reset_layer (fetch, layer);
      g_ptr_array_remove_index (fetch->active, i - 1);
      g_queue_push_head (&fetch->waiting, GUINT_TO_POINTER ((guint) (layer - fetch->layers)));
      any = TRUE;
    }

  return any;
}

static void
rest_link (ShoalSwarm *self,
           ShoalLink  *link)
{
  link->hashes_after_us = shoal_swarm_now (self) + SHOAL_METADATA_REST_US;
  release (self, link);
}

static ShoalLink *
find_late (ShoalSwarm *self)
{
  for (guint i = 0; i < self->layers->active->len; i++)
    {
      LayerFetch *layer = g_ptr_array_index (self->layers->active, i);

      if (layer->n_asked > 0 && layer->heard_us + ANSWER_TIMEOUT_US < shoal_swarm_now (self))
        return layer->link;
    }

  return NULL;
}

void
shoal_swarm_layers_pump (ShoalSwarm *self)
{
  ShoalLink *late;
  guint n_links = 0;

  while ((late = find_late (self)) != NULL)
    rest_link (self, late);
  SHOAL_NODE_FOREACH (node, &self->links)
    {
      ShoalLink *link = SHOAL_NODE_OWNER (node, ShoalLink, swarm_node);

      if (!shoal_swarm_can_give_hashes (self, link))
        continue;
      ask (self, link);
      if (++n_links == SHOAL_METADATA_LINKS)
        return;
    }
}

static gboolean
needs_layer (const ShoalMetainfo *metainfo,
             guint32              file)
{
  return metainfo->files[file].has_root
         && metainfo->files[file].size > metainfo->layout->piece_size;
}

void
shoal_swarm_layers_begin (ShoalSwarm    *self,
                          ShoalMetainfo *metainfo)
{
  ShoalLayersFetch *fetch = g_new0 (ShoalLayersFetch, 1);
  g_autoptr(GHashTable) seen = g_hash_table_new (g_bytes_hash, g_bytes_equal);
  g_autoptr(GPtrArray) roots = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  guint64 size = metainfo->info_size;

  fetch->metainfo = metainfo;
  fetch->later = self->has_metadata;
  fetch->level = shoal_hashes_piece_level (metainfo);
  fetch->layers = g_new0 (LayerFetch, metainfo->layout->n_files);
  fetch->active = g_ptr_array_new ();
  g_queue_init (&fetch->waiting);
  for (guint32 i = 0; i < metainfo->layout->n_files; i++)
    {
      const ShoalMetainfoFile *file = &metainfo->files[i];
      LayerFetch *layer = &fetch->layers[fetch->n_layers];
      GBytes *root;

      if (!needs_layer (metainfo, i))
        continue;
      root = g_bytes_new_static (file->root.bytes, sizeof file->root.bytes);
      g_ptr_array_add (roots, root);
      if (!g_hash_table_add (seen, root))
        continue;
      layer->root = file->root;
      layer->n = (guint32) ((file->size - 1) / metainfo->layout->piece_size + 1);
      layer->n_chunks = (layer->n - 1) / SHOAL_HASHES_ASK_MAX + 1;
      fetch->n_hashes += layer->n;
      size += (guint64) layer->n * SHOAL_SHA256_SIZE + LAYER_OVERHEAD;
      g_queue_push_tail (&fetch->waiting, GUINT_TO_POINTER (fetch->n_layers++));
    }
  shoal_swarm_layers_clear (self);
  self->layers = fetch;
  if (fetch->later)
    {
      shoal_swarm_layers_pump (self);
      return;
    }
  if (size > SHOAL_TORRENT_SIZE_MAX)
    {
      shoal_swarm_fail (self, SHOAL_REASON_BAD_METADATA,
                        "the hashes of its pieces are over 64 MiB");
      return;
    }
  shoal_swarm_changed (self);
  shoal_swarm_layers_pump (self);
}

/* --- Answers --- */

/* What uses the torrent without the layers goes on with it; hashes are given, and the .torrent is
 * kept, with them. */
static void
take_later (ShoalSwarm    *self,
            ShoalMetainfo *metainfo)
{
  shoal_swarm_layers_clear (self);
  if (metainfo == NULL)
    return;
  if (self->plain_metainfo == NULL)
    self->plain_metainfo = g_steal_pointer (&self->metainfo);
  g_clear_pointer (&self->metainfo, shoal_metainfo_unref);
  self->metainfo = metainfo;
  self->metainfo_kept = FALSE;
  shoal_swarm_save (self);
}

static void
finish (ShoalSwarm *self)
{
  ShoalLayersFetch *fetch = self->layers;
  g_autofree ShoalMetainfoLayer *layers = g_new (ShoalMetainfoLayer, fetch->n_layers);
  g_autoptr(GError) error = NULL;
  ShoalMetainfo *metainfo;

  for (guint32 i = 0; i < fetch->n_layers; i++)
    layers[i] = (ShoalMetainfoLayer){ fetch->layers[i].root, fetch->layers[i].hashes,
                                      fetch->layers[i].n };
  metainfo = shoal_metainfo_with_layers (fetch->metainfo, layers, fetch->n_layers, &error);
  if (fetch->later)
    {
      take_later (self, metainfo);
      return;
    }
  shoal_swarm_layers_clear (self);
  if (metainfo == NULL)
    shoal_swarm_fail (self, SHOAL_REASON_BAD_METADATA, error->message);
  else
    shoal_swarm_metadata_adopt (self, metainfo);
}

static void
layer_full (ShoalSwarm *self,
            LayerFetch *layer)
{
  ShoalLayersFetch *fetch = self->layers;
  guint number = layer->link->contributor;

  g_ptr_array_remove_fast (fetch->active, layer);
  if (shoal_merkle_check_layer (layer->hashes, layer->n, fetch->level, &layer->root))
    {
      layer->link = NULL;
      if (++fetch->n_done == fetch->n_layers)
        finish (self);
      else
        shoal_swarm_layers_pump (self);
      return;
    }

  reset_layer (fetch, layer);
  g_queue_push_head (&fetch->waiting, GUINT_TO_POINTER ((guint) (layer - fetch->layers)));
  shoal_swarm_punish (self, number, "it sent wrong hashes");
  shoal_swarm_layers_pump (self);
}

/* The chunk that @link was asked for with @request; NULL: none, or not any more. */
static LayerFetch *
find_asked (ShoalSwarm             *self,
            ShoalLink              *link,
            const ShoalHashRequest *request,
            guint32                *chunk)
{
  for (guint i = 0; self->layers != NULL && i < self->layers->active->len; i++)
    {
      LayerFetch *layer = g_ptr_array_index (self->layers->active, i);
      ShoalHashRequest own;

      if (layer->link != link || memcmp (&layer->root, &request->root, sizeof layer->root) != 0)
        continue;
      *chunk = request->index / SHOAL_HASHES_ASK_MAX;
      if (*chunk >= layer->n_chunks || layer->chunks[*chunk] != CHUNK_ASKED)
        return NULL;
      own = chunk_request (self->layers, layer, *chunk);
      return shoal_hash_request_equal (&own, request) ? layer : NULL;
    }

  return NULL;
}

void
shoal_swarm_hashes_came (ShoalSwarm             *self,
                         ShoalLink              *link,
                         const ShoalHashRequest *request,
                         const guint8           *hashes)
{
  guint32 chunk;
  LayerFetch *layer = find_asked (self, link, request, &chunk);
  guint32 n;

  if (layer == NULL)
    {
      shoal_swarm_leaves_came (self, link, request, hashes);
      return;
    }
  n = MIN (request->length, layer->n - request->index);
  memcpy (layer->hashes + (gsize) request->index * SHOAL_SHA256_SIZE, hashes,
          (gsize) n * SHOAL_SHA256_SIZE);
  layer->chunks[chunk] = CHUNK_HAD;
  layer->n_asked--;
  layer->n_chunks_had++;
  layer->n_had += n;
  layer->heard_us = shoal_swarm_now (self);
  self->layers->n_had += n;
  shoal_swarm_changed (self);
  if (layer->n_chunks_had == layer->n_chunks)
    layer_full (self, layer);
  else
    ask (self, link);
}

void
shoal_swarm_hashes_refused (ShoalSwarm             *self,
                            ShoalLink              *link,
                            const ShoalHashRequest *request)
{
  guint32 chunk;

  if (find_asked (self, link, request, &chunk) == NULL)
    {
      shoal_swarm_leaves_refused (self, link, request);
      return;
    }
  rest_link (self, link);
  shoal_swarm_layers_pump (self);
}

void
shoal_swarm_layers_gone (ShoalSwarm *self,
                         ShoalLink  *link)
{
  if (release (self, link) && (self->state == SHOAL_TORRENT_METADATA || shoal_swarm_is_live (self)))
    shoal_swarm_layers_pump (self);
}

void
shoal_swarm_layers_tick (ShoalSwarm *self)
{
  gboolean any = FALSE;

  if (self->metainfo == NULL || !self->metainfo->layers_missing
      || self->metainfo->info_size > SHOAL_TORRENT_SIZE_MAX / 2)
    return;
  if (self->layers != NULL)
    {
      shoal_swarm_layers_pump (self);
      return;
    }
  SHOAL_NODE_FOREACH (node, &self->links)
    any |= shoal_swarm_can_give_hashes (self, SHOAL_NODE_OWNER (node, ShoalLink, swarm_node));
  if (any)
    shoal_swarm_layers_begin (self, shoal_metainfo_ref (self->metainfo));
}

/* --- Giving --- */

ShoalHashes *
shoal_swarm_trees (ShoalSwarm *self)
{
  if (self->hashes == NULL || !shoal_hashes_are_of (self->hashes, self->metainfo))
    {
      g_clear_pointer (&self->hashes, shoal_hashes_free);
      self->hashes = shoal_hashes_new (self->metainfo);
    }

  return self->hashes;
}

/* TRUE: it is answered once the .torrent was read again. */
static gboolean
put_off (ShoalSwarm             *self,
         ShoalLink              *link,
         const ShoalHashRequest *request)
{
  if (self->metainfo != NULL || !self->loading)
    return FALSE;
  if (link->hashes_wanted == NULL)
    link->hashes_wanted = g_array_new (FALSE, FALSE, sizeof (ShoalHashRequest));
  if (link->hashes_wanted->len >= SHOAL_METADATA_WANTED_MAX)
    return FALSE;
  g_array_append_vals (link->hashes_wanted, request, 1);

  return TRUE;
}

void
shoal_swarm_hashes_asked (ShoalSwarm             *self,
                          ShoalLink              *link,
                          const ShoalHashRequest *request)
{
  g_autofree ShoalSha256 *hashes = NULL;
  guint n = 0;

  if (put_off (self, link, request))
    return;
  if (self->metainfo == NULL || !self->metainfo->hash.has_v2
      || !shoal_hash_request_is_sane (request)
      || shoal_outbox_size (link->outbox) >= SHOAL_HASHES_AHEAD_MAX)
    {
      shoal_link_say_hashes (link, SHOAL_MESSAGE_HASH_REJECT, request);
      return;
    }
  if (request->base == 0 && shoal_hashes_piece_level (self->metainfo) > 0)
    {
      shoal_swarm_leaves_asked (self, link, request);
      return;
    }
  hashes = g_new (ShoalSha256, shoal_hash_request_n_hashes (request));
  n = shoal_hashes_answer (shoal_swarm_trees (self), request, hashes);
  if (n == 0)
    {
      shoal_link_say_hashes (link, SHOAL_MESSAGE_HASH_REJECT, request);
      return;
    }
  shoal_link_hold_blocks (link);
  shoal_link_say_hashes (link, SHOAL_MESSAGE_HASHES, request);
  memcpy (shoal_outbox_append (link->outbox, n * sizeof *hashes), hashes, n * sizeof *hashes);
}
