/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A queue from many threads to one, with a descriptor that wakes the reader. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * ShoalMailbox:
 *
 * Messages are linked through a pointer of their own, at @next_offset bytes in each; posting
 * allocates nothing. The messages are the poster's until they are posted and the reader's once
 * they are taken.
 */
typedef struct _ShoalMailbox ShoalMailbox;

typedef void (*ShoalMailboxFunc) (gpointer user_data);

ShoalMailbox *shoal_mailbox_new  (gsize next_offset);
void          shoal_mailbox_free (ShoalMailbox *self);   /* must be empty */

/* Any thread. Wakes the reader if the box was empty. */
void          shoal_mailbox_post (ShoalMailbox *self, gpointer message);

/* Reader: every message, in the order of posting, linked through its pointer; %NULL: there is
 * none. */
gpointer      shoal_mailbox_take (ShoalMailbox *self);

/* An eventfd: readable once the box was posted to, until it is read. Watched edge triggered it
 * need never be read. */
int           shoal_mailbox_fd   (const ShoalMailbox *self);

/* (transfer full): a source, not attached, that calls @func once for each waking; @func takes
 * the messages. */
GSource      *shoal_mailbox_source (ShoalMailbox *self, ShoalMailboxFunc func, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ShoalMailbox, shoal_mailbox_free)

G_END_DECLS
