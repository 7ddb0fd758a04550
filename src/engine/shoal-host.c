/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests to the world: their making and freeing. */

#include "shoal-host.h"

#define FETCH_SIZE_MAX  ((gsize) 2 << 20)   /* bytes; a .torrent by link raises it */
#define FETCH_TIMEOUT_S 30u

ShoalDiskJob *
shoal_disk_job_new (ShoalDiskOp op,
                    guint64     torrent)
{
  ShoalDiskJob *self = g_new0 (ShoalDiskJob, 1);

  self->op = op;
  self->torrent = torrent;

  return self;
}

void
shoal_disk_job_free (ShoalDiskJob *self)
{
  if (self == NULL)
    return;

  if (self->op == SHOAL_DISK_LOAD)
    g_clear_pointer (&self->metainfo, shoal_metainfo_unref);
  g_clear_pointer (&self->file, shoal_file_ref_unref);
  g_free (self->runs);
  g_free (self->priorities);
  g_free (self->source_dir);
  g_free (self->source_path);
  g_free (self->detail);
  g_free (self->verdicts);
  g_free (self->digests);
  g_free (self->leaves);
  g_free (self->journal);
  g_free (self->bytes);
  g_free (self);
}

ShoalFetch *
shoal_fetch_new (ShoalFetchUse use,
                 const char   *url)
{
  ShoalFetch *self;

  g_return_val_if_fail (url != NULL, NULL);

  self = g_new0 (ShoalFetch, 1);
  self->use = use;
  self->url = g_strdup (url);
  self->max_size = use == SHOAL_FETCH_LINK ? SHOAL_TORRENT_SIZE_MAX : FETCH_SIZE_MAX;
  self->timeout_s = FETCH_TIMEOUT_S;
  self->content_size = SHOAL_SIZE_UNKNOWN;
  self->got_total = SHOAL_SIZE_UNKNOWN;

  return self;
}

void
shoal_fetch_free (ShoalFetch *self)
{
  if (self == NULL)
    return;

  g_clear_pointer (&self->body, g_bytes_unref);
  g_free (self->url);
  g_free (self->error);
  g_free (self);
}

ShoalLookup *
shoal_lookup_new (const char *host,
                  guint16     port)
{
  ShoalLookup *self;

  g_return_val_if_fail (host != NULL, NULL);

  self = g_new0 (ShoalLookup, 1);
  self->host = g_strdup (host);
  self->port = port;

  return self;
}

void
shoal_lookup_free (ShoalLookup *self)
{
  if (self == NULL)
    return;

  g_free (self->host);
  g_free (self->addrs);
  g_free (self->error);
  g_free (self);
}

ShoalFilterLoad *
shoal_filter_load_new (const char *source)
{
  ShoalFilterLoad *self;

  g_return_val_if_fail (source != NULL, NULL);

  self = g_new0 (ShoalFilterLoad, 1);
  self->source = g_strdup (source);

  return self;
}

void
shoal_filter_load_free (ShoalFilterLoad *self)
{
  if (self == NULL)
    return;

  shoal_filter_unref (self->filter);
  g_free (self->source);
  g_free (self->error);
  g_free (self);
}
