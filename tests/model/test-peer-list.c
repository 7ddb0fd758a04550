/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Peers that come, stay and go. */

#include "shoal-peer-private.h"

static void
changed_cb (GListModel *list,
            guint       position,
            guint       removed,
            guint       added,
            GString    *log)
{
  g_string_append_printf (log, "%u-%u+%u ", position, removed, added);
}

static void
test_apply (void)
{
  const ShoalPeerStats a = { .address = "10.0.0.1:1" };
  ShoalPeerStats b = { .address = "10.0.0.2:1" };
  const ShoalPeerStats c = { .address = "[::1]:1" };
  g_autoptr(ShoalPeerList) list = shoal_peer_list_new ();
  g_autoptr(GString) log = g_string_new (NULL);
  ShoalPeer *stays;

  g_signal_connect (list, "items-changed", G_CALLBACK (changed_cb), log);
  shoal_peer_list_apply (list, (const ShoalPeerStats[]){ a, b }, 2);
  g_assert_cmpstr (log->str, ==, "0-0+2 ");
  stays = shoal_peer_list_lookup (list, "10.0.0.2:1");
  g_assert_nonnull (stays);

  g_string_truncate (log, 0);
  b.rate_up = 9;
  shoal_peer_list_apply (list, (const ShoalPeerStats[]){ c, b }, 2);
  g_assert_cmpstr (log->str, ==, "0-1+0 1-0+1 ");
  g_assert_true (shoal_peer_list_lookup (list, "10.0.0.2:1") == stays);
  g_assert_cmpuint (shoal_peer_get_rate_up (stays), ==, 9);
  g_assert_null (shoal_peer_list_lookup (list, "10.0.0.1:1"));

  g_string_truncate (log, 0);
  shoal_peer_list_apply (list, NULL, 0);
  g_assert_cmpstr (log->str, ==, "1-1+0 0-1+0 ");
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (list)), ==, 0);
  g_assert_null (g_list_model_get_item (G_LIST_MODEL (list), 0));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/peer-list/apply", test_apply);
  return g_test_run ();
}
