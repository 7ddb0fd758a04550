/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A resume record is counted and owns what is put into it. */

#include "shoal-resume.h"

static void
test_new (void)
{
  g_autoptr (ShoalResume) record = shoal_resume_new (7);

  g_assert_cmpuint (record->id, ==, 7);
  g_assert_cmpuint (record->checked_to, ==, G_MAXUINT32);
  g_assert_false (record->complete);
  g_assert_null (record->dir);
}

static void
test_references (void)
{
  ShoalResume *record = shoal_resume_new (1);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("12345678", 8);

  record->metainfo = g_bytes_ref (bytes);
  record->had = g_bytes_ref (bytes);
  record->spilled = g_bytes_ref (bytes);
  record->priorities = g_bytes_ref (bytes);
  record->peers = g_bytes_ref (bytes);
  record->name = g_strdup ("name");
  record->dir = g_strdup ("/dir");
  record->magnet = g_strdup ("magnet:?xt=");

  g_assert_true (shoal_resume_ref (record) == record);
  shoal_resume_unref (record);
  g_assert_cmpstr (record->name, ==, "name");
  shoal_resume_unref (record);
  shoal_resume_unref (NULL);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/resume/new", test_new);
  g_test_add_func ("/engine/resume/references", test_references);
  return g_test_run ();
}
