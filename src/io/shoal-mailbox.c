/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A queue from many threads to one, with a descriptor that wakes the reader. */

/*
 * A mutex of pthread's and an eventfd, because a race detector sees through both. The descriptor is
 * written only when the box turns from empty to full, so a burst of messages costs one wake-up;
 * the reader takes the whole chain under the lock and works on it without.
 */

#include "shoal-mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct _ShoalMailbox
{
  pthread_mutex_t mutex;
  gsize           next_offset;
  gpointer        head;
  gpointer        tail;
  int             fd;
};

typedef struct
{
  GSource          base;
  ShoalMailbox    *mailbox;
  gpointer         tag;
  ShoalMailboxFunc func;
  gpointer         user_data;
} MailboxSource;

static gpointer *
next_of (const ShoalMailbox *self,
         gpointer            message)
{
  return (gpointer *) (gpointer) ((char *) message + self->next_offset);
}

ShoalMailbox *
shoal_mailbox_new (gsize next_offset)
{
  ShoalMailbox *self = g_new0 (ShoalMailbox, 1);

  self->next_offset = next_offset;
  self->fd = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (self->fd < 0)
    g_error ("No eventfd: %s", g_strerror (errno));
  pthread_mutex_init (&self->mutex, NULL);

  return self;
}

void
shoal_mailbox_free (ShoalMailbox *self)
{
  if (self == NULL)
    return;

  g_assert (self->head == NULL);
  close (self->fd);
  pthread_mutex_destroy (&self->mutex);
  g_free (self);
}

void
shoal_mailbox_post (ShoalMailbox *self,
                    gpointer      message)
{
  const guint64 one = 1;
  gboolean was_empty;

  *next_of (self, message) = NULL;

  pthread_mutex_lock (&self->mutex);
  was_empty = self->head == NULL;
  if (was_empty)
    self->head = message;
  else
    *next_of (self, self->tail) = message;
  self->tail = message;
  /* Inside of the lock: afterwards the reader may have taken the message and freed the box. */
  if (was_empty && write (self->fd, &one, sizeof one) < 0)
    g_debug ("The reader is awake already");
  pthread_mutex_unlock (&self->mutex);
}

gpointer
shoal_mailbox_take (ShoalMailbox *self)
{
  gpointer head;

  pthread_mutex_lock (&self->mutex);
  head = self->head;
  self->head = NULL;
  self->tail = NULL;
  pthread_mutex_unlock (&self->mutex);

  return head;
}

int
shoal_mailbox_fd (const ShoalMailbox *self)
{
  return self->fd;
}

static gboolean
mailbox_source_dispatch (GSource     *source,
                         GSourceFunc  callback,
                         gpointer     user_data)
{
  MailboxSource *self = (MailboxSource *) source;
  guint64 count;

  /* Read before the messages are taken: what is posted in between wakes again. */
  if (read (self->mailbox->fd, &count, sizeof count) < 0)
    return G_SOURCE_CONTINUE;
  self->func (self->user_data);

  return G_SOURCE_CONTINUE;
}

static GSourceFuncs mailbox_source_funcs = {
  .dispatch = mailbox_source_dispatch,
};

GSource *
shoal_mailbox_source (ShoalMailbox     *self,
                      ShoalMailboxFunc  func,
                      gpointer          user_data)
{
  GSource *source = g_source_new (&mailbox_source_funcs, sizeof (MailboxSource));
  MailboxSource *own = (MailboxSource *) source;

  own->mailbox = self;
  own->func = func;
  own->user_data = user_data;
  own->tag = g_source_add_unix_fd (source, self->fd, G_IO_IN);
  g_source_set_static_name (source, "shoal-mailbox");

  return source;
}
