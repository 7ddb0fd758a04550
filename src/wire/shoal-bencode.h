/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bencode (BEP 3): a zero-copy reader over tokens and a canonical writer. */

#pragma once

#include <glib.h>
#include "shoal-writer.h"

G_BEGIN_DECLS

#define SHOAL_BENCODE_MAX_DEPTH  100
#define SHOAL_BENCODE_MAX_TOKENS (6 * 1024 * 1024)   /* in one document; far above any real
                                                      * .torrent */

typedef enum
{
  SHOAL_BENCODE_NONE,      /* not there: what look-ups of missing keys give */
  SHOAL_BENCODE_INT,
  SHOAL_BENCODE_STRING,
  SHOAL_BENCODE_LIST,
  SHOAL_BENCODE_DICT,
} ShoalBencodeType;

/**
 * ShoalBencode:
 *
 * A parsed document. It borrows the bytes that it was parsed from, which must outlive it.
 * Accepted beyond the letter of BEP 3, as other clients do: unsorted keys, leading zeros in
 * integers. Of a key that occurs twice the first counts.
 */
typedef struct _ShoalBencode ShoalBencode;

/**
 * ShoalBencodeNode:
 *
 * A value inside a document, passed by value; valid as long as the document. All accessors take
 * a node of any type (also NONE) and answer with a neutral value when the type does not fit, so
 * look-ups chain.
 */
typedef struct
{
  const ShoalBencode *doc;
  guint32             token;   /* G_MAXUINT32: NONE */
} ShoalBencodeNode;

/**
 * shoal_bencode_parse:
 * @used: (out) (optional): bytes of the first value; without it bytes left over are an error
 *
 * Returns: (transfer full) (nullable): the document, or %NULL with a #ShoalWireError. Time and
 *   memory are linear in @size.
 */
ShoalBencode    *shoal_bencode_parse (const guint8 *data, gsize size, gsize *used, GError **error);
void             shoal_bencode_free  (ShoalBencode *self);
ShoalBencodeNode shoal_bencode_root  (const ShoalBencode *self);

ShoalBencodeType shoal_bencode_type  (ShoalBencodeNode node);
gint64           shoal_bencode_int   (ShoalBencodeNode node, gint64 otherwise);
/* (nullable): borrowed; NULL if no string */
const guint8    *shoal_bencode_bytes (ShoalBencodeNode node, gsize *size);
/* (transfer full) (nullable): valid UTF-8 (repaired), no NUL */
char            *shoal_bencode_text  (ShoalBencodeNode node);
/* the value as it was read, tags included */
const guint8    *shoal_bencode_raw   (ShoalBencodeNode node, gsize *size);

ShoalBencodeNode shoal_bencode_get   (ShoalBencodeNode dict, const char *key);
/* items of a list or pairs of a dict; counted once */
guint            shoal_bencode_count (ShoalBencodeNode node);

/* Walks: start from shoal_bencode_first(), go on with shoal_bencode_next() until NONE. Of a dict
 * the values are walked, and shoal_bencode_key() tells a value's key. */
ShoalBencodeNode shoal_bencode_first (ShoalBencodeNode list_or_dict);
ShoalBencodeNode shoal_bencode_next  (ShoalBencodeNode item);
const guint8    *shoal_bencode_key   (ShoalBencodeNode value, gsize *size);         /* (nullable) */
#define SHOAL_BENCODE_FOREACH(item, list_or_dict) \
  for (ShoalBencodeNode item = shoal_bencode_first (list_or_dict); \
       shoal_bencode_type (item) != SHOAL_BENCODE_NONE; item = shoal_bencode_next (item))

/* Writer: the caller writes keys in sorted order, which is asserted in debug builds by the tests,
 * not here. */
void shoal_bencode_write_int    (ShoalWriter *out, gint64 value);
void shoal_bencode_write_bytes  (ShoalWriter *out, gconstpointer data, gsize size);
void shoal_bencode_write_text   (ShoalWriter *out, const char *text);
void shoal_bencode_write_begin  (ShoalWriter *out, ShoalBencodeType list_or_dict);
void shoal_bencode_write_end    (ShoalWriter *out);
/* canonical: keys sorted, integers minimal */
void shoal_bencode_write_node   (ShoalWriter *out, ShoalBencodeNode node);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalBencode, shoal_bencode_free)

G_END_DECLS
