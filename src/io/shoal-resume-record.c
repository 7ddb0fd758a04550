/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A resume record as settings, and settings as the bytes of a file. */

/*
 * Small numbers share a key, so that a record is about ten of them. Numbers are little-endian in
 * the file, whatever the machine. Only what has passed the digest is looked at, and even so every
 * key may be missing or of a wrong type.
 */

#include "shoal-resume-record.h"

#include <string.h>

#include "shoal-digest.h"
#include "shoal-error.h"

#define MAGIC        "ShoalRes"
#define MAGIC_SIZE   8u
#define VERSION      1u
#define HEAD_SIZE    16u   /* magic, version, size of the settings */

/* --- Settings --- */

static void
add_bytes (GVariantBuilder *builder,
           const char      *key,
           GBytes          *bytes)
{
  if (bytes != NULL)
    g_variant_builder_add (builder, "{sv}", key,
                           g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE));
}

static void
add_text (GVariantBuilder *builder,
          const char      *key,
          const char      *text)
{
  g_autofree char *valid = text != NULL ? g_utf8_make_valid (text, -1) : NULL;

  if (text != NULL)
    g_variant_builder_add (builder, "{sv}", key, g_variant_new_string (valid));
}

static void
add_pairs (GVariantBuilder *builder,
           const char      *key,
           GBytes          *bytes)
{
  const guint32 *numbers;
  gsize size;

  if (bytes == NULL)
    return;
  numbers = g_bytes_get_data (bytes, &size);
  g_variant_builder_add (builder, "{sv}", key,
                         g_variant_new_fixed_array (G_VARIANT_TYPE_UINT32, numbers,
                                                    size / sizeof *numbers, sizeof *numbers));
}

GVariant *
shoal_resume_to_dict (const ShoalResume *record,
                      gboolean           recheck)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  add_text (&builder, "name", record->name);
  add_text (&builder, "magnet", record->magnet);
  if (record->dir != NULL)
    g_variant_builder_add (&builder, "{sv}", "folder", g_variant_new_bytestring (record->dir));
  g_variant_builder_add (&builder, "{sv}", "options",
                         g_variant_new ("(bbbbtt)", record->paused, record->sequential,
                                        record->first_last, record->part_suffix, record->limit_down,
                                        record->limit_up));
  g_variant_builder_add (&builder, "{sv}", "super-seeding",
                         g_variant_new_boolean (record->super_seeding));
  g_variant_builder_add (&builder, "{sv}", "progress",
                         g_variant_new ("(bbbuxu)", record->has_metainfo, record->complete,
                                        record->completed_told, (guint32) record->reason,
                                        record->stamp, recheck ? 0 : record->checked_to));
  g_variant_builder_add (&builder, "{sv}", "totals",
                         g_variant_new ("(ttxxx)", record->downloaded, record->uploaded,
                                        record->added_s, record->completed_s, record->seeding_s));
  add_bytes (&builder, "pieces", record->had);
  add_pairs (&builder, "spilled", record->spilled);
  add_bytes (&builder, "priorities", record->priorities);
  add_bytes (&builder, "peers", record->peers);

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static GBytes *
get_bytes (GVariant           *dict,
           const char         *key,
           const GVariantType *type)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (dict, key, type);

  if (value == NULL || g_variant_get_size (value) == 0)
    return NULL;

  return g_bytes_new (g_variant_get_data (value), g_variant_get_size (value));
}

ShoalResume *
shoal_resume_from_dict (guint64   id,
                        GVariant *dict)
{
  ShoalResume *record = shoal_resume_new (id);
  guint32 reason = 0;

  g_variant_lookup (dict, "name", "s", &record->name);
  g_variant_lookup (dict, "magnet", "s", &record->magnet);
  g_variant_lookup (dict, "folder", "^ay", &record->dir);
  g_variant_lookup (dict, "options", "(bbbbtt)", &record->paused, &record->sequential,
                    &record->first_last, &record->part_suffix, &record->limit_down,
                    &record->limit_up);
  g_variant_lookup (dict, "super-seeding", "b", &record->super_seeding);
  g_variant_lookup (dict, "progress", "(bbbuxu)", &record->has_metainfo, &record->complete,
                    &record->completed_told, &reason, &record->stamp, &record->checked_to);
  g_variant_lookup (dict, "totals", "(ttxxx)", &record->downloaded, &record->uploaded,
                    &record->added_s, &record->completed_s, &record->seeding_s);
  record->reason = reason < SHOAL_N_REASONS ? (ShoalReason) reason : SHOAL_REASON_IO;
  record->had = get_bytes (dict, "pieces", G_VARIANT_TYPE_BYTESTRING);
  record->spilled = get_bytes (dict, "spilled", G_VARIANT_TYPE ("au"));
  record->priorities = get_bytes (dict, "priorities", G_VARIANT_TYPE_BYTESTRING);
  record->peers = get_bytes (dict, "peers", G_VARIANT_TYPE_BYTESTRING);
  if (record->magnet != NULL && *record->magnet == '\0')
    g_clear_pointer (&record->magnet, g_free);
  if (record->dir != NULL && !g_path_is_absolute (record->dir))
    g_clear_pointer (&record->dir, g_free);

  return record;
}

/* --- Files --- */

GBytes *
shoal_resume_frame (GVariant *dict)
{
  g_autoptr (GVariant) plain = G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_variant_ref (dict)
                                                               : g_variant_byteswap (dict);
  gsize size = g_variant_get_size (plain);
  guint8 *data = g_malloc (HEAD_SIZE + size + SHOAL_SHA256_SIZE);
  guint32 version = GUINT32_TO_LE (VERSION);
  guint32 stored = GUINT32_TO_LE ((guint32) size);
  ShoalSha256 sum;

  memcpy (data, MAGIC, MAGIC_SIZE);
  memcpy (data + MAGIC_SIZE, &version, sizeof version);
  memcpy (data + MAGIC_SIZE + sizeof version, &stored, sizeof stored);
  g_variant_store (plain, data + HEAD_SIZE);
  shoal_sha256 (data, HEAD_SIZE + size, &sum);
  memcpy (data + HEAD_SIZE + size, sum.bytes, sizeof sum.bytes);

  return g_bytes_new_take (data, HEAD_SIZE + size + SHOAL_SHA256_SIZE);
}

static GVariant *
corrupt (GError    **error,
         const char *why)
{
  g_set_error_literal (error, SHOAL_STORE_ERROR, SHOAL_STORE_ERROR_CORRUPT, why);
  return NULL;
}

GVariant *
shoal_resume_unframe (const guint8 *data,
                      gsize         size,
                      GError      **error)
{
  g_autoptr (GVariant) plain = NULL;
  g_autoptr (GBytes) bytes = NULL;
  guint32 version, stored;
  ShoalSha256 sum;

  if (size < HEAD_SIZE + SHOAL_SHA256_SIZE || memcmp (data, MAGIC, MAGIC_SIZE) != 0)
    return corrupt (error, "it is not a resume record");
  memcpy (&version, data + MAGIC_SIZE, sizeof version);
  memcpy (&stored, data + MAGIC_SIZE + sizeof version, sizeof stored);
  if (GUINT32_FROM_LE (stored) != size - HEAD_SIZE - SHOAL_SHA256_SIZE)
    return corrupt (error, "its size is wrong");
  shoal_sha256 (data, size - SHOAL_SHA256_SIZE, &sum);
  if (memcmp (sum.bytes, data + size - SHOAL_SHA256_SIZE, sizeof sum.bytes) != 0)
    return corrupt (error, "its digest is wrong");
  if (GUINT32_FROM_LE (version) != VERSION)
    return corrupt (error, "it is of another version");

  /* A copy, aligned as settings have to be; not trusted, so that even a wrong one is only empty. */
  bytes = g_bytes_new (data + HEAD_SIZE, size - HEAD_SIZE - SHOAL_SHA256_SIZE);
  plain = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE_VARDICT, bytes, FALSE));

  return G_BYTE_ORDER == G_LITTLE_ENDIAN ? g_steal_pointer (&plain) : g_variant_byteswap (plain);
}
