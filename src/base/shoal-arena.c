/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bounded pool of runs: the memory in which pieces grow until they are on disk. */

/*
 * The whole capacity is reserved as address space once, so that a run's slab is found by its
 * address; the system gives pages when they are first written. A slab holds runs of one order
 * (log2 of their size) while any of them is out.
 *
 * Free runs of a slab form a list through their own first bytes, newest first; runs from @n_begun
 * on were never out. A slab is in @idle when none of its runs is out (those never used at the
 * end), in @open[order] when some are, in no ring when all are. An idle slab keeps its list until
 * it is needed for another order, so the run given last is the one taken next.
 */

#include "shoal-arena.h"

#include "shoal-list.h"

#include <string.h>
#include <sys/mman.h>

#define MIN_ORDER 12                                          /* 4 KiB */
#define MAX_ORDER 20                                          /* SHOAL_RUN_SIZE */
#define N_ORDERS  (MAX_ORDER - MIN_ORDER + 1)
#define MAX_RUNS  (SHOAL_RUN_SIZE >> MIN_ORDER)               /* of a slab */

G_STATIC_ASSERT (SHOAL_RUN_SIZE == 1 << MAX_ORDER);

typedef struct
{
  ShoalNode node;
  guint8   *free_run;                /* (nullable): its first bytes point at the next one */
  guint64   out[MAX_RUNS / 64];      /* bits: runs that are out */
  guint16   n_out;
  guint16   n_begun;
  guint8    order;                   /* 0: never used, or trimmed */
} Slab;

struct _ShoalArena
{
  guint8   *memory;
  gsize     capacity;    /* bytes */
  gsize     used;        /* bytes */
  Slab     *slabs;
  gsize     n_slabs;
  ShoalNode idle;
  ShoalNode open[N_ORDERS];
};

static guint
order_of_size (gsize size)
{
  guint order = MIN_ORDER;

  while (((gsize) 1 << order) < size)
    order++;

  return order;
}

static guint8 *
slab_memory (const ShoalArena *self,
             const Slab       *slab)
{
  return self->memory + (gsize) (slab - self->slabs) * SHOAL_RUN_SIZE;
}

static guint
slab_n_runs (const Slab *slab)
{
  return SHOAL_RUN_SIZE >> slab->order;
}

static void
prepend (ShoalNode *head,
         ShoalNode *node)
{
  /* Before whatever comes first; taken out beforehand, as it may be the first itself. */
  shoal_node_unlink (node);
  shoal_node_append (head->next, node);
}

/* A slab with a free run of @order, or NULL. */
static Slab *
find_slab (ShoalArena *self,
           guint       order)
{
  ShoalNode *open = &self->open[order - MIN_ORDER];
  Slab *slab;

  if (shoal_node_is_linked (open))
    return SHOAL_NODE_OWNER (open->next, Slab, node);
  if (!shoal_node_is_linked (&self->idle))
    return NULL;

  slab = SHOAL_NODE_OWNER (self->idle.next, Slab, node);
  if (slab->order != order)
    {
      slab->order = (guint8) order;
      slab->free_run = NULL;
      slab->n_begun = 0;
    }

  return slab;
}

ShoalArena *
shoal_arena_new (gsize capacity)
{
  ShoalArena *self;
  gpointer memory;

  g_return_val_if_fail (capacity > 0, NULL);
  g_return_val_if_fail (capacity <= G_MAXSSIZE - SHOAL_RUN_SIZE, NULL);

  self = g_new0 (ShoalArena, 1);
  self->n_slabs = (capacity + SHOAL_RUN_SIZE - 1) / SHOAL_RUN_SIZE;
  self->capacity = self->n_slabs * SHOAL_RUN_SIZE;

  memory = mmap (NULL, self->capacity, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    g_error ("No address space for an arena of %" G_GSIZE_FORMAT " bytes", self->capacity);
  self->memory = memory;

  /* A huge page would make one small run cost 2 MiB; a kernel without them refuses, and may. */
  (void) madvise (memory, self->capacity, MADV_NOHUGEPAGE);

  shoal_node_init (&self->idle);
  for (guint i = 0; i < N_ORDERS; i++)
    shoal_node_init (&self->open[i]);

  self->slabs = g_new0 (Slab, self->n_slabs);
  for (gsize i = 0; i < self->n_slabs; i++)
    {
      shoal_node_init (&self->slabs[i].node);
      shoal_node_append (&self->idle, &self->slabs[i].node);
    }

  return self;
}

void
shoal_arena_free (ShoalArena *self)
{
  if (self == NULL)
    return;

  g_warn_if_fail (self->used == 0);

  munmap (self->memory, self->capacity);
  g_free (self->slabs);
  g_free (self);
}

guint8 *
shoal_arena_take (ShoalArena *self,
                  gsize       size)
{
  Slab *slab;
  guint8 *run;
  guint order;
  gsize index;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (size > 0 && size <= SHOAL_RUN_SIZE, NULL);

  order = order_of_size (size);
  slab = find_slab (self, order);
  if (slab == NULL)
    return NULL;

  if (slab->free_run != NULL)
    {
      run = slab->free_run;
      memcpy (&slab->free_run, run, sizeof slab->free_run);
    }
  else
    {
      run = slab_memory (self, slab) + ((gsize) slab->n_begun << order);
      slab->n_begun++;
    }

  index = (gsize) (run - slab_memory (self, slab)) >> order;
  slab->out[index / 64] |= G_GUINT64_CONSTANT (1) << (index % 64);
  slab->n_out++;
  self->used += (gsize) 1 << order;

  if (slab->n_out == slab_n_runs (slab))
    shoal_node_unlink (&slab->node);
  else if (slab->n_out == 1)
    prepend (&self->open[order - MIN_ORDER], &slab->node);

  return run;
}

void
shoal_arena_give (ShoalArena *self,
                  guint8     *run,
                  gsize       size)
{
  Slab *slab;
  guint order;
  gsize offset;
  guint64 bit;

  g_return_if_fail (self != NULL);
  g_return_if_fail (size > 0 && size <= SHOAL_RUN_SIZE);
  g_return_if_fail (run >= self->memory && run < self->memory + self->capacity);

  order = order_of_size (size);
  offset = (gsize) (run - self->memory);
  slab = &self->slabs[offset / SHOAL_RUN_SIZE];
  offset %= SHOAL_RUN_SIZE;
  bit = G_GUINT64_CONSTANT (1) << ((offset >> order) % 64);

  g_return_if_fail (slab->order == order);
  g_return_if_fail (offset % ((gsize) 1 << order) == 0);
  g_return_if_fail ((slab->out[(offset >> order) / 64] & bit) != 0);

  slab->out[(offset >> order) / 64] &= ~bit;
  memcpy (run, &slab->free_run, sizeof slab->free_run);
  slab->free_run = run;
  slab->n_out--;
  self->used -= (gsize) 1 << order;

  prepend (slab->n_out == 0 ? &self->idle : &self->open[order - MIN_ORDER], &slab->node);
}

gsize
shoal_arena_capacity (const ShoalArena *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->capacity;
}

gsize
shoal_arena_used (const ShoalArena *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->used;
}

void
shoal_arena_trim (ShoalArena *self)
{
  g_return_if_fail (self != NULL);

  SHOAL_NODE_FOREACH (node, &self->idle)
    {
      Slab *slab = SHOAL_NODE_OWNER (node, Slab, node);

      if (slab->order == 0)
        continue;
      (void) madvise (slab_memory (self, slab), SHOAL_RUN_SIZE, MADV_DONTNEED);
      slab->order = 0;
      slab->free_run = NULL;
      slab->n_begun = 0;
    }
}
