/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The list tells neighbours together and changes once a snapshot. */

#include "shoal-torrent-list-private.h"

#include <string.h>

typedef struct
{
  ShoalTorrentList *list;
  GString          *log;
} Fixture;

static void
items_changed_cb (GListModel *model,
                  guint       position,
                  guint       removed,
                  guint       added,
                  Fixture    *fixture)
{
  g_string_append_printf (fixture->log, "[%u -%u +%u]", position, removed, added);
}

static void
changed_cb (ShoalTorrentList *list,
            guint             change,
            Fixture          *fixture)
{
  g_string_append_printf (fixture->log, "{%x}", change);
}

static void
set_up (Fixture       *fixture,
        gconstpointer  data)
{
  fixture->list = shoal_torrent_list_new ();
  fixture->log = g_string_new (NULL);
  g_signal_connect (fixture->list, "items-changed", G_CALLBACK (items_changed_cb), fixture);
  g_signal_connect (fixture->list, "changed", G_CALLBACK (changed_cb), fixture);
}

static void
tear_down (Fixture       *fixture,
           gconstpointer  data)
{
  g_object_unref (fixture->list);
  g_string_free (fixture->log, TRUE);
}

/* Ids of torrents as one digit each; @peers is what differs. */
static void
apply (Fixture    *fixture,
       const char *ids,
       const char *removed,
       guint       peers)
{
  g_autoptr(ShoalSnapshot) snapshot = shoal_snapshot_new (0, (guint) strlen (ids),
                                                          (guint) strlen (removed));

  for (guint i = 0; ids[i] != '\0'; i++)
    {
      snapshot->torrents[i].id = (guint64) g_ascii_digit_value (ids[i]);
      snapshot->torrents[i].name = g_strdup_printf ("%c", ids[i]);
      snapshot->torrents[i].n_links = peers;
    }
  for (guint i = 0; removed[i] != '\0'; i++)
    snapshot->removed[i] = (guint64) g_ascii_digit_value (removed[i]);

  g_string_truncate (fixture->log, 0);
  shoal_torrent_list_apply (fixture->list, snapshot);
}

static void
assert_ids (Fixture    *fixture,
            const char *ids)
{
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (fixture->list)), ==, strlen (ids));
  for (guint i = 0; ids[i] != '\0'; i++)
    {
      g_autoptr(ShoalTorrent) torrent = g_list_model_get_item (G_LIST_MODEL (fixture->list), i);

      g_assert_cmpuint (shoal_torrent_get_id (torrent), ==, g_ascii_digit_value (ids[i]));
      g_assert_true (shoal_torrent_list_lookup (fixture->list, shoal_torrent_get_id (torrent))
                     == torrent);
    }
  g_assert_null (g_list_model_get_item (G_LIST_MODEL (fixture->list), (guint) strlen (ids)));
}

static void
test_add (Fixture       *fixture,
          gconstpointer  data)
{
  apply (fixture, "123", "", 0);
  g_assert_cmpstr (fixture->log->str, ==, "[0 -0 +3]");
  apply (fixture, "5689", "", 0);
  g_assert_cmpstr (fixture->log->str, ==, "[3 -0 +4]");
  apply (fixture, "47", "", 0);
  g_assert_cmpstr (fixture->log->str, ==, "[3 -0 +1][6 -0 +1]");
  assert_ids (fixture, "123456789");
  g_assert_null (shoal_torrent_list_lookup (fixture->list, 10));
  g_assert_true (g_list_model_get_item_type (G_LIST_MODEL (fixture->list)) == SHOAL_TYPE_TORRENT);
}

static void
test_unsorted (Fixture       *fixture,
               gconstpointer  data)
{
  apply (fixture, "3122", "", 0);
  g_assert_cmpstr (fixture->log->str, ==, "[0 -0 +1][0 -0 +2]");
  assert_ids (fixture, "123");
}

static void
test_remove (Fixture       *fixture,
             gconstpointer  data)
{
  apply (fixture, "123456789", "", 0);
  apply (fixture, "", "2346", 0);
  g_assert_cmpstr (fixture->log->str, ==, "[1 -3 +0][2 -1 +0]");
  assert_ids (fixture, "15789");
  apply (fixture, "", "246", 0);
  g_assert_cmpstr (fixture->log->str, ==, "");

  shoal_torrent_list_remove (fixture->list, 9);
  g_assert_cmpstr (fixture->log->str, ==, "[4 -1 +0]");
  assert_ids (fixture, "1578");
}

static void
test_changed_once (Fixture       *fixture,
                   gconstpointer  data)
{
  apply (fixture, "123", "", 0);
  apply (fixture, "123", "", 0);
  g_assert_cmpstr (fixture->log->str, ==, "");
  apply (fixture, "13", "", 5);
  g_assert_cmpstr (fixture->log->str, ==, "{10}");
  apply (fixture, "134", "2", 6);
  g_assert_cmpstr (fixture->log->str, ==, "[1 -1 +0][2 -0 +1]{10}");
}

static void
test_state (Fixture       *fixture,
            gconstpointer  data)
{
  apply (fixture, "1", "", 0);
  g_string_truncate (fixture->log, 0);
  shoal_torrent_list_apply_state (fixture->list, 1, SHOAL_TORRENT_SEEDING, SHOAL_REASON_NONE, NULL);
  shoal_torrent_list_apply_state (fixture->list, 1, SHOAL_TORRENT_SEEDING, SHOAL_REASON_NONE, NULL);
  shoal_torrent_list_apply_state (fixture->list, 2, SHOAL_TORRENT_SEEDING, SHOAL_REASON_NONE, NULL);
  g_assert_cmpstr (fixture->log->str, ==, "{2}");
}

/* What 5,000 torrents that all change cost; far from a frame of 16 ms even on a slow machine. */
static void
test_many (Fixture       *fixture,
           gconstpointer  data)
{
  gint64 begin;

  for (guint round = 0; round < 2; round++)
    {
      g_autoptr(ShoalSnapshot) snapshot = shoal_snapshot_new (0, 5000, 0);

      for (guint i = 0; i < 5000; i++)
        {
          snapshot->torrents[i].id = i + 1;
          snapshot->torrents[i].name = g_strdup_printf ("torrent %u", i);
          snapshot->torrents[i].rate_down = round;
          snapshot->torrents[i].uploaded = round;
        }
      g_string_truncate (fixture->log, 0);
      begin = g_get_monotonic_time ();
      shoal_torrent_list_apply (fixture->list, snapshot);
      g_test_message ("round %u: %" G_GINT64_FORMAT " us", round, g_get_monotonic_time () - begin);
    }

  g_assert_cmpstr (fixture->log->str, ==, "{c}");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/model/torrent-list/add", Fixture, NULL, set_up, test_add, tear_down);
  g_test_add ("/model/torrent-list/unsorted", Fixture, NULL, set_up, test_unsorted, tear_down);
  g_test_add ("/model/torrent-list/remove", Fixture, NULL, set_up, test_remove, tear_down);
  g_test_add ("/model/torrent-list/changed-once", Fixture, NULL, set_up, test_changed_once,
              tear_down);
  g_test_add ("/model/torrent-list/state", Fixture, NULL, set_up, test_state, tear_down);
  g_test_add ("/model/torrent-list/many", Fixture, NULL, set_up, test_many, tear_down);
  return g_test_run ();
}
