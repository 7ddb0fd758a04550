/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses that are not wanted: ranges of both families, looked up in well under a microsecond. */

/* After joining, ranges neither touch nor overlap, so the last one that begins at or before an
 * address decides. A table of the highest sixteen bits of IPv4 leads to a few of them at once. */

#include "shoal-filter.h"

#define HEADS 65536u

struct _ShoalFilter
{
  gint         ref_count;
  guint32     *heads;        /* (nullable): HEADS + 1: of @four, the first range that begins in this
                              * /16 or behind */
  ShoalRange4 *four;
  guint        n_four;
  ShoalRange6 *six;
  guint        n_six;
};

static int
compare_four (gconstpointer a,
              gconstpointer b)
{
  guint32 first = ((const ShoalRange4 *) a)->first;
  guint32 second = ((const ShoalRange4 *) b)->first;

  return first < second ? -1 : first > second;
}

static int
compare_six (gconstpointer a,
             gconstpointer b)
{
  return shoal_ip6_compare (&((const ShoalRange6 *) a)->first, &((const ShoalRange6 *) b)->first);
}

/* Most lists are sorted already. */
static void
sort (GArray *array,
      gsize   size,
      int   (*compare) (gconstpointer a, gconstpointer b))
{
  for (guint i = 1; i < array->len; i++)
    if (compare (array->data + (i - 1) * size, array->data + i * size) > 0)
      {
        qsort (array->data, array->len, size, compare);
        return;
      }
}

static guint
join_four (ShoalRange4 *ranges,
           guint        n)
{
  guint kept = 0;

  for (guint i = 0; i < n; i++)
    {
      if (kept > 0
          && (ranges[kept - 1].last == G_MAXUINT32 || ranges[i].first <= ranges[kept - 1].last + 1))
        ranges[kept - 1].last = MAX (ranges[kept - 1].last, ranges[i].last);
      else
        ranges[kept++] = ranges[i];
    }

  return kept;
}

static guint
join_six (ShoalRange6 *ranges,
          guint        n)
{
  guint kept = 0;

  for (guint i = 0; i < n; i++)
    {
      if (kept > 0 && shoal_ip6_compare (&ranges[i].first, &ranges[kept - 1].last) <= 0)
        {
          if (shoal_ip6_compare (&ranges[i].last, &ranges[kept - 1].last) > 0)
            ranges[kept - 1].last = ranges[i].last;
        }
      else
        {
          ranges[kept++] = ranges[i];
        }
    }

  return kept;
}

static void
make_heads (ShoalFilter *self)
{
  guint at = 0;

  self->heads = g_new (guint32, HEADS + 1);
  for (guint32 head = 0; head < HEADS; head++)
    {
      while (at < self->n_four && self->four[at].first < head << 16)
        at++;
      self->heads[head] = at;
    }
  self->heads[HEADS] = self->n_four;
}

ShoalFilter *
shoal_filter_new (ShoalFilterList *list)
{
  ShoalFilter *self = g_new0 (ShoalFilter, 1);

  g_return_val_if_fail (list != NULL, self);

  self->ref_count = 1;
  sort (list->four, sizeof (ShoalRange4), compare_four);
  sort (list->six, sizeof (ShoalRange6), compare_six);
  self->n_four = join_four ((ShoalRange4 *) (gpointer) list->four->data, list->four->len);
  self->n_six = join_six ((ShoalRange6 *) (gpointer) list->six->data, list->six->len);
  self->four = g_memdup2 (list->four->data, self->n_four * sizeof *self->four);
  self->six = g_memdup2 (list->six->data, self->n_six * sizeof *self->six);
  if (self->n_four > 0)
    make_heads (self);

  return self;
}

ShoalFilter *
shoal_filter_ref (ShoalFilter *self)
{
  g_atomic_int_inc (&self->ref_count);

  return self;
}

void
shoal_filter_unref (ShoalFilter *self)
{
  if (self == NULL || !g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_free (self->heads);
  g_free (self->four);
  g_free (self->six);
  g_free (self);
}

static gboolean
blocks_four (const ShoalFilter *self,
             guint32            ip)
{
  guint low, high;

  if (self->n_four == 0)
    return FALSE;
  /* The last that begins at or before @ip: in its own /16, or right before it. */
  low = self->heads[ip >> 16];
  high = self->heads[(ip >> 16) + 1];
  while (low < high)
    {
      guint middle = (low + high) / 2;

      if (self->four[middle].first <= ip)
        low = middle + 1;
      else
        high = middle;
    }

  return low > 0 && self->four[low - 1].last >= ip;
}

static gboolean
blocks_six (const ShoalFilter *self,
            ShoalIp6           ip)
{
  guint low = 0, high = self->n_six;

  while (low < high)
    {
      guint middle = (low + high) / 2;

      if (shoal_ip6_compare (&self->six[middle].first, &ip) <= 0)
        low = middle + 1;
      else
        high = middle;
    }

  return low > 0 && shoal_ip6_compare (&self->six[low - 1].last, &ip) >= 0;
}

gboolean
shoal_filter_blocks (const ShoalFilter *self,
                     const ShoalAddr   *addr)
{
  if (self == NULL)
    return FALSE;
  if (addr->family == SHOAL_FAMILY_IPV6)
    return blocks_six (self, shoal_ip6_of_addr (addr));

  return addr->family == SHOAL_FAMILY_IPV4
         && blocks_four (self, (guint32) addr->ip[0] << 24 | (guint32) addr->ip[1] << 16
                                 | (guint32) addr->ip[2] << 8 | addr->ip[3]);
}

guint
shoal_filter_size (const ShoalFilter *self)
{
  return self != NULL ? self->n_four + self->n_six : 0;
}
