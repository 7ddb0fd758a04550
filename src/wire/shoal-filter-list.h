/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of addresses that are not wanted, as they are handed around: P2P text, DAT and CIDR. */

#pragma once

#include <glib.h>
#include "shoal-addr.h"

G_BEGIN_DECLS

#define SHOAL_FILTER_LINE_MAX   1024u                            /* bytes; longer lines are passed
                                                                  * over */
#define SHOAL_FILTER_RANGES_MAX 4000000u                         /* more are an error */
#define SHOAL_FILTER_SIZE_MAX   ((gsize) 256 * 1024 * 1024)      /* bytes of text */

/* First and last, both blocked; in the order of the host. */
typedef struct
{
  guint32 first;
  guint32 last;
} ShoalRange4;

typedef struct
{
  guint64 high;
  guint64 low;
} ShoalIp6;

typedef struct
{
  ShoalIp6 first;
  ShoalIp6 last;
} ShoalRange6;

/**
 * ShoalFilterList:
 * @four: of ShoalRange4, as they came: not sorted, they may overlap
 * @six: of ShoalRange6
 * @n_bad: lines that mean nothing
 */
typedef struct
{
  GArray *four;
  GArray *six;
  guint   n_bad;
} ShoalFilterList;

/**
 * shoal_filter_list_parse:
 *
 * Each line may be of another kind: "name:1.2.3.4-1.2.3.8", "001.002.003.004 - 001.002.003.008 ,
 * 000 , name" (a level over 127 allows, so the line is passed over), "1.2.3.0/24", "1.2.3.4", each
 * with IPv6 as well; empty ones and those that begin with "#", ";" or "//" are comments.
 *
 * Returns: (transfer full) (nullable): %NULL with a #ShoalWireError: too large, or not a single
 * line means anything
 */
ShoalFilterList *shoal_filter_list_parse (const char *text, gsize size, GError **error);
void             shoal_filter_list_free  (ShoalFilterList *self);

static inline int
shoal_ip6_compare (const ShoalIp6 *a,
                   const ShoalIp6 *b)
{
  if (a->high != b->high)
    return a->high < b->high ? -1 : 1;

  return a->low == b->low ? 0 : a->low < b->low ? -1 : 1;
}

/* @addr is an IPv6 one. */
ShoalIp6 shoal_ip6_of_addr (const ShoalAddr *addr);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalFilterList, shoal_filter_list_free)

G_END_DECLS
