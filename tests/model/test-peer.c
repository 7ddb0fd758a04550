/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A peer: its letters, and what notifies. */

#include "shoal-peer-private.h"

static void
note_cb (GObject    *object,
         GParamSpec *spec,
         GString    *log)
{
  g_string_append_printf (log, "%s ", spec->name);
}

static void
test_flags (void)
{
  ShoalPeerStats stats = { .address = "10.0.0.1:1", .flags = (1u << SHOAL_N_PEER_FLAGS) - 1 };
  g_autoptr(ShoalPeer) all = shoal_peer_new (&stats);
  g_autoptr(ShoalPeer) some = NULL;
  g_autofree char *text = NULL;

  g_assert_cmpstr (shoal_peer_get_flags_text (all), ==, "D d U u O S I K ? E e X H L P");
  stats.flags = SHOAL_PEER_WANTED | SHOAL_PEER_ENCRYPTED | SHOAL_PEER_UTP;
  some = shoal_peer_new (&stats);
  g_object_get (some, "flags-text", &text, NULL);
  g_assert_cmpstr (text, ==, "d E P");
}

static void
test_apply (void)
{
  ShoalPeerStats stats = { .address = "10.0.0.1:1", .client = "Shoal 0.1" };
  g_autoptr(ShoalPeer) peer = shoal_peer_new (&stats);
  g_autoptr(GString) log = g_string_new (NULL);

  g_signal_connect (peer, "notify", G_CALLBACK (note_cb), log);
  shoal_peer_apply (peer, &stats);
  g_assert_cmpstr (log->str, ==, "");

  stats.rate_down = 5;
  stats.downloaded = 7;
  stats.progress = 0.5;
  stats.sources = SHOAL_PEER_SOURCE_PEX;
  shoal_peer_apply (peer, &stats);
  g_assert_cmpstr (log->str, ==, "sources progress rate-down downloaded ");
  g_assert_cmpuint (shoal_peer_get_rate_down (peer), ==, 5);
  g_assert_cmpuint (shoal_peer_get_downloaded (peer), ==, 7);
  g_assert_cmpfloat (shoal_peer_get_progress (peer), ==, 0.5);
  g_assert_cmpuint (shoal_peer_get_sources (peer), ==, SHOAL_PEER_SOURCE_PEX);
  g_assert_cmpstr (shoal_peer_get_client (peer), ==, "Shoal 0.1");
  g_assert_cmpstr (shoal_peer_get_address (peer), ==, "10.0.0.1:1");
  g_assert_cmpuint (shoal_peer_get_rate_up (peer) + shoal_peer_get_uploaded (peer)
                      + shoal_peer_get_flags (peer),
                    ==, 0);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/model/peer/flags", test_flags);
  g_test_add_func ("/model/peer/apply", test_apply);
  return g_test_run ();
}
