/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A record survives the way to a file and back, and no damage passes for one. */

#include <string.h>

#include "shoal-error.h"
#include "shoal-resume-record.h"

static GBytes *
bytes_of (const char *text)
{
  return g_bytes_new (text, strlen (text));
}

static ShoalResume *
full_record (void)
{
  const guint32 pairs[] = { 1, 2, 0x01020304, 5 };
  ShoalResume *record = shoal_resume_new (12);

  record->magnet = g_strdup ("magnet:?xt=urn:btih:0");
  record->name = g_strdup ("Имя");
  record->dir = g_strdup ("/a/\xff" "b");   /* not UTF-8 */
  record->has_metainfo = TRUE;
  record->paused = TRUE;
  record->first_last = TRUE;
  record->super_seeding = TRUE;
  record->had = bytes_of ("had");
  record->spilled = g_bytes_new (pairs, sizeof pairs);
  record->priorities = bytes_of ("\001\002");
  record->peers = bytes_of ("\00412345");
  record->stamp = G_MAXINT64 - 3;
  record->checked_to = 77;
  record->downloaded = G_MAXUINT64;
  record->uploaded = 3;
  record->added_s = 1700000000;
  record->completed_s = -1;
  record->seeding_s = 9;
  record->limit_down = 10;
  record->limit_up = 11;
  record->reason = SHOAL_REASON_DISK_FULL;
  record->completed_told = TRUE;
  record->part_suffix = TRUE;

  return record;
}

static void
assert_same_bytes (GBytes *a,
                   GBytes *b)
{
  g_assert_cmpint (a != NULL, ==, b != NULL);
  g_assert_true (a == NULL || g_bytes_equal (a, b));
}

static void
assert_same (const ShoalResume *a,
             const ShoalResume *b)
{
  g_assert_cmpuint (a->id, ==, b->id);
  g_assert_cmpstr (a->magnet, ==, b->magnet);
  g_assert_cmpstr (a->name, ==, b->name);
  g_assert_cmpstr (a->dir, ==, b->dir);
  g_assert_cmpint (a->has_metainfo, ==, b->has_metainfo);
  g_assert_cmpint (a->paused, ==, b->paused);
  g_assert_cmpint (a->sequential, ==, b->sequential);
  g_assert_cmpint (a->first_last, ==, b->first_last);
  g_assert_cmpint (a->super_seeding, ==, b->super_seeding);
  g_assert_cmpint (a->complete, ==, b->complete);
  assert_same_bytes (a->had, b->had);
  assert_same_bytes (a->spilled, b->spilled);
  assert_same_bytes (a->priorities, b->priorities);
  assert_same_bytes (a->peers, b->peers);
  g_assert_cmpint (a->stamp, ==, b->stamp);
  g_assert_cmpuint (a->checked_to, ==, b->checked_to);
  g_assert_cmpuint (a->downloaded, ==, b->downloaded);
  g_assert_cmpuint (a->uploaded, ==, b->uploaded);
  g_assert_cmpint (a->added_s, ==, b->added_s);
  g_assert_cmpint (a->completed_s, ==, b->completed_s);
  g_assert_cmpint (a->seeding_s, ==, b->seeding_s);
  g_assert_cmpuint (a->limit_down, ==, b->limit_down);
  g_assert_cmpuint (a->limit_up, ==, b->limit_up);
  g_assert_cmpint (a->reason, ==, b->reason);
  g_assert_cmpint (a->completed_told, ==, b->completed_told);
  g_assert_cmpint (a->part_suffix, ==, b->part_suffix);
}

static ShoalResume *
there_and_back (const ShoalResume *record)
{
  g_autoptr (GVariant) dict = shoal_resume_to_dict (record, FALSE);
  g_autoptr (GBytes) frame = shoal_resume_frame (dict);
  g_autoptr (GVariant) read = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;
  const guint8 *data = g_bytes_get_data (frame, &size);

  read = shoal_resume_unframe (data, size, &error);
  g_assert_no_error (error);
  g_assert_true (g_variant_is_normal_form (read));

  return shoal_resume_from_dict (record->id, read);
}

static void
test_round (void)
{
  g_autoptr (ShoalResume) full = full_record ();
  g_autoptr (ShoalResume) empty = shoal_resume_new (1);
  g_autoptr (ShoalResume) full_again = there_and_back (full);
  g_autoptr (ShoalResume) empty_again = there_and_back (empty);

  assert_same (full, full_again);
  assert_same (empty, empty_again);
}

static void
test_recheck (void)
{
  g_autoptr (ShoalResume) record = full_record ();
  g_autoptr (GVariant) dict = shoal_resume_to_dict (record, TRUE);
  g_autoptr (ShoalResume) again = shoal_resume_from_dict (12, dict);

  g_assert_cmpuint (again->checked_to, ==, 0);
}

/* Every bit flipped, every end cut off, and something added. */
static void
test_damage (void)
{
  g_autoptr (ShoalResume) record = full_record ();
  g_autoptr (GVariant) dict = shoal_resume_to_dict (record, FALSE);
  g_autoptr (GBytes) frame = shoal_resume_frame (dict);
  gsize size = g_bytes_get_size (frame);
  g_autofree guint8 *data = g_malloc0 (size + 1);

  memcpy (data, g_bytes_get_data (frame, NULL), size);
  for (gsize i = 0; i < size * 8; i++)
    {
      g_autoptr (GError) error = NULL;

      data[i / 8] ^= (guint8) (1 << i % 8);
      g_assert_null (shoal_resume_unframe (data, size, &error));
      g_assert_error (error, SHOAL_STORE_ERROR, SHOAL_STORE_ERROR_CORRUPT);
      data[i / 8] ^= (guint8) (1 << i % 8);
    }
  for (gsize cut = 0; cut < size; cut++)
    g_assert_null (shoal_resume_unframe (data, cut, NULL));
  g_assert_null (shoal_resume_unframe (data, size + 1, NULL));
}

/* Keys of other types are as good as none. */
static void
test_wrong_types (void)
{
  g_autoptr (GVariant) dict = g_variant_ref_sink (g_variant_new_parsed (
    "{'name': <5>, 'folder': <'text'>, 'options': <(true, false)>, 'progress': <'x'>, 'pieces': "
    "<'no'>, 'peers': <[1, 2]>}"));
  g_autoptr (ShoalResume) record = shoal_resume_from_dict (3, dict);
  g_autoptr (ShoalResume) empty = shoal_resume_new (3);

  assert_same (record, empty);
}

static void
test_wrong_values (void)
{
  g_autoptr (GVariant) dict = g_variant_ref_sink (g_variant_new_parsed (
    "{'folder': <b'relative'>, 'magnet': <''>, 'progress': <(true, false, false, uint32 99, int64 "
    "0, uint32 5)>}"));
  g_autoptr (ShoalResume) record = shoal_resume_from_dict (3, dict);

  g_assert_null (record->dir);
  g_assert_null (record->magnet);
  g_assert_cmpint (record->reason, ==, SHOAL_REASON_IO);
  g_assert_cmpuint (record->checked_to, ==, 5);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/io/resume-record/round", test_round);
  g_test_add_func ("/io/resume-record/recheck", test_recheck);
  g_test_add_func ("/io/resume-record/damage", test_damage);
  g_test_add_func ("/io/resume-record/wrong-types", test_wrong_types);
  g_test_add_func ("/io/resume-record/wrong-values", test_wrong_values);
  return g_test_run ();
}
