/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A host that does nothing but remember what it was asked for, so that a test can look at it and
 * answer. */

#pragma once

#include "shoal-host.h"
#include "shoal-rng.h"

G_BEGIN_DECLS

typedef struct
{
  ShoalAddr      to;
  GBytes        *bytes;
  ShoalSendFlags flags;
} FakeDatagram;

typedef struct
{
  ShoalLink *link;
  ShoalAddr  to;
} FakeDial;

/**
 * FakeHost:
 *
 * What was asked for and not answered yet, oldest first. What a test does not answer must be taken
 * out or ended with fake_host_end_all() before the host is freed: the host has to give back every
 * request.
 */
typedef struct
{
  ShoalHost        host;        /* first: a ShoalHost is this */
  GPtrArray       *fetches;     /* of ShoalFetch */
  GPtrArray       *attended_fetches;   /* of ShoalFetch: what attend_fetch was called for; cleared
                                        * by the test */
  GPtrArray       *lookups;     /* of ShoalLookup */
  GPtrArray       *filters;     /* of ShoalFilterLoad */
  GPtrArray       *jobs;        /* of ShoalDiskJob */
  GPtrArray       *records;     /* of ShoalResume (owned) */
  GPtrArray       *events;      /* of ShoalEvent (owned) */
  GArray          *datagrams;   /* of FakeDatagram (owned) */
  GArray          *dials;       /* of FakeDial */
  GPtrArray       *attended;    /* of ShoalLink */
  GPtrArray       *hung_up;     /* of ShoalLink */
  GBytes          *kept;        /* (owned) (nullable): DHT nodes */
  ShoalNetwork     network;     /* as last wanted */
  gboolean         map;         /* likewise */
  guint            n_multicasts;
  GBytes          *multicast;   /* (nullable): the last one of IPv4 */
  ShoalSendResult  send_result; /* what sending a datagram gives */
  gboolean         keeps_seeds; /* what web seeds are asked for is not ended by
                                 * fake_host_end_all() */
  ShoalRng         rng;
} FakeHost;

FakeHost *fake_host_new  (guint64 seed);
void      fake_host_free (FakeHost *self);

/* Answer the request at @index, which leaves the array. @body, @error: (nullable): borrowed. */
void fake_host_answer_fetch  (FakeHost *self, guint index, guint status, const void *body,
                              gsize size, const char *error, gint64 now_us);
/* @addrs: numeric addresses separated by spaces, "" for none. */
void fake_host_answer_lookup (FakeHost *self, guint index, const char *addrs, gint64 now_us);
/* Takes the oldest datagram out. */
GBytes *fake_host_take_datagram (FakeHost *self, ShoalAddr *to);
/* Ends every fetch and lookup without a result, also those that this brings about. */
void fake_host_end_all (FakeHost *self, gint64 now_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FakeHost, fake_host_free)

G_END_DECLS
