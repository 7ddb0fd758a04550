/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests to the world own what is put into them. */

#include "shoal-host.h"

typedef struct
{
  ShoalFileRef ref;
  gboolean     released;
} TestFile;

static void
release (ShoalFileRef *ref)
{
  ((TestFile *) ref)->released = TRUE;
}

static void
test_disk_job (void)
{
  TestFile file = { { -1, 1, release }, FALSE };
  guint8 data[4] = "abc";
  ShoalDiskJob *job = shoal_disk_job_new (SHOAL_DISK_PIECE, 5);

  g_assert_cmpint (job->op, ==, SHOAL_DISK_PIECE);
  g_assert_cmpuint (job->torrent, ==, 5);
  g_assert_cmpint (job->reason, ==, SHOAL_REASON_NONE);

  job->runs = g_new0 (ShoalRun, 1);
  job->runs[0] = (ShoalRun){ data, 0, sizeof data };
  job->n_runs = 1;
  job->priorities = g_malloc0 (1);
  job->detail = g_strdup ("why");
  job->verdicts = g_malloc0 (1);
  job->journal = g_new0 (guint32, 1);
  job->bytes = g_malloc0 (1);
  job->file = &file.ref;
  shoal_disk_job_free (job);

  g_assert_true (file.released);
  g_assert_cmpstr ((const char *) data, ==, "abc");
  shoal_disk_job_free (NULL);
}

static void
test_fetch (void)
{
  ShoalFetch *fetch = shoal_fetch_new (SHOAL_FETCH_LINK, "http://a/b");

  g_assert_cmpstr (fetch->url, ==, "http://a/b");
  g_assert_cmpuint (fetch->max_size, >=, SHOAL_TORRENT_SIZE_MAX);
  g_assert_cmpuint (fetch->timeout_s, >, 0);
  fetch->body = g_bytes_new_static ("x", 1);
  fetch->error = g_strdup ("none");
  shoal_fetch_free (fetch);
  shoal_fetch_free (NULL);
}

static void
test_lookup (void)
{
  ShoalLookup *lookup = shoal_lookup_new ("host", 6881);

  g_assert_cmpstr (lookup->host, ==, "host");
  g_assert_cmpuint (lookup->port, ==, 6881);
  lookup->addrs = g_new0 (ShoalAddr, 2);
  lookup->error = g_strdup ("none");
  shoal_lookup_free (lookup);
  shoal_lookup_free (NULL);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/host/disk-job", test_disk_job);
  g_test_add_func ("/engine/host/fetch", test_fetch);
  g_test_add_func ("/engine/host/lookup", test_lookup);
  return g_test_run ();
}
