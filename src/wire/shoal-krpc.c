/* SPDX-License-Identifier: GPL-3.0-or-later */
/* KRPC, the messages of the DHT: bencoded dictionaries to structs and back. */

/*
 * A message is judged in two steps. What cannot be answered, because it has no transaction or is no
 * dictionary, is no message. A query that can be answered but lacks what its method needs is one
 * with a defect: its sender may be told.
 *
 * Keys are written in sorted order, which is the order of the lines here. Nothing is allocated but
 * the tokens of the document, and everything that was read points into the packet.
 */

#include "shoal-krpc.h"

#include <string.h>

#include "shoal-bencode.h"
#include "shoal-signature.h"

#define ERROR_TEXT_MAX 200u   /* bytes of an error's text */

static const char *const methods[SHOAL_KRPC_UNKNOWN] = {
  [SHOAL_KRPC_PING] = "ping",
  [SHOAL_KRPC_FIND_NODE] = "find_node",
  [SHOAL_KRPC_GET_PEERS] = "get_peers",
  [SHOAL_KRPC_ANNOUNCE_PEER] = "announce_peer",
  [SHOAL_KRPC_GET] = "get",
  [SHOAL_KRPC_PUT] = "put",
  [SHOAL_KRPC_SAMPLE_INFOHASHES] = "sample_infohashes",
};

void
shoal_krpc_init (ShoalKrpc      *self,
                 ShoalKrpcType   type,
                 ShoalKrpcMethod method)
{
  memset (self, 0, G_STRUCT_OFFSET (ShoalKrpc, values));
  self->type = type;
  self->method = method;
}

/* --- Reading --- */

static ShoalKrpcBytes
get_bytes (ShoalBencodeNode dict,
           const char      *key)
{
  ShoalKrpcBytes bytes;

  bytes.data = shoal_bencode_bytes (shoal_bencode_get (dict, key), &bytes.size);
  if (bytes.data == NULL)
    bytes.size = 0;

  return bytes;
}

/* Bytes of exactly @unit, or with @many a multiple of it; anything else counts as not there. */
static ShoalKrpcBytes
get_units (ShoalBencodeNode dict,
           const char      *key,
           gsize            unit,
           gboolean         many)
{
  ShoalKrpcBytes bytes = get_bytes (dict, key);

  if (bytes.data == NULL || (many ? bytes.size % unit != 0 : bytes.size != unit))
    return (ShoalKrpcBytes){ NULL, 0 };

  return bytes;
}

static gboolean
get_hash (ShoalBencodeNode dict,
          const char      *key,
          ShoalSha1       *out)
{
  ShoalKrpcBytes bytes = get_units (dict, key, SHOAL_SHA1_SIZE, FALSE);

  if (bytes.data == NULL)
    return FALSE;
  memcpy (out->bytes, bytes.data, SHOAL_SHA1_SIZE);

  return TRUE;
}

static gboolean
get_int (ShoalBencodeNode dict,
         const char      *key,
         gint64          *out)
{
  ShoalBencodeNode node = shoal_bencode_get (dict, key);

  if (shoal_bencode_type (node) != SHOAL_BENCODE_INT)
    return FALSE;
  *out = shoal_bencode_int (node, 0);

  return TRUE;
}

static gboolean
get_flag (ShoalBencodeNode dict,
          const char      *key)
{
  return shoal_bencode_int (shoal_bencode_get (dict, key), 0) != 0;
}

static gboolean
get_endpoint (ShoalAddr           *out,
              const ShoalKrpcBytes bytes)
{
  if (bytes.data == NULL || (bytes.size != 6 && bytes.size != 18))
    return FALSE;
  shoal_addr_from_compact (out, bytes.size == 6 ? SHOAL_FAMILY_IPV4 : SHOAL_FAMILY_IPV6,
                           bytes.data);

  return TRUE;
}

/* Members of stored items, which queries and answers share. */
static void
read_item (ShoalKrpc       *self,
           ShoalBencodeNode dict)
{
  ShoalBencodeNode value = shoal_bencode_get (dict, "v");

  if (shoal_bencode_type (value) != SHOAL_BENCODE_NONE)
    self->value.data = shoal_bencode_raw (value, &self->value.size);
  self->key = get_units (dict, "k", SHOAL_SIGNATURE_KEY_SIZE, FALSE);
  self->signature = get_units (dict, "sig", SHOAL_SIGNATURE_SIZE, FALSE);
  if (get_int (dict, "seq", &self->seq))
    self->flags |= SHOAL_KRPC_HAS_SEQ;
}

static void
read_want (ShoalKrpc       *self,
           ShoalBencodeNode want)
{
  SHOAL_BENCODE_FOREACH (item, want)
    {
      gsize size;
      const guint8 *family = shoal_bencode_bytes (item, &size);

      if (family == NULL || size != 2 || family[0] != 'n')
        continue;
      if (family[1] == '4')
        self->flags |= SHOAL_KRPC_WANT4;
      else if (family[1] == '6')
        self->flags |= SHOAL_KRPC_WANT6;
    }
}

/* Whether a query has what its method needs. */
static gboolean
is_whole (const ShoalKrpc *self)
{
  gboolean has_target = (self->flags & SHOAL_KRPC_HAS_TARGET) != 0;

  if ((self->flags & SHOAL_KRPC_HAS_ID) == 0)
    return FALSE;

  switch (self->method)
    {
    case SHOAL_KRPC_FIND_NODE:
    case SHOAL_KRPC_GET_PEERS:
    case SHOAL_KRPC_GET:
    case SHOAL_KRPC_SAMPLE_INFOHASHES:
      return has_target;

    case SHOAL_KRPC_ANNOUNCE_PEER:
      return has_target && self->token.data != NULL
             && (self->flags & (SHOAL_KRPC_HAS_PORT | SHOAL_KRPC_IMPLIED_PORT)) != 0;

    case SHOAL_KRPC_PUT:
      return self->token.data != NULL && self->value.data != NULL
             && (self->key.data == NULL
                 || (self->signature.data != NULL && (self->flags & SHOAL_KRPC_HAS_SEQ) != 0));

    default:
      return TRUE;
    }
}

static void
read_query (ShoalKrpc       *self,
            ShoalBencodeNode root)
{
  ShoalBencodeNode args = shoal_bencode_get (root, "a");
  ShoalKrpcBytes name = get_bytes (root, "q");
  gint64 port;

  self->method = SHOAL_KRPC_UNKNOWN;
  for (guint i = 0; name.data != NULL && i < SHOAL_KRPC_UNKNOWN; i++)
    if (strlen (methods[i]) == name.size && memcmp (methods[i], name.data, name.size) == 0)
      self->method = i;

  if (get_hash (args, "id", &self->id))
    self->flags |= SHOAL_KRPC_HAS_ID;
  if (get_hash (args, "info_hash", &self->target) || get_hash (args, "target", &self->target))
    self->flags |= SHOAL_KRPC_HAS_TARGET;
  if (get_int (args, "port", &port) && port > 0 && port <= G_MAXUINT16)
    {
      self->flags |= SHOAL_KRPC_HAS_PORT;
      self->port = (guint16) port;
    }
  self->flags |= get_flag (args, "implied_port") ? SHOAL_KRPC_IMPLIED_PORT : 0;
  self->flags |= get_flag (args, "seed") ? SHOAL_KRPC_SEED : 0;
  self->flags |= get_flag (args, "noseed") ? SHOAL_KRPC_NOSEED : 0;
  self->flags |= get_flag (args, "scrape") ? SHOAL_KRPC_SCRAPE : 0;
  self->flags |= get_flag (root, "ro") ? SHOAL_KRPC_READ_ONLY : 0;
  read_want (self, shoal_bencode_get (args, "want"));
  self->token = get_bytes (args, "token");
  if (self->token.size > SHOAL_KRPC_TOKEN_MAX)
    self->token = (ShoalKrpcBytes){ NULL, 0 };
  if (self->method == SHOAL_KRPC_GET || self->method == SHOAL_KRPC_PUT)
    {
      read_item (self, args);
      self->salt = get_bytes (args, "salt");
      if (get_int (args, "cas", &self->cas))
        self->flags |= SHOAL_KRPC_HAS_CAS;
    }
  if (!is_whole (self))
    self->flags |= SHOAL_KRPC_DEFECT;
}

static void
read_values (ShoalKrpc       *self,
             ShoalBencodeNode values)
{
  SHOAL_BENCODE_FOREACH (item, values)
    {
      ShoalKrpcBytes bytes;

      if (self->n_values == SHOAL_KRPC_VALUES_MAX)
        return;
      bytes.data = shoal_bencode_bytes (item, &bytes.size);
      if (get_endpoint (&self->values[self->n_values], bytes))
        self->n_values++;
    }
}

static gboolean
read_answer (ShoalKrpc       *self,
             ShoalBencodeNode root)
{
  ShoalBencodeNode answer = shoal_bencode_get (root, "r");

  if (!get_hash (answer, "id", &self->id))
    return FALSE;
  self->flags |= SHOAL_KRPC_HAS_ID;
  self->token = get_bytes (answer, "token");
  if (self->token.size > SHOAL_KRPC_TOKEN_MAX)
    self->token = (ShoalKrpcBytes){ NULL, 0 };
  self->nodes4 = get_units (answer, "nodes", SHOAL_KRPC_NODE4_SIZE, TRUE);
  self->nodes6 = get_units (answer, "nodes6", SHOAL_KRPC_NODE6_SIZE, TRUE);
  self->bloom_seeds = get_units (answer, "BFsd", SHOAL_KRPC_BLOOM_SIZE, FALSE);
  self->bloom_peers = get_units (answer, "BFpe", SHOAL_KRPC_BLOOM_SIZE, FALSE);
  self->samples = get_units (answer, "samples", SHOAL_SHA1_SIZE, TRUE);
  if (self->samples.data != NULL)
    {
      self->flags |= SHOAL_KRPC_HAS_SAMPLES;
      self->interval_s = shoal_bencode_int (shoal_bencode_get (answer, "interval"), 0);
      self->n_stored = shoal_bencode_int (shoal_bencode_get (answer, "num"), 0);
    }
  read_item (self, answer);
  read_values (self, shoal_bencode_get (answer, "values"));
  get_endpoint (&self->ip, get_bytes (root, "ip"));

  return TRUE;
}

static void
read_error (ShoalKrpc       *self,
            ShoalBencodeNode root)
{
  ShoalBencodeNode code = shoal_bencode_first (shoal_bencode_get (root, "e"));

  self->error = shoal_bencode_int (code, SHOAL_KRPC_ERROR_GENERIC);
  self->text.data = shoal_bencode_bytes (shoal_bencode_next (code), &self->text.size);
  self->text.size = self->text.data != NULL ? MIN (self->text.size, ERROR_TEXT_MAX) : 0;
}

gboolean
shoal_krpc_parse (ShoalKrpc    *self,
                  const guint8 *data,
                  gsize         size)
{
  g_autoptr (ShoalBencode) doc = NULL;
  ShoalBencodeNode root;
  ShoalKrpcBytes type;
  gsize used;

  g_return_val_if_fail (self != NULL && (data != NULL || size == 0), FALSE);

  shoal_krpc_init (self, SHOAL_KRPC_QUERY, SHOAL_KRPC_UNKNOWN);
  if (size == 0 || data[0] != 'd')
    return FALSE;
  doc = shoal_bencode_parse (data, size, &used, NULL);
  root = shoal_bencode_root (doc);
  type = get_units (root, "y", 1, FALSE);
  self->transaction = get_bytes (root, "t");
  if (type.data == NULL || self->transaction.data == NULL
      || self->transaction.size > SHOAL_KRPC_TRANSACTION_MAX)
    return FALSE;
  self->version = get_bytes (root, "v");

  switch (type.data[0])
    {
    case 'q':
      read_query (self, root);
      return TRUE;

    case 'r':
      self->type = SHOAL_KRPC_ANSWER;
      return read_answer (self, root);

    case 'e':
      self->type = SHOAL_KRPC_ERROR;
      read_error (self, root);
      return TRUE;

    default:
      return FALSE;
    }
}

/* --- Writing --- */

static void
put_bytes (ShoalWriter   *out,
           const char    *key,
           ShoalKrpcBytes bytes)
{
  if (bytes.data == NULL)
    return;
  shoal_bencode_write_text (out, key);
  shoal_bencode_write_bytes (out, bytes.data, bytes.size);
}

static void
put_hash (ShoalWriter     *out,
          const char      *key,
          const ShoalSha1 *hash)
{
  put_bytes (out, key, (ShoalKrpcBytes){ hash->bytes, SHOAL_SHA1_SIZE });
}

static void
put_int (ShoalWriter *out,
         const char  *key,
         gint64       value)
{
  shoal_bencode_write_text (out, key);
  shoal_bencode_write_int (out, value);
}

static void
put_flag (ShoalWriter     *out,
          const char      *key,
          const ShoalKrpc *self,
          ShoalKrpcFlags   flag)
{
  if ((self->flags & flag) != 0)
    put_int (out, key, 1);
}

static void
put_raw (ShoalWriter   *out,
         const char    *key,
         ShoalKrpcBytes bencode)
{
  if (bencode.data == NULL)
    return;
  shoal_bencode_write_text (out, key);
  shoal_writer_bytes (out, bencode.data, bencode.size);
}

static void
put_endpoint (ShoalWriter     *out,
              const ShoalAddr *addr)
{
  guint8 compact[18];

  shoal_addr_to_compact (addr, compact);
  shoal_bencode_write_bytes (out, compact, shoal_addr_compact_size (addr));
}

static void
put_want (ShoalWriter     *out,
          const ShoalKrpc *self)
{
  if ((self->flags & (SHOAL_KRPC_WANT4 | SHOAL_KRPC_WANT6)) == 0)
    return;
  shoal_bencode_write_text (out, "want");
  shoal_bencode_write_begin (out, SHOAL_BENCODE_LIST);
  if ((self->flags & SHOAL_KRPC_WANT4) != 0)
    shoal_bencode_write_text (out, "n4");
  if ((self->flags & SHOAL_KRPC_WANT6) != 0)
    shoal_bencode_write_text (out, "n6");
  shoal_bencode_write_end (out);
}

static void
write_arguments (ShoalWriter     *out,
                 const ShoalKrpc *self)
{
  gboolean by_hash = self->method == SHOAL_KRPC_GET_PEERS
                     || self->method == SHOAL_KRPC_ANNOUNCE_PEER;
  gboolean has_target = (self->flags & SHOAL_KRPC_HAS_TARGET) != 0;

  shoal_bencode_write_text (out, "a");
  shoal_bencode_write_begin (out, SHOAL_BENCODE_DICT);
  if ((self->flags & SHOAL_KRPC_HAS_CAS) != 0)
    put_int (out, "cas", self->cas);
  if ((self->flags & SHOAL_KRPC_HAS_ID) != 0)
    put_hash (out, "id", &self->id);
  put_flag (out, "implied_port", self, SHOAL_KRPC_IMPLIED_PORT);
  if (by_hash && has_target)
    put_hash (out, "info_hash", &self->target);
  put_bytes (out, "k", self->key);
  put_flag (out, "noseed", self, SHOAL_KRPC_NOSEED);
  if ((self->flags & SHOAL_KRPC_HAS_PORT) != 0)
    put_int (out, "port", self->port);
  put_bytes (out, "salt", self->salt);
  put_flag (out, "scrape", self, SHOAL_KRPC_SCRAPE);
  put_flag (out, "seed", self, SHOAL_KRPC_SEED);
  if ((self->flags & SHOAL_KRPC_HAS_SEQ) != 0)
    put_int (out, "seq", self->seq);
  put_bytes (out, "sig", self->signature);
  if (!by_hash && has_target)
    put_hash (out, "target", &self->target);
  put_bytes (out, "token", self->token);
  put_raw (out, "v", self->value);
  put_want (out, self);
  shoal_bencode_write_end (out);
}

static void
write_answer (ShoalWriter     *out,
              const ShoalKrpc *self)
{
  gboolean has_samples = (self->flags & SHOAL_KRPC_HAS_SAMPLES) != 0;

  shoal_bencode_write_text (out, "r");
  shoal_bencode_write_begin (out, SHOAL_BENCODE_DICT);
  put_bytes (out, "BFpe", self->bloom_peers);
  put_bytes (out, "BFsd", self->bloom_seeds);
  put_hash (out, "id", &self->id);
  if (has_samples)
    put_int (out, "interval", self->interval_s);
  put_bytes (out, "k", self->key);
  put_bytes (out, "nodes", self->nodes4);
  put_bytes (out, "nodes6", self->nodes6);
  if (has_samples)
    {
      put_int (out, "num", self->n_stored);
      put_bytes (out, "samples", self->samples);
    }
  if ((self->flags & SHOAL_KRPC_HAS_SEQ) != 0)
    put_int (out, "seq", self->seq);
  put_bytes (out, "sig", self->signature);
  put_bytes (out, "token", self->token);
  put_raw (out, "v", self->value);
  if (self->n_values > 0)
    {
      shoal_bencode_write_text (out, "values");
      shoal_bencode_write_begin (out, SHOAL_BENCODE_LIST);
      for (guint i = 0; i < self->n_values; i++)
        put_endpoint (out, &self->values[i]);
      shoal_bencode_write_end (out);
    }
  shoal_bencode_write_end (out);
}

void
shoal_krpc_write (const ShoalKrpc *self,
                  ShoalWriter     *out)
{
  static const char *const types[] = {
    [SHOAL_KRPC_QUERY] = "q", [SHOAL_KRPC_ANSWER] = "r", [SHOAL_KRPC_ERROR] = "e"
  };

  g_return_if_fail (self->type != SHOAL_KRPC_QUERY || self->method < SHOAL_KRPC_UNKNOWN);

  shoal_bencode_write_begin (out, SHOAL_BENCODE_DICT);
  if (self->type == SHOAL_KRPC_QUERY)
    write_arguments (out, self);
  if (self->type == SHOAL_KRPC_ERROR)
    {
      shoal_bencode_write_text (out, "e");
      shoal_bencode_write_begin (out, SHOAL_BENCODE_LIST);
      shoal_bencode_write_int (out, self->error);
      shoal_bencode_write_bytes (out,
                                 self->text.data != NULL ? self->text.data : (const guint8 *) "",
                                 self->text.size);
      shoal_bencode_write_end (out);
    }
  if (self->type == SHOAL_KRPC_ANSWER && self->ip.family != SHOAL_FAMILY_NONE)
    {
      shoal_bencode_write_text (out, "ip");
      put_endpoint (out, &self->ip);
    }
  if (self->type == SHOAL_KRPC_QUERY)
    {
      shoal_bencode_write_text (out, "q");
      shoal_bencode_write_text (out, methods[self->method]);
    }
  if (self->type == SHOAL_KRPC_ANSWER)
    write_answer (out, self);
  if (self->type == SHOAL_KRPC_QUERY)
    put_flag (out, "ro", self, SHOAL_KRPC_READ_ONLY);
  put_bytes (out, "t", self->transaction);
  put_bytes (out, "v", self->version);
  shoal_bencode_write_text (out, "y");
  shoal_bencode_write_text (out, types[self->type]);
  shoal_bencode_write_end (out);
}

void
shoal_krpc_write_signed (ShoalWriter     *out,
                         const ShoalKrpc *put)
{
  if (put->salt.data != NULL && put->salt.size > 0)
    put_bytes (out, "salt", put->salt);
  put_int (out, "seq", put->seq);
  put_raw (out, "v", put->value);
}

void
shoal_krpc_item_target (const ShoalKrpc *put,
                        ShoalSha1       *target)
{
  guint8 named[SHOAL_SIGNATURE_KEY_SIZE + SHOAL_KRPC_SALT_MAX];
  gsize salt_size = MIN (put->salt.size, SHOAL_KRPC_SALT_MAX);

  if (put->key.data == NULL)
    {
      shoal_sha1 (put->value.data, put->value.size, target);
      return;
    }
  memcpy (named, put->key.data, SHOAL_SIGNATURE_KEY_SIZE);
  if (salt_size > 0)
    memcpy (named + SHOAL_SIGNATURE_KEY_SIZE, put->salt.data, salt_size);
  shoal_sha1 (named, SHOAL_SIGNATURE_KEY_SIZE + salt_size, target);
}

void
shoal_krpc_bloom_add (guint8          *bloom,
                      const ShoalAddr *addr)
{
  ShoalSha1 digest;

  shoal_sha1 (addr->ip, addr->family == SHOAL_FAMILY_IPV4 ? 4 : 16, &digest);
  for (guint i = 0; i < 2; i++)
    {
      guint bit = (digest.bytes[2 * i] | digest.bytes[2 * i + 1] << 8)
                  % (8 * SHOAL_KRPC_BLOOM_SIZE);

      bloom[bit / 8] |= (guint8) (1u << bit % 8);
    }
}
