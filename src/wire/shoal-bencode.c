/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bencode (BEP 3): a zero-copy reader over tokens and a canonical writer. */

/*
 * A document is an array of 8-byte tokens in the order of the input: one for each integer, string
 * and key, two for each list or dictionary (its begin and its end). A token says where its text
 * begins; everything else is read from the text again when it is asked for. That keeps a hostile
 * document of 64 MiB within a bounded multiple of its size, and a walk needs no recursion.
 *
 * What always holds after shoal_bencode_parse(): every begin knows the token behind its end, every
 * key is directly followed by its value, and all offsets and sizes lie in the input.
 */

#include "shoal-bencode.h"

#include <stdlib.h>
#include <string.h>

#include "shoal-error.h"

#define NO_TOKEN       G_MAXUINT32
#define KEY_FLAG       (1u << 31)
#define DIGITS_MAX     24          /* of a number, sign and leading zeros included */
#define INPUT_SIZE_MAX G_MAXINT32  /* so that KEY_FLAG never meets a size */

/*
 * @at: offset of the value's text
 * @aux: string: size of its content, and KEY_FLAG if it is a key
 *       begin of a list or dict: index of the token behind its end
 *       end: how many items or pairs there were
 */
typedef struct
{
  guint32 at;
  guint32 aux;
} Token;

struct _ShoalBencode
{
  const guint8 *data;
  gsize         size;
  Token        *tokens;
  guint32       n_tokens;
  guint32       capacity;
};

typedef struct
{
  guint32  token;
  guint32  count;        /* values so far */
  gboolean is_dict;
  gboolean has_key;      /* a key was read and its value was not */
} Level;

typedef struct
{
  ShoalBencode *doc;
  gsize         at;
  Level         levels[SHOAL_BENCODE_MAX_DEPTH];
  guint         depth;
} Parser;

static gboolean
fail (GError        **error,
      ShoalWireError  code,
      const char     *what,
      gsize           at)
{
  g_set_error (error, SHOAL_WIRE_ERROR, code, "Bencode: %s at byte %" G_GSIZE_FORMAT, what, at);
  return FALSE;
}

/* Digits of an unsigned number up to @until; FALSE if it is none or does not fit. */
static gboolean
read_number (const guint8 *data,
             gsize         size,
             gsize        *at,
             guint8        until,
             guint64      *value)
{
  gsize begin = *at;
  guint64 number = 0;

  while (*at < size && *at - begin < DIGITS_MAX && g_ascii_isdigit (data[*at]))
    {
      if (!g_uint64_checked_mul (&number, number, 10)
          || !g_uint64_checked_add (&number, number, (guint64) (data[*at] - '0')))
        return FALSE;
      *at += 1;
    }
  if (*at == begin || *at >= size || data[*at] != until)
    return FALSE;
  *at += 1;
  *value = number;

  return TRUE;
}

/* The text of an integer behind its 'i'; leaves @at behind its 'e'. */
static gboolean
read_int (const guint8 *data,
          gsize         size,
          gsize        *at,
          gint64       *value)
{
  gboolean negative = *at < size && data[*at] == '-';
  guint64 number;

  if (negative)
    *at += 1;
  if (!read_number (data, size, at, 'e', &number))
    return FALSE;
  if (number > (guint64) G_MAXINT64 + (negative ? 1 : 0))
    return FALSE;
  if (!negative)
    *value = (gint64) number;
  else
    *value = number == 0 ? 0 : -(gint64) (number - 1) - 1;

  return TRUE;
}

static gboolean
add_token (ShoalBencode  *doc,
           gsize          at,
           guint32        aux,
           GError       **error)
{
  if (doc->n_tokens == doc->capacity)
    {
      if (doc->capacity >= SHOAL_BENCODE_MAX_TOKENS)
        return fail (error, SHOAL_WIRE_ERROR_TOO_LARGE, "too many values", at);
      doc->capacity = CLAMP (doc->capacity * 2, 32, SHOAL_BENCODE_MAX_TOKENS);
      doc->tokens = g_renew (Token, doc->tokens, doc->capacity);
    }
  doc->tokens[doc->n_tokens++] = (Token){ (guint32) at, aux };

  return TRUE;
}

static gboolean
parse_string (Parser  *self,
              guint32  flag,
              GError **error)
{
  const ShoalBencode *doc = self->doc;
  gsize begin = self->at;
  guint64 size;

  if (!read_number (doc->data, doc->size, &self->at, ':', &size))
    return fail (error, SHOAL_WIRE_ERROR_MALFORMED, "bad size of a string", begin);
  if (size > doc->size - self->at)
    return fail (error, SHOAL_WIRE_ERROR_TRUNCATED, "a string goes past the end", begin);
  self->at += size;

  return add_token (self->doc, begin, (guint32) size | flag, error);
}

static gboolean
parse_begin (Parser  *self,
             GError **error)
{
  if (self->depth == SHOAL_BENCODE_MAX_DEPTH)
    return fail (error, SHOAL_WIRE_ERROR_TOO_LARGE, "nested too deeply", self->at);
  self->levels[self->depth++] = (Level){
    .token = self->doc->n_tokens,
    .is_dict = self->doc->data[self->at] == 'd',
  };

  return add_token (self->doc, self->at++, 0, error);
}

static gboolean
parse_end (Parser  *self,
           GError **error)
{
  const Level *level;

  if (self->depth == 0)
    return fail (error, SHOAL_WIRE_ERROR_MALFORMED, "an end without a begin", self->at);
  level = &self->levels[self->depth - 1];
  if (level->has_key)
    return fail (error, SHOAL_WIRE_ERROR_MALFORMED, "a key without a value", self->at);
  if (!add_token (self->doc, self->at++, level->count, error))
    return FALSE;
  self->doc->tokens[level->token].aux = self->doc->n_tokens;
  self->depth -= 1;

  return TRUE;
}

/* Reads one token; the caller has checked that there is a byte. */
static gboolean
parse_token (Parser  *self,
             GError **error)
{
  Level *level = self->depth > 0 ? &self->levels[self->depth - 1] : NULL;
  guint8 tag = self->doc->data[self->at];
  gsize begin = self->at;
  gint64 value;

  if (tag == 'e')
    return parse_end (self, error);

  if (level != NULL && level->is_dict && !level->has_key)
    {
      if (!g_ascii_isdigit (tag))
        return fail (error, SHOAL_WIRE_ERROR_MALFORMED, "a key that is not a string", self->at);
      level->has_key = TRUE;
      return parse_string (self, KEY_FLAG, error);
    }

  if (level != NULL)
    {
      level->count += 1;
      level->has_key = FALSE;
    }
  if (tag == 'd' || tag == 'l')
    return parse_begin (self, error);
  if (g_ascii_isdigit (tag))
    return parse_string (self, 0, error);
  if (tag != 'i')
    return fail (error, SHOAL_WIRE_ERROR_MALFORMED, "no value begins so", begin);

  self->at += 1;
  if (!read_int (self->doc->data, self->doc->size, &self->at, &value))
    return fail (error, SHOAL_WIRE_ERROR_MALFORMED, "bad integer", begin);

  return add_token (self->doc, begin, 0, error);
}

ShoalBencode *
shoal_bencode_parse (const guint8  *data,
                     gsize          size,
                     gsize         *used,
                     GError       **error)
{
  g_autoptr (ShoalBencode) doc = g_new0 (ShoalBencode, 1);
  Parser parser = { .doc = doc };

  doc->data = data;
  doc->size = size;
  if (size > INPUT_SIZE_MAX)
    {
      fail (error, SHOAL_WIRE_ERROR_TOO_LARGE, "more than 2 GiB", 0);
      return NULL;
    }

  do
    {
      if (parser.at >= size)
        {
          fail (error, SHOAL_WIRE_ERROR_TRUNCATED, "the data ends too early", parser.at);
          return NULL;
        }
      if (!parse_token (&parser, error))
        return NULL;
    }
  while (parser.depth > 0);

  if (used != NULL)
    *used = parser.at;
  else if (parser.at != size)
    {
      fail (error, SHOAL_WIRE_ERROR_MALFORMED, "something follows the value", parser.at);
      return NULL;
    }

  return g_steal_pointer (&doc);
}

void
shoal_bencode_free (ShoalBencode *self)
{
  if (self == NULL)
    return;
  g_free (self->tokens);
  g_free (self);
}

static inline ShoalBencodeNode
node_at (const ShoalBencode *doc,
         guint32             token)
{
  return (ShoalBencodeNode){ doc, token };
}

ShoalBencodeNode
shoal_bencode_root (const ShoalBencode *self)
{
  return node_at (self, self != NULL ? 0 : NO_TOKEN);
}

static inline const Token *
token_of (ShoalBencodeNode node)
{
  return &node.doc->tokens[node.token];
}

/* The content of the string token at index @token. */
static const guint8 *
string_of (const ShoalBencode *doc,
           guint32             token,
           gsize              *size)
{
  const guint8 *text = doc->data + doc->tokens[token].at;

  while (*text != ':')
    text++;
  *size = doc->tokens[token].aux & ~KEY_FLAG;

  return text + 1;
}

ShoalBencodeType
shoal_bencode_type (ShoalBencodeNode node)
{
  if (node.doc == NULL || node.token == NO_TOKEN)
    return SHOAL_BENCODE_NONE;

  switch (node.doc->data[token_of (node)->at])
    {
    case 'i':
      return SHOAL_BENCODE_INT;
    case 'l':
      return SHOAL_BENCODE_LIST;
    case 'd':
      return SHOAL_BENCODE_DICT;
    default:
      return SHOAL_BENCODE_STRING;
    }
}

static gboolean
is_container (ShoalBencodeNode node)
{
  ShoalBencodeType type = shoal_bencode_type (node);

  return type == SHOAL_BENCODE_LIST || type == SHOAL_BENCODE_DICT;
}

gint64
shoal_bencode_int (ShoalBencodeNode node,
                   gint64           otherwise)
{
  gsize at;
  gint64 value;

  if (shoal_bencode_type (node) != SHOAL_BENCODE_INT)
    return otherwise;
  at = token_of (node)->at + (gsize) 1;

  return read_int (node.doc->data, node.doc->size, &at, &value) ? value : otherwise;
}

const guint8 *
shoal_bencode_bytes (ShoalBencodeNode  node,
                     gsize            *size)
{
  if (shoal_bencode_type (node) != SHOAL_BENCODE_STRING)
    {
      *size = 0;
      return NULL;
    }

  return string_of (node.doc, node.token, size);
}

char *
shoal_bencode_text (ShoalBencodeNode node)
{
  gsize size;
  const guint8 *bytes = shoal_bencode_bytes (node, &size);

  return bytes != NULL ? g_utf8_make_valid ((const char *) bytes, (gssize) size) : NULL;
}

const guint8 *
shoal_bencode_raw (ShoalBencodeNode  node,
                   gsize            *size)
{
  const guint8 *begin;
  gsize at;
  gint64 value;

  *size = 0;
  if (shoal_bencode_type (node) == SHOAL_BENCODE_NONE)
    return NULL;

  begin = node.doc->data + token_of (node)->at;
  if (is_container (node))
    {
      *size = node.doc->tokens[token_of (node)->aux - 1].at + (gsize) 1 - token_of (node)->at;
    }
  else if (shoal_bencode_type (node) == SHOAL_BENCODE_STRING)
    {
      const guint8 *content = string_of (node.doc, node.token, size);

      *size += (gsize) (content - begin);
    }
  else
    {
      at = token_of (node)->at + (gsize) 1;
      if (read_int (node.doc->data, node.doc->size, &at, &value))
        *size = at - token_of (node)->at;
    }

  return begin;
}

/* The value that begins at or, behind its key, after @token; NONE at the end of its container. */
static ShoalBencodeNode
value_at (const ShoalBencode *doc,
          guint32             token)
{
  const Token *at;

  if (token >= doc->n_tokens)
    return node_at (doc, NO_TOKEN);
  at = &doc->tokens[token];
  if (doc->data[at->at] == 'e')
    return node_at (doc, NO_TOKEN);
  if (g_ascii_isdigit (doc->data[at->at]) && (at->aux & KEY_FLAG) != 0)
    return node_at (doc, token + 1);

  return node_at (doc, token);
}

ShoalBencodeNode
shoal_bencode_first (ShoalBencodeNode list_or_dict)
{
  if (!is_container (list_or_dict))
    return node_at (list_or_dict.doc, NO_TOKEN);

  return value_at (list_or_dict.doc, list_or_dict.token + 1);
}

ShoalBencodeNode
shoal_bencode_next (ShoalBencodeNode item)
{
  if (shoal_bencode_type (item) == SHOAL_BENCODE_NONE)
    return node_at (item.doc, NO_TOKEN);

  return value_at (item.doc, is_container (item) ? token_of (item)->aux : item.token + 1);
}

const guint8 *
shoal_bencode_key (ShoalBencodeNode  value,
                   gsize            *size)
{
  const Token *before;

  *size = 0;
  if (shoal_bencode_type (value) == SHOAL_BENCODE_NONE || value.token == 0)
    return NULL;
  before = &value.doc->tokens[value.token - 1];
  if (!g_ascii_isdigit (value.doc->data[before->at]) || (before->aux & KEY_FLAG) == 0)
    return NULL;

  return string_of (value.doc, value.token - 1, size);
}

ShoalBencodeNode
shoal_bencode_get (ShoalBencodeNode  dict,
                   const char       *key)
{
  gsize key_size = strlen (key);

  if (shoal_bencode_type (dict) != SHOAL_BENCODE_DICT)
    return node_at (dict.doc, NO_TOKEN);

  for (ShoalBencodeNode value = shoal_bencode_first (dict); value.token != NO_TOKEN;
       value = shoal_bencode_next (value))
    {
      gsize size;
      const guint8 *bytes = shoal_bencode_key (value, &size);

      if (size == key_size && memcmp (bytes, key, size) == 0)
        return value;
    }

  return node_at (dict.doc, NO_TOKEN);
}

guint
shoal_bencode_count (ShoalBencodeNode node)
{
  return is_container (node) ? node.doc->tokens[token_of (node)->aux - 1].aux : 0;
}

void
shoal_bencode_write_int (ShoalWriter *out,
                         gint64       value)
{
  shoal_writer_format (out, "i%" G_GINT64_FORMAT "e", value);
}

void
shoal_bencode_write_bytes (ShoalWriter   *out,
                           gconstpointer  data,
                           gsize          size)
{
  shoal_writer_format (out, "%" G_GSIZE_FORMAT ":", size);
  shoal_writer_bytes (out, data, size);
}

void
shoal_bencode_write_text (ShoalWriter *out,
                          const char  *text)
{
  shoal_bencode_write_bytes (out, text, strlen (text));
}

void
shoal_bencode_write_begin (ShoalWriter      *out,
                           ShoalBencodeType  list_or_dict)
{
  g_return_if_fail (list_or_dict == SHOAL_BENCODE_LIST || list_or_dict == SHOAL_BENCODE_DICT);

  shoal_writer_u8 (out, list_or_dict == SHOAL_BENCODE_LIST ? 'l' : 'd');
}

void
shoal_bencode_write_end (ShoalWriter *out)
{
  shoal_writer_u8 (out, 'e');
}

/* By key, and of equal keys the first in the document first. */
static int
compare_values (gconstpointer a,
                gconstpointer b)
{
  ShoalBencodeNode left = *(const ShoalBencodeNode *) a;
  ShoalBencodeNode right = *(const ShoalBencodeNode *) b;
  gsize left_size, right_size;
  const guint8 *left_key = shoal_bencode_key (left, &left_size);
  const guint8 *right_key = shoal_bencode_key (right, &right_size);
  int order = memcmp (left_key, right_key, MIN (left_size, right_size));

  if (order == 0)
    order = (left_size > right_size) - (left_size < right_size);
  if (order == 0)
    order = (left.token > right.token) - (left.token < right.token);

  return order;
}

static void
write_dict (ShoalWriter      *out,
            ShoalBencodeNode  node)
{
  guint count = shoal_bencode_count (node);
  g_autofree ShoalBencodeNode *values = g_new (ShoalBencodeNode, count);
  const guint8 *last = NULL;
  gsize last_size = 0;
  guint n = 0;

  for (ShoalBencodeNode value = shoal_bencode_first (node); value.token != NO_TOKEN;
       value = shoal_bencode_next (value))
    values[n++] = value;
  g_assert (n == count);
  if (n > 0)
    qsort (values, n, sizeof *values, compare_values);

  shoal_bencode_write_begin (out, SHOAL_BENCODE_DICT);
  for (guint i = 0; i < n; i++)
    {
      gsize size;
      const guint8 *key = shoal_bencode_key (values[i], &size);

      if (last != NULL && size == last_size && memcmp (key, last, size) == 0)
        continue;
      shoal_bencode_write_bytes (out, key, size);
      shoal_bencode_write_node (out, values[i]);
      last = key;
      last_size = size;
    }
  shoal_bencode_write_end (out);
}

void
shoal_bencode_write_node (ShoalWriter      *out,
                          ShoalBencodeNode  node)
{
  const guint8 *bytes;
  gsize size;

  switch (shoal_bencode_type (node))
    {
    case SHOAL_BENCODE_INT:
      shoal_bencode_write_int (out, shoal_bencode_int (node, 0));
      break;
    case SHOAL_BENCODE_STRING:
      bytes = shoal_bencode_bytes (node, &size);
      shoal_bencode_write_bytes (out, bytes, size);
      break;
    case SHOAL_BENCODE_LIST:
      shoal_bencode_write_begin (out, SHOAL_BENCODE_LIST);
      for (ShoalBencodeNode item = shoal_bencode_first (node); item.token != NO_TOKEN;
           item = shoal_bencode_next (item))
        shoal_bencode_write_node (out, item);
      shoal_bencode_write_end (out);
      break;
    case SHOAL_BENCODE_DICT:
      write_dict (out, node);
      break;
    case SHOAL_BENCODE_NONE:
    default:
      break;
    }
}
