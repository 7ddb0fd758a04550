/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A resume record as settings, and settings as the bytes of a file. */

#pragma once

#include "shoal-resume.h"

G_BEGIN_DECLS

#define SHOAL_RESUME_SCHEMA   "io.github.shoalbt.Shoal.Torrent"
#define SHOAL_RESUME_PATH     "/io/github/shoalbt/Shoal/torrents/"   /* then the id and "/" */
#define SHOAL_RESUME_SIZE_MAX (64u * 1024 * 1024)                    /* bytes of a file */

/* (transfer full), not floating: type a{sv}, the keys of the schema; defaults are left out.
 * @recheck: with a full check due. */
GVariant    *shoal_resume_to_dict   (const ShoalResume *record, gboolean recheck);
/* (transfer full): a key that is missing or of another type has its default. @metainfo stays
 * %NULL. */
ShoalResume *shoal_resume_from_dict (guint64 id, GVariant *dict);

/* A file: magic, version, size, the settings, SHA-256 of all before. (transfer full) */
GBytes      *shoal_resume_frame     (GVariant *dict);
/* (transfer full) (nullable): %SHOAL_STORE_ERROR_CORRUPT */
GVariant    *shoal_resume_unframe   (const guint8 *data, gsize size, GError **error);

G_END_DECLS
