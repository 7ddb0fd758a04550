/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rings: order, moving, unlinking while walking. */

#include "shoal-list.h"

typedef struct
{
  int       value;
  ShoalNode node;
} Item;

static void
assert_values (ShoalNode  *head,
               const char *expected)
{
  g_autoptr(GString) found = g_string_new (NULL);

  SHOAL_NODE_FOREACH (node, head)
    g_string_append_printf (found, "%d", SHOAL_NODE_OWNER (node, Item, node)->value);

  g_assert_cmpstr (found->str, ==, expected);
}

static void
fill (ShoalNode *head,
      Item      *items,
      int        n)
{
  shoal_node_init (head);
  for (int i = 0; i < n; i++)
    {
      items[i].value = i;
      shoal_node_init (&items[i].node);
      shoal_node_append (head, &items[i].node);
    }
}

static void
test_order (void)
{
  ShoalNode head;
  Item items[4];

  fill (&head, items, 4);
  assert_values (&head, "0123");
  g_assert_true (shoal_node_is_linked (&items[2].node));

  shoal_node_append (&head, &items[1].node);
  assert_values (&head, "0231");

  shoal_node_unlink (&items[0].node);
  shoal_node_unlink (&items[0].node);
  g_assert_false (shoal_node_is_linked (&items[0].node));
  assert_values (&head, "231");
}

static void
test_move (void)
{
  ShoalNode head;
  ShoalNode other;
  Item items[3];

  fill (&head, items, 3);
  shoal_node_init (&other);
  g_assert_false (shoal_node_is_linked (&other));

  shoal_node_append (&other, &items[1].node);
  assert_values (&head, "02");
  assert_values (&other, "1");
}

static void
test_unlink_in_walk (void)
{
  ShoalNode head;
  Item items[5];

  fill (&head, items, 5);
  SHOAL_NODE_FOREACH (node, &head)
    {
      if (SHOAL_NODE_OWNER (node, Item, node)->value % 2 == 0)
        shoal_node_unlink (node);
    }

  assert_values (&head, "13");
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/list/order", test_order);
  g_test_add_func ("/list/move", test_move);
  g_test_add_func ("/list/unlink-in-walk", test_unlink_in_walk);

  return g_test_run ();
}
