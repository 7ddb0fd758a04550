/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A naive model of the picker that takes part in everything and compares. */

#pragma once

#include "shoal-picker.h"

G_BEGIN_DECLS

#define N_PEERS    12u
#define QUEUE_MAX  64u
#define MIB        (1024u * 1024u)

typedef enum { MODEL_FREE, MODEL_ASKED, MODEL_RECEIVED, MODEL_DISK } ModelBlock;

typedef struct
{
  gboolean       connected;
  ShoalBitfield *bits;
  gboolean       all;             /* told as NULL */
  guint64        rate;
  ShoalBlock     queue[QUEUE_MAX];
  gboolean       placed[QUEUE_MAX];
  guint          n_queue;
} ModelPeer;

typedef struct
{
  ShoalLayout *layout;
  ShoalArena  *arena;
  ShoalRng     rng;
  ShoalRng     chance;            /* the test's own */
  ShoalPicker *picker;
  ModelPeer    peers[N_PEERS];
  guint8     **blocks;            /* a ModelBlock each */
  guint8      *disk;              /* what was spilled */
  guint8      *priorities;
  gboolean    *had;
  gint64       now_us;
  guint64      n_arrived;
} Model;

void         model_init (Model *m, guint32 piece_size, guint64 total, gsize arena);
void         model_clear (Model *m);
guint        model_chance (Model *m, guint limit);
guint8       model_content (ShoalBlock at);
ShoalPickWho model_who_is (Model *m, guint peer);
void         model_connect_peer (Model *m, guint index, guint percent);
void         model_release_request (Model *m, ModelPeer *peer, guint at);
void         model_choke_peer (Model *m, guint index);
void         model_disconnect_peer (Model *m, guint index);
guint        model_pick_blocks (Model *m, guint index, guint max, gboolean ample);
void         model_arrive (Model *m, guint index, gboolean may_fail);
void         model_spill (Model *m, guint32 piece);
void         model_end_spill (Model *m, guint32 piece);
void         model_check_availability (Model *m);
void         model_change_bit (Model *m, guint index);
void         model_change_priority (Model *m);
gboolean     model_is_complete (const Model *m);

G_END_DECLS
