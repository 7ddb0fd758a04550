/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An intrusive doubly linked ring: membership costs no allocation. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ShoalNode:
 *
 * A node lies inside its owner; a head is a node too. An unlinked node points at itself.
 */
typedef struct _ShoalNode ShoalNode;
struct _ShoalNode
{
  ShoalNode *next;
  ShoalNode *prev;
};

static inline void shoal_node_init (ShoalNode *node) { node->next = node->prev = node; }

static inline gboolean
shoal_node_is_linked (const ShoalNode *node)
{
  g_assert (node->next != NULL);   /* it was initialised */
  return node->next != node;
}

/* Unlinks @node, if it is linked. */
static inline void
shoal_node_unlink (ShoalNode *node)
{
  node->prev->next = node->next;
  node->next->prev = node->prev;
  shoal_node_init (node);
}

/* Puts @node at the end of @head's ring, taking it from wherever it is. */
static inline void
shoal_node_append (ShoalNode *head,
                   ShoalNode *node)
{
  shoal_node_unlink (node);
  node->prev = head->prev;
  node->next = head;
  head->prev->next = node;
  head->prev = node;
}

/* The struct of @type whose @member is @node. */
#define SHOAL_NODE_OWNER(node, type, member) \
  ((type *) (gpointer) ((char *) (node) - G_STRUCT_OFFSET (type, member)))

/* Walks a ring; @node may be unlinked by the body, no other node may. */
#define SHOAL_NODE_FOREACH(node, head) \
  for (ShoalNode *node = (head)->next, *node##_next = node->next; node != (head); \
       node = node##_next, node##_next = node->next)

G_END_DECLS
