/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Local service discovery (BEP 14): who in the local network has the same torrents. */

/* Entries stand in a ring in the order in which they are due: a new one in front, one that was
 * announced at the end. A message takes as many as it holds, and messages keep a distance, so that
 * thousands of torrents take their turns and none is announced more than once in five minutes.
 * Engine thread. */

#include "shoal-lsd.h"

struct _ShoalLsd
{
  ShoalTimers       *timers;
  const ShoalLsdOps *ops;
  gpointer           owner;
  ShoalTimer         timer;
  ShoalNode          entries;
  guint16            port;
  gint64             sent_us;
  guint              n_heard;      /* announces of others that may come now */
  gint64             heard_us;
  char               cookie[17];
};

static void on_timer (gpointer owner, gint64 now_us);

ShoalLsd *
shoal_lsd_new (ShoalTimers       *timers,
               ShoalRng          *rng,
               const ShoalLsdOps *ops,
               gpointer           owner)
{
  ShoalLsd *self = g_new0 (ShoalLsd, 1);

  self->timers = timers;
  self->ops = ops;
  self->owner = owner;
  self->sent_us = -SHOAL_LSD_GAP_US;
  self->n_heard = SHOAL_LSD_HEARD_BURST;
  shoal_node_init (&self->entries);
  shoal_timer_init (&self->timer, on_timer, self);
  g_snprintf (self->cookie, sizeof self->cookie, "%08x%08x", shoal_rng_below (rng, G_MAXUINT32),
              shoal_rng_below (rng, G_MAXUINT32));

  return self;
}

void
shoal_lsd_free (ShoalLsd *self)
{
  if (self == NULL)
    return;

  g_assert (!shoal_node_is_linked (&self->entries));
  shoal_timers_disarm (self->timers, &self->timer);
  g_free (self);
}

static void
arm (ShoalLsd *self)
{
  gint64 at_us;

  shoal_timers_disarm (self->timers, &self->timer);
  if (self->port == 0 || !shoal_node_is_linked (&self->entries))
    return;
  at_us = SHOAL_NODE_OWNER (self->entries.next, ShoalLsdEntry, node)->due_us;
  shoal_timers_arm (self->timers, &self->timer, MAX (at_us, self->sent_us + SHOAL_LSD_GAP_US));
}

static void
say (ShoalLsd              *self,
     const ShoalLsdMessage *message)
{
  static const ShoalFamily families[] = { SHOAL_FAMILY_IPV4, SHOAL_FAMILY_IPV6 };

  for (guint i = 0; i < G_N_ELEMENTS (families); i++)
    {
      g_autoptr(GBytes) bytes = shoal_lsd_message_write (message, families[i]);
      gsize size;
      const guint8 *data = g_bytes_get_data (bytes, &size);

      self->ops->send (self->owner, families[i], data, size);
    }
}

static void
on_timer (gpointer owner,
          gint64   now_us)
{
  ShoalLsd *self = owner;
  ShoalLsdMessage message = { .port = self->port };

  g_strlcpy (message.cookie, self->cookie, sizeof message.cookie);
  while (shoal_node_is_linked (&self->entries))
    {
      ShoalLsdEntry *entry = SHOAL_NODE_OWNER (self->entries.next, ShoalLsdEntry, node);

      if (entry->due_us > now_us || message.n_hashes + entry->n_keys > SHOAL_LSD_HASHES_MAX)
        break;
      for (guint i = 0; i < entry->n_keys; i++)
        message.hashes[message.n_hashes++] = entry->keys[i];
      entry->due_us = now_us + SHOAL_LSD_INTERVAL_US;
      shoal_node_append (&self->entries, &entry->node);
    }
  if (message.n_hashes > 0)
    {
      self->sent_us = now_us;
      say (self, &message);
    }
  arm (self);
}

void
shoal_lsd_set_port (ShoalLsd *self,
                    guint16   port,
                    gint64    now_us)
{
  if (self->port == port)
    return;

  self->port = port;
  /* Others have to hear of the new one. */
  SHOAL_NODE_FOREACH (node, &self->entries)
    SHOAL_NODE_OWNER (node, ShoalLsdEntry, node)->due_us = now_us;
  arm (self);
}

void
shoal_lsd_add (ShoalLsd        *self,
               ShoalLsdEntry   *entry,
               const ShoalSha1 *keys,
               guint            n_keys,
               gint64           now_us)
{
  gboolean fresh = entry->n_keys != n_keys;
  ShoalNode *before;

  entry->keys = keys;
  entry->n_keys = n_keys;
  if (shoal_node_is_linked (&entry->node) && !fresh)
    return;
  /* Paused and started again within the five minutes: the rest of them still counts. */
  if (fresh || entry->due_us < now_us + SHOAL_LSD_FIRST_US)
    entry->due_us = now_us + SHOAL_LSD_FIRST_US;
  shoal_node_unlink (&entry->node);
  before = self->entries.prev;
  while (before != &self->entries
         && SHOAL_NODE_OWNER (before, ShoalLsdEntry, node)->due_us > entry->due_us)
    before = before->prev;
  shoal_node_append (before->next, &entry->node);
  arm (self);
}

void
shoal_lsd_remove (ShoalLsd      *self,
                  ShoalLsdEntry *entry)
{
  if (!shoal_node_is_linked (&entry->node))
    return;

  shoal_node_unlink (&entry->node);
  arm (self);
}

/* Whether one more may be looked at: somebody on this network may say as much as it likes, at
 * little cost. */
static gboolean
may_hear (ShoalLsd *self,
          gint64    now_us)
{
  gint64 n = (now_us - self->heard_us) / SHOAL_LSD_HEARD_US;

  if (n > 0)
    {
      self->n_heard = (guint) MIN ((gint64) self->n_heard + n, (gint64) SHOAL_LSD_HEARD_BURST);
      self->heard_us = now_us;
    }
  if (self->n_heard == 0)
    return FALSE;
  self->n_heard--;

  return TRUE;
}

void
shoal_lsd_heard (ShoalLsd        *self,
                 const ShoalAddr *from,
                 const guint8    *data,
                 gsize            size,
                 gint64           now_us)
{
  ShoalLsdMessage message;
  ShoalAddr peer = *from;

  if (!shoal_addr_is_local (from) || !may_hear (self, now_us)
      || !shoal_lsd_message_parse (&message, data, size)
      || g_str_equal (message.cookie, self->cookie))
    return;
  peer.port = message.port;
  for (guint i = 0; i < message.n_hashes; i++)
    self->ops->found (self->owner, &message.hashes[i], &peer);
}
