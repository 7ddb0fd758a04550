/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Merkle trees of BEP 52: roots from leaves, with log n hashes of memory. */

/*
 * A binary counter: bit k of `n_leaves` says whether stack[k] holds the root of a complete subtree
 * of 2^k leaves that still waits for its right sibling. What is missing at the end of a tree is
 * hashes of zero, whose subtrees are the same on every level.
 *
 * A digest that is used again costs a fraction of one that is looked up anew; whole runs keep one.
 */

#include "shoal-merkle.h"

#include <string.h>

#define BLOCK_SIZE 16384u

static void
hash_pair (ShoalDigest       *digest,
           const ShoalSha256 *left,
           const ShoalSha256 *right,
           ShoalSha256       *out)
{
  guint8 pair[2 * SHOAL_SHA256_SIZE];

  memcpy (pair, left->bytes, SHOAL_SHA256_SIZE);
  memcpy (pair + SHOAL_SHA256_SIZE, right->bytes, SHOAL_SHA256_SIZE);
  if (digest == NULL)
    {
      shoal_sha256 (pair, sizeof pair, out);
      return;
    }
  shoal_digest_update (digest, pair, sizeof pair);
  shoal_digest_finish (digest, out->bytes);
}

static void
add_leaf (ShoalMerkle       *self,
          ShoalDigest       *digest,
          const ShoalSha256 *leaf)
{
  ShoalSha256 node = *leaf;
  guint level = 0;

  for (guint64 n = self->n_leaves; (n & 1) != 0; n >>= 1, level++)
    hash_pair (digest, &self->stack[level], &node, &node);
  self->stack[level] = node;
  self->n_leaves += 1;
}

static void
zero_root (ShoalDigest *digest,
           guint        level,
           ShoalSha256 *out)
{
  memset (out, 0, sizeof *out);
  for (guint i = 0; i < level; i++)
    hash_pair (digest, out, out, out);
}

static void
finish_root (ShoalMerkle *self,
             ShoalDigest *digest,
             guint64      n_leaves,
             guint        pad_level,
             ShoalSha256 *out)
{
  gboolean begun = FALSE;
  ShoalSha256 zero, node;
  guint level = 0;

  zero_root (digest, pad_level, &zero);
  for (; (G_GUINT64_CONSTANT (1) << level) < n_leaves; level++)
    {
      if ((self->n_leaves >> level & 1) != 0)
        {
          hash_pair (digest, &self->stack[level], begun ? &node : &zero, &node);
          begun = TRUE;
        }
      else if (begun)
        {
          hash_pair (digest, &node, &zero, &node);
        }
      hash_pair (digest, &zero, &zero, &zero);
    }

  if (begun)
    *out = node;
  else
    *out = self->n_leaves != 0 ? self->stack[level] : zero;
  self->n_leaves = 0;
}

void
shoal_merkle_init (ShoalMerkle *self)
{
  self->n_leaves = 0;
}

void
shoal_merkle_add (ShoalMerkle       *self,
                  const ShoalSha256 *leaf)
{
  g_return_if_fail (self->n_leaves < G_MAXUINT32);

  add_leaf (self, NULL, leaf);
}

void
shoal_merkle_root (ShoalMerkle *self,
                   guint64      n_leaves,
                   guint        pad_level,
                   ShoalSha256 *out)
{
  g_return_if_fail (n_leaves > 0 && (n_leaves & (n_leaves - 1)) == 0);
  g_return_if_fail (self->n_leaves <= n_leaves);

  finish_root (self, NULL, n_leaves, pad_level, out);
}

void
shoal_merkle_zero (guint        level,
                   ShoalSha256 *out)
{
  zero_root (NULL, level, out);
}

void
shoal_merkle_data_root (const guint8 *data,
                        gsize         size,
                        guint64       n_leaves,
                        ShoalSha256  *out)
{
  g_autoptr (ShoalDigest) digest = shoal_digest_new (SHOAL_DIGEST_SHA256);
  ShoalMerkle merkle = { .n_leaves = 0 };

  g_return_if_fail (n_leaves > 0 && (n_leaves & (n_leaves - 1)) == 0);
  g_return_if_fail (size <= n_leaves * BLOCK_SIZE);

  for (gsize at = 0; at < size; at += BLOCK_SIZE)
    {
      ShoalSha256 leaf;

      shoal_digest_update (digest, data + at, MIN (size - at, BLOCK_SIZE));
      shoal_digest_finish (digest, leaf.bytes);
      add_leaf (&merkle, digest, &leaf);
    }
  finish_root (&merkle, digest, n_leaves, 0, out);
}

gboolean
shoal_merkle_check_layer (const guint8      *layer,
                          gsize              n,
                          guint              level,
                          const ShoalSha256 *root)
{
  g_autoptr (ShoalDigest) digest = shoal_digest_new (SHOAL_DIGEST_SHA256);
  ShoalMerkle merkle = { .n_leaves = 0 };
  ShoalSha256 node;

  g_return_val_if_fail (n > 0 && n < G_MAXUINT32, FALSE);

  for (gsize i = 0; i < n; i++)
    {
      memcpy (node.bytes, layer + i * SHOAL_SHA256_SIZE, SHOAL_SHA256_SIZE);
      add_leaf (&merkle, digest, &node);
    }
  finish_root (&merkle, digest, shoal_merkle_round_up (n), level, &node);

  return memcmp (node.bytes, root->bytes, SHOAL_SHA256_SIZE) == 0;
}

guint64
shoal_merkle_round_up (guint64 n)
{
  guint64 power = 1;

  while (power < n)
    power <<= 1;

  return power;
}
