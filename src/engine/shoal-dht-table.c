/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The routing table of a DHT node: buckets of eight, each with a cache of replacements. */

/*
 * A few hundred entries at most, so everything is found by walking: that is quicker than it looks
 * and nothing has to be kept in step. What always holds: an entry lies in the bucket that its id
 * says; no two entries have one id, nor one site unless it is local.
 */

#include "shoal-dht-table.h"

#include <string.h>

typedef struct
{
  guint         n_live;
  guint         n_spare;
  ShoalDhtEntry live[SHOAL_DHT_K];
  ShoalDhtEntry *spare;               /* (nullable): SHOAL_DHT_K of them, oldest first */
} Bucket;

struct _ShoalDhtTable
{
  ShoalSha1  self_id;
  Bucket   **buckets;
  guint      n_buckets;
};

static void
bucket_free (Bucket *bucket)
{
  g_clear_pointer (&bucket->spare, g_free);
  g_free (bucket);
}

static void
add_bucket (ShoalDhtTable *self)
{
  self->buckets = g_renew (Bucket *, self->buckets, self->n_buckets + 1);
  self->buckets[self->n_buckets++] = g_new0 (Bucket, 1);
}

ShoalDhtTable *
shoal_dht_table_new (const ShoalSha1 *self_id)
{
  ShoalDhtTable *self = g_new0 (ShoalDhtTable, 1);

  self->self_id = *self_id;
  add_bucket (self);

  return self;
}

void
shoal_dht_table_free (ShoalDhtTable *self)
{
  if (self == NULL)
    return;

  for (guint i = 0; i < self->n_buckets; i++)
    bucket_free (self->buckets[i]);
  g_free (self->buckets);
  g_free (self);
}

static guint
bucket_index (const ShoalDhtTable *self,
              const ShoalSha1     *id)
{
  return MIN (shoal_node_id_shared (&self->self_id, id), self->n_buckets - 1);
}

static gboolean
same_net (const ShoalAddr *a,
          const ShoalAddr *b)
{
  return a->family == b->family
         && memcmp (a->ip, b->ip, a->family == SHOAL_FAMILY_IPV4 ? 3 : 7) == 0;
}

/* Whether two endpoints count as one node: local ones are told apart by their ports. */
static gboolean
same_host (const ShoalAddr *a,
           const ShoalAddr *b)
{
  return shoal_addr_same_site (a, b) && (a->port == b->port || !shoal_addr_is_local (a));
}

static ShoalDhtEntry *
find_in (ShoalDhtEntry   *entries,
         guint            n,
         const ShoalAddr *addr)
{
  for (guint i = 0; i < n; i++)
    if (same_host (&entries[i].addr, addr))
      return &entries[i];

  return NULL;
}

/* The live entry of a host. */
static ShoalDhtEntry *
find_host (const ShoalDhtTable *self,
           const ShoalAddr     *addr,
           Bucket             **where)
{
  for (guint i = 0; i < self->n_buckets; i++)
    {
      ShoalDhtEntry *entry = find_in (self->buckets[i]->live, self->buckets[i]->n_live, addr);

      if (entry != NULL)
        {
          *where = self->buckets[i];
          return entry;
        }
    }

  return NULL;
}

static ShoalDhtEntry *
find_id (Bucket          *bucket,
         const ShoalSha1 *id)
{
  for (guint i = 0; i < bucket->n_live; i++)
    if (shoal_sha1_equal (&bucket->live[i].id, id))
      return &bucket->live[i];

  return NULL;
}

static void
remove_spare (Bucket        *bucket,
              ShoalDhtEntry *entry)
{
  guint index = (guint) (entry - bucket->spare);

  memmove (entry, entry + 1, (bucket->n_spare - index - 1) * sizeof *entry);
  bucket->n_spare--;
}

static void
add_spare (Bucket              *bucket,
           const ShoalDhtEntry *entry)
{
  ShoalDhtEntry *known;

  if (bucket->spare == NULL)
    bucket->spare = g_new (ShoalDhtEntry, SHOAL_DHT_K);
  known = find_in (bucket->spare, bucket->n_spare, &entry->addr);
  /* Who only asked does not push out who has answered. */
  if (known != NULL && known->seen_s > entry->seen_s)
    return;
  if (known != NULL)
    remove_spare (bucket, known);
  else if (bucket->n_spare == SHOAL_DHT_K)
    remove_spare (bucket, bucket->spare);
  bucket->spare[bucket->n_spare++] = *entry;
}

/* No host waits for a place that it has already. */
static void
forget_spares (ShoalDhtTable   *self,
               const ShoalAddr *addr)
{
  for (guint i = 0; i < self->n_buckets; i++)
    {
      Bucket *bucket = self->buckets[i];
      ShoalDhtEntry *spare = bucket->spare != NULL ? find_in (bucket->spare, bucket->n_spare, addr)
                                                   : NULL;

      if (spare != NULL)
        remove_spare (bucket, spare);
    }
}

static gboolean
net_is_full (const Bucket    *bucket,
             const ShoalAddr *addr)
{
  guint n = 0;

  if (shoal_addr_is_local (addr))
    return FALSE;
  for (guint i = 0; i < bucket->n_live; i++)
    n += same_net (&bucket->live[i].addr, addr) ? 1 : 0;

  return n >= SHOAL_DHT_SAME_NET;
}

/* Takes a live entry out; the best replacement comes in its place. */
static void
remove_live (ShoalDhtTable *self,
             Bucket        *bucket,
             ShoalDhtEntry *entry)
{
  ShoalDhtEntry *best = NULL;
  ShoalDhtEntry promoted;

  *entry = bucket->live[--bucket->n_live];
  for (guint i = 0; i < bucket->n_spare; i++)
    {
      ShoalDhtEntry *spare = &bucket->spare[i];

      if (find_id (bucket, &spare->id) != NULL || net_is_full (bucket, &spare->addr))
        continue;
      if (best == NULL || spare->secure > best->secure
          || (spare->secure == best->secure && spare->seen_s >= best->seen_s))
        best = spare;
    }
  if (best == NULL)
    return;
  promoted = *best;
  forget_spares (self, &promoted.addr);
  bucket->live[bucket->n_live++] = promoted;
}

/* The last bucket becomes two. */
static void
split (ShoalDhtTable *self)
{
  Bucket *low = self->buckets[self->n_buckets - 1];
  guint depth = self->n_buckets - 1;
  Bucket old = *low;
  Bucket *high;

  add_bucket (self);
  high = self->buckets[self->n_buckets - 1];
  low->n_live = 0;
  low->n_spare = 0;
  low->spare = NULL;
  for (guint i = 0; i < old.n_live; i++)
    {
      Bucket *to = shoal_node_id_shared (&self->self_id, &old.live[i].id) > depth ? high : low;

      to->live[to->n_live++] = old.live[i];
    }
  for (guint i = 0; i < old.n_spare; i++)
    add_spare (shoal_node_id_shared (&self->self_id, &old.spare[i].id) > depth ? high : low,
               &old.spare[i]);
  g_free (old.spare);
}

/* (nullable): who would give way to a newcomer. */
static ShoalDhtEntry *
find_weak (Bucket  *bucket,
           gboolean secure)
{
  ShoalDhtEntry *weak = NULL;

  for (guint i = 0; i < bucket->n_live; i++)
    {
      ShoalDhtEntry *entry = &bucket->live[i];

      if (entry->failures >= 2 && (weak == NULL || entry->failures > weak->failures))
        weak = entry;
    }
  for (guint i = 0; weak == NULL && secure && i < bucket->n_live; i++)
    if (!bucket->live[i].secure || bucket->live[i].seen_s == 0)
      weak = &bucket->live[i];

  return weak;
}

static void
insert (ShoalDhtTable       *self,
        const ShoalDhtEntry *entry)
{
  Bucket *bucket = self->buckets[bucket_index (self, &entry->id)];
  ShoalDhtEntry *weak;

  while (bucket->n_live == SHOAL_DHT_K && bucket == self->buckets[self->n_buckets - 1]
         && self->n_buckets < SHOAL_NODE_ID_BITS)
    {
      split (self);
      bucket = self->buckets[bucket_index (self, &entry->id)];
    }
  if (net_is_full (bucket, &entry->addr))
    return;
  if (bucket->n_live < SHOAL_DHT_K)
    {
      bucket->live[bucket->n_live++] = *entry;
      return;
    }
  weak = find_weak (bucket, entry->secure);
  if (weak != NULL)
    *weak = *entry;
  else
    add_spare (bucket, entry);
}

void
shoal_dht_table_set_id (ShoalDhtTable   *self,
                        const ShoalSha1 *self_id)
{
  Bucket **old = self->buckets;
  guint n_old = self->n_buckets;

  self->self_id = *self_id;
  self->buckets = NULL;
  self->n_buckets = 0;
  add_bucket (self);
  for (guint i = 0; i < n_old; i++)
    for (guint j = 0; j < old[i]->n_live; j++)
      if (!shoal_sha1_equal (&old[i]->live[j].id, self_id))
        insert (self, &old[i]->live[j]);
  for (guint i = 0; i < n_old; i++)
    bucket_free (old[i]);
  g_free (old);
}

gboolean
shoal_dht_table_wants (const ShoalDhtTable *self,
                       const ShoalSha1     *id,
                       const ShoalAddr     *addr)
{
  guint index = bucket_index (self, id);
  Bucket *bucket = self->buckets[index];
  Bucket *where;
  const ShoalDhtEntry *known = find_host (self, addr, &where);

  if (shoal_sha1_equal (id, &self->self_id) || find_id (bucket, id) != NULL)
    return FALSE;
  /* It says that it has another id now. */
  if (known != NULL)
    return shoal_addr_equal (&known->addr, addr);
  if (net_is_full (bucket, addr))
    return FALSE;

  return bucket->n_live < SHOAL_DHT_K || index == self->n_buckets - 1
         || find_weak (bucket, shoal_node_id_is_secure (id, addr)) != NULL;
}

void
shoal_dht_table_answered (ShoalDhtTable   *self,
                          const ShoalSha1 *id,
                          const ShoalAddr *addr,
                          guint32          now_s)
{
  Bucket *bucket;
  ShoalDhtEntry *known = find_host (self, addr, &bucket);
  ShoalDhtEntry fresh = { .id = *id,
                          .addr = *addr,
                          .seen_s = MAX (now_s, 1),
                          .asked_s = now_s,
                          .secure = shoal_node_id_is_secure (id, addr) };

  if (shoal_sha1_equal (id, &self->self_id))
    return;
  if (known != NULL && shoal_addr_equal (&known->addr, addr) && shoal_sha1_equal (&known->id, id))
    {
      known->seen_s = fresh.seen_s;
      known->failures = 0;
      return;
    }
  forget_spares (self, addr);
  if (known != NULL)
    {
      /* Another endpoint of the same site: only if the one that is known does not answer. */
      if (!shoal_addr_equal (&known->addr, addr) && known->failures == 0 && known->seen_s != 0)
        return;
      remove_live (self, bucket, known);
    }
  bucket = self->buckets[bucket_index (self, id)];
  known = find_id (bucket, id);
  if (known != NULL)
    {
      if (known->failures == 0 && known->seen_s != 0)
        return;
      remove_live (self, bucket, known);
    }
  insert (self, &fresh);
}

void
shoal_dht_table_heard (ShoalDhtTable   *self,
                       const ShoalSha1 *id,
                       const ShoalAddr *addr)
{
  ShoalDhtEntry entry = { .id = *id, .addr = *addr, .secure = shoal_node_id_is_secure (id, addr) };
  Bucket *bucket = self->buckets[bucket_index (self, id)];
  Bucket *where;

  if (shoal_sha1_equal (id, &self->self_id) || find_host (self, addr, &where) != NULL
      || find_id (bucket, id) != NULL)
    return;
  if (bucket->n_live == SHOAL_DHT_K)
    add_spare (bucket, &entry);
}

void
shoal_dht_table_asked (ShoalDhtTable   *self,
                       const ShoalAddr *addr,
                       guint32          now_s)
{
  Bucket *bucket;
  ShoalDhtEntry *entry = find_host (self, addr, &bucket);

  if (entry != NULL && shoal_addr_equal (&entry->addr, addr))
    entry->asked_s = MAX (now_s, 1);
}

void
shoal_dht_table_failed (ShoalDhtTable   *self,
                        const ShoalAddr *addr)
{
  Bucket *bucket;
  ShoalDhtEntry *entry = find_host (self, addr, &bucket);

  if (entry == NULL || !shoal_addr_equal (&entry->addr, addr))
    return;
  entry->failures++;
  if (entry->failures >= SHOAL_DHT_FAILED_MAX || entry->seen_s == 0
      || (entry->failures >= 2 && bucket->n_spare > 0))
    remove_live (self, bucket, entry);
}

static gboolean
is_good (const ShoalDhtEntry *entry)
{
  return entry->seen_s != 0 && entry->failures == 0;
}

guint
shoal_dht_table_closest (const ShoalDhtTable  *self,
                         const ShoalSha1      *target,
                         gboolean              good_only,
                         const ShoalDhtEntry **out,
                         guint                 max)
{
  guint n = 0;

  for (guint i = 0; i < self->n_buckets; i++)
    for (guint j = 0; j < self->buckets[i]->n_live; j++)
      {
        const ShoalDhtEntry *entry = &self->buckets[i]->live[j];
        guint place;

        if (good_only && !is_good (entry))
          continue;
        if (n == max && shoal_node_id_compare (target, &entry->id, &out[n - 1]->id) >= 0)
          continue;
        place = n < max ? n++ : n - 1;
        while (place > 0 && shoal_node_id_compare (target, &entry->id, &out[place - 1]->id) < 0)
          {
            out[place] = out[place - 1];
            place--;
          }
        out[place] = entry;
      }

  return n;
}

const ShoalDhtEntry *
shoal_dht_table_stalest (const ShoalDhtTable *self)
{
  const ShoalDhtEntry *stalest = NULL;

  for (guint i = 0; i < self->n_buckets; i++)
    for (guint j = 0; j < self->buckets[i]->n_live; j++)
      {
        const ShoalDhtEntry *entry = &self->buckets[i]->live[j];

        if (stalest == NULL
            || MAX (entry->seen_s, entry->asked_s) < MAX (stalest->seen_s, stalest->asked_s))
          stalest = entry;
      }

  return stalest;
}

guint
shoal_dht_table_n_good (const ShoalDhtTable *self)
{
  guint n = 0;

  for (guint i = 0; i < self->n_buckets; i++)
    for (guint j = 0; j < self->buckets[i]->n_live; j++)
      n += is_good (&self->buckets[i]->live[j]) ? 1 : 0;

  return n;
}

guint
shoal_dht_table_n_nodes (const ShoalDhtTable *self)
{
  guint n = 0;

  for (guint i = 0; i < self->n_buckets; i++)
    n += self->buckets[i]->n_live;

  return n;
}

guint
shoal_dht_table_n_buckets (const ShoalDhtTable *self)
{
  return self->n_buckets;
}

gsize
shoal_dht_table_size (const ShoalDhtTable *self)
{
  gsize size = sizeof *self + self->n_buckets * (sizeof (Bucket) + sizeof (Bucket *));

  for (guint i = 0; i < self->n_buckets; i++)
    size += self->buckets[i]->spare != NULL ? SHOAL_DHT_K * sizeof (ShoalDhtEntry) : 0;

  return size;
}

guint
shoal_dht_table_list (const ShoalDhtTable  *self,
                      const ShoalDhtEntry **out,
                      guint                 max)
{
  guint n = 0;

  /* The nearest first: they are what others cannot tell. */
  for (guint i = self->n_buckets; i > 0; i--)
    for (guint j = 0; j < self->buckets[i - 1]->n_live && n < max; j++)
      if (is_good (&self->buckets[i - 1]->live[j]))
        out[n++] = &self->buckets[i - 1]->live[j];

  return n;
}

void
shoal_dht_table_check (const ShoalDhtTable *self)
{
  for (guint i = 0; i < self->n_buckets; i++)
    {
      Bucket *bucket = self->buckets[i];

      g_assert (bucket->n_live <= SHOAL_DHT_K && bucket->n_spare <= SHOAL_DHT_K);
      for (guint j = 0; j < bucket->n_live; j++)
        {
          Bucket *where;

          g_assert (bucket_index (self, &bucket->live[j].id) == i);
          g_assert (find_id (bucket, &bucket->live[j].id) == &bucket->live[j]);
          g_assert (find_host (self, &bucket->live[j].addr, &where) == &bucket->live[j]);
        }
      for (guint j = 0; j < bucket->n_spare; j++)
        g_assert (bucket_index (self, &bucket->spare[j].id) == i);
    }
}
