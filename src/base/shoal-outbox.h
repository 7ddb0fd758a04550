/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outgoing bytes of one connection: small messages, buffers and file ranges, seen as spans. */

#pragma once

#include <glib.h>
#include "shoal-rc4.h"

G_BEGIN_DECLS

/**
 * ShoalFileRef:
 * @fd: an open file, owned by whoever made the reference
 *
 * A counted reference to an open file; the host makes them, the outbox keeps them alive until
 * their range was sent. @release is called when the last reference goes. Engine thread only.
 */
typedef struct _ShoalFileRef ShoalFileRef;
struct _ShoalFileRef
{
  int   fd;
  guint ref_count;
  void (*release) (ShoalFileRef *self);
};

ShoalFileRef *shoal_file_ref_ref   (ShoalFileRef *self);
void          shoal_file_ref_unref (ShoalFileRef *self);

/**
 * ShoalSpan:
 * @bytes: (nullable): bytes in memory, or %NULL when @file is set
 * @file: (nullable): a range of an open file, plain TCP only
 * @offset: first byte in @file
 * @size: bytes of this span
 *
 * What goes out on a link; borrowed from the outbox until the next call that changes it.
 */
typedef struct
{
  const guint8 *bytes;
  ShoalFileRef *file;
  guint64       offset;
  guint32       size;
} ShoalSpan;

typedef struct _ShoalOutbox ShoalOutbox;

ShoalOutbox *shoal_outbox_new    (void);
void         shoal_outbox_free   (ShoalOutbox *self);
gsize        shoal_outbox_size   (const ShoalOutbox *self);   /* bytes not sent yet */
/* of these, bytes of buffers and files; a walk */
gsize        shoal_outbox_unsent_bodies (const ShoalOutbox *self);

/* @size bytes to be filled in by the caller at once; neighbouring small messages become one
 * span. */
guint8      *shoal_outbox_append (ShoalOutbox *self, gsize size);

/* A message in two parts that stay together: @head is copied, the body is owned or referenced.
 * @tag (not 0) lets shoal_outbox_drop() find it. */
void         shoal_outbox_append_buffer (ShoalOutbox *self, const guint8 *head, gsize head_size,
                                         guint8 *buffer, gsize size, GDestroyNotify free_buffer,
                                         guint64 tag);
void         shoal_outbox_append_file   (ShoalOutbox *self, const guint8 *head, gsize head_size,
                                         ShoalFileRef *file, guint64 offset, guint32 size,
                                         guint64 tag);

/* Takes back the message with @tag if none of it was sent or shown as sent; TRUE if it was
 * there. */
gboolean     shoal_outbox_drop   (ShoalOutbox *self, guint64 tag);

/**
 * shoal_outbox_encipher:
 * @upto: bytes from the front that must be enciphered
 *
 * Enciphers bytes where they lie, each once and in order; buffers that were handed in are written
 * to, and files cannot be. shoal_outbox_drop() leaves alone what was enciphered: the key stream
 * goes on behind it. shoal_outbox_seal() says that all that is in the outbox now was enciphered
 * already, or must never be.
 */
void         shoal_outbox_encipher (ShoalOutbox *self, ShoalRc4 *rc4, gsize upto);
void         shoal_outbox_seal     (ShoalOutbox *self);

guint        shoal_outbox_spans  (ShoalOutbox *self, ShoalSpan *spans, guint max);
/* at most what the spans held */
void         shoal_outbox_sent   (ShoalOutbox *self, gsize size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalOutbox, shoal_outbox_free)

G_END_DECLS
