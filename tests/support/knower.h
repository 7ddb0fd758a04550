/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A scripted peer that is asked for the hashes of blocks, and asks for them. */

#pragma once

#include "rig.h"
#include "shoal-leaves.h"

G_BEGIN_DECLS

/* The torrent has one file, and its pieces more than a block. */
typedef struct
{
  RigBot  *bot;
  gboolean silent;       /* gives no answer */
  gboolean rejects;
  gboolean lies;         /* in the first hash */
  guint    good_for;     /* answers, before it rejects or lies; 0: it does from the first on */
  guint    n_asked;
  guint    n_answers;    /* that it got */
  guint    n_rejects;
  ShoalHashRequest request;   /* of the last answer that it got */
  GByteArray *got;            /* its hashes */
  ShoalSha256 *nodes;         /* (nullable): see knower_tree() */
  guint32  width;
} Knower;

/* It has everything. Freed with the test. */
Knower *knower_new (Rig *rig, guint8 number);
void    knower_ask (Knower *self, const ShoalHashRequest *request);

/* The nodes of the file's tree, see shoal_leaves_grow(); @width: (out): leaves. (transfer full) */
ShoalSha256 *knower_tree  (const Content *content, guint32 *width);
/* What an answer must be. (transfer full) */
GByteArray  *knower_truth (const ShoalSha256 *nodes, guint32 width,
                           const ShoalHashRequest *request);

G_END_DECLS
