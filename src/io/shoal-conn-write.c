/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TCP connections: what leaves, and how fast. */

/*
 * What a link has asked for could often be given at once, but a burst of many MiB only waits
 * in the buffers between, outside of every cache, while the receiver stops reading to catch up and
 * then starves until its next requests are here. So a conn that is fast leaves no faster than
 * a bit above what it was seen to take.
 */

#include "shoal-conn-private.h"

#include <errno.h>
#include <sys/sendfile.h>

#define WRITE_BUDGET     (1024 * 1024)
#define PACE_WINDOW      50000           /* microseconds: how long what a link takes is measured */
#define PACE_BURST       500             /* microseconds' worth that leave at once */
#define MAX_SPANS        64              /* spans of one writing */

/* Sends @spans; returns how many bytes went, and notes when the socket is full or broken. */
static gsize
conn_send_spans (ShoalConn       *self,
                 const ShoalSpan *spans,
                 guint            n_spans)
{
  gsize sent = 0;

  for (guint i = 0; i < n_spans;)
    {
      gsize wanted = 0;
      gssize now;

      if (spans[i].file != NULL)
        {
          off_t offset = (off_t) spans[i].offset;

          wanted = spans[i].size;
          now = sendfile (self->watch.fd, spans[i].file->fd, &offset, wanted);
          if (now == 0)
            {
              conn_close (self, "A file is shorter than it was");
              return sent;
            }
          i++;
        }
      else
        {
          struct iovec iov[MAX_SPANS];
          struct msghdr message = { .msg_iov = iov };
          int flags = MSG_NOSIGNAL;

          while (i < n_spans && spans[i].file == NULL)
            {
              iov[message.msg_iovlen].iov_base = (gpointer) spans[i].bytes;
              iov[message.msg_iovlen++].iov_len = spans[i].size;
              wanted += spans[i++].size;
            }
          /* The header leaves with the file range that it announces. */
          if (i < n_spans)
            flags |= MSG_MORE;
          now = sendmsg (self->watch.fd, &message, flags);
        }

      if (now < 0)
        {
          if (errno == EAGAIN)
            self->blocked = TRUE;
          else if (errno != EINTR)
            conn_close (self, g_strerror (errno));
          return sent;
        }
      sent += (gsize) now;
      if ((gsize) now < wanted)
        return sent;
    }

  return sent;
}

/* What a link took in the last window, and half as much again, is what the next one may take. */
static void
pace_measure (ShoalConn *self)
{
  gint64 now_us = self->set->now_us;
  gint64 passed = now_us - self->taken_us;

  if (passed < PACE_WINDOW)
    return;
  self->pace = MAX (SHOAL_CONN_PACE_MIN, self->taken * G_USEC_PER_SEC / (guint64) passed * 3 / 2);
  self->taken_us = now_us;
  self->taken = 0;
}

/* What was not used for as long as a timer may be late is not lost. */
static gsize
pace_budget (ShoalConn *self)
{
  gint64 now_us = self->set->now_us;
  gint64 worth;

  pace_measure (self);
  self->pace_us = MAX (self->pace_us, now_us - PACE_BURST);
  worth = now_us + PACE_BURST - self->pace_us;

  return worth <= 0 ? 0 : MIN (WRITE_BUDGET, self->pace * (guint64) worth / G_USEC_PER_SEC);
}

static void
pace_spend (ShoalConn *self,
            gsize      sent)
{
  self->taken += sent;
  self->pace_us += (gint64) (sent * G_USEC_PER_SEC / self->pace);
}

void
conn_write (ShoalConn *self)
{
  ShoalSpan spans[MAX_SPANS];
  gsize budget = pace_budget (self);

  while (self->state == CONN_OPEN && !self->blocked)
    {
      guint n = shoal_link_output (self->link, spans, MAX_SPANS);
      gsize sent;

      if (n == 0)
        return;
      if (budget == 0)
        {
          shoal_node_append (&self->set->paced, &self->flush_node);
          return;
        }

      sent = conn_send_spans (self, spans, n);
      self->set->moved += sent;
      pace_spend (self, sent);
      budget -= MIN (budget, sent);
      if (sent > 0)
        shoal_link_sent (self->link, sent);
    }
}
